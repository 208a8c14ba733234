//! Which series are one, and what their samples may be.

use promql::{CounterResetHint, Histogram};

use super::*;

#[test]
fn series_come_out_in_label_order_each_label_set_once() {
    let one = batch(&[("b", &[(0, 1.0)]), ("a", &[(0, 2.0)])]);
    let two = batch(&[("c", &[(0, 3.0)]), ("a", &[(0, 4.0)])]);
    let binding = Binding::native(Settings::default());
    let merged = merge(&binding, &[&one, &two], &Options::everything(0));
    let names: Vec<_> = merged.series.labels().iter().map(Labels::metric_name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(merged.series.series(0).float_values, [2.0]);
}

#[test]
fn a_label_set_that_one_replica_gives_twice_is_one_series() {
    let one = batch(&[("a", &[(0, 1.0), (30, 3.0)]), ("a", &[(0, 9.0), (15, 2.0)])]);
    let two = batch(&[("a", &[(45, 4.0)])]);
    let binding = Binding::native(Settings::default());
    for replicas in [&[&one, &two][..], &[&one][..]] {
        let merged = merge(&binding, replicas, &Options::everything(0));
        assert_eq!(merged.series.len(), 1);
        assert_eq!(merged.series.series(0).float_values[..3], [1.0, 2.0, 3.0]);
    }
}

#[test]
fn no_replica_and_no_series_give_nothing() {
    let binding = Binding::native(Settings::default());
    let empty = SeriesBatch::new();
    let without_samples = batch(&[("a", &[])]);
    for replicas in [&[][..], &[&empty, &empty], &[&without_samples, &empty]] {
        let merged = merge(&binding, replicas, &Options::everything(0));
        assert!(merged.series.is_empty() && merged.runs.is_empty());
    }
}

fn histogram(count: f64) -> Histogram {
    let counter_reset_hint = CounterResetHint::NotReset;
    Histogram { count, sum: count, counter_reset_hint, ..Histogram::default() }
}

/// A series whose samples are floats, or histograms where marked.
fn mixed(samples: &[(i64, f64, bool)]) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (second, value, is_histogram) in samples {
        if *is_histogram {
            batch.push_histogram(second * 1000, histogram(*value));
        } else {
            batch.push_float(second * 1000, *value);
        }
    }
    batch.finish_series(Labels::from_pairs([("__name__", "a")]));
    batch
}

#[test]
fn floats_and_histograms_share_one_timeline() {
    let one = mixed(&[(0, 1.0, false), (15, 2.0, true), (75, 6.0, false)]);
    let two = mixed(&[(0, 1.0, true), (15, 2.0, true), (30, 3.0, false), (45, 4.0, true)]);
    for binding in [Binding::native(Settings::default()), builtin("")] {
        let merged = merge(&binding, &[&one, &two], &Options::everything(0));
        let series = merged.series.series(0);
        assert_eq!(series.float_times, [0, 30_000, 75_000]);
        assert_eq!(series.float_values, [1.0, 3.0, 6.0]);
        assert_eq!(series.histogram_times, [15_000, 45_000]);
        assert_eq!(merged.runs.series(0), [run(0, 0, 2), run(1, 2, 2), run(0, 2, 1)]);
    }
}

#[test]
fn a_reset_hint_across_a_change_of_replica_says_nothing() {
    let one = mixed(&[(0, 1.0, true), (15, 2.0, true)]);
    let two = mixed(&[(0, 1.0, true), (15, 2.0, true), (30, 3.0, true), (45, 4.0, true)]);
    let binding = Binding::native(Settings::default());
    let merged = merge(&binding, &[&one, &two], &Options::everything(0));
    let hints: Vec<_> = merged
        .series
        .series(0)
        .histogram_values
        .iter()
        .map(|histogram| histogram.counter_reset_hint)
        .collect();
    let (kept, unknown) = (CounterResetHint::NotReset, CounterResetHint::Unknown);
    assert_eq!(hints, [kept, kept, unknown, kept]);
}

#[test]
fn a_stale_marker_holds_only_where_no_replica_goes_on() {
    let stale = f64::from_bits(promql::series::STALE_NAN_BITS);
    let one = batch(&[("a", &[(0, 1.0), (15, stale)])]);
    let two = batch(&[("a", &[(0, 1.0), (15, 2.0)])]);
    let three = batch(&[("a", &[(0, 1.0), (15, stale)])]);
    for settings in ["", r#"{"rule":"max"}"#, r#"{"rule":"promxy"}"#] {
        let last = |other: &SeriesBatch| {
            let merged = merge(&builtin(settings), &[&one, other], &Options::everything(0));
            merged.series.series(0).float_values[1].to_bits()
        };
        assert_eq!(last(&two), 2.0_f64.to_bits(), "{settings}");
        assert_eq!(last(&three), promql::series::STALE_NAN_BITS, "{settings}");
    }
}
