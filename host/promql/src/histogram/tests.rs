//! Laws of histogram arithmetic, beside the acceptance scripts.

use proptest::prelude::*;

use super::{CUSTOM_BUCKETS_SCHEMA, CounterResetHint, Histogram, IncompatibleSchemas, Span};

fn exponential(schema: i32, offset: i32, buckets: &[f64]) -> Histogram {
    let length = u32::try_from(buckets.len()).unwrap();
    let count = buckets.iter().sum();
    Histogram {
        schema,
        count,
        sum: count,
        positive_spans: vec![Span { offset, length }],
        positive_buckets: buckets.to_vec(),
        ..Histogram::default()
    }
}

fn custom(bounds: &[f64], buckets: &[f64]) -> Histogram {
    Histogram { custom_values: bounds.to_vec(), ..exponential(CUSTOM_BUCKETS_SCHEMA, 0, buckets) }
}

#[test]
fn buckets_one_side_lacks_are_inserted() {
    let mut sum = exponential(0, 0, &[1.0, 2.0]);
    sum.add(&exponential(0, 3, &[5.0])).unwrap();
    assert_eq!(sum.positive_spans, [Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }]);
    assert_eq!(sum.positive_buckets, [1.0, 2.0, 5.0]);
    assert_eq!((sum.count, sum.sum), (8.0, 8.0));
}

#[test]
fn the_coarser_resolution_wins() {
    let mut sum = exponential(1, 1, &[1.0, 2.0]);
    sum.add(&exponential(0, 1, &[4.0])).unwrap();
    assert_eq!((sum.schema, sum.positive_buckets), (0, vec![7.0]));
}

#[test]
fn buckets_within_a_wider_zero_bucket_move_into_it() {
    let mut sum = exponential(0, 0, &[3.0, 1.0]);
    let wide =
        Histogram { zero_threshold: 1.0, zero_count: 2.0, count: 2.0, ..Histogram::default() };
    sum.add(&wide).unwrap();
    assert_eq!((sum.zero_threshold, sum.zero_count), (1.0, 5.0));
    assert_eq!(sum.positive_buckets, [1.0]);
}

#[test]
fn custom_bounds_are_reduced_to_those_of_both() {
    let mut sum = custom(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0, 1.0]);
    let combined = sum.add(&custom(&[1.0, 3.0], &[1.0, 1.0, 1.0])).unwrap();
    assert!(combined.bounds_reconciled);
    assert_eq!(sum.custom_values, [1.0, 3.0]);
    assert_eq!(sum.positive_buckets, [2.0, 3.0, 2.0]);
}

#[test]
fn exponential_and_custom_buckets_do_not_mix() {
    let mut sum = exponential(0, 0, &[1.0]);
    let before = sum.clone();
    assert_eq!(sum.add(&custom(&[1.0], &[1.0, 1.0])), Err(IncompatibleSchemas));
    assert_eq!(sum, before);
}

#[test]
fn opposite_hints_collide_and_gauges_win() {
    use CounterResetHint::{Gauge, NotReset, Reset, Unknown};
    for (one, two, hint, collision) in [
        (Reset, NotReset, Unknown, true),
        (Reset, Reset, Reset, false),
        (Reset, Gauge, Gauge, false),
        (Unknown, NotReset, Unknown, false),
        (NotReset, Unknown, Unknown, false),
    ] {
        let mut sum = Histogram { counter_reset_hint: one, ..Histogram::default() };
        let other = Histogram { counter_reset_hint: two, ..Histogram::default() };
        let combined = sum.add(&other).unwrap();
        assert_eq!((sum.counter_reset_hint, combined.reset_collision), (hint, collision));
    }
}

#[test]
fn a_falling_or_vanished_bucket_is_a_reset() {
    let before = exponential(0, 0, &[1.0, 2.0]);
    assert!(!exponential(0, 0, &[1.0, 3.0]).detect_reset(&before));
    assert!(exponential(0, 0, &[0.0, 9.0]).detect_reset(&before));
    assert!(exponential(0, 1, &[9.0]).detect_reset(&before));
    assert!(exponential(1, 0, &[9.0, 9.0, 9.0]).detect_reset(&before));
    let told = Histogram { counter_reset_hint: CounterResetHint::NotReset, ..before.clone() };
    assert!(!told.detect_reset(&exponential(0, 0, &[9.0, 9.0])));
}

#[test]
fn compacting_removes_empty_buckets_only() {
    let mut histogram = exponential(0, 0, &[0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
    histogram.compact();
    let spans = [Span { offset: 1, length: 1 }, Span { offset: 2, length: 1 }];
    assert_eq!(histogram.positive_spans, spans);
    assert_eq!(histogram.positive_buckets, [1.0, 2.0]);
}

#[test]
fn a_histogram_prints_its_populated_buckets() {
    let mut histogram = exponential(0, 0, &[1.0, 0.0, 2.0]);
    histogram.zero_threshold = 0.5;
    histogram.zero_count = 1.0;
    assert_eq!(histogram.to_string(), "{count:3, sum:3, [-0.5,0.5]:1, (0.5,1]:1, (2,4]:2}");
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let counts = || proptest::collection::vec((0..3i32, 0..4u32), 0..4);
    (0..3i32, counts(), counts(), 0..3u32).prop_map(|(schema, positive, negative, zero)| {
        let side = |spans: &[(i32, u32)]| {
            let spans: Vec<Span> = spans
                .iter()
                .map(|(offset, length)| Span { offset: *offset, length: *length })
                .collect();
            let length = spans.iter().map(|span| span.length).sum::<u32>();
            (spans, (1..=length).map(f64::from).collect::<Vec<f64>>())
        };
        let (positive_spans, positive_buckets) = side(&positive);
        let (negative_spans, negative_buckets) = side(&negative);
        let zero_count = f64::from(zero);
        let count = zero_count + positive_buckets.iter().chain(&negative_buckets).sum::<f64>();
        Histogram {
            schema,
            zero_threshold: f64::from(zero) / 4.0,
            zero_count,
            count,
            sum: count,
            positive_spans,
            negative_spans,
            positive_buckets,
            negative_buckets,
            ..Histogram::default()
        }
    })
}

fn total(histogram: &Histogram) -> f64 {
    histogram.zero_count
        + histogram.positive_buckets.iter().chain(&histogram.negative_buckets).sum::<f64>()
}

proptest! {
    #[test]
    fn addition_loses_no_observation_and_does_not_depend_on_order(
        one in any_histogram(),
        two in any_histogram(),
    ) {
        let (mut forward, mut backward) = (one.clone(), two.clone());
        forward.add(&two).unwrap();
        backward.add(&one).unwrap();
        forward.compact();
        backward.compact();
        prop_assert_eq!(&forward, &backward);
        prop_assert_eq!(total(&forward), total(&one) + total(&two));
    }

    #[test]
    fn compensated_addition_agrees_where_nothing_is_rounded(
        one in any_histogram(),
        two in any_histogram(),
    ) {
        let (mut plain, mut compensated, mut lost) = (one.clone(), one, None);
        plain.add(&two).unwrap();
        compensated.add_compensated(&two, &mut lost).unwrap();
        compensated.compensate(&lost.unwrap());
        plain.compact();
        compensated.compact();
        prop_assert_eq!(plain, compensated);
    }

    #[test]
    fn a_histogram_that_only_grew_was_not_reset(
        one in any_histogram(),
        two in any_histogram(),
    ) {
        let mut sum = one.clone();
        sum.add(&two).unwrap();
        prop_assert!(!sum.detect_reset(&one));
    }

    #[test]
    fn broken_spans_do_not_panic(
        mut one in any_histogram(),
        two in any_histogram(),
        cut in 0..3usize,
        offset in any::<i32>(),
    ) {
        let keep = one.positive_buckets.len().saturating_sub(cut);
        one.positive_buckets.truncate(keep);
        one.negative_spans.push(Span { offset, length: 1 });
        one.positive_spans.push(Span { offset: 1, length: u32::MAX });
        let mut sum = two.clone();
        sum.add(&one).unwrap();
        one.add(&two).unwrap();
        one.compact();
        let _ = one.detect_reset(&sum);
        let _ = one.to_string();
    }
}
