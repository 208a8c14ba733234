//! Which way each group gives its share of a site: the plan's dynamic half.
//!
//! In: the sites of a query and what is known, or can cheaply be found out, of
//! the groups' samples. Out: for each group the stretches of steps that one
//! replica may answer, because the merged samples are its own there, and those
//! that must be raw; each with the reason.

use std::sync::Arc;

use futures_util::future::join_all;
use promql::Labels;
use promql::ast::Expr;
use promql::matcher::Matcher;
use promql::query::{Query, Select};

use super::SERVERS_LOOKBACK_MS;
use crate::config::Pushdown;
use crate::gather::coverage::{Estimate, Wholeness};
use crate::gather::dialect::features;
use crate::gather::fleet::Fleet;
use crate::gather::group::Group;
use crate::gather::scope::resolve;
use crate::plan::{self, PlannedSite, Reach, Rewrite, Share, Site, Steps, Stretch, Way, Whole};
use crate::storage::{Context, Question};

/// Windows up to this, of which nothing is known, are read raw: asking first
/// would take as long.
const SHORT_MS: i64 = 3_600_000;
/// Samples per series and millisecond of which nothing else is known: a scrape
/// every 15 s.
const USUAL_DENSITY: f64 = 1.0 / 15_000.0;
/// A value in an answer costs as much as so many raw samples.
const SAMPLES_PER_VALUE: u64 = 8;

/// What was decided of a site.
pub(super) struct Decided {
    pub(super) planned: PlannedSite,
    pub(super) requests: usize,
    pub(super) warnings: Vec<String>,
}

/// What a group's share of a site reads.
struct Reads {
    /// For each selector, as the replicas are asked: its reach.
    selectors: Vec<(Vec<Matcher>, Reach)>,
}

/// One group's way.
struct Own {
    group: usize,
    share: Share,
    requests: usize,
    warnings: Vec<String>,
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
    ) -> Decided {
        let steps = question.steps();
        let groups: Vec<usize> = site.parts[0].asked.iter().map(|asked| asked.group).collect();
        let reads = selects(&site.expr, steps, question);
        let mut own: Vec<Own> = match &reads {
            None => Vec::new(),
            Some(selects) => {
                let each = groups.iter().map(|group| {
                    let reads = self.groups[*group].reads(selects);
                    self.decide_group(context, question, &site, (*group, reads))
                });
                join_all(each).await
            }
        };
        let (mut requests, mut warnings) = (0, Vec::new());
        for one in &mut own {
            requests += one.requests;
            super::extend(&mut warnings, std::mem::take(&mut one.warnings));
        }
        let shares = if own.is_empty() {
            vec![Share::raw(groups, steps, "its time range cannot be told")]
        } else {
            let (shares, asked) =
                self.keep_apart(context, &site, own, reads.as_deref().unwrap_or(&[])).await;
            requests += asked;
            shares
        };
        Decided { planned: PlannedSite { site, shares }, requests, warnings }
    }

    async fn decide_group(
        &self,
        context: &Context,
        question: &Question,
        site: &Site,
        (index, reads): (usize, Reads),
    ) -> Own {
        let group = &self.groups[index];
        let steps = question.steps();
        let raw = |reason: &str| Own {
            group: index,
            share: Share::raw(vec![index], steps, reason),
            requests: 0,
            warnings: Vec::new(),
        };
        if group.replicas.is_empty() {
            return raw("no replicas");
        }
        let features = features(&site.expr);
        if group.replicas.iter().any(|replica| replica.rejected(&features)) {
            return raw("a replica does not know all of its language");
        }
        match group.pushdown {
            Pushdown::Never => return raw("pushdown: never"),
            Pushdown::Always => {
                // Whole is what the user says; what its labels hide, nobody did.
                if self.hides_any(context, question, (group, &reads)).await {
                    return raw("a label of the group hides one of its series'");
                }
                let stretches = vec![Stretch { steps, way: Way::Push(0) }];
                let share =
                    Share { stretches, ..Share::raw(vec![index], steps, "pushdown: always") };
                return Own { share, ..raw("") };
            }
            Pushdown::Auto => {}
        }
        let texts = || site.parts.iter().flat_map(|part| &part.asked);
        let texts =
            || texts().filter(|asked| asked.group == index).map(|asked| asked.text.as_str());
        if texts().any(|text| self.histograms.has(index, text)) {
            return raw("its values are native histograms");
        }
        if group.replicas.iter().any(|replica| !replica.evaluates_at(&steps)) {
            return raw("a replica moves range queries to multiples of the step");
        }
        let (estimate, asked) = group.estimate(context, &reads, &steps).await;
        let requests = if asked { group.replicas.len() } else { 0 };
        let Some(estimate) = estimate else { return raw("a short time range") };
        let values =
            if site.aggregates { 0 } else { estimate.series.saturating_mul(steps.count()) };
        let costs = group.pushdown_min_samples > 0;
        let dear = costs && values.saturating_mul(SAMPLES_PER_VALUE) > estimate.samples;
        let reason = if estimate.samples < group.pushdown_min_samples {
            Some("few raw samples")
        } else if dear {
            Some("raw samples cost less than the values")
        } else {
            None
        };
        if let Some(reason) = reason {
            let mut own = raw(reason);
            own.share.samples = Some(estimate.samples);
            return Own { requests, ..own };
        }
        let mut own = self.whole_stretches(context, question, (index, &reads)).await;
        own.requests += requests;
        own.share.samples = Some(estimate.samples);
        own.share.series = if site.aggregates { 0 } else { estimate.series };
        own
    }

    /// The stretches that one replica may answer, because it has all of the
    /// merged samples that are read for them, and evaluates as we do.
    async fn whole_stretches(
        &self,
        context: &Context,
        question: &Question,
        (index, reads): (usize, &Reads),
    ) -> Own {
        let group = &self.groups[index];
        let steps = question.steps();
        let asked = reads
            .selectors
            .iter()
            .map(|(matchers, reach)| group.wholeness(context, matchers, reach.window(&steps)));
        let found = join_all(asked).await;
        let selectors: Vec<(Reach, &[Whole])> = reads
            .selectors
            .iter()
            .zip(&found)
            .map(|((_, reach), whole)| (*reach, whole.stretches.as_slice()))
            .collect();
        let stretches = plan::stretches(steps, &selectors);
        let reason = if stretches.iter().all(|own| own.way == Way::Raw) {
            Err("no replica is known to be whole")
        } else if self.hides(context, question, (group, reads), &found).await {
            Err("a label of the group hides one of its series'")
        } else if !speak(context, question, group, &stretches).await {
            Err("a replica evaluates in a way of its own")
        } else if stretches.len() > 1 {
            Ok("whole replicas, and raw where none is")
        } else {
            Ok("a whole replica")
        };
        let share = match reason {
            Ok(reason) => Share { stretches, ..Share::raw(vec![index], steps, reason) },
            Err(reason) => Share::raw(vec![index], steps, reason),
        };
        let requests = found.iter().map(|whole| whole.requests).sum();
        let mut warnings = Vec::new();
        found.into_iter().for_each(|whole: Wholeness| super::extend(&mut warnings, whole.warnings));
        Own { group: index, share, requests, warnings }
    }

    /// As [`Self::hides`], where nothing has been found out yet.
    async fn hides_any(
        &self,
        context: &Context,
        question: &Question,
        (group, reads): (&Group, &Reads),
    ) -> bool {
        let unknown = Wholeness { stretches: vec![(0, 0, 0)], ..Wholeness::default() };
        let found = vec![unknown; reads.selectors.len()];
        self.hides(context, question, (group, reads), &found).await
    }

    /// Whether the group's labels hide labels of its replicas' series, or
    /// that cannot be told.
    async fn hides(
        &self,
        context: &Context,
        question: &Question,
        (group, reads): (&Group, &Reads),
        found: &[Wholeness],
    ) -> bool {
        if group.labels.is_empty() {
            return false;
        }
        for ((matchers, reach), whole) in reads.selectors.iter().zip(found) {
            let listing = match &whole.listing {
                Some(listing) => Some(Arc::clone(listing)),
                None if whole.stretches.is_empty() => continue,
                None => group.listing(context, matchers, reach.window(&question.steps())).await,
            };
            if listing.is_none_or(|listing| listing.hides(&group.labels)) {
                return true;
            }
        }
        false
    }

    /// Makes units of groups whose series may be the same, as far as that is
    /// not known to be otherwise: they are raw, together.
    async fn keep_apart(
        &self,
        context: &Context,
        site: &Site,
        own: Vec<Own>,
        selects: &[SelectorReach],
    ) -> (Vec<Share>, usize) {
        let steps = match own.first() {
            Some(first) => whole_of(&first.share),
            None => return (Vec::new(), 0),
        };
        let mut unit: Vec<usize> = (0..own.len()).collect();
        let mut requests = 0;
        for (one, two) in &site.undecided {
            let place = |group: &usize| own.iter().position(|own| own.group == *group);
            let (Some(one), Some(two)) = (place(one), place(two)) else { continue };
            let pushes = !own[one].share.is_raw() || !own[two].share.is_raw();
            let apart = pushes && {
                requests += 1;
                self.are_disjoint(context, (own[one].group, own[two].group), selects, &steps).await
            };
            if !apart {
                let (old, new) = (unit[two], unit[one]);
                unit.iter_mut().filter(|unit| **unit == old).for_each(|unit| *unit = new);
            }
        }
        let mut shares: Vec<(usize, Share)> = Vec::new();
        for (place, own) in own.into_iter().enumerate() {
            match shares.iter_mut().find(|(number, _)| *number == unit[place]) {
                None => shares.push((unit[place], own.share)),
                Some((_, share)) => {
                    let mut groups = std::mem::take(&mut share.groups);
                    groups.push(own.group);
                    *share = Share::raw(groups, steps, "groups that may hold the same series");
                }
            }
        }
        (shares.into_iter().map(|(_, share)| share).collect(), requests)
    }

    /// True if it is known that no series that a site reads is in both groups.
    async fn are_disjoint(
        &self,
        context: &Context,
        (one, two): (usize, usize),
        selects: &[SelectorReach],
        steps: &Steps,
    ) -> bool {
        for (matchers, reach) in selects {
            let listing = |index: usize| async move {
                let group = &self.groups[index];
                let matchers = resolve(matchers, &group.labels)?;
                group.listing(context, &matchers, reach.window(steps)).await
            };
            let (one, two) = tokio::join!(listing(one), listing(two));
            match (one, two) {
                (Some(one), Some(two)) if one.is_disjoint(&two) => {}
                _ => return false,
            }
        }
        true
    }
}

impl Group {
    fn reads(&self, selects: &[SelectorReach]) -> Reads {
        let mut selectors: Vec<(Vec<Matcher>, Reach)> = Vec::new();
        for (matchers, reach) in selects {
            // Groups whose labels rule a selector out are not asked.
            let Some(matchers) = resolve(matchers, &self.labels) else { continue };
            if !selectors.iter().any(|(own, known)| known == reach && *own == matchers) {
                selectors.push((matchers, *reach));
            }
        }
        Reads { selectors }
    }

    /// How much a site reads raw, and whether the replicas were asked for it.
    async fn estimate(
        &self,
        context: &Context,
        reads: &Reads,
        steps: &Steps,
    ) -> (Option<Estimate>, bool) {
        let mut sum = Estimate { series: 0, samples: 0 };
        let mut asked = false;
        for (matchers, reach) in &reads.selectors {
            let window = reach.window(steps);
            let length = window.1.saturating_sub(window.0).max(0);
            let own = match self.coverage.estimate(matchers, window) {
                Some(own) => own,
                None if length <= SHORT_MS && self.pushdown_min_samples > 0 => {
                    return (None, asked);
                }
                None => {
                    asked = true;
                    let listing = self.listing(context, matchers, window).await;
                    let Some(listing) = listing else { return (None, asked) };
                    let series = listing.len() as u64;
                    let samples = series as f64 * length as f64 * USUAL_DENSITY;
                    Estimate { series, samples: (samples * self.replicas.len() as f64) as u64 }
                }
            };
            sum.series += own.series;
            sum.samples = sum.samples.saturating_add(own.samples);
        }
        (Some(sum), asked)
    }
}

/// True if every replica that is to answer evaluates as we do.
async fn speak(
    context: &Context,
    question: &Question,
    group: &Group,
    stretches: &[Stretch],
) -> bool {
    let default_lookback = question.options.lookback_ms == SERVERS_LOOKBACK_MS;
    let asked = |replica: &usize| stretches.iter().any(|own| own.way == Way::Push(*replica));
    let each = (0..group.replicas.len()).filter(asked).map(|replica| async move {
        let speaks = group.speaks_our_dialect(replica, context).await.unwrap_or(false);
        speaks && (default_lookback || group.replicas[replica].knows_lookback())
    });
    join_all(each).await.into_iter().all(|speaks| speaks)
}

/// A selector as written, and its reach.
type SelectorReach = (Vec<Matcher>, Reach);

/// What an expression reads, by what it reads at the first and last step.
fn selects(expr: &Expr, steps: Steps, question: &Question) -> Option<Vec<SelectorReach>> {
    let at = |time_ms: i64| -> Option<Vec<Select>> {
        let query =
            Query::from_expr(expr.clone(), time_ms, time_ms, steps.step_ms, &question.options);
        Some(query.ok()?.selects().to_vec())
    };
    let (first, last) = (at(steps.start_ms)?, at(steps.end_ms)?);
    let times = (steps.start_ms, steps.end_ms);
    let grid_ms = widest_subquery_step(expr);
    let reaches = first.into_iter().zip(last);
    Some(
        reaches
            .map(|(first, last)| {
                let reach = Reach::of(&first, &last, times, grid_ms);
                (first.matchers, reach)
            })
            .collect(),
    )
}

/// How far the moments of subqueries may lie from where they would be without
/// a grid of their own, all of them together.
fn widest_subquery_step(expr: &Expr) -> i64 {
    let mut sum: i64 = 0;
    promql::ast::walk(expr, |node, _| {
        if let Expr::Subquery(subquery) = node {
            sum = sum.saturating_add(subquery.step_ms);
        }
        promql::ast::Descend::Into
    });
    sum
}

fn whole_of(share: &Share) -> Steps {
    let first = share.stretches.first().map(|own| own.steps);
    let last = share.stretches.last().map(|own| own.steps);
    match (first, last) {
        (Some(first), Some(last)) => Steps { end_ms: last.end_ms, ..first },
        _ => Steps { start_ms: 0, end_ms: 0, step_ms: 0 },
    }
}
