//! The series of a matrix: the hot path of encoding.
//!
//! Series of a range query share their timestamps, so the text between two
//! values, `"],[1435781451.781,"`, is made once and copied for every series.

use promql::{Histogram, SeriesBatch, number};

use super::{histogram, write_labels};

/// Samples written before the chunk's size is looked at again.
const BLOCK: usize = 1024;

/// Most timestamps whose text is kept: what a range query may have.
const KEPT: usize = 11_001;

/// What a sample takes at most: timestamp and value with their punctuation.
const SAMPLE_BYTES: usize = 56;

/// How far a matrix is written.
#[derive(Debug, Default)]
pub(super) struct MatrixCursor {
    series: usize,
    /// Series written or begun.
    written: usize,
    /// True once the series' labels are written.
    begun: bool,
    floats: usize,
    histograms: usize,
    times: TimeTexts,
}

impl MatrixCursor {
    /// Writes a part of a series. False if all are written.
    pub(super) fn write(&mut self, batch: &SeriesBatch, limit: usize, out: &mut Vec<u8>) -> bool {
        if self.series == batch.len() {
            return false;
        }
        let series = batch.series(self.series);
        if series.is_empty() {
            self.series += 1;
            return true;
        }
        if !self.begun {
            if limit > 0 && self.written == limit {
                return false;
            }
            self.begin(series.labels, out);
        }
        if self.floats < series.float_times.len() {
            self.write_floats(series.float_times, series.float_values, out);
        } else if self.histograms < series.histogram_times.len() {
            self.write_histogram(series.histogram_times, series.histogram_values, out);
        }
        if self.floats == series.float_times.len()
            && self.histograms == series.histogram_times.len()
        {
            self.end(out);
        }
        true
    }

    fn begin(&mut self, labels: &promql::Labels, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.written > 0 { br#",{"metric":"# } else { br#"{"metric":"# });
        write_labels(labels, out);
        self.begun = true;
        self.written += 1;
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        out.push(b'}');
        self.series += 1;
        self.begun = false;
        self.floats = 0;
        self.histograms = 0;
        self.times.rewind();
    }

    fn write_floats(&mut self, times: &[i64], values: &[f64], out: &mut Vec<u8>) {
        let end = times.len().min(self.floats + BLOCK);
        out.reserve((end - self.floats) * SAMPLE_BYTES);
        for (time, value) in times[self.floats..end].iter().zip(&values[self.floats..end]) {
            if self.floats == 0 {
                out.extend_from_slice(br#","values":["#);
                out.extend_from_slice(&self.times.between(*time)[TimeTexts::OPENING..]);
            } else {
                out.extend_from_slice(self.times.between(*time));
            }
            number::write_sample_value(out, *value);
            self.floats += 1;
        }
        if end == times.len() {
            out.extend_from_slice(b"\"]]");
        }
    }

    fn write_histogram(&mut self, times: &[i64], values: &[Histogram], out: &mut Vec<u8>) {
        out.extend_from_slice(if self.histograms == 0 { br#","histograms":[["# } else { b",[" });
        number::write_timestamp(out, times[self.histograms]);
        out.push(b',');
        histogram::write(&values[self.histograms], out);
        out.push(b']');
        self.histograms += 1;
        if self.histograms == times.len() {
            out.push(b']');
        }
    }
}

/// The text between two values, by the second one's timestamp.
#[derive(Debug, Default)]
struct TimeTexts {
    times: Vec<i64>,
    /// The texts one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Where the next timestamp is expected.
    next: usize,
    /// The text of a timestamp that is not kept.
    other: Vec<u8>,
}

impl TimeTexts {
    /// Bytes of a text that close the sample before: left out for the first.
    const OPENING: usize = b"\"],".len();

    /// The next series begins.
    fn rewind(&mut self) {
        self.next = 0;
    }

    /// `"],[<time>,"`. Timestamps ascend between two calls of
    /// [`Self::rewind`].
    fn between(&mut self, time: i64) -> &[u8] {
        if self.times.get(self.next) != Some(&time) && !self.find(time) {
            return self.fresh(time);
        }
        let start = if self.next == 0 { 0 } else { self.ends[self.next - 1] };
        let text = &self.text[start..self.ends[self.next]];
        self.next += 1;
        text
    }

    /// Moves to a timestamp that is not the expected one: a gap, or one to
    /// be kept from now on. False if it is not kept.
    fn find(&mut self, time: i64) -> bool {
        match self.times[self.next..].binary_search(&time) {
            Ok(ahead) => {
                self.next += ahead;
                true
            }
            Err(_)
                if self.times.len() < KEPT && self.times.last().is_none_or(|last| *last < time) =>
            {
                write_between(time, &mut self.text);
                self.next = self.times.len();
                self.times.push(time);
                self.ends.push(self.text.len());
                true
            }
            Err(ahead) => {
                self.next += ahead;
                false
            }
        }
    }

    fn fresh(&mut self, time: i64) -> &[u8] {
        self.other.clear();
        write_between(time, &mut self.other);
        &self.other
    }
}

fn write_between(time: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"],[");
    number::write_timestamp(out, time);
    out.extend_from_slice(b",\"");
}
