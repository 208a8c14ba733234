use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn labels() -> Labels {
    Labels::from_pairs([("a", "1")])
}

fn histogram(sum: f64, counter_reset_hint: CounterResetHint) -> Histogram {
    Histogram { sum, counter_reset_hint, ..Histogram::default() }
}

fn finish(mut columns: Columns) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    columns.finish_into(labels(), &mut batch);
    assert!(columns.is_empty());
    batch
}

#[test]
fn a_series_without_samples_is_no_series() {
    assert!(finish(Columns::new()).is_empty());
}

#[test]
fn the_first_of_equal_times_stays() {
    let mut columns = Columns::new();
    for (time, value) in [(3, 1.0), (1, 2.0), (3, 3.0), (2, 4.0), (1, 5.0)] {
        columns.push_float(time, value);
    }
    let batch = finish(columns);
    assert_eq!(batch.series(0).float_times, [1, 2, 3]);
    assert_eq!(batch.series(0).float_values, [2.0, 4.0, 1.0]);
}

#[test]
fn a_float_wins_against_a_histogram_of_the_same_time() {
    let mut columns = Columns::new();
    for time in 1..=3 {
        columns.push_histogram(time, histogram(time as f64, CounterResetHint::Unknown));
    }
    columns.push_float(2, 7.0);
    let batch = finish(columns);
    let series = batch.series(0);
    assert_eq!((series.float_times, series.histogram_times), (&[2][..], &[1, 3][..]));
    assert_eq!(series.histogram_values.iter().map(|h| h.sum).collect::<Vec<_>>(), [1.0, 3.0]);
}

#[test]
fn hints_are_forgotten_where_pieces_interleave() {
    use CounterResetHint::{Gauge, NotReset, Unknown};
    let mut columns = Columns::new();
    columns.begin_piece();
    for (time, hint) in [(1, Unknown), (2, NotReset), (5, NotReset), (9, Gauge)] {
        columns.push_histogram(time, histogram(1.0, hint));
    }
    columns.begin_piece();
    for (time, hint) in [(3, Unknown), (4, NotReset), (8, NotReset)] {
        columns.push_histogram(time, histogram(2.0, hint));
    }
    let batch = finish(columns);
    let series = batch.series(0);
    let hints: Vec<_> = series.histogram_values.iter().map(|h| h.counter_reset_hint).collect();
    assert_eq!(series.histogram_times, [1, 2, 3, 4, 5, 8, 9]);
    assert_eq!(hints, [Unknown, NotReset, Unknown, NotReset, Unknown, Unknown, Gauge]);
}

#[test]
fn hints_of_pieces_that_follow_one_another_stay() {
    use CounterResetHint::NotReset;
    let mut columns = Columns::new();
    for time in 1..=4 {
        columns.begin_piece();
        columns.push_histogram(time, histogram(1.0, NotReset));
    }
    let batch = finish(columns);
    assert!(batch.series(0).histogram_values.iter().all(|h| h.counter_reset_hint == NotReset));
}

#[test]
fn repeated_label_sets_are_merged_into_the_first() {
    let mut batch = SeriesBatch::new();
    for (name, times) in [("x", [1, 5]), ("y", [1, 2]), ("x", [3, 5])] {
        batch.extend_floats(&times, &[times[0] as f64, times[1] as f64]);
        batch.finish_series(Labels::from_pairs([("n", name)]));
    }
    let merged = merge_repeated(batch);
    assert_eq!(merged.len(), 2);
    assert_eq!(merged.series(0).float_times, [1, 3, 5]);
    assert_eq!(merged.series(0).labels.value("n"), "x");
    assert_eq!(merged.series(1).float_times, [1, 2]);
}

proptest! {
    #[test]
    fn any_samples_become_a_series_in_order(
        samples in prop::collection::vec((0..20_i64, any::<bool>()), 1..40),
    ) {
        let mut columns = Columns::new();
        let (mut floats, mut histograms) = (BTreeMap::new(), BTreeMap::new());
        for (number, (time, is_float)) in samples.iter().enumerate() {
            let value = number as f64;
            if *is_float {
                columns.push_float(*time, value);
                floats.entry(*time).or_insert(value);
            } else {
                columns.push_histogram(*time, histogram(value, CounterResetHint::Unknown));
                histograms.entry(*time).or_insert(value);
            }
        }
        histograms.retain(|time, _| !floats.contains_key(time));
        let batch = finish(columns);
        let series = batch.series(0);
        let own: Vec<_> = series.float_times.iter().copied().zip(series.float_values.iter().copied()).collect();
        prop_assert_eq!(own, floats.into_iter().collect::<Vec<_>>());
        let sums = series.histogram_values.iter().map(|h| h.sum);
        let own: Vec<_> = series.histogram_times.iter().copied().zip(sums).collect();
        prop_assert_eq!(own, histograms.into_iter().collect::<Vec<_>>());
    }
}
