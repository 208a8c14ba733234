//! The batch that a policy is asked about, as flat columns.

use super::Kind;
use super::choose::Timelines;
use super::matching::Matching;

/// A batch being put together; the record `batch` of `wit/merge.wit`.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) replicas: usize,
    pub(super) kinds: Vec<Kind>,
    pub(super) offsets: Vec<u32>,
    pub(super) timestamps: Vec<i64>,
    pub(super) values: Vec<u64>,
}

impl Columns {
    /// An empty batch for so many replicas.
    pub(super) fn new(replicas: usize) -> Self {
        Self { replicas, offsets: vec![0], ..Self::default() }
    }

    /// Makes it empty, to be filled again.
    pub(super) fn clear(&mut self) {
        self.kinds.clear();
        self.offsets.truncate(1);
        self.timestamps.clear();
        self.values.clear();
    }

    /// Number of series.
    pub(super) const fn series(&self) -> usize {
        self.kinds.len()
    }

    /// Timestamps of one replica of one series.
    pub(super) fn times(&self, series: usize, replica: usize) -> Option<&[i64]> {
        if replica >= self.replicas {
            return None;
        }
        let at = series * self.replicas + replica;
        Some(&self.timestamps[self.offsets[at] as usize..self.offsets[at + 1] as usize])
    }

    /// Appends a label set's samples.
    pub(super) fn push(
        &mut self,
        matching: &Matching<'_>,
        timelines: &Timelines<'_>,
        index: usize,
        with_values: bool,
    ) {
        self.kinds.push(timelines.kind(index));
        for (replica, times) in timelines.of(index).iter().enumerate() {
            self.timestamps.extend_from_slice(times);
            if with_values {
                let timeline = matching.timeline(index, replica);
                let values = (0..times.len()).filter_map(|at| timeline.value(at));
                self.values.extend(values.map(|value| value.number().to_bits()));
            }
            let end = u32::try_from(self.timestamps.len());
            self.offsets.push(end.expect("a series has fewer than 2^32 samples"));
        }
    }
}
