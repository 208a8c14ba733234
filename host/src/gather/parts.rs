//! Parts of a query that the servers answer: the sites of a plan.
//!
//! In: a [`Question`] and what was decided about it ([`decide`]). Out: the
//! values of each site at the query's steps, put together from what each group
//! gave: by one replica's own evaluation, or from raw samples evaluated here.
//! A replica that fails to evaluate costs time, never data: its stretch is
//! then raw. There is one evaluator, promql's, and one merge.

mod annotations;
mod combine;
mod decide;
mod here;
mod histograms;

use std::collections::BTreeSet;

use futures_util::future::{join_all, try_join_all};
use promql::SeriesBatch;

use super::Error;
use super::dialect::features;
use super::explain::note_values;
use super::fleet::Fleet;
use super::push::{Pushed, Question as Push};
use super::scope::with_group_labels;
use crate::plan::{Asked, Part, Plan, PlannedSite, Share, Stretch, Way};
use crate::storage::{self, Answer, Context, Question};
use combine::Piece;
pub(super) use histograms::HistogramTexts;

/// The lookback that servers have unless they are told otherwise.
const SERVERS_LOOKBACK_MS: i64 = 300_000;

impl Fleet {
    /// The values of each site, in the plan's order.
    pub(super) async fn answer_sites(
        &self,
        context: &Context,
        question: &Question,
        plan: &Plan,
    ) -> Result<Answer<Vec<SeriesBatch>>, storage::Error> {
        let answers = plan.sites.iter().map(|site| self.answer_site(context, question, site));
        let mut answer: Answer<Vec<SeriesBatch>> = Answer::default();
        for site in try_join_all(answers).await? {
            answer.data.push(site.data);
            extend(&mut answer.warnings, site.warnings);
            extend(&mut answer.infos, site.infos);
        }
        Ok(answer)
    }

    async fn answer_site(
        &self,
        context: &Context,
        question: &Question,
        planned: &PlannedSite,
    ) -> Result<Answer<SeriesBatch>, storage::Error> {
        let PlannedSite { site, shares } = planned;
        let parts = site.parts.iter().enumerate().map(|(number, part)| async move {
            let pieces = shares.iter().map(|share| self.pieces(context, question, part, share));
            let pieces = try_join_all(pieces).await?;
            Ok::<_, storage::Error>((number, pieces))
        });
        let mut values: Vec<Vec<Vec<Piece>>> = Vec::with_capacity(site.parts.len());
        let (mut warnings, mut infos) = (Vec::new(), Vec::new());
        for (_, shares) in try_join_all(parts).await? {
            let mut part = Vec::with_capacity(shares.len());
            for answer in shares {
                extend(&mut warnings, answer.warnings);
                extend(&mut infos, answer.infos);
                part.push(answer.data);
            }
            values.push(part);
        }
        // Two expressions stand for an average: their remarks are not its.
        let is_exact = site.parts.len() == 1 || (warnings.is_empty() && infos.is_empty());
        if is_exact && let Some(data) = combine::combine(site.combine, values) {
            return Ok(Answer { data, warnings, infos });
        }
        tracing::debug!(plan = ?site.span, "the groups' values cannot be put together: raw");
        self.site_from_raw(context, question, planned).await
    }

    /// What the groups of one share give to an expression, stretch by stretch.
    async fn pieces(
        &self,
        context: &Context,
        question: &Question,
        part: &Part,
        share: &Share,
    ) -> Result<Answer<Vec<Piece>>, storage::Error> {
        let stretches = share
            .stretches
            .iter()
            .map(|stretch| self.stretch(context, question, part, share, *stretch));
        let mut answer: Answer<Vec<Piece>> = Answer::default();
        for piece in try_join_all(stretches).await? {
            answer.data.push(piece.data);
            extend(&mut answer.warnings, piece.warnings);
            extend(&mut answer.infos, piece.infos);
        }
        Ok(answer)
    }

    async fn stretch(
        &self,
        context: &Context,
        question: &Question,
        part: &Part,
        share: &Share,
        stretch: Stretch,
    ) -> Result<Answer<Piece>, storage::Error> {
        if let Way::Push(replica) = stretch.way
            && let Some(asked) = part.asked.iter().find(|asked| share.groups == [asked.group])
            && let Some(answer) =
                self.push(context, question, asked, stretch, (replica, share.series)).await?
        {
            return Ok(answer);
        }
        self.evaluate_here(context, question, (&part.expr, stretch.steps), &share.groups).await
    }

    /// Asks a replica; nothing if its answer is none that can be used.
    async fn push(
        &self,
        context: &Context,
        question: &Question,
        asked: &Asked,
        stretch: Stretch,
        (replica, series): (usize, u64),
    ) -> Result<Option<Answer<Piece>>, storage::Error> {
        let group = &self.groups[asked.group];
        let lookback = question.options.lookback_ms;
        let push = Push {
            text: asked.text.clone(),
            steps: stretch.steps,
            lookback_ms: (lookback != SERVERS_LOOKBACK_MS).then_some(lookback),
        };
        match group.push(replica, context, &push, series).await {
            Ok(pushed) if pushed.has_histograms => {
                self.histograms.remember(asked.group, &asked.text);
                Ok(None)
            }
            Ok(pushed) if annotations::is_cut(&pushed) => Ok(None),
            Ok(pushed) => {
                let answer = answered(pushed, asked, question);
                note_values(context, asked, replica, &answer.data.series);
                Ok(Some(answer))
            }
            Err(Error::Exceeded(exceeded)) => Err(exceeded.into()),
            Err(error) => {
                tracing::info!(
                    group = %group.title,
                    replica = %group.replicas[replica].name,
                    %error,
                    "a pushed query failed; asking for raw samples"
                );
                if matches!(&error, Error::Api { kind, .. } if kind == "bad_data") {
                    let language = &question.options.language;
                    if let Ok(expr) = promql::parser::parse(&asked.text, language) {
                        group.replicas[replica].remember_rejection(&features(&expr));
                    }
                }
                Ok(None)
            }
        }
    }

    /// A site evaluated here, from the raw samples of all its groups together.
    async fn site_from_raw(
        &self,
        context: &Context,
        question: &Question,
        planned: &PlannedSite,
    ) -> Result<Answer<SeriesBatch>, storage::Error> {
        let groups: BTreeSet<usize> =
            planned.shares.iter().flat_map(|share| share.groups.iter().copied()).collect();
        let groups: Vec<usize> = groups.into_iter().collect();
        let steps = question.steps();
        let answer =
            self.evaluate_here(context, question, (&planned.site.expr, steps), &groups).await?;
        Ok(Answer { data: answer.data.series, warnings: answer.warnings, infos: answer.infos })
    }

    /// What of a query is better answered by the servers.
    pub(super) async fn decide(&self, context: &Context, question: &Question) -> Plan {
        let sites = self.sites(question);
        let decided =
            join_all(sites.into_iter().map(|site| self.decide_site(context, question, site)));
        let mut plan = Plan::default();
        for decided in decided.await {
            plan.probes += decided.requests;
            extend(&mut plan.warnings, decided.warnings);
            for share in &decided.planned.shares {
                tracing::debug!(groups = ?share.groups, reason = %share.reason, stretches = ?share.stretches, "share of a site");
            }
            let pushes = decided.planned.shares.iter().any(|share| !share.is_raw());
            if pushes { plan.sites.push(decided.planned) } else { plan.raw.push(decided.planned) }
        }
        plan
    }
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

/// Adds texts that are not there yet.
fn extend(all: &mut Vec<String>, more: Vec<String>) {
    for text in more {
        if !all.contains(&text) {
            all.push(text);
        }
    }
}
