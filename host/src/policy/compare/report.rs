//! What a comparison says, in the shape of its JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answered, MAX_EXAMPLES};

/// How two policies compare over some merges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Merges that both answered.
    pub merges: u64,
    /// Of these, with a difference in any series.
    pub merges_differing: u64,
    /// Of these, compared without the ends of their window, where a policy
    /// looks further around than the replicas were asked.
    pub merges_narrowed: u64,
    /// Series decided in these merges; one counts once in each merge.
    pub series: u64,
    /// Of these, with a difference in any sample.
    pub series_differing: u64,
    /// Samples of the active policy's answers.
    pub samples: u64,
    /// Samples that the candidate leaves out.
    pub samples_only_active: u64,
    /// Samples that the candidate adds.
    pub samples_only_candidate: u64,
    /// Samples of both that have another value.
    pub samples_other_value: u64,
    /// The largest difference of values, of equal ones the first.
    pub largest: Option<Largest>,
    /// A few of the differences.
    pub examples: Vec<Example>,
    /// What the active policy did.
    pub active: Side,
    /// What the candidate did.
    pub candidate: Side,
}

/// A difference between two values of one sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Largest {
    /// `|a − b| / max(|a|, |b|)`: 0 to 2; 2 also where there is no quotient,
    /// as between a number and NaN or a float and a histogram.
    pub relative: f64,
    /// Where.
    pub example: Example,
}

/// A sample that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// How.
    pub kind: Kind,
    /// In which server group.
    pub server_group: String,
    /// The label set, as Prometheus writes it.
    pub series: String,
    /// When, as RFC 3339.
    pub time: String,
    /// When, in milliseconds.
    pub time_ms: i64,
    /// What the active policy has.
    pub active: Option<Sample>,
    /// What the candidate has.
    pub candidate: Option<Sample>,
}

/// In what a sample differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The candidate leaves it out.
    OnlyActive,
    /// The candidate adds it.
    OnlyCandidate,
    /// Its value is another.
    OtherValue,
}

/// A value and where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// As Prometheus writes it.
    pub value: String,
    /// The replica's name or number, or `synthesised`.
    pub replica: String,
}

/// What one policy did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Merges it was given.
    pub merges: u64,
    /// Samples of the replicas in these.
    pub samples: u64,
    /// Processor time of these merges, from the replicas' columns to the
    /// merged ones.
    pub nanoseconds: u64,
    /// The same for one sample.
    pub nanoseconds_per_sample: Option<f64>,
    /// Merges it failed in, by the kind of fault.
    pub faults: BTreeMap<String, u64>,
}

impl Comparison {
    /// Samples that differ in any way.
    #[must_use]
    pub const fn samples_differing(&self) -> u64 {
        self.samples_only_active + self.samples_only_candidate + self.samples_other_value
    }

    /// Whether nothing differs and nothing failed.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.series_differing == 0 && self.candidate.faults.is_empty()
    }

    /// Adds later merges; the first examples stay.
    pub fn add(&mut self, later: Self) {
        self.merges += later.merges;
        self.merges_differing += later.merges_differing;
        self.merges_narrowed += later.merges_narrowed;
        self.series += later.series;
        self.series_differing += later.series_differing;
        self.samples += later.samples;
        self.samples_only_active += later.samples_only_active;
        self.samples_only_candidate += later.samples_only_candidate;
        self.samples_other_value += later.samples_other_value;
        let most = self.largest.as_ref().map(|own| own.relative);
        if let Some(largest) = later.largest
            && most.is_none_or(|most| largest.relative > most)
        {
            self.largest = Some(largest);
        }
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(later.examples.into_iter().take(room));
        self.active.add(&later.active);
        self.candidate.add(&later.candidate);
    }
}

impl Side {
    pub(super) fn count(&mut self, answered: &Answered, samples: u64) {
        let faults = answered.fault.iter().map(|fault| (fault.name().to_owned(), 1));
        self.add(&Self {
            merges: 1,
            samples,
            nanoseconds: answered.nanoseconds,
            nanoseconds_per_sample: None,
            faults: faults.collect(),
        });
    }

    fn add(&mut self, later: &Self) {
        self.merges += later.merges;
        self.samples += later.samples;
        self.nanoseconds += later.nanoseconds;
        let each = self.nanoseconds as f64 / self.samples as f64;
        self.nanoseconds_per_sample = (self.samples > 0).then_some(each);
        for (fault, count) in &later.faults {
            *self.faults.entry(fault.clone()).or_default() += count;
        }
    }
}
