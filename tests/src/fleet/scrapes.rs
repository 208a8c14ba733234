//! What each replica of a group holds, and what the merge of all of them must
//! be, from knowing every scrape.
//!
//! Scrapes are numbered: scrape number n of a target is the same one in all
//! replicas, though each makes it at its own moment. The truth of a series is,
//! for each number, the sample of the first replica, in the configured order,
//! that has it. That is the default rule ("first replica; its holes from the
//! next") stated without looking at any distances, and so says what the
//! proxy's inferring of distances must come to.

use std::collections::BTreeMap;

use super::INTERVAL_MS;
use super::shape::{GroupShape, Shape};
use crate::data::generate::Targets;
use crate::data::local::{Local, RULES_MS};
use crate::data::outages::{Outages, target_of};
use crate::data::{Labels, Series, Value, hash};

/// All scrapes of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scrapes<'a> {
    pub(super) shape: &'a Shape,
    pub(super) group: &'a GroupShape,
    /// Which group it is.
    pub(super) index: usize,
    pub(super) seed: u64,
    pub(super) start_ms: i64,
    pub(super) minutes: i64,
}

impl Scrapes<'_> {
    /// The series of a replica without what it misses.
    pub(super) fn held(&self, replica: usize) -> Vec<Series> {
        let mut all = Vec::new();
        for set in self.group.sets {
            let own = self.shape.site_of(*set);
            let seen = self.seen(replica, *set).into_iter();
            all.extend(seen.map(|series| series.with_labels(&own)));
        }
        let outages = Outages {
            seed: self.seed + self.index as u64,
            holes: self.shape.holes,
            replicas: self.group.offsets_ms.len(),
            scrapes: usize::try_from(self.minutes * 60_000 / INTERVAL_MS + 1).expect("small"),
        };
        for series in &mut all {
            let target = target_of(&series.labels);
            series.samples.retain(|(time, _)| !outages.misses(replica, target, self.number(*time)));
        }
        all.retain(|series| !series.samples.is_empty());
        all
    }

    /// Everything that a replica would hold of a set of targets.
    fn seen(&self, replica: usize, set: usize) -> Vec<Series> {
        let (seed, start_ms) = (self.seed, self.start_ms);
        let times: Vec<i64> =
            (0..=self.minutes * 60_000 / INTERVAL_MS).map(|n| self.moment(replica, n)).collect();
        let targets = Targets { seed, start_ms, group: set };
        let local = Local { seed: hash(&[seed, set as u64]), start_ms, replica };
        let mut series = targets.scrape(&times);
        series.iter_mut().for_each(|series| series.exemplars.clear());
        series.extend(local.scrape(&times));
        let rules: Vec<i64> =
            (0..self.minutes).map(|minute| start_ms + 7_000 + minute * RULES_MS).collect();
        series.extend(local.record(&rules));
        series
    }

    /// When a replica makes a scrape.
    fn moment(&self, replica: usize, number: i64) -> i64 {
        let key = [self.seed, 17, self.index as u64, replica as u64, number.unsigned_abs()];
        let late = hash(&key) % (self.shape.jitter_ms.unsigned_abs() + 1);
        let due = self.start_ms + number * INTERVAL_MS + self.group.offsets_ms[replica];
        due + i64::try_from(late).expect("less than a second")
    }

    /// Which scrape a sample is from: offsets and jitter are below the
    /// interval.
    fn number(&self, time_ms: i64) -> usize {
        usize::try_from((time_ms - self.start_ms) / INTERVAL_MS).expect("after the start")
    }
}

/// The merge of all replicas of all groups, in the order in which they are
/// added.
#[derive(Debug, Default)]
pub(super) struct Truth(BTreeMap<Labels, BTreeMap<usize, (i64, Value)>>);

impl Truth {
    /// Fills in what a replica holds where none before it has a sample.
    pub(super) fn add(&mut self, held: &[Series], labels: &Labels, scrapes: &Scrapes<'_>) {
        for series in held {
            let all = series.clone().with_labels(labels);
            let merged = self.0.entry(all.labels).or_default();
            for (time, value) in all.samples {
                merged.entry(scrapes.number(time)).or_insert((time, value));
            }
        }
    }

    /// The merged series.
    pub(super) fn series(self) -> Vec<Series> {
        let series = self.0.into_iter().map(|(labels, samples)| Series {
            labels,
            samples: samples.into_values().collect(),
            exemplars: Vec::new(),
        });
        series.collect()
    }
}
