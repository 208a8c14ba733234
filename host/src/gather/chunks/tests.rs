pub(in crate::gather) mod encode;

use promql::series::STALE_NAN_BITS;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, Span};
use proptest::prelude::*;

use self::encode::Kind;
use super::*;

const STALE: f64 = f64::from_bits(STALE_NAN_BITS);

fn decode_all(encoding: i32, data: &[u8], window: Window) -> Result<SeriesBatch, Error> {
    let mut columns = Columns::new();
    decode(encoding, data, window, &Budget::unlimited(), &mut columns)?;
    Ok(finish(columns))
}

fn finish(mut columns: Columns) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    columns.finish_into(Labels::from_pairs([("a", "1")]), &mut batch);
    batch
}

/// Times and bits, so that NaNs can be compared.
fn float_bits(batch: &SeriesBatch) -> Vec<(i64, u64)> {
    let samples =
        batch.iter().flat_map(|series| series.float_times.iter().zip(series.float_values));
    samples.map(|(time, value)| (*time, value.to_bits())).collect()
}

fn bits_of(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
    samples.iter().map(|(time, value)| (*time, value.to_bits())).collect()
}

fn histograms_of(batch: &SeriesBatch) -> Vec<(i64, Histogram)> {
    let series = batch.iter().flat_map(|series| {
        series.histogram_times.iter().copied().zip(series.histogram_values.iter().cloned())
    });
    series.collect()
}

fn exponential() -> Histogram {
    Histogram {
        counter_reset_hint: CounterResetHint::Unknown,
        schema: 2,
        zero_threshold: 2.0_f64.powi(-128),
        zero_count: 2.0,
        count: 15.0,
        sum: 12.5,
        positive_spans: vec![Span { offset: -3, length: 2 }, Span { offset: 4, length: 1 }],
        negative_spans: vec![Span { offset: 1, length: 1 }],
        positive_buckets: vec![3.0, 1.0, 5.0],
        negative_buckets: vec![4.0],
        custom_values: Vec::new(),
    }
}

fn custom() -> Histogram {
    Histogram {
        schema: promql::histogram::CUSTOM_BUCKETS_SCHEMA,
        zero_threshold: 0.0,
        zero_count: 0.0,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        negative_spans: Vec::new(),
        positive_buckets: vec![3.0, 1.0, 5.0],
        negative_buckets: Vec::new(),
        custom_values: vec![-0.5, 0.005, 1e9],
        ..exponential()
    }
}

/// The histogram with every count multiplied.
fn grown(histogram: &Histogram, factor: f64) -> Histogram {
    let grow = |counts: &[f64]| counts.iter().map(|count| count * factor).collect();
    Histogram {
        zero_count: histogram.zero_count * factor,
        count: histogram.count * factor,
        sum: histogram.sum * factor,
        positive_buckets: grow(&histogram.positive_buckets),
        negative_buckets: grow(&histogram.negative_buckets),
        counter_reset_hint: CounterResetHint::NotReset,
        ..histogram.clone()
    }
}

fn stale() -> Histogram {
    Histogram { sum: STALE, ..Histogram::default() }
}

#[test]
fn a_chunk_of_the_specification_is_read() {
    // Written by hand: 3 samples at 1000, 16000, 31000, values 1, 1, 2.
    let mut writer = encode::Writer::default();
    writer.bits(3, 16);
    writer.bits(0xd0, 8); // zigzag 2000 = 0b1111_1010000
    writer.bits(0x0f, 8);
    writer.bits(1.0_f64.to_bits(), 64);
    writer.bits(0x98, 8); // 15000 = 0b1110101_0011000
    writer.bits(0x75, 8);
    writer.bits(0, 1); // same value
    writer.bits(0, 1); // same distance
    writer.bits(0b11, 2); // new window
    writer.bits(1, 5); // 1.0 ^ 2.0 = 0x7ff0…: one leading zero
    writer.bits(11, 6);
    writer.bits(0x7ff, 11);
    let batch = decode_all(XOR, &writer.bytes, Window::ALL).expect("a chunk");
    assert_eq!(float_bits(&batch), bits_of(&[(1000, 1.0), (16000, 1.0), (31000, 2.0)]));
}

#[test]
fn stale_markers_keep_their_bits() {
    let samples =
        [(10, 1.0), (20, STALE), (30, f64::NAN), (45, STALE), (60, 7.5), (75, STALE), (90, 7.5)];
    for data in [(XOR, encode::xor(&samples)), (XOR2, encode::xor2(&samples, &[]))] {
        let batch = decode_all(data.0, &data.1, Window::ALL).expect("a chunk");
        assert_eq!(float_bits(&batch), bits_of(&samples), "encoding {}", data.0);
    }
}

#[test]
fn overlapping_chunks_of_a_series_merge_and_the_first_wins() {
    let mut columns = Columns::new();
    for samples in [&[(10, 1.0), (20, 2.0), (30, 3.0)][..], &[(20, 9.0), (25, 9.5)], &[(5, 0.5)]] {
        decode(XOR, &encode::xor(samples), Window::ALL, &Budget::unlimited(), &mut columns)
            .expect("a chunk");
    }
    let expected = [(5, 0.5), (10, 1.0), (20, 2.0), (25, 9.5), (30, 3.0)];
    assert_eq!(float_bits(&finish(columns)), bits_of(&expected));
}

#[test]
fn integer_histograms_become_float_histograms_with_hints() {
    for first in [exponential(), custom()] {
        let samples =
            [(1000, first.clone()), (2000, grown(&first, 2.0)), (3500, grown(&first, 7.0))];
        for (encoding, kind, starts) in [
            (HISTOGRAM, Kind::Integers, None),
            (FLOAT_HISTOGRAM, Kind::Floats, None),
            (HISTOGRAM_ST, Kind::Integers, Some(&[500, 500, 700][..])),
            (FLOAT_HISTOGRAM_ST, Kind::Floats, Some(&[0, 500][..])),
        ] {
            let data = encode::histograms(kind, &samples, 0b10, starts);
            let batch = decode_all(encoding, &data, Window::ALL).expect("a chunk");
            assert_eq!(histograms_of(&batch), samples, "encoding {encoding}");
        }
    }
}

#[test]
fn gauge_histograms_are_gauges_in_every_sample() {
    let gauge = |h: Histogram| Histogram { counter_reset_hint: CounterResetHint::Gauge, ..h };
    let samples = [(1000, gauge(exponential())), (2000, gauge(grown(&exponential(), 0.0)))];
    for (encoding, starts) in [(HISTOGRAM, None), (HISTOGRAM_ST, Some(&[][..]))] {
        let data = encode::histograms(Kind::Integers, &samples, 0b11, starts);
        let batch = decode_all(encoding, &data, Window::ALL).expect("a chunk");
        assert_eq!(histograms_of(&batch), samples);
    }
}

#[test]
fn a_stale_histogram_is_empty_but_for_its_sum() {
    for (encoding, kind) in [(HISTOGRAM, Kind::Integers), (FLOAT_HISTOGRAM, Kind::Floats)] {
        let data = encode::histograms(kind, &[(1, exponential()), (2, stale())], 0, None);
        let found = histograms_of(&decode_all(encoding, &data, Window::ALL).expect("a chunk"));
        assert_eq!((found.len(), found[1].0), (2, 2));
        assert_eq!(found[1].1.sum.to_bits(), STALE_NAN_BITS);
        assert_eq!(Histogram { sum: 0.0, ..found[1].1.clone() }, Histogram::default());

        let data = encode::histograms(kind, &[(1, stale()), (2, stale())], 0, None);
        let found = histograms_of(&decode_all(encoding, &data, Window::ALL).expect("a chunk"));
        assert!(found.iter().all(|(_, h)| h.sum.to_bits() == STALE_NAN_BITS), "{found:?}");
    }
}

#[test]
fn a_finer_schema_than_ours_is_reduced() {
    let spans = vec![Span { offset: 1, length: 4 }, Span { offset: 3, length: 1 }];
    let fine = Histogram {
        schema: 10,
        positive_spans: spans,
        positive_buckets: vec![1.0, 2.0, 4.0, 8.0, 16.0],
        negative_spans: Vec::new(),
        negative_buckets: Vec::new(),
        ..exponential()
    };
    let data = encode::histograms(Kind::Integers, &[(1, fine.clone())], 0, None);
    let found = histograms_of(&decode_all(HISTOGRAM, &data, Window::ALL).expect("a chunk"));
    let expected = Histogram {
        schema: 8,
        positive_spans: vec![Span { offset: 1, length: 2 }],
        positive_buckets: vec![15.0, 16.0],
        ..fine
    };
    assert_eq!(found, [(1, expected)]);
}

#[test]
fn empty_spans_are_dropped_and_their_offsets_kept() {
    let empty = |offset| Span { offset, length: 0 };
    let histogram = Histogram {
        positive_spans: vec![
            empty(-5),
            empty(2),
            Span { offset: 1, length: 2 },
            empty(1),
            Span { offset: 1, length: 1 },
        ],
        negative_spans: vec![empty(3)],
        negative_buckets: Vec::new(),
        ..exponential()
    };
    let data = encode::histograms(Kind::Integers, &[(1, histogram.clone())], 0, None);
    let found = histograms_of(&decode_all(HISTOGRAM, &data, Window::ALL).expect("a chunk"));
    assert_eq!(
        found[0].1.positive_spans,
        [Span { offset: -2, length: 2 }, Span { offset: 2, length: 1 }]
    );
    assert_eq!(found[0].1.negative_spans, []);
    assert_eq!(found[0].1.buckets().collect::<Vec<_>>(), histogram.buckets().collect::<Vec<_>>());
}

#[test]
fn layouts_that_make_no_sense_are_refused() {
    let spans = |spans: &[(i32, u32)]| {
        spans.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
    };
    let chunk =
        |histogram: Histogram| encode::histograms(Kind::Integers, &[(1, histogram)], 0, None);
    for (histogram, expected) in [
        (Histogram { schema: 53, ..exponential() }, "histogram schema 53 is not known"),
        (Histogram { schema: -10, ..exponential() }, "histogram schema -10 is not known"),
        (
            Histogram { positive_spans: spans(&[(0, 2), (-1, 1)]), ..exponential() },
            "histogram has spans that overlap",
        ),
        (
            Histogram { positive_spans: spans(&[(i32::MAX, 3)]), ..exponential() },
            "histogram has spans beyond the last bucket",
        ),
        (
            Histogram { positive_spans: spans(&[(2, 3)]), ..custom() },
            "histogram has custom buckets without bounds",
        ),
        (
            Histogram { positive_spans: spans(&[(-1, 3)]), ..custom() },
            "histogram has custom buckets without bounds",
        ),
        (
            Histogram { custom_values: vec![1.0, 1.0, 2.0], ..custom() },
            "histogram has custom bounds that do not ascend",
        ),
        (
            Histogram { custom_values: vec![1.0, 2.0, f64::INFINITY], ..custom() },
            "histogram has custom bounds that do not ascend",
        ),
        (
            Histogram { negative_spans: spans(&[(0, 1)]), negative_buckets: vec![1.0], ..custom() },
            "histogram has negative custom buckets",
        ),
    ] {
        let error = decode_all(HISTOGRAM, &chunk(histogram), Window::ALL).expect_err("no sense");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_claim_of_many_buckets_costs_no_memory() {
    let claim = Span { offset: 0, length: u32::MAX };
    let histogram =
        Histogram { positive_spans: vec![claim], positive_buckets: Vec::new(), ..exponential() };
    for (encoding, kind) in [(HISTOGRAM, Kind::Integers), (FLOAT_HISTOGRAM, Kind::Floats)] {
        let data = encode::histograms(kind, &[(1, histogram.clone())], 0, None);
        let error = decode_all(encoding, &data, Window::ALL).expect_err("too many buckets");
        assert!(matches!(error, Error::Layout(_) | Error::Corrupt(_)), "{error}");
    }
}

#[test]
fn an_unknown_encoding_is_named() {
    for encoding in [0, 7, -1, i32::MAX] {
        let error = decode_all(encoding, &[0; 40], Window::ALL).expect_err("unknown");
        assert_eq!(error, Error::UnknownEncoding(encoding));
    }
}

#[test]
fn samples_are_charged_and_histograms_by_their_size() {
    let floats = encode::xor(&[(1, 1.0), (2, 2.0), (3, 3.0)]);
    let histogram = encode::histograms(Kind::Floats, &[(1, exponential())], 0, None);
    // 168 bytes, 3 spans, 4 buckets: 224 bytes, 14 samples.
    for (encoding, data, samples) in [(XOR, floats, 3), (FLOAT_HISTOGRAM, histogram, 14)] {
        for (limit, fits) in [(samples - 1, false), (samples, true)] {
            let budget = Budget::new(limit, u64::MAX);
            let result = decode(encoding, &data, Window::ALL, &budget, &mut Columns::new());
            assert_eq!(result.is_ok(), fits, "{encoding} {limit} {result:?}");
        }
    }
}

fn times() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        8 => Just(15_000_i64),
        4 => 14_990..15_010_i64,
        2 => 1..100_000_i64,
        1 => 1..10_000_000_i64,
        1 => 1..1_i64 << 40,
    ];
    let start = prop_oneof![
        Just(0),
        Just(1_700_000_000_123),
        any::<i32>().prop_map(i64::from),
        -1_i64 << 60..1 << 60
    ];
    (start, prop::collection::vec(step, 0..200)).prop_map(|(start, steps)| {
        let mut time = start;
        let next = |step| {
            time += step;
            time
        };
        steps.into_iter().map(next).collect()
    })
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => Just(1.0),
        4 => (0..1000_u32).prop_map(f64::from),
        2 => any::<f64>(),
        2 => Just(STALE),
        1 => any::<u64>().prop_map(f64::from_bits),
    ]
}

fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    times().prop_flat_map(|times| {
        let count = times.len();
        prop::collection::vec(values(), count)
            .prop_map(move |values| times.iter().copied().zip(values).collect())
    })
}

fn window() -> impl Strategy<Value = Window> {
    let bound = || prop_oneof![any::<i64>(), 0..4_000_000_i64, Just(i64::MIN), Just(i64::MAX)];
    (bound(), bound()).prop_map(|(start_ms, end_ms)| Window { start_ms, end_ms })
}

fn any_histograms() -> impl Strategy<Value = Vec<(i64, Histogram)>> {
    let base = prop_oneof![Just(exponential()), Just(custom())];
    (base, times(), prop_oneof![Just(0.0), Just(2.0_f64.powi(-128)), Just(0.001), Just(1024.0)])
        .prop_flat_map(|(base, times, zero_threshold)| {
            let times: Vec<i64> = times.into_iter().take(30).collect();
            let zero_threshold = if base.custom_values.is_empty() { zero_threshold } else { 0.0 };
            let base = Histogram { zero_threshold, ..base };
            let factors = prop::collection::vec(0..1_000_000_u32, times.len());
            factors.prop_map(move |factors| {
                let grown = |factor: &u32| grown(&base, f64::from(*factor));
                times.iter().copied().zip(factors.iter().map(grown)).collect()
            })
        })
}

proptest! {
    #[test]
    fn floats_survive_encoding(samples in samples(), starts in prop::collection::vec(any::<i32>(), 0..150)) {
        let starts: Vec<i64> = starts.into_iter().map(i64::from).collect();
        for (encoding, data) in [
            (XOR, encode::xor(&samples)),
            (XOR2, encode::xor2(&samples, &[])),
            (XOR2, encode::xor2(&samples, &starts)),
        ] {
            let batch = decode_all(encoding, &data, Window::ALL).expect("a chunk");
            prop_assert_eq!(float_bits(&batch), bits_of(&samples));
        }
    }

    #[test]
    fn what_lies_outside_the_window_is_left_out(samples in samples(), window in window()) {
        let batch = decode_all(XOR, &encode::xor(&samples), window).expect("a chunk");
        let within: Vec<_> = samples.into_iter().filter(|(time, _)| window.contains(*time)).collect();
        prop_assert_eq!(float_bits(&batch), bits_of(&within));
    }

    #[test]
    fn histograms_survive_encoding(samples in any_histograms(), starts in prop::option::of(prop::collection::vec(-9..9_i64, 0..40)), window in window()) {
        let starts = starts.as_deref();
        for (kind, encoding) in [(Kind::Integers, HISTOGRAM), (Kind::Floats, FLOAT_HISTOGRAM)] {
            let data = encode::histograms(kind, &samples, 0b01, starts);
            let encoding = if starts.is_some() { encoding + 3 } else { encoding };
            let batch = decode_all(encoding, &data, window).expect("a chunk");
            let mut expected = samples.clone();
            if let Some((_, first)) = expected.first_mut() {
                first.counter_reset_hint = CounterResetHint::Unknown;
            }
            expected.retain(|(time, _)| window.contains(*time));
            prop_assert_eq!(histograms_of(&batch), expected);
        }
    }

    #[test]
    fn any_bytes_give_samples_or_an_error(encoding in -1..9_i32, data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_all(encoding, &data, Window::ALL);
    }

    #[test]
    fn damaged_chunks_give_samples_or_an_error(
        samples in any_histograms(),
        floats in samples(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for (encoding, mut data) in [
            (XOR, encode::xor(&floats)),
            (XOR2, encode::xor2(&floats, &[1, 2, 3])),
            (HISTOGRAM, encode::histograms(Kind::Integers, &samples, 0, None)),
            (FLOAT_HISTOGRAM, encode::histograms(Kind::Floats, &samples, 0, None)),
        ] {
            for (place, byte) in &damage {
                let place = place.index(data.len());
                data[place] = *byte;
            }
            data.truncate(cut.index(data.len() + 1));
            let _ = decode_all(encoding, &data, Window::ALL);
        }
    }

    #[test]
    fn a_cut_chunk_is_an_error(samples in samples(), cut in any::<prop::sample::Index>()) {
        prop_assume!(!samples.is_empty());
        let data = encode::xor(&samples);
        let cut = cut.index(data.len());
        let error = decode_all(XOR, &data[..cut], Window::ALL).expect_err("cut");
        prop_assert_eq!(error, Error::Corrupt(cut));
    }
}
