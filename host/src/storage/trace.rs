//! What happened for a query whose client wants to know.
//!
//! In: every request as it ends, and where the samples of every series came
//! from. Out, when all is done: the same in an order that does not depend on
//! who was faster. What is held is bounded; without a trace nothing is noted.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promql::Labels;

/// Series that are held; of more, those that come first in order.
pub const MOST_SERIES: usize = 1_000;
/// Runs of one series that are told: a rule that takes turns between replicas
/// makes one of every sample.
const MOST_RUNS: usize = 200;
/// Requests that are held. A query that makes more is not read by people.
const MOST_REQUESTS: usize = 10_000;

/// Collects what happens for one query; shared by all that work for it.
#[derive(Debug, Default)]
pub struct Trace {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Asked>,
    requests_left_out: usize,
    series: BTreeMap<Source, Vec<Run>>,
    /// Hashes of the series that are not held, to count each of them once.
    left_out: HashSet<u64>,
}

/// A question to one replica; it may take several HTTP requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The server group's number.
    pub group: usize,
    /// The replica's number in the group.
    pub replica: usize,
    /// What was asked for: `get_value`, `push`, `probe`, `dialect`.
    pub call: &'static str,
    /// What it was asked to evaluate; empty for other calls.
    pub text: String,
    /// How long the answer took, decoding included.
    pub elapsed: Duration,
    /// Bytes of the answer, as they were on the wire.
    pub bytes: u64,
    /// Samples of the answer.
    pub samples: u64,
    /// `success`, or the kind of failure.
    pub outcome: &'static str,
    /// Why it failed.
    pub error: Option<String>,
}

/// Which series, of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// A selector, or an expression that replicas evaluated.
    pub part: String,
    /// The time range of a selector's samples, in milliseconds; none for
    /// values.
    pub window_ms: Option<(i64, i64)>,
    /// The server group; none for a series that several groups hold.
    pub group: Option<usize>,
    /// The series, with the group's labels.
    pub labels: Labels,
}

/// Samples in a row that have one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Time of the first, in milliseconds.
    pub first_ms: i64,
    /// Time of the last, in milliseconds.
    pub last_ms: i64,
    /// How many.
    pub samples: usize,
    /// Where from.
    pub origin: Origin,
    /// Not from the first replica, or the first group, that could have had
    /// them: a hole is filled.
    pub filled: bool,
}

/// Where samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A replica of the group, by number.
    Replica(usize),
    /// A server group, by number.
    Group(usize),
    /// The merge policy made them up, as it said it may.
    Policy,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// By group, replica, call and text.
    pub requests: Vec<Asked>,
    /// Requests that are not listed.
    pub requests_left_out: usize,
    /// In order.
    pub series: Vec<TracedSeries>,
    /// Series that are not listed.
    pub series_left_out: usize,
}

/// Where the samples of one series came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedSeries {
    /// Which series.
    pub source: Source,
    /// In order of time.
    pub runs: Vec<Run>,
    /// Further runs, later ones, that are not listed.
    pub runs_left_out: usize,
}

impl Trace {
    /// Takes note of a request that has ended.
    pub fn request(&self, asked: Asked) {
        let mut seen = self.seen();
        if seen.requests.len() < MOST_REQUESTS {
            seen.requests.push(asked);
        } else {
            seen.requests_left_out += 1;
        }
    }

    /// Takes note of a series, and of its runs if it is one of those held.
    pub fn runs(&self, source: Source, runs: impl FnOnce() -> Vec<Run>) {
        let mut seen = self.seen();
        let full = seen.series.len() >= MOST_SERIES && !seen.series.contains_key(&source);
        if full && seen.series.last_key_value().is_some_and(|(last, _)| *last < source) {
            seen.left_out.insert(hash(&source));
            return;
        }
        seen.series.entry(source).or_default().extend(runs());
        if full && let Some((last, _)) = seen.series.pop_last() {
            seen.left_out.insert(hash(&last));
        }
    }

    /// What was noted so far, in order.
    #[must_use]
    pub fn so_far(&self) -> Traced {
        let seen = self.seen();
        let mut requests = seen.requests.clone();
        requests.sort_by(|one, two| order(one).cmp(&order(two)));
        let series = seen.series.iter().map(|(source, runs)| {
            let mut runs = runs.clone();
            runs.sort_unstable();
            runs.dedup();
            let runs_left_out = runs.len().saturating_sub(MOST_RUNS);
            runs.truncate(MOST_RUNS);
            TracedSeries { source: source.clone(), runs, runs_left_out }
        });
        Traced {
            requests,
            requests_left_out: seen.requests_left_out,
            series: series.collect(),
            series_left_out: seen.left_out.len(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing that depends on the moment, except the last resort.
fn order(asked: &Asked) -> (usize, usize, &str, &str, u64, u64) {
    let Asked { group, replica, call, text, samples, bytes, .. } = asked;
    (*group, *replica, call, text, *samples, *bytes)
}

fn hash(source: &Source) -> u64 {
    let mut hasher = DefaultHasher::new();
    source.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(number: usize) -> Source {
        let labels = Labels::from_pairs([("number", format!("{number:05}"))]);
        Source { part: "x".to_owned(), window_ms: None, group: Some(0), labels }
    }

    fn run(first_ms: i64) -> Run {
        Run { first_ms, last_ms: first_ms, samples: 1, origin: Origin::Replica(1), filled: true }
    }

    #[test]
    fn of_too_many_series_the_first_in_order_are_held_whatever_came_first() {
        let numbers: Vec<usize> = (0..MOST_SERIES + 7).collect();
        let mut backwards = numbers.clone();
        backwards.reverse();
        for order in [numbers, backwards] {
            let trace = Trace::default();
            for number in order.iter().chain(&order) {
                trace.runs(source(*number), || vec![run(5)]);
            }
            let traced = trace.so_far();
            assert_eq!(traced.series_left_out, 7);
            let held: Vec<&Source> = traced.series.iter().map(|own| &own.source).collect();
            assert_eq!(held.len(), MOST_SERIES);
            assert_eq!(held.last(), Some(&&source(MOST_SERIES - 1)));
        }
    }

    #[test]
    fn runs_are_in_order_of_time_and_requests_in_order_of_replicas() {
        let trace = Trace::default();
        trace.runs(source(1), || vec![run(9)]);
        trace.runs(source(1), || vec![run(3)]);
        for replica in [1, 0] {
            trace.request(Asked {
                group: 0,
                replica,
                call: "push",
                text: String::new(),
                elapsed: Duration::ZERO,
                bytes: 0,
                samples: 0,
                outcome: "success",
                error: None,
            });
        }
        let traced = trace.so_far();
        assert_eq!(traced.series[0].runs, [run(3), run(9)]);
        let replicas: Vec<usize> = traced.requests.iter().map(|asked| asked.replica).collect();
        assert_eq!(replicas, [0, 1]);
    }
}
