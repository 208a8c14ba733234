//! What a group's share of a site would cost raw, and whether that is much.
//!
//! In: what a site reads. Out: how many samples that is, as far as it is known
//! or cheaply counted, or the reason why it is read raw.

use futures_util::future::{Either, join_all, select};
use promql::matcher::Matcher;

use super::decide::Case;
use super::why::Because;
use crate::gather::coverage::Estimate;
use crate::plan::Stretch;

/// Windows up to this, of which nothing is known, are read raw: asking first
/// would take as long.
const SHORT_MS: i64 = 3_600_000;
/// Samples per series and millisecond of which nothing else is known: a scrape
/// every 15 s.
const USUAL_DENSITY: f64 = 1.0 / 15_000.0;
/// A value in an answer costs as much as so many raw samples: 33 bytes of JSON
/// against two to four, and it takes a server and us some 160 ns to write and
/// to read it.
const SAMPLES_PER_VALUE: u64 = 12;
/// Who is whole is found out first only where there are so many times more
/// samples than are worth a pushed query. The servers count them all for
/// that: below, raw samples are there sooner.
const FIRST_LOOK: u64 = 10;

/// How much a share reads raw.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// As before, or as counted.
    Known(Estimate),
    /// More than need be counted.
    AtLeast(Estimate),
    /// Nobody knows, and it does not matter.
    Any,
}

impl Size {
    const fn estimate(self) -> Option<Estimate> {
        match self {
            Self::Known(estimate) | Self::AtLeast(estimate) => Some(estimate),
            Self::Any => None,
        }
    }

    /// The number of series, where that is known.
    pub(super) const fn series(self) -> Option<u64> {
        match self {
            Self::Known(estimate) => Some(estimate.series),
            Self::AtLeast(_) | Self::Any => None,
        }
    }
}

impl Case<'_> {
    /// How much is known to be read, of all selectors together.
    pub(super) fn estimate(&self) -> Option<Estimate> {
        let mut sum = Estimate { series: 0, samples: 0 };
        for (matchers, window) in self.reads.windows(self.steps) {
            add(&mut sum, self.group.coverage.estimate(matchers, window)?);
        }
        Some(sum)
    }

    /// How much is read, counted where it is not known and matters.
    pub(super) async fn size(&self) -> Result<Size, Because> {
        if let Some(known) = self.estimate() {
            return Ok(Size::Known(known));
        }
        if self.group.pushdown_min_samples == 0 {
            return Ok(Size::Any);
        }
        let unknown = self
            .reads
            .windows(self.steps)
            .filter(|(matchers, window)| self.group.coverage.estimate(matchers, *window).is_none());
        let unknown: Vec<_> = unknown.collect();
        if unknown.iter().any(|(_, window)| length(*window) <= SHORT_MS) {
            return Err(Because::Short);
        }
        // Meanwhile what raw samples would wait for: they are likely.
        let ready = self.group.replicas.iter();
        let ready = ready.map(|replica| replica.prepare(&self.group.client, self.context));
        let counting = Box::pin(self.counted(&unknown));
        match select(counting, join_all(ready)).await {
            Either::Left((size, _)) => size,
            Either::Right((_, counting)) => counting.await,
        }
    }

    /// The size by the number of series, which are taken to be usual ones.
    async fn counted(&self, unknown: &[(&[Matcher], (i64, i64))]) -> Result<Size, Because> {
        let enough = self.enough();
        let counted = unknown.iter().map(|(matchers, window)| async move {
            let each = (length(*window) as f64 * USUAL_DENSITY * self.replicas() as f64).max(1.0);
            let most = ((enough as f64 / each) as usize).max(1);
            let window = *window;
            let series = self.group.count_series(self.context, matchers, window, most).await?;
            let samples = (series as f64 * each) as u64;
            Some((Estimate { series: series as u64, samples }, series > most))
        });
        let mut sum = Estimate { series: 0, samples: 0 };
        let mut is_more = false;
        for counted in join_all(counted).await {
            let (estimate, more) = counted.ok_or(Because::NoSize)?;
            add(&mut sum, estimate);
            is_more |= more;
        }
        for (matchers, window) in self.reads.windows(self.steps) {
            if let Some(known) = self.group.coverage.estimate(matchers, window) {
                add(&mut sum, known);
            }
        }
        Ok(if is_more { Size::AtLeast(sum) } else { Size::Known(sum) })
    }

    /// Whether that is so much that a replica is better asked for the values.
    pub(super) fn is_worthwhile(&self, size: Size) -> Result<(), Because> {
        let Some(estimate) = size.estimate().filter(|_| self.group.pushdown_min_samples > 0) else {
            return Ok(());
        };
        let values = match self.site.aggregates {
            true => 0,
            false => estimate.series.saturating_mul(self.steps.count()),
        };
        if estimate.samples < self.group.pushdown_min_samples {
            Err(Because::Few)
        } else if values.saturating_mul(SAMPLES_PER_VALUE) > estimate.samples {
            Err(Because::Dear)
        } else if estimate.samples < self.enough() {
            Err(Because::Unfamiliar)
        } else {
            Ok(())
        }
    }

    /// True if there are several stretches, which hold so little each that
    /// they are not worth a question each.
    pub(super) fn are_small(&self, stretches: &[Stretch]) -> bool {
        let least = self.group.pushdown_min_samples.saturating_mul(stretches.len() as u64);
        stretches.len() > 1 && self.estimate().is_some_and(|own| own.samples < least)
    }

    /// From how many samples on it is worth it, by what is known already.
    fn enough(&self) -> u64 {
        let is_familiar = self
            .reads
            .windows(self.steps)
            .all(|(matchers, window)| self.group.is_familiar(self.context, matchers, window));
        let factor = if is_familiar { 1 } else { FIRST_LOOK };
        self.group.pushdown_min_samples.saturating_mul(factor)
    }

    fn replicas(&self) -> usize {
        self.group.replicas.len()
    }
}

fn add(sum: &mut Estimate, more: Estimate) {
    sum.series = sum.series.saturating_add(more.series);
    sum.samples = sum.samples.saturating_add(more.samples);
}

const fn length((from, to): (i64, i64)) -> i64 {
    let length = to.saturating_sub(from);
    if length > 0 { length } else { 0 }
}
