//! What is taken, as runs.

/// The runs of all series of a batch.
#[derive(Debug, Default)]
pub struct Plan {
    /// Triples: replica, first sample, number of samples.
    pub(crate) runs: Vec<u32>,
    /// One per series: triples up to and including it.
    pub(crate) ends: Vec<u32>,
}

impl Plan {
    /// Takes samples of a replica. Over all calls for one series, times must
    /// ascend strictly.
    pub fn take(&mut self, replica: usize, start: usize, length: usize) {
        let [replica, start, length] = [replica, start, length].map(|number| number as u32);
        let first = 3 * self.ends.last().copied().unwrap_or(0) as usize;
        if let [.., last, begin, count] = &mut self.runs[first..]
            && (*last, *begin + *count) == (replica, start)
        {
            *count += length; // the same run goes on
        } else if length > 0 {
            self.runs.extend([replica, start, length]);
        }
    }

    /// Closes the series.
    pub(crate) fn finish_series(&mut self) {
        self.ends.push((self.runs.len() / 3) as u32);
    }
}
