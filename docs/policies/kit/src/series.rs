//! One series as all replicas answered it.

/// What is known of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Unknown,
    /// Its value only falls when it was reset.
    Counter,
    /// Its value may do anything.
    Gauge,
    /// Its samples are native histograms.
    Histogram,
}

/// One series, borrowed from the batch.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// What is known of it.
    pub kind: Kind,
    /// Where each replica's samples begin, and where the last one's end.
    pub(crate) offsets: &'a [u32],
    pub(crate) timestamps: &'a [i64],
    pub(crate) values: &'a [u64],
}

impl<'a> Series<'a> {
    /// How many replicas there are; some may have no samples.
    pub fn replicas(&self) -> usize {
        self.offsets.len() - 1
    }

    /// A replica's timestamps in milliseconds, strictly ascending.
    pub fn times(&self, replica: usize) -> &'a [i64] {
        &self.timestamps[self.range(replica)]
    }

    /// The value of a replica's sample; of a histogram, its number of
    /// observations. Only for a policy that needs values.
    pub fn value(&self, replica: usize, sample: usize) -> f64 {
        f64::from_bits(self.values[self.range(replica)][sample])
    }

    fn range(&self, replica: usize) -> std::ops::Range<usize> {
        self.offsets[replica] as usize..self.offsets[replica + 1] as usize
    }
}
