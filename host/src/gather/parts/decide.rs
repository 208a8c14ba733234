//! Which way each group gives its share of a site: the plan's dynamic half.
//!
//! In: the sites of a query and what is known, or can cheaply be found out, of
//! the groups' samples. Out: for each group the stretches of steps that one
//! replica may answer, because the merged samples are its own there, and those
//! that must be raw; each with the reason. What the answer will probably need
//! is asked for at the same time ([`super::early`]).

use std::sync::Arc;

use futures_util::future::join_all;
use promql::Labels;

use super::SERVERS_LOOKBACK_MS;
use super::early::EarlyPush;
use super::reads::{Reads, selects};
use super::size::Size;
use super::study::Later;
use super::why::Because;
use crate::config::Pushdown;
use crate::gather::coverage::Wholeness;
use crate::gather::dialect::features;
use crate::gather::fleet::Fleet;
use crate::gather::group::Group;
use crate::plan::{self, PlannedSite, Reach, Rewrite, Share, Site, Steps, Stretch, Way, Whole};
use crate::storage::{Context, Question};

/// What comes up while it is decided.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// What servers warned of.
    pub(super) warnings: Vec<String>,
    /// Requests under way that the answer can use.
    pub(super) early: Vec<EarlyPush>,
    /// What is to be found out when the query is over.
    pub(super) later: Vec<Later>,
}

impl Beside {
    pub(super) fn extend(&mut self, more: Self) {
        super::extend(&mut self.warnings, more.warnings);
        self.early.extend(more.early);
        self.later.extend(more.later);
    }
}

/// One group's share of a site, about which is to be decided.
pub(super) struct Case<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) context: &'a Context,
    pub(super) question: &'a Question,
    pub(super) site: &'a Site,
    pub(super) group: &'a Arc<Group>,
    pub(super) reads: &'a Reads,
    pub(super) steps: Steps,
}

impl Fleet {
    /// What could be left to the servers of a query.
    pub(super) fn sites(&self, question: &Question) -> Vec<Site> {
        let never = self.groups.iter().all(|group| group.pushdown == Pushdown::Never);
        // With names removed at the end only, a part is not what a server
        // gives for it; samples that a server looks at are not counted here.
        if never || question.options.delayed_name_removal || question.options.count_samples {
            return Vec::new();
        }
        let rewrite = Rewrite {
            start_ms: question.start_ms,
            end_ms: question.end_ms,
            subquery_step_ms: question.options.subquery_step_ms,
            language: question.options.language,
        };
        let labels: Vec<&Labels> = self.groups.iter().map(|group| &group.labels).collect();
        plan::sites(&question.expr, &labels, &rewrite)
    }

    /// Decides for every group that has something to a site.
    pub(super) async fn decide_site(
        &self,
        context: &Context,
        question: &Question,
        site: Site,
    ) -> (PlannedSite, Beside) {
        let steps = question.steps();
        let groups: Vec<usize> = site.parts[0].asked.iter().map(|asked| asked.group).collect();
        let Some(selects) = selects(&site.expr, steps, question) else {
            let shares = vec![Share::raw(groups, steps, Because::NoRange.to_string())];
            return (PlannedSite { site, shares }, Beside::default());
        };
        let each = groups.iter().map(|index| {
            let group = &self.groups[*index];
            let (site, reads) = (&site, Reads::of(group, &selects));
            async move {
                let reads = &reads;
                Case { fleet: self, context, question, site, group, reads, steps }.decide().await
            }
        });
        let (mut beside, mut shares) = (Beside::default(), Vec::new());
        for (share, own) in join_all(each).await {
            beside.extend(own);
            shares.push(share);
        }
        let shares = self.keep_apart(context, &site, shares, (&selects, steps)).await;
        beside.early.retain(|own| shares.iter().any(|share| own.is_of(share)));
        (PlannedSite { site, shares }, beside)
    }
}

impl Case<'_> {
    async fn decide(&self) -> (Share, Beside) {
        let mut beside = Beside::default();
        let mut share = match self.way(&mut beside).await {
            Ok(share) => share,
            Err(because) => {
                if because == Because::Unfamiliar {
                    beside.later.extend(self.study());
                }
                self.share(vec![Stretch { steps: self.steps, way: Way::Raw }], because.to_string())
            }
        };
        share.samples = share.samples.or_else(|| self.estimate().map(|own| own.samples));
        (share, beside)
    }

    fn share(&self, stretches: Vec<Stretch>, reason: impl Into<String>) -> Share {
        Share { stretches, ..Share::raw(vec![self.group.place], self.steps, reason) }
    }

    /// The share that one replica or several give, or why they do not.
    async fn way(&self, beside: &mut Beside) -> Result<Share, Because> {
        self.is_possible()?;
        if self.group.pushdown == Pushdown::Always {
            // Whole is what the user says; what its labels hide, nobody did.
            if self.hides_any().await {
                return Err(Because::HiddenLabel);
            }
            let stretches = vec![Stretch { steps: self.steps, way: Way::Push(0) }];
            return Ok(self.share(stretches, "pushdown: always"));
        }
        self.is_promising()?;
        let size = self.size().await?;
        self.is_worthwhile(size)?;
        let early = self.begin(size);
        let share = self.whole_share(beside).await;
        beside.early = self.keep(early, share.as_ref().ok());
        let mut share = share?;
        if !self.site.aggregates {
            share.series = self.series(size).await;
        }
        Ok(share)
    }

    fn is_possible(&self) -> Result<(), Because> {
        if self.group.replicas.is_empty() {
            return Err(Because::NoReplicas);
        }
        let features = features(&self.site.expr);
        if self.group.replicas.iter().any(|replica| replica.rejected(&features)) {
            return Err(Because::Language);
        }
        match self.group.pushdown {
            Pushdown::Never => Err(Because::Never),
            Pushdown::Always | Pushdown::Auto => Ok(()),
        }
    }

    fn is_promising(&self) -> Result<(), Because> {
        let group = self.group;
        let asked = self.site.parts.iter().flat_map(|part| &part.asked);
        let mut asked = asked.filter(|asked| asked.group == group.place);
        if asked.any(|asked| self.fleet.histograms.has(group.place, &asked.text)) {
            return Err(Because::Histograms);
        }
        if group.has_late() {
            return Err(Because::Late);
        }
        if group.replicas.iter().any(|replica| !replica.evaluates_at(&self.steps)) {
            return Err(Because::MovesRanges);
        }
        Ok(())
    }

    /// The stretches that one replica may answer, because it has all of the
    /// merged samples that are read for them, and evaluates as we do.
    async fn whole_share(&self, beside: &mut Beside) -> Result<Share, Because> {
        let asked = self.reads.windows(self.steps);
        let asked =
            asked.map(|(matchers, window)| self.group.wholeness(self.context, matchers, window));
        // Of the replica that is likely to answer it is asked at the same time
        // whether it can.
        let (found, ()) = tokio::join!(join_all(asked), self.examine());
        let selectors: Vec<(Reach, &[Whole])> = self
            .reads
            .0
            .iter()
            .zip(&found)
            .map(|((_, reach), whole)| (*reach, whole.stretches.as_slice()))
            .collect();
        let stretches = plan::stretches(self.steps, &selectors);
        if stretches.iter().all(|own| own.way == Way::Raw) {
            return Err(Because::NotWhole);
        }
        if self.are_small(&stretches) {
            return Err(Because::Pieces);
        }
        if self.hides(&found).await {
            return Err(Because::HiddenLabel);
        }
        if !self.speak(&stretches).await {
            return Err(Because::Dialect);
        }
        found.into_iter().for_each(|own| super::extend(&mut beside.warnings, own.warnings));
        let reason = match stretches.len() {
            1 => "a whole replica",
            _ => "whole replicas, and raw where none is",
        };
        Ok(self.share(stretches, reason))
    }

    /// As [`Self::hides`], where nothing has been found out yet.
    async fn hides_any(&self) -> bool {
        let unknown = Wholeness { stretches: vec![(0, 0, 0)], ..Wholeness::default() };
        self.hides(&vec![unknown; self.reads.0.len()]).await
    }

    /// Whether the group's labels hide labels of its replicas' series, or
    /// that cannot be told.
    async fn hides(&self, found: &[Wholeness]) -> bool {
        let group = self.group;
        if group.labels.is_empty() {
            return false;
        }
        for ((matchers, window), whole) in self.reads.windows(self.steps).zip(found) {
            let listing = match &whole.listing {
                Some(listing) => Some(Arc::clone(listing)),
                None if whole.stretches.is_empty() => continue,
                None => group.listing(self.context, matchers, window).await,
            };
            if listing.is_none_or(|listing| listing.hides(&group.labels)) {
                return true;
            }
        }
        false
    }

    /// How many series the values have at most; 0 where that is not known.
    async fn series(&self, size: Size) -> u64 {
        if let Some(known) = size.series().or_else(|| self.estimate().map(|own| own.series)) {
            return known;
        }
        let listed = self.reads.windows(self.steps).map(|(matchers, window)| async move {
            let listing = self.group.listing(self.context, matchers, window).await;
            listing.map_or(0, |listing| listing.len() as u64)
        });
        join_all(listed).await.into_iter().sum()
    }

    /// Has the replica examined that is likely to answer.
    async fn examine(&self) {
        if let Some(replica) = self.likely() {
            // What it comes to is asked again, of memory, when it matters.
            let _remembered = self.group.speaks_our_dialect(replica, self.context).await;
        }
    }

    /// True if every replica that is to answer evaluates as we do.
    async fn speak(&self, stretches: &[Stretch]) -> bool {
        let group = self.group;
        let default_lookback = self.question.options.lookback_ms == SERVERS_LOOKBACK_MS;
        let asked = |replica: &usize| stretches.iter().any(|own| own.way == Way::Push(*replica));
        let each = (0..group.replicas.len()).filter(asked).map(|replica| async move {
            let speaks = group.speaks_our_dialect(replica, self.context).await.unwrap_or(false);
            speaks && (default_lookback || group.replicas[replica].knows_lookback())
        });
        join_all(each).await.into_iter().all(|speaks| speaks)
    }
}
