//! Differences as counted by hand.

use promql::{Histogram, Labels, SeriesBatch};

use super::difference::relative;
use super::*;
use crate::policy::{Run, Settings};

const STEP: i64 = 15_000;

fn native(settings: &str) -> Binding {
    Binding::native(Settings::from_json(settings).expect("valid"))
}

/// Series by name, each with its scrapes and values.
fn batch(series: &[(&str, &[(i64, f64)])]) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (name, samples) in series {
        samples.iter().for_each(|(scrape, value)| batch.push_float(scrape * STEP, *value));
        batch.finish_series(Labels::from_pairs([("__name__", name)]));
    }
    batch
}

fn entry(replicas: Vec<SeriesBatch>) -> Entry {
    let names = vec!["one:9090".to_owned()];
    Entry { group: "pair".to_owned(), names, ..Entry::of(replicas) }
}

/// The first replica misses scrapes 3 and 4 of `a`, and has no `b`.
fn holed() -> Entry {
    let first = batch(&[("a", &[(0, 1.0), (1, 1.0), (2, 1.0), (5, 1.0), (6, 1.0)])]);
    let whole: Vec<(i64, f64)> = (0..7).map(|scrape| (scrape, 1.0)).collect();
    let second = batch(&[("a", &whole), ("b", &[(0, 5.0)])]);
    entry(vec![first, second])
}

#[test]
fn a_policy_is_equal_to_itself() {
    let comparison = compare(&native(""), &native(""), &holed());
    assert!(comparison.is_equal(), "{comparison:?}");
    let counts = (comparison.merges, comparison.series, comparison.samples);
    assert_eq!(counts, (1, 2, 8));
    assert_eq!((comparison.active.merges, comparison.active.samples), (1, 13));
}

#[test]
fn samples_left_out_and_added_are_named() {
    let (fill, first) = (native(""), native(r#"{"rule":"first"}"#));
    let comparison = compare(&fill, &first, &holed());
    assert_eq!((comparison.series, comparison.series_differing), (2, 1));
    assert_eq!((comparison.samples, comparison.samples_only_active), (8, 2));
    assert_eq!((comparison.samples_only_candidate, comparison.samples_other_value), (0, 0));
    assert_eq!(comparison.largest, None);
    let expected = Example {
        kind: Kind::OnlyActive,
        server_group: "pair".to_owned(),
        series: "{__name__=\"a\"}".to_owned(),
        time: "1970-01-01T00:00:45Z".to_owned(),
        time_ms: 3 * STEP,
        active: Some(Sample { value: "1".to_owned(), replica: "1".to_owned() }),
        candidate: None,
    };
    assert_eq!(comparison.examples.len(), 2);
    assert_eq!(comparison.examples[0], expected);
    let back = compare(&first, &fill, &holed());
    assert_eq!((back.samples_only_active, back.samples_only_candidate), (0, 2));
}

#[test]
fn other_values_are_measured() {
    let first = batch(&[("a", &[(0, 1.0), (1, 4.0), (2, 1.0)])]);
    let second = batch(&[("a", &[(0, 1.0), (1, 5.0), (2, 2.0)])]);
    let greatest = native(r#"{"rule":"max"}"#);
    let comparison = compare(&native(""), &greatest, &entry(vec![first, second]));
    assert_eq!((comparison.series_differing, comparison.samples_other_value), (1, 2));
    assert_eq!(comparison.samples_differing(), 2);
    let largest = comparison.largest.expect("there is one");
    assert_eq!((largest.relative, largest.example.time_ms), (0.5, 2 * STEP));
    let sample = |value: &str, replica: &str| {
        Some(Sample { value: value.to_owned(), replica: replica.to_owned() })
    };
    assert_eq!(largest.example.active, sample("1", "one:9090"));
    assert_eq!(largest.example.candidate, sample("2", "1"));
}

const WHOLE: Window = Window { first_ms: i64::MIN, last_ms: i64::MAX, is_whole: true };

/// An answer with one series, label set 0.
fn answered(runs: &[(u32, u32, u32)], made: &[(i64, f64)]) -> Answered {
    let runs = runs.iter().map(|(replica, start, length)| Run {
        replica: *replica,
        start: *start,
        length: *length,
    });
    let runs: Vec<Run> = runs.collect();
    let made = made.iter().map(|(scrape, value)| (scrape * STEP, value.to_bits()));
    let (ends, sets) = (vec![runs.len()], vec![0]);
    let runs = Provenance { runs, ends, sets, made: made.collect() };
    Answered { runs, ..Answered::default() }
}

#[test]
fn runs_cut_differently_are_the_same_samples() {
    let same: Vec<(i64, f64)> = (0..5).map(|scrape| (scrape, 2.0)).collect();
    let entry = entry(vec![batch(&[("a", &same[..3])]), batch(&[("a", &same)])]);
    let one = answered(&[(0, 0, 3), (1, 3, 2)], &[]);
    let other = answered(&[(0, 0, 1), (0, 1, 1), (1, 2, 3)], &[]);
    let comparison = between(&entry, WHOLE, &one, &other);
    assert!(comparison.is_equal(), "{comparison:?}");
    assert_eq!((comparison.series, comparison.samples), (1, 5));
}

#[test]
fn synthesised_samples_are_compared_by_their_values() {
    let samples: Vec<(i64, f64)> = [0, 2, 4].map(|scrape| (scrape, 2.0)).into();
    let entry = entry(vec![batch(&[("a", &samples)])]);
    let make = Run::SYNTHESISED;
    let runs = [(0, 0, 1), (make, 0, 1), (0, 1, 1), (make, 1, 1), (0, 2, 1)];
    let one = answered(&runs, &[(1, 2.0), (3, 4.0)]);
    assert!(between(&entry, WHOLE, &one, &one.clone()).is_equal());
    let other = answered(&runs, &[(1, 2.0), (3, 3.0)]);
    let comparison = between(&entry, WHOLE, &one, &other);
    assert_eq!((comparison.samples, comparison.samples_other_value), (5, 1));
    let example = &comparison.examples[0];
    assert_eq!(
        (example.time_ms, comparison.largest.as_ref().map(|own| own.relative)),
        (3 * STEP, Some(0.25))
    );
    assert_eq!(example.active.as_ref().expect("it is in both").replica, "synthesised");
    let none = answered(&[(0, 0, 3)], &[]);
    assert_eq!(between(&entry, WHOLE, &one, &none).samples_only_active, 2);
}

#[test]
fn what_a_policy_cannot_decide_for_good_is_left_out() {
    let replicas = holed().replicas;
    let close = native(r#"{"anti_affinity":1000}"#);
    let span = close.span(2).expect("it is finite");
    let reach = i64::try_from(span.before_ms.max(span.after_ms)).expect("some minutes");
    // Asked for as much as the policy needs around all of it, and around all
    // but the first four scrapes, of which two differ elsewhere.
    let entry = |from: i64| Entry {
        start_ms: 0,
        end_ms: 6 * STEP,
        asked_ms: (from - reach, 6 * STEP + reach),
        ..Entry::of(replicas.clone())
    };
    let first = native(r#"{"rule":"first"}"#);
    let whole = compare(&close, &first, &entry(0));
    assert_eq!((whole.merges_narrowed, whole.samples_only_active), (0, 2));
    let narrow = compare(&close, &first, &entry(4 * STEP));
    assert_eq!((narrow.merges_narrowed, narrow.samples, narrow.samples_only_active), (1, 3, 1));
    assert_eq!(narrow.examples.len(), 1);
    assert!(narrow.to_string().contains("narrowed     1 merge"), "{narrow}");
}

#[test]
fn stale_markers_are_the_hosts() {
    let marker = f64::from_bits(promql::series::STALE_NAN_BITS);
    let first = batch(&[("a", &[(0, 1.0), (1, marker)])]);
    let second = batch(&[("a", &[(0, 1.0), (1, 1.0), (2, marker)])]);
    let rules = ["", r#"{"rule":"first"}"#];
    let [fill, first_alone] = rules.map(native);
    let comparison = compare(&fill, &first_alone, &entry(vec![first, second]));
    assert_eq!((comparison.samples, comparison.samples_only_active), (2, 1));
}

#[test]
fn histograms_are_compared_by_their_numbers() {
    let one = Histogram {
        count: 4.0,
        sum: 10.0,
        positive_spans: vec![promql::histogram::Span { offset: 0, length: 1 }],
        positive_buckets: vec![4.0],
        ..Histogram::default()
    };
    let more = Histogram { count: 5.0, positive_buckets: vec![5.0], ..one.clone() };
    let histograms = |values: [&Histogram; 2]| {
        let mut batch = SeriesBatch::new();
        for (time, value) in values.into_iter().enumerate() {
            batch.push_histogram(time as i64 * STEP, value.clone());
        }
        batch.finish_series(Labels::from_pairs([("__name__", "h")]));
        batch
    };
    let replicas = vec![histograms([&one, &one]), histograms([&one, &more])];
    let greatest = native(r#"{"rule":"max"}"#);
    let comparison = compare(&native(""), &greatest, &entry(replicas));
    assert_eq!(comparison.samples_other_value, 1, "{comparison:?}");
    let largest = comparison.largest.expect("there is one");
    assert!((largest.relative - 0.2).abs() < 1e-15, "{}", largest.relative);
    let text = largest.example.candidate.expect("there is one").value;
    assert!(text.starts_with("{count:5, sum:10,"), "{text}");
}

#[test]
fn differences_are_relative_to_the_larger_value() {
    let large = f64::MAX;
    for (one, other, expected) in [
        (1.0, 1.0, 0.0),
        (0.0, -0.0, 0.0),
        (f64::NAN, f64::from_bits(0x7ff8_0000_0000_0007), 0.0),
        (f64::INFINITY, f64::INFINITY, 0.0),
        (4.0, 3.0, 0.25),
        (3.0, 4.0, 0.25),
        (0.0, 1.0, 1.0),
        (-1.0, 1.0, 2.0),
        (large, -large, 2.0),
        (f64::NAN, 1.0, 2.0),
        (f64::INFINITY, 1.0, 2.0),
    ] {
        assert_eq!(relative(one, other), expected, "{one} and {other}");
    }
}

#[test]
fn comparisons_add_up() {
    let (fill, first) = (native(""), native(r#"{"rule":"first"}"#));
    let mut sum = Comparison::default();
    for _ in 0..30 {
        sum.add(compare(&fill, &first, &holed()));
    }
    sum.add(compare(&fill, &fill, &holed()));
    assert_eq!((sum.merges, sum.merges_differing), (31, 30));
    assert_eq!((sum.series, sum.series_differing, sum.samples_only_active), (62, 30, 60));
    assert_eq!(sum.examples.len(), MAX_EXAMPLES);
    assert!(sum.active.nanoseconds_per_sample > Some(0.0));
    let json = serde_json::to_string(&sum).expect("plain data");
    assert_eq!(serde_json::from_str::<Comparison>(&json).expect("its own"), sum);
}

#[test]
fn the_text_says_what_a_reader_looks_for() {
    let (fill, first) = (native(""), native(r#"{"rule":"first"}"#));
    let mut comparison = compare(&fill, &first, &holed());
    comparison.active.nanoseconds_per_sample = Some(1.25);
    comparison.candidate.nanoseconds_per_sample = None;
    comparison.candidate.faults.insert("trap".to_owned(), 3);
    expect_test::expect![[r#"
        compared     1 merge, 2 series, 8 samples
        differences  in 1 merge, 1 series, 2 samples: 2 only of the active policy, 0 only of the candidate, 0 with another value
        cost         active 1.2 ns a sample, candidate nothing measured
        faults       candidate: trap 3 of 1
        examples     {__name__="a"} at 1970-01-01T00:00:45Z: left out: active 1 (of 1), candidate nothing
                     {__name__="a"} at 1970-01-01T00:01:00Z: left out: active 1 (of 1), candidate nothing
    "#]]
    .assert_eq(&comparison.to_string());
}
