//! Many series as columns.

mod column;

use self::column::{Column, Place};
use crate::{Histogram, Labels};

/// Bits of the NaN that says "this series ended here"
/// (prometheus/model/value/value.go).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;
/// Bits of the NaN that computations and servers' JSON stand for.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// True for the stale marker, and for no other NaN.
#[inline]
#[must_use]
pub const fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// True if any of the values is a stale marker.
#[must_use]
pub fn has_stale(values: &[f64]) -> bool {
    // Without a way out in the middle of a piece, it is looked at as vectors.
    let in_piece = |piece: &[f64]| piece.iter().fold(false, |any, value| any | is_stale(*value));
    values.chunks(256).any(in_piece)
}

/// Samples of many series, side by side.
///
/// Each series has its float samples and its histogram samples in columns of
/// their own, each with strictly ascending timestamps in milliseconds; no
/// timestamp occurs in both. Neighbours whose float samples have the same
/// timestamps, as those of one target have, share them.
#[derive(Clone, Debug, Default)]
pub struct SeriesBatch {
    labels: Vec<Labels>,
    float_places: Vec<Floats>,
    float_ends: Vec<usize>,
    float_times: Column<i64>,
    float_values: Column<f64>,
    /// How many there are in all.
    floats: usize,
    histogram_ends: Vec<usize>,
    histogram_times: Vec<i64>,
    histogram_values: Vec<Histogram>,
    /// Empty, or one per sample up to the last that has one.
    float_starts: Vec<i64>,
    histogram_starts: Vec<i64>,
    /// The float samples of the series being built, if it shares another's.
    shared: Option<Floats>,
}

/// Where the float samples of a series lie.
#[derive(Clone, Copy, Debug)]
struct Floats {
    times: Place,
    values: Place,
}

/// One series of a [`SeriesBatch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesRef<'a> {
    /// The label set.
    pub labels: &'a Labels,
    /// Timestamps of the float samples, in milliseconds.
    pub float_times: &'a [i64],
    /// Values, one per float timestamp; may hold stale markers.
    pub float_values: &'a [f64],
    /// Timestamps of the histogram samples, in milliseconds.
    pub histogram_times: &'a [i64],
    /// Histograms, one per histogram timestamp; stale where `sum` is.
    pub histogram_values: &'a [Histogram],
}

impl SeriesBatch {
    /// A batch without series.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch with room for so many series and float samples.
    #[must_use]
    pub fn with_capacity(series: usize, floats: usize) -> Self {
        Self {
            labels: Vec::with_capacity(series),
            float_places: Vec::with_capacity(series),
            float_ends: Vec::with_capacity(series),
            histogram_ends: Vec::with_capacity(series),
            float_times: Column::default(),
            float_values: Column::with_capacity(floats),
            ..Self::default()
        }
    }

    /// Number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of samples, floats and histograms.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.floats + self.histogram_times.len()
    }

    /// About how many bytes the batch holds on the heap. Costs next to nothing:
    /// the label sets are estimated by a few of them, and counted although
    /// another batch may share them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        const LOOKED_AT: usize = 8;
        const PER_SERIES: usize =
            size_of::<Labels>() + size_of::<Floats>() + 2 * size_of::<usize>();
        let every = self.labels.len().div_ceil(LOOKED_AT).max(1);
        let some = || self.labels.iter().step_by(every);
        let labels = some().map(Labels::heap_bytes).sum::<usize>() / some().count().max(1);
        let histograms: usize = self.histogram_values.iter().map(|own| own.weight() * 16).sum();
        self.len() * (PER_SERIES + labels)
            + self.float_times.heap_bytes()
            + self.float_values.heap_bytes()
            + histograms
            + 8 * (self.float_starts.len() + self.histogram_starts.len())
    }

    /// Series `index`.
    #[must_use]
    pub fn series(&self, index: usize) -> SeriesRef<'_> {
        let histograms = range(&self.histogram_ends, index);
        let (float_times, float_values, histogram_times) = self.columns(index);
        SeriesRef {
            labels: &self.labels[index],
            float_times,
            float_values,
            histogram_times,
            histogram_values: &self.histogram_values[histograms],
        }
    }

    /// All series in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = SeriesRef<'_>> + ExactSizeIterator {
        (0..self.len()).map(|index| self.series(index))
    }

    /// The label sets, one per series.
    #[must_use]
    pub fn labels(&self) -> &[Labels] {
        &self.labels
    }

    /// Appends a float sample to the series that [`Self::finish_series`] will
    /// close. The caller keeps timestamps ascending.
    pub fn push_float(&mut self, time: i64, value: f64) {
        self.float_times.push(time);
        self.float_values.push(value);
        self.floats += 1;
    }

    /// Appends float samples to the series being built.
    ///
    /// # Panics
    /// When the columns differ in length.
    pub fn extend_floats(&mut self, times: &[i64], values: &[f64]) {
        assert_eq!(times.len(), values.len(), "columns have equal lengths");
        self.float_times.extend(times);
        self.float_values.extend(values);
        self.floats += times.len();
    }

    /// Lets other batches share the float samples that there are so far
    /// ([`Self::share_floats`]). No series is being built.
    pub fn seal(&mut self) {
        self.float_times.seal();
        self.float_values.seal();
    }

    /// Takes a part of the float samples of series `index` of another batch,
    /// by positions within the series, as those of the series being built,
    /// which has none and gets no others. They are not copied if the other
    /// batch is sealed.
    pub fn share_floats(&mut self, other: &Self, index: usize, part: std::ops::Range<usize>) {
        let Floats { times, values } = other.float_places[index];
        let (times, values) = (times.part(&part), values.part(&part));
        let places = self.float_times.share(&other.float_times, times);
        match places.zip(self.float_values.share(&other.float_values, values)) {
            Some((times, values)) => {
                self.floats += part.len();
                self.shared = Some(Floats { times, values });
            }
            None => {
                self.extend_floats(other.float_times.get(times), other.float_values.get(values));
            }
        }
    }

    /// Appends a histogram sample to the series being built. The caller keeps
    /// timestamps ascending.
    pub fn push_histogram(&mut self, time: i64, value: Histogram) {
        self.histogram_times.push(time);
        self.histogram_values.push(value);
    }

    /// Says when the counting of the last float sample pushed began, in
    /// milliseconds; 0, as without this call, means unknown.
    pub fn start_last_float(&mut self, start: i64) {
        set_last(&mut self.float_starts, self.floats, start);
    }

    /// As [`Self::start_last_float`], for the last histogram sample pushed.
    pub fn start_last_histogram(&mut self, start: i64) {
        set_last(&mut self.histogram_starts, self.histogram_times.len(), start);
    }

    /// Start timestamps of the float samples of series `index`: one per
    /// sample, 0 where unknown, or none at all.
    #[must_use]
    pub fn float_starts(&self, index: usize) -> &[i64] {
        self.float_starts.get(range(&self.float_ends, index)).unwrap_or(&[])
    }

    /// As [`Self::float_starts`], of the histogram samples.
    #[must_use]
    pub fn histogram_starts(&self, index: usize) -> &[i64] {
        self.histogram_starts.get(range(&self.histogram_ends, index)).unwrap_or(&[])
    }

    /// Takes all histograms out; their times stay.
    pub(crate) fn take_histograms(&mut self) -> Vec<Histogram> {
        std::mem::take(&mut self.histogram_values)
    }

    /// Where the histogram samples of series `index` lie among all.
    pub(crate) fn histogram_range(&self, index: usize) -> std::ops::Range<usize> {
        range(&self.histogram_ends, index)
    }

    /// Times and values of the float samples of series `index`, and times of
    /// its histogram samples.
    pub(crate) fn columns(&self, index: usize) -> (&[i64], &[f64], &[i64]) {
        let Floats { times, values } = self.float_places[index];
        (
            self.float_times.get(times),
            self.float_values.get(values),
            &self.histogram_times[range(&self.histogram_ends, index)],
        )
    }

    /// Number of samples pushed since the last [`Self::finish_series`].
    #[must_use]
    pub fn pending(&self) -> usize {
        self.samples()
            - self.float_ends.last().copied().unwrap_or(0)
            - self.histogram_ends.last().copied().unwrap_or(0)
    }

    /// Closes the series being built, with or without samples.
    pub fn finish_series(&mut self, labels: Labels) {
        self.labels.push(labels);
        let floats = self.shared.take().unwrap_or_else(|| self.finish_floats());
        self.float_places.push(floats);
        self.float_ends.push(self.floats);
        self.histogram_ends.push(self.histogram_times.len());
        for (starts, samples) in [
            (&mut self.float_starts, self.floats),
            (&mut self.histogram_starts, self.histogram_times.len()),
        ] {
            if !starts.is_empty() {
                starts.resize(samples, 0);
            }
        }
    }

    fn finish_floats(&mut self) -> Floats {
        let values = self.float_values.finish();
        let before = self.float_places.last().map(|before| before.times);
        let same = |place: &Place| self.float_times.get(*place) == self.float_times.pending();
        let times = match before.filter(same) {
            Some(before) => {
                self.float_times.abandon();
                before
            }
            None => self.float_times.finish(),
        };
        Floats { times, values }
    }

    /// Appends a series of another batch, under other labels.
    pub fn push_series(&mut self, labels: Labels, series: SeriesRef<'_>) {
        self.extend_floats(series.float_times, series.float_values);
        self.histogram_times.extend_from_slice(series.histogram_times);
        self.histogram_values.extend_from_slice(series.histogram_values);
        self.finish_series(labels);
    }

    /// Appends a series of another batch with stale markers at these moments
    /// (ascending, in milliseconds); where the series has a sample, that stays.
    pub fn push_series_with_markers(&mut self, series: SeriesRef<'_>, markers: &[i64]) {
        let is_free = |time: &&i64| {
            series.float_times.binary_search(time).is_err()
                && series.histogram_times.binary_search(time).is_err()
        };
        let mut markers = markers.iter().filter(is_free).copied().peekable();
        let marker = f64::from_bits(STALE_NAN_BITS);
        for (time, value) in series.float_times.iter().zip(series.float_values) {
            while let Some(before) = markers.next_if(|own| own < time) {
                self.push_float(before, marker);
            }
            self.push_float(*time, *value);
        }
        for after in markers {
            self.push_float(after, marker);
        }
        for (time, value) in series.histogram_times.iter().zip(series.histogram_values) {
            self.push_histogram(*time, value.clone());
        }
        self.finish_series(series.labels.clone());
    }

    /// Drops the samples outside `start..=end` (milliseconds), and the series
    /// that are left without any.
    pub fn retain_window(&mut self, start: i64, end: i64) {
        let inside = |times: &[i64]| {
            times.first().is_none_or(|first| *first >= start)
                && times.last().is_none_or(|last| *last <= end)
        };
        let whole = |series: SeriesRef<'_>| {
            !series.is_empty() && inside(series.float_times) && inside(series.histogram_times)
        };
        if self.iter().all(whole) {
            return;
        }
        let mut kept = Self::new();
        for series in self.iter().map(|series| series.window(start, end)) {
            if !series.is_empty() {
                kept.push_series(series.labels.clone(), series);
            }
        }
        *self = kept;
    }

    /// Replaces every label set; the order of series stays.
    pub fn relabel(&mut self, mut change: impl FnMut(&Labels) -> Labels) {
        for labels in &mut self.labels {
            *labels = change(labels);
        }
    }

    /// The series' indexes in the order of their label sets.
    #[must_use]
    pub fn sorted(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|a, b| self.labels[*a].cmp(&self.labels[*b]));
        order
    }
}

/// Equal series in the same order, however they came to lie where they lie.
impl PartialEq for SeriesBatch {
    fn eq(&self, other: &Self) -> bool {
        let starts = |batch: &Self, index| {
            (batch.float_starts(index).to_vec(), batch.histogram_starts(index).to_vec())
        };
        self.iter().eq(other.iter())
            && (0..self.len()).all(|index| starts(self, index) == starts(other, index))
    }
}

impl<'a> SeriesRef<'a> {
    /// The samples within `start..=end` (milliseconds).
    #[must_use]
    pub fn window(self, start: i64, end: i64) -> Self {
        let range = |times: &[i64]| {
            let from = times.partition_point(|time| *time < start);
            from..times.partition_point(|time| *time <= end).max(from)
        };
        let (floats, histograms) = (range(self.float_times), range(self.histogram_times));
        Self {
            labels: self.labels,
            float_times: &self.float_times[floats.clone()],
            float_values: &self.float_values[floats],
            histogram_times: &self.histogram_times[histograms.clone()],
            histogram_values: &self.histogram_values[histograms],
        }
    }

    /// Number of samples, floats and histograms.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.float_times.len() + self.histogram_times.len()
    }

    /// True without samples.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn set_last(starts: &mut Vec<i64>, samples: usize, start: i64) {
    starts.resize(samples, 0);
    if let Some(last) = starts.last_mut() {
        *last = start;
    }
}

fn range(ends: &[usize], index: usize) -> std::ops::Range<usize> {
    let start = if index == 0 { 0 } else { ends[index - 1] };
    start..ends[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_another_batch_are_the_same_shared_or_copied() {
        let mut source = SeriesBatch::new();
        for series in 0..3 {
            (0..4).for_each(|time| source.push_float(time, (10 * series + time) as f64));
            source.finish_series(Labels::empty());
        }
        let taken = |source: &SeriesBatch| {
            let mut batch = SeriesBatch::new();
            batch.push_float(7, 7.0);
            batch.finish_series(Labels::empty());
            for (series, part) in [(2, 1..3), (0, 0..4), (1, 2..2)] {
                batch.share_floats(source, series, part);
                batch.finish_series(Labels::empty());
            }
            batch.push_float(8, 8.0);
            batch.finish_series(Labels::empty());
            batch
        };
        let copied = taken(&source);
        source.seal();
        let shared = taken(&source);
        assert_eq!(shared, copied);
        assert_eq!((shared.samples(), shared.pending()), (8, 0));
        assert_eq!(shared.series(1).float_values, [21.0, 22.0]);
        assert!(std::ptr::eq(shared.series(2).float_times, source.series(0).float_times));
    }

    #[test]
    fn a_stale_marker_is_found_wherever_it_is() {
        let stale = f64::from_bits(STALE_NAN_BITS);
        for length in [1, 255, 256, 257, 1_000] {
            let mut values = vec![f64::from_bits(NORMAL_NAN_BITS); length];
            assert!(!has_stale(&values));
            values[length - 1] = stale;
            assert!(has_stale(&values), "{length}");
        }
        assert!(!has_stale(&[]));
    }

    #[test]
    fn neighbours_with_the_same_times_share_them_and_keep_their_values() {
        let mut batch = SeriesBatch::new();
        for (times, value) in [([1, 2], 1.0), ([1, 2], 2.0), ([1, 3], 3.0), ([1, 2], 4.0)] {
            times.into_iter().for_each(|time| batch.push_float(time, value));
            batch.finish_series(Labels::empty());
        }
        assert_eq!(batch.samples(), 8);
        let series: Vec<_> = batch.iter().map(|s| (s.float_times, s.float_values)).collect();
        let expected: [(&[i64], &[f64]); 4] = [
            (&[1, 2], &[1.0; 2]),
            (&[1, 2], &[2.0; 2]),
            (&[1, 3], &[3.0; 2]),
            (&[1, 2], &[4.0; 2]),
        ];
        assert_eq!(series, expected);
        assert!(std::ptr::eq(series[0].0, series[1].0));
    }

    #[test]
    fn a_window_keeps_its_ends_and_drops_empty_series() {
        let mut batch = SeriesBatch::new();
        batch.extend_floats(&[1, 2, 3], &[1.0, 2.0, 3.0]);
        batch.push_histogram(4, Histogram::default());
        batch.finish_series(Labels::from_pairs([("a", "1")]));
        batch.push_float(9, 9.0);
        batch.finish_series(Labels::from_pairs([("a", "2")]));
        batch.retain_window(2, 4);
        assert_eq!(batch.len(), 1);
        assert_eq!(batch.series(0).float_times, [2, 3]);
        assert_eq!(batch.series(0).histogram_times, [4]);
        assert_eq!(batch.samples(), 3);
    }
}
