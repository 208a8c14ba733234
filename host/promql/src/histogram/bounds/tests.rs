use proptest::prelude::*;

use super::*;

fn span(offset: i32, length: u32) -> Span {
    Span { offset, length }
}

fn bounds(histogram: &Histogram) -> Vec<(f64, f64, u8, f64)> {
    let bucket =
        |bucket: Bucket| (bucket.lower, bucket.upper, bucket.boundary_rule(), bucket.count);
    histogram.populated_buckets().map(bucket).collect()
}

#[test]
fn bounds_are_powers_of_two_at_schema_zero_and_below() {
    assert_eq!([-1, 0, 1, 2].map(|index| exponential_bound(index, 0)), [0.5, 1.0, 2.0, 4.0]);
    assert_eq!([-1, 0, 1].map(|index| exponential_bound(index, -2)), [0.0625, 1.0, 16.0]);
    assert_eq!(exponential_bound(1, 2), 2.0 * 0.5946035575013605);
    assert_eq!(exponential_bound(-1, 1), 0.7071067811865475);
}

#[test]
fn the_last_finite_bucket_ends_at_the_largest_number_and_the_next_is_infinite() {
    for schema in MIN_RESERVED_SCHEMA..=MAX_SCHEMA {
        let last = if schema < 0 { 1024 >> -schema } else { 1024 << schema };
        assert_eq!(exponential_bound(last, schema), f64::MAX, "schema {schema}");
        assert_eq!(exponential_bound(last + 1, schema), f64::INFINITY, "schema {schema}");
        assert!(exponential_bound(last - 1, schema) < f64::MAX, "schema {schema}");
    }
}

#[test]
fn bounds_below_the_smallest_number_are_zero() {
    assert_eq!(exponential_bound(-1074, 0), f64::from_bits(1));
    assert_eq!(exponential_bound(-1076, 0), 0.0);
    assert_eq!(exponential_bound(i64::MIN, -9), 0.0);
    assert_eq!(exponential_bound(i64::MAX, 8), f64::INFINITY);
    assert!(exponential_bound(1, 9).is_nan());
}

#[test]
fn negative_zero_and_positive_buckets_ascend_and_carry_their_rule() {
    let histogram = Histogram {
        schema: 0,
        zero_threshold: 0.25,
        zero_count: 3.0,
        positive_spans: vec![span(0, 2), span(1, 1)],
        positive_buckets: vec![12.0, 21.0, 6.0],
        negative_spans: vec![span(1, 2)],
        negative_buckets: vec![1.0, 2.0],
        ..Histogram::default()
    };
    let expected = [
        (-4.0, -2.0, 1, 2.0),
        (-2.0, -1.0, 1, 1.0),
        (-0.25, 0.25, 3, 3.0),
        (0.5, 1.0, 0, 12.0),
        (1.0, 2.0, 0, 21.0),
        (4.0, 8.0, 0, 6.0),
    ];
    assert_eq!(bounds(&histogram), expected);
}

#[test]
fn buckets_that_overlap_with_the_zero_bucket_are_cut() {
    let histogram = Histogram {
        zero_threshold: 0.75,
        zero_count: 1.0,
        positive_spans: vec![span(0, 1)],
        positive_buckets: vec![2.0],
        negative_spans: vec![span(0, 1)],
        negative_buckets: vec![3.0],
        ..Histogram::default()
    };
    let expected = [(-1.0, -0.75, 1, 3.0), (-0.75, 0.75, 3, 1.0), (0.75, 1.0, 0, 2.0)];
    assert_eq!(bounds(&histogram), expected);
}

#[test]
fn custom_buckets_reach_from_minus_to_plus_infinity() {
    let histogram = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        positive_spans: vec![span(0, 3)],
        positive_buckets: vec![1.0, 0.0, 3.0],
        custom_values: vec![-1.0, 2.5],
        ..Histogram::default()
    };
    let expected = [(f64::NEG_INFINITY, -1.0, 3, 1.0), (2.5, f64::INFINITY, 0, 3.0)];
    assert_eq!(bounds(&histogram), expected);
    assert_eq!(histogram.buckets().count(), 3);
}

#[test]
fn indexes_that_do_not_ascend_or_fit_make_no_spans() {
    assert_eq!(spans_of([(3, 1.0), (3, 1.0)]), None);
    assert_eq!(spans_of([(3, 1.0), (2, 1.0)]), None);
    assert_eq!(spans_of([(i64::from(i32::MAX) + 1, 1.0)]), None);
    assert_eq!(spans_of([(i64::from(i32::MIN), 1.0), (i64::from(i32::MAX), 1.0)]), None);
}

#[test]
fn what_is_no_bound_of_the_schema_has_no_index() {
    for (upper, schema) in [(3.0, 8), (2.0, -1), (0.0, 0), (-1.0, 0), (f64::NAN, 0), (2.0, 9)] {
        assert_eq!(exponential_index(upper, schema), None, "{upper} at schema {schema}");
    }
}

proptest! {
    #[test]
    fn bounds_ascend_and_agree_with_the_formula(schema in 0..=MAX_SCHEMA, index in -1000_i64..1000) {
        let bound = exponential_bound(index, schema);
        let exact = (index as f64 / f64::from(1 << schema)).exp2();
        prop_assert!((bound - exact).abs() <= exact * 1e-13, "{bound} {exact}");
        prop_assert!(bound < exponential_bound(index + 1, schema));
    }

    #[test]
    fn the_index_of_a_bound_is_found_at_its_own_schema(
        schema in MIN_RESERVED_SCHEMA..=MAX_SCHEMA, index in -1020_i64..=1025, step in 0..256_i64,
    ) {
        // Rounding down must not lead below the smallest normal number.
        let index = if schema < 0 {
            (index >> -schema).max((-1020 >> -schema) + 1)
        } else {
            (index << schema) + (step & ((1 << schema) - 1))
        };
        let bound = exponential_bound(index, schema);
        let found = exponential_index(bound, schema);
        // All beyond the infinite bucket have its bound.
        let expected = if bound.is_infinite() { index.min(exponential_index(f64::MAX, schema).unwrap_or(0) + 1) } else { index };
        prop_assert_eq!(found, Some(expected), "{}", bound);
    }

    #[test]
    fn spans_are_restored_from_indexes(
        indexes in prop::collection::btree_set(-50..50_i64, 0..30),
    ) {
        let buckets: Vec<_> = indexes.iter().map(|index| (*index, *index as f64)).collect();
        let (spans, counts) = spans_of(buckets.clone()).expect("ascending");
        prop_assert_eq!(forward(&spans, &counts).collect::<Vec<_>>(), buckets);
        prop_assert!(spans.iter().skip(1).all(|span| span.offset > 0));
    }

    #[test]
    fn both_directions_yield_the_same_buckets(
        spans in prop::collection::vec((-5..5_i32, 0..4_u32), 0..6),
    ) {
        let spans: Vec<Span> = spans.iter().map(|(offset, length)| span(*offset, *length)).collect();
        let total: u32 = spans.iter().map(|span| span.length).sum();
        let counts: Vec<f64> = (0..total).map(f64::from).collect();
        let mut reversed: Vec<_> = backward(&spans, &counts).collect();
        reversed.reverse();
        prop_assert_eq!(forward(&spans, &counts).collect::<Vec<_>>(), reversed);
    }

    #[test]
    fn no_histogram_makes_the_iterator_panic(
        schema in -60..60_i32,
        spans in prop::collection::vec((any::<i32>(), any::<u32>()), 0..6),
        counts in prop::collection::vec(any::<f64>(), 0..8),
        custom_values in prop::collection::vec(any::<f64>(), 0..3),
    ) {
        let spans: Vec<Span> = spans.iter().map(|(offset, length)| span(*offset, *length)).collect();
        let histogram = Histogram {
            schema,
            positive_spans: spans.clone(),
            negative_spans: spans,
            positive_buckets: counts.clone(),
            negative_buckets: counts.clone(),
            custom_values,
            ..Histogram::default()
        };
        prop_assert!(histogram.buckets().count() <= 2 * counts.len());
    }
}
