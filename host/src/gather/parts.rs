//! Parts of a query that the servers answer: the sites of a plan.
//!
//! In: a [`Question`] and what was decided about it ([`decide`]). Out: the
//! values of each site at the query's steps, put together from what each group
//! gave: by one replica's own evaluation, or from raw samples evaluated here.
//! A replica that fails to evaluate costs time, never data: its stretch is
//! then raw. There is one evaluator, promql's, and one merge.

mod annotations;
mod apart;
mod combine;
mod decide;
mod early;
mod here;
mod histograms;
mod reads;
mod size;
mod study;
mod why;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use futures_util::future::{join_all, try_join_all};
use promql::SeriesBatch;

use super::Error;
use super::dialect::features;
use super::explain::note_values;
use super::fleet::Fleet;
use super::push::{Pushed, Question as Push};
use super::scope::with_group_labels;
use crate::plan::{Asked, Begun, Part, Plan, PlannedSite, Share, Site, Steps, Stretch, Way};
use crate::storage::{self, Answer, Context, Question};
use combine::Piece;
use decide::Beside;
use early::EarlyPush;
pub(super) use early::Haste;
pub(super) use histograms::HistogramTexts;
pub(super) use study::Study;

/// The lookback that servers have unless they are told otherwise.
const SERVERS_LOOKBACK_MS: i64 = 300_000;

/// A query whose sites are being answered.
#[derive(Clone, Copy)]
struct Answering<'a> {
    fleet: &'a Fleet,
    context: &'a Context,
    question: &'a Question,
    /// Requests that are under way.
    early: &'a [EarlyPush],
}

impl Fleet {
    /// The values of each site, in the plan's order.
    pub(super) async fn answer_sites(
        &self,
        context: &Context,
        question: &Question,
        plan: &Plan,
    ) -> Result<Answer<Vec<SeriesBatch>>, storage::Error> {
        let early = plan.begun.get::<Beside>().map_or(&[][..], |beside| &beside.early);
        let answering = Answering { fleet: self, context, question, early };
        let answers = plan.sites.iter().map(|site| answering.site(site));
        Ok(all(try_join_all(answers).await?))
    }
}

impl Answering<'_> {
    async fn site(&self, planned: &PlannedSite) -> Result<Answer<SeriesBatch>, storage::Error> {
        let PlannedSite { site, shares } = planned;
        let parts = site.parts.iter().map(|part| async move {
            let shares = shares.iter().map(|share| self.pieces(site, part, share));
            Ok::<_, storage::Error>(all(try_join_all(shares).await?))
        });
        let parts = try_join_all(parts).await?;
        let Answer { data: values, warnings, infos } = all(parts);
        // Two expressions stand for an average: remarks about them are not its.
        let mut remarks = warnings.iter().chain(&infos);
        let is_exact = site.parts.len() == 1 || !remarks.any(|text| annotations::is_remark(text));
        if is_exact && let Some(data) = combine::combine(site.combine, values) {
            return Ok(Answer { data, warnings, infos });
        }
        tracing::debug!(plan = ?site.span, "the groups' values cannot be put together: raw");
        self.whole_site(planned).await
    }

    /// What the groups of one share give to an expression, stretch by stretch.
    async fn pieces(
        &self,
        site: &Site,
        part: &Part,
        share: &Share,
    ) -> Result<Answer<Vec<Piece>>, storage::Error> {
        let stretches = share.stretches.iter();
        let stretches = stretches.map(|stretch| self.stretch(site, part, share, *stretch));
        Ok(all(try_join_all(stretches).await?))
    }

    async fn stretch(
        &self,
        site: &Site,
        part: &Part,
        share: &Share,
        stretch: Stretch,
    ) -> Result<Answer<Piece>, storage::Error> {
        if let Way::Push(replica) = stretch.way
            && let Some(asked) = part.asked.iter().find(|asked| share.groups == [asked.group])
            && let Some(answer) =
                self.push(site, asked, stretch.steps, (replica, share.series)).await?
        {
            return Ok(answer);
        }
        let part = (&part.expr, stretch.steps);
        self.fleet.evaluate_here(self.context, self.question, part, &share.groups).await
    }

    /// Asks a replica; nothing if its answer is none that can be used.
    async fn push(
        &self,
        site: &Site,
        asked: &Asked,
        steps: Steps,
        (replica, series): (usize, u64),
    ) -> Result<Option<Answer<Piece>>, storage::Error> {
        let group = &self.fleet.groups[asked.group];
        let server = &group.replicas[replica];
        let push = pushed(asked, steps, self.question);
        let mut begun = None;
        for early in self.early.iter().filter(|own| own.covers(group.place, replica, &push)) {
            begun = early.values(&steps).await;
            if begun.is_some() {
                break;
            }
        }
        let values = match begun {
            Some(values) => values,
            None => group.push(replica, self.context, &push, series).await,
        };
        match values {
            Ok(pushed) if pushed.has_histograms => {
                self.fleet.histograms.remember(asked.group, &asked.text);
                Ok(None)
            }
            Ok(pushed) if annotations::is_cut(&pushed) => Ok(None),
            Ok(pushed) => {
                self.context.budget.charge_samples(pushed.series.samples())?;
                server.remember_acceptance(&features(&site.expr));
                let answer = answered(pushed, asked, self.question);
                note_values(self.context, asked, replica, &answer.data.series);
                Ok(Some(answer))
            }
            Err(Error::Exceeded(exceeded)) => Err(exceeded.into()),
            Err(error) => {
                tracing::info!(
                    group = %group.title,
                    replica = %server.name,
                    %error,
                    "a pushed query failed; asking for raw samples"
                );
                if matches!(&error, Error::Api { kind, .. } if kind == "bad_data") {
                    server.remember_rejection(&features(&site.expr));
                }
                Ok(None)
            }
        }
    }

    /// A site evaluated here, from the raw samples of all its groups together.
    async fn whole_site(
        &self,
        planned: &PlannedSite,
    ) -> Result<Answer<SeriesBatch>, storage::Error> {
        let groups: BTreeSet<usize> =
            planned.shares.iter().flat_map(|share| share.groups.iter().copied()).collect();
        let groups: Vec<usize> = groups.into_iter().collect();
        let whole = (&planned.site.expr, self.question.steps());
        let answer = self.fleet.evaluate_here(self.context, self.question, whole, &groups).await?;
        Ok(Answer { data: answer.data.series, warnings: answer.warnings, infos: answer.infos })
    }
}

impl Fleet {
    /// What of a query is better answered by the servers.
    pub(super) async fn decide(&self, context: &Context, question: &Question) -> Plan {
        let sites = self.sites(question);
        let decided =
            join_all(sites.into_iter().map(|site| self.decide_site(context, question, site)));
        let (mut plan, mut all) = (Plan::default(), Beside::default());
        for (planned, beside) in decided.await {
            all.extend(beside);
            for share in &planned.shares {
                tracing::debug!(groups = ?share.groups, reason = %share.reason, stretches = ?share.stretches, "share of a site");
            }
            let pushes = planned.shares.iter().any(|share| !share.is_raw());
            if pushes { plan.sites.push(planned) } else { plan.raw.push(planned) }
        }
        plan.probes = context.probes.load(Ordering::Relaxed);
        plan.warnings = std::mem::take(&mut all.warnings);
        plan.begun = Begun::new(all);
        plan
    }
}

/// What a replica is asked for its share of a part.
fn pushed(asked: &Asked, steps: Steps, question: &Question) -> Push {
    let lookback = question.options.lookback_ms;
    let lookback_ms = (lookback != SERVERS_LOOKBACK_MS).then_some(lookback);
    Push { text: asked.text.clone(), steps, lookback_ms }
}

/// A replica's answer as the group's.
fn answered(pushed: Pushed, asked: &Asked, question: &Question) -> Answer<Piece> {
    let mut series = pushed.series;
    if !asked.attach.is_empty() {
        series.relabel(|own| with_group_labels(own, &asked.attach));
    }
    let moved = |texts: Vec<String>| {
        texts.iter().map(|text| annotations::moved(text, asked, &question.text)).collect()
    };
    Answer { data: Piece { series }, warnings: moved(pushed.warnings), infos: moved(pushed.infos) }
}

/// Answers side by side as one.
fn all<T>(answers: Vec<Answer<T>>) -> Answer<Vec<T>> {
    let mut whole: Answer<Vec<T>> = Answer::default();
    for Answer { data, warnings, infos } in answers {
        whole.data.push(data);
        extend(&mut whole.warnings, warnings);
        extend(&mut whole.infos, infos);
    }
    whole
}

/// Adds texts that are not there yet.
fn extend(all: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !all.contains(&text) {
            all.push(text);
        }
    }
}
