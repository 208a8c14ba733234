use promql::histogram::CUSTOM_BUCKETS_SCHEMA;
use promql::{Histogram, Labels, Span};
use proptest::prelude::*;

use super::*;
use crate::gather::reply::ApiError;

fn decode_all(body: &str) -> Result<Reply<QueryData>, Error> {
    decode(body.as_bytes(), &Budget::unlimited())
}

fn fast_only(body: &[u8]) -> Option<Reply<QueryData>> {
    fast::decode(body, &Meter::new(&Budget::unlimited())).expect("no limits")
}

fn general_only(body: &[u8]) -> Result<Reply<QueryData>, Error> {
    general::decode(body, &Meter::new(&Budget::unlimited()))
}

fn matrix(series: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#)
}

fn vector(series: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
}

fn batch(reply: Reply<QueryData>) -> SeriesBatch {
    match reply.data {
        Some(QueryData::Matrix(batch) | QueryData::Vector(batch)) => batch,
        other => panic!("no series: {other:?}"),
    }
}

/// Labels, times and bits of floats, times and text of histograms.
type Contents = (Labels, Vec<(i64, u64)>, Vec<(i64, String)>);

/// All that a batch holds, values as bits.
fn contents(batch: &SeriesBatch) -> Vec<Contents> {
    let series = batch.iter().map(|series| {
        let floats = series.float_times.iter().zip(series.float_values);
        let histograms = series.histogram_times.iter().zip(series.histogram_values);
        (
            series.labels.clone(),
            floats.map(|(time, value)| (*time, value.to_bits())).collect(),
            histograms.map(|(time, histogram)| (*time, format!("{histogram:?}"))).collect(),
        )
    });
    series.collect()
}

/// A reply in a form that can be compared although NaN is not itself.
fn comparable(reply: Reply<QueryData>) -> (String, Vec<String>, Vec<String>) {
    let data = match reply.data {
        Some(QueryData::Matrix(batch)) => format!("matrix {:?}", contents(&batch)),
        Some(QueryData::Vector(batch)) => format!("vector {:?}", contents(&batch)),
        other => format!("{other:?} {:?}", reply.error),
    };
    (data, reply.warnings, reply.infos)
}

#[test]
fn the_usual_matrix_goes_through_the_scanner() {
    let body = matrix(
        r#"{"metric":{"__name__":"up","job":"a\n\u00e4"},"values":[[1435781430.781,"1"],[1435781445.781,"NaN"],[1435781461,"-0.5"]]},{"metric":{},"values":[[1435781445.781,"+Inf"],[1435781461,"1e+21"]]}"#,
    );
    let found = contents(&batch(fast_only(body.as_bytes()).expect("the usual shape")));
    assert_eq!(found[0].0, Labels::from_pairs([("__name__", "up"), ("job", "a\nä")]));
    let bits =
        |samples: &[(i64, f64)]| samples.iter().map(|(t, v)| (*t, v.to_bits())).collect::<Vec<_>>();
    let nan = f64::from_bits(promql::series::NORMAL_NAN_BITS);
    assert_eq!(
        found[0].1,
        bits(&[(1_435_781_430_781, 1.0), (1_435_781_445_781, nan), (1_435_781_461_000, -0.5)])
    );
    assert_eq!(found[1].1, bits(&[(1_435_781_445_781, f64::INFINITY), (1_435_781_461_000, 1e21)]));
}

#[test]
fn warnings_and_infos_follow_the_data_or_precede_it() {
    let tail = r#","warnings":["w \u003c"],"infos":["i"]}"#;
    let usual = matrix("").strip_suffix('}').expect("an object").to_owned() + tail;
    let reply = fast_only(usual.as_bytes()).expect("the usual shape");
    assert_eq!(
        (reply.warnings.as_slice(), reply.infos.as_slice()),
        (&["w <".to_owned()][..], &["i".to_owned()][..])
    );
    let unusual = r#"{ "infos": ["i"], "data": {"result": [], "resultType": "vector"}, "status": "success" }"#;
    let reply = decode_all(unusual).expect("an answer");
    assert_eq!(reply.infos, ["i"]);
    assert_eq!(reply.data, Some(QueryData::Vector(SeriesBatch::new())));
}

#[test]
fn the_scanner_leaves_a_tail_that_is_no_json_to_the_general_decoder() {
    let body = matrix("").strip_suffix('}').expect("an object").to_owned();
    for tail in
        [",}", "}}", "} x", "}\u{c}", "", ",", r#","warnings":["a"],}"#, r#","warnings":null}"#]
    {
        assert_eq!(fast_only((body.clone() + tail).as_bytes()), None, "{tail}");
    }
}

#[test]
fn statistics_and_unknown_fields_are_skipped() {
    let body = r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"1"},"odd":{"x":[1]},"value":[1.5,"2"]}],"stats":{"timings":{}}},"isPartial":false}"#;
    let batch = batch(decode_all(body).expect("an answer"));
    assert_eq!(contents(&batch)[0].1, [(1500, 2.0_f64.to_bits())]);
}

#[test]
fn scalars_and_strings_are_told_apart_by_their_type() {
    let body = |kind: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"{kind}","result":[1435781451.7811,"2"]}}}}"#
        )
    };
    let scalar = QueryData::Scalar { time_ms: 1_435_781_451_781, value: 2.0 };
    let string = QueryData::String { time_ms: 1_435_781_451_781, text: "2".into() };
    assert_eq!(decode_all(&body("scalar")).expect("an answer").data, Some(scalar));
    assert_eq!(decode_all(&body("string")).expect("an answer").data, Some(string));
    for kind in ["matrix", "vector", "streams"] {
        let error = decode_all(&body(kind)).expect_err("another type").to_string();
        assert!(error.contains(&format!("a result that is not of the type {kind:?}")), "{error}");
    }
}

#[test]
fn samples_out_of_order_are_sorted_and_repeated_series_merged() {
    let body = matrix(
        r#"{"metric":{"a":"1"},"values":[[3,"3"],[1,"1"],[3,"4"]]},{"metric":{"a":"2"},"values":[[1,"1"]]},{"metric":{"a":"1"},"values":[[1,"9"],[2,"2"]]}"#,
    );
    let found = contents(&batch(decode_all(&body).expect("an answer")));
    let values: Vec<_> =
        found[0].1.iter().map(|(time, bits)| (*time, f64::from_bits(*bits))).collect();
    assert_eq!((found.len(), values), (2, vec![(1000, 1.0), (2000, 2.0), (3000, 3.0)]));
}

#[test]
fn a_series_without_samples_is_left_out() {
    let body = matrix(
        r#"{"metric":{"a":"1"},"values":[]},{"metric":{"a":"2"}},{"metric":null,"values":null}"#,
    );
    assert!(batch(decode_all(&body).expect("an answer")).is_empty());
}

#[test]
fn times_are_rounded_to_milliseconds() {
    for (text, expected) in [
        ("0", 0),
        ("-0", 0),
        ("-0.001", -1),
        ("1.5", 1500),
        ("1.25", 1250),
        ("1.0005", 1001),
        ("1e3", 1_000_000),
        ("253402300799.999", 253_402_300_799_999),
        ("-62135596800", -62_135_596_800_000),
        ("9223372036854775", 9_223_372_036_854_775_000),
    ] {
        let body = vector(&format!(r#"{{"metric":{{}},"value":[{text},"1"]}}"#));
        let batch = batch(decode_all(&body).expect("an answer"));
        assert_eq!(batch.series(0).float_times, [expected], "{text}");
    }
    for text in ["1e300", "9223372036854776", "18446744073709551615", "-1e18"] {
        let body = vector(&format!(r#"{{"metric":{{}},"value":[{text},"1"]}}"#));
        let error = decode_all(&body).expect_err("no time").to_string();
        assert!(error.contains("time out of range"), "{text}: {error}");
    }
}

#[test]
fn error_answers_are_answers() {
    let reply = decode_all(
        r#"{"status":"error","errorType":"execution","error":"found duplicate series"}"#,
    )
    .expect("an answer");
    let error = ApiError { kind: "execution".into(), message: "found duplicate series".into() };
    assert_eq!((reply.data, reply.error), (None, Some(error)));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cut = matrix(r#"{"metric":{"a":"1"},"values":[[1,"1"],[2,"2"]]}"#);
    for (body, expected) in [
        ("<html>".to_owned(), "the answer is not prometheus's: found a page of markup, `<html>`"),
        (cut[..cut.len() - 20].to_owned(), "the answer is cut after 90 bytes"),
        (r#"{"status":"success"}"#.to_owned(), "the answer is malformed at byte 0: no data, at"),
        (
            r#"{"status":"success","data":["a"]}"#.to_owned(),
            "the answer is malformed at byte 26: invalid type: sequence, expected an object with the result of a query, at",
        ),
        (
            r#"{"status":"success","data":{"result":[]}}"#.to_owned(),
            "the answer is malformed at byte 39: missing field `resultType`, at",
        ),
        (
            matrix(r#"{"metric":{},"values":[[1,"x"]]}"#),
            r#"the answer is malformed at byte 90: invalid value: string "x", expected the text of a number, at"#,
        ),
        (
            matrix(r#"{"metric":{},"values":[[1,2]]}"#),
            "the answer is malformed at byte 86: invalid type: integer `2`, expected a string, at",
        ),
        (
            matrix(r#"{"metric":{},"value":[1,"2"]}"#),
            "the answer is malformed at byte 90: a result that is not of the type \"matrix\", at",
        ),
        (
            vector(r#"{"metric":{},"values":[[1,"2"]]}"#),
            "the answer is malformed at byte 93: a result that is not of the type \"vector\", at",
        ),
        (
            matrix(r#"{"metric":{"a":7},"values":[]}"#),
            "the answer is malformed at byte 75: invalid type: integer `7`, expected a string, at",
        ),
    ] {
        let error = decode_all(&body).expect_err("something wrong").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_long_text_in_the_wrong_place_is_shown_in_part() {
    let body = matrix(&format!(r#"{{"metric":{{}},"values":[[1,"{}"]]}}"#, "x".repeat(100_000)));
    let error = decode_all(&body).expect_err("no number").to_string();
    assert!(error.len() < 300, "{error}");
}

#[test]
fn samples_are_charged_once_on_either_way() {
    let usual = matrix(r#"{"metric":{"a":"1"},"values":[[1,"1"],[2,"2"],[3,"3"]]}"#);
    let unusual = usual.replace("]]}]", "]]}] ");
    let histogram = matrix(r#"{"metric":{},"histograms":[[1,{"count":"1","sum":"1"}]]}"#);
    for (body, samples) in [(usual, 3), (unusual, 3), (histogram, 11)] {
        let budget = Budget::new(samples, 10_000);
        decode(body.as_bytes(), &budget).expect("within the budget");
        assert_eq!(budget.samples(), samples);
        let error = decode(body.as_bytes(), &Budget::new(samples - 1, 10_000)).expect_err("over");
        assert!(matches!(error, Error::Exceeded(_)), "{error:?}");
        let error = decode(body.as_bytes(), &Budget::new(samples, 10)).expect_err("over");
        assert!(matches!(error, Error::Exceeded(_)), "{error:?}");
    }
}

/// Prints a histogram as Prometheus does.
fn print(histogram: &Histogram) -> String {
    let number = |value: f64| match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ if value.is_nan() => "NaN".to_owned(),
        _ => format!("{value:e}"),
    };
    let buckets: Vec<String> = histogram
        .populated_buckets()
        .map(|bucket| {
            let [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(number);
            format!(r#"[{},"{lower}","{upper}","{count}"]"#, bucket.boundary_rule())
        })
        .collect();
    let buckets = if buckets.is_empty() {
        String::new()
    } else {
        format!(r#","buckets":[{}]"#, buckets.join(","))
    };
    format!(
        r#"{{"count":"{}","sum":"{}"{buckets}}}"#,
        number(histogram.count),
        number(histogram.sum)
    )
}

fn read_back(histogram: &Histogram) -> Histogram {
    let body = vector(&format!(r#"{{"metric":{{}},"histogram":[1,{}]}}"#, print(histogram)));
    let batch = batch(decode_all(&body).unwrap_or_else(|error| panic!("{error}: {body}")));
    batch.series(0).histogram_values[0].clone()
}

fn spans(spans: &[(i32, u32)]) -> Vec<Span> {
    spans.iter().map(|(offset, length)| Span { offset: *offset, length: *length }).collect()
}

#[test]
fn an_exponential_histogram_is_restored_with_its_schema() {
    for schema in -9..=8 {
        let histogram = Histogram {
            schema,
            zero_threshold: 2.0_f64.powi(-128),
            zero_count: 2.0,
            count: 20.0,
            sum: -7.5,
            positive_spans: spans(&[(-1, 2), (1, 1)]),
            positive_buckets: vec![1.0, 2.5, 3.0],
            negative_spans: spans(&[(1, 1)]),
            negative_buckets: vec![4.0],
            ..Histogram::default()
        };
        // At the coarsest schemas the zero bucket reaches into the others.
        let restored = read_back(&histogram);
        assert_eq!(print(&restored), print(&histogram));
        assert_eq!(restored, histogram, "schema {schema}");
    }
}

#[test]
fn the_bounds_of_the_largest_numbers_are_restored() {
    for schema in -4..=8 {
        let last = if schema < 0 { 1024 >> -schema } else { 1024 << schema };
        let histogram = Histogram {
            schema,
            positive_spans: spans(&[(last - 1, 3)]),
            positive_buckets: vec![1.0, 2.0, 3.0],
            ..Histogram::default()
        };
        assert_eq!(read_back(&histogram), histogram, "schema {schema}");
    }
}

#[test]
fn a_bound_cut_by_an_invisible_zero_bucket_is_explained_by_one() {
    let histogram = Histogram {
        schema: 1,
        zero_threshold: 0.75,
        positive_spans: spans(&[(0, 2)]),
        positive_buckets: vec![1.0, 2.0],
        ..Histogram::default()
    };
    assert_eq!(read_back(&histogram), histogram);
}

#[test]
fn custom_buckets_are_restored_from_their_bounds() {
    let histogram = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count: 9.0,
        positive_spans: spans(&[(0, 4)]),
        positive_buckets: vec![1.0, 3.0, 2.0, 3.0],
        custom_values: vec![-1.0, 0.0, 2.5],
        ..Histogram::default()
    };
    assert_eq!(read_back(&histogram), histogram);
    let sparse = Histogram { positive_buckets: vec![0.0, 3.0, 0.0, 3.0], ..histogram };
    assert_eq!(print(&read_back(&sparse)), print(&sparse));
}

#[test]
fn a_histogram_without_buckets_has_count_and_sum() {
    let histogram = Histogram { count: 3.0, sum: f64::NAN, ..Histogram::default() };
    let restored = read_back(&histogram);
    assert_eq!((restored.count, restored.sum.is_nan()), (3.0, true));
}

/// Reads the histograms of one series, of which each stands for itself.
fn read_series(histograms: &[Histogram]) -> Vec<Histogram> {
    let samples: Vec<String> =
        histograms.iter().enumerate().map(|(time, h)| format!("[{time},{}]", print(h))).collect();
    let body = matrix(&format!(r#"{{"metric":{{}},"histograms":[{}]}}"#, samples.join(",")));
    let batch = batch(decode_all(&body).expect("an answer"));
    batch.series(0).histogram_values.to_vec()
}

#[test]
fn custom_bounds_that_one_sample_shows_all_samples_have() {
    let with = |counts: [f64; 4]| Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        positive_spans: spans(&[(0, 4)]),
        positive_buckets: counts.to_vec(),
        custom_values: vec![-1.0, 0.3, 2.5],
        ..Histogram::default()
    };
    let series = [with([0.0; 4]), with([0.0, 1.0, 0.0, 0.0]), with([1.0, 2.0, 0.0, 3.0])];
    let read = read_series(&series);
    for (own, read) in series.iter().zip(&read) {
        assert_eq!((read.schema, &read.custom_values), (CUSTOM_BUCKETS_SCHEMA, &own.custom_values));
        assert!(own.populated_buckets().eq(read.populated_buckets()));
    }
}

#[test]
fn custom_bounds_that_change_are_left_as_they_are() {
    let with = |custom_values: &[f64]| Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        positive_spans: spans(&[(1, 1)]),
        positive_buckets: vec![1.0],
        custom_values: custom_values.to_vec(),
        ..Histogram::default()
    };
    let series = [with(&[-1.0, 5.0]), with(&[-1.0, 3.0])];
    assert_eq!(read_series(&series), series);
}

#[test]
fn schema_and_zero_threshold_are_known_from_the_neighbours() {
    let empty = Histogram { schema: 3, zero_threshold: 0.001, ..Histogram::default() };
    let positive = Histogram {
        positive_spans: spans(&[(1, 1)]),
        positive_buckets: vec![2.0],
        ..empty.clone()
    };
    let zero = Histogram { zero_count: 2.0, ..empty.clone() };
    let other = Histogram { schema: 1, ..positive.clone() };
    let after_other = Histogram { schema: 1, ..empty.clone() };
    let custom = Histogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        zero_threshold: 0.0,
        positive_spans: spans(&[(1, 1)]),
        positive_buckets: vec![2.0],
        custom_values: vec![0.1, 0.3],
        ..Histogram::default()
    };
    let after_custom =
        Histogram { positive_spans: vec![], positive_buckets: vec![], ..custom.clone() };
    let series = [
        empty.clone(),
        positive.clone(),
        empty,
        zero,
        positive,
        other,
        after_other,
        custom,
        after_custom,
    ];
    assert_eq!(read_series(&series), series);
}

#[test]
fn a_zero_threshold_that_would_cut_a_bucket_is_not_taken() {
    let wide = Histogram {
        schema: 0,
        zero_threshold: 1.0,
        zero_count: 1.0,
        positive_spans: spans(&[(3, 1)]),
        positive_buckets: vec![2.0],
        ..Histogram::default()
    };
    let fine = Histogram {
        zero_threshold: 0.0,
        zero_count: 0.0,
        positive_spans: spans(&[(0, 1)]),
        ..wide.clone()
    };
    assert_eq!(read_series(&[wide.clone(), fine.clone()]), [wide, fine]);
}

#[test]
fn bounds_for_all_samples_are_charged() {
    let with = |bound: usize| {
        format!(
            r#"[{bound},{{"count":"1","sum":"1","buckets":[[0,"{bound}.1","{bound}.2","1"]]}}]"#
        )
    };
    let samples: Vec<String> = (0..2000).map(with).collect();
    let body = matrix(&format!(r#"{{"metric":{{}},"histograms":[{}]}}"#, samples.join(",")));
    let error = decode(body.as_bytes(), &Budget::new(1 << 30, 10 << 20)).expect_err("over");
    assert!(matches!(error, Error::Exceeded(_)), "{error:?}");
}

#[test]
fn buckets_of_no_schema_are_an_error() {
    for buckets in [
        r#"[2,"1","2","1"]"#,
        r#"[0,"1","3","1"],[0,"2","4","1"]"#,
        r#"[0,"-2","-3","1"]"#,
        r#"[0,"NaN","1","1"]"#,
        r#"[0,"-Inf","1","1"]"#,
        r#"[3,"1","2","1"]"#,
        r#"[0,"1","+Inf","1"],[0,"+Inf","+Inf","1"]"#,
    ] {
        let body = vector(&format!(
            r#"{{"metric":{{}},"histogram":[1,{{"count":"1","sum":"1","buckets":[{buckets}]}}]}}"#
        ));
        let error = decode_all(&body).expect_err("no schema").to_string();
        assert!(error.contains("histogram buckets of no known schema"), "{buckets}: {error}");
    }
}

fn any_histogram() -> impl Strategy<Value = Histogram> {
    let side = || prop::collection::vec((0..4_i32, 1..3_u32), 0..4);
    let bounds = prop::collection::btree_set(-1000..1000_i32, 0..6);
    let zero = (prop_oneof![Just(0.0), Just(0.001), Just(0.75), Just(3.0)], 0..3_u32);
    (-4..=8_i32, any::<bool>(), side(), side(), -20..20_i32, bounds, zero).prop_map(
        |(schema, is_custom, positive, negative, first, bounds, (zero_threshold, zero_count))| {
            let counts = |spans: &[Span]| {
                let buckets: u32 = spans.iter().map(|span| span.length).sum();
                (0..buckets).map(|bucket| f64::from(bucket % 3)).collect::<Vec<_>>()
            };
            if is_custom {
                let custom_values: Vec<f64> =
                    bounds.iter().map(|bound| f64::from(*bound) / 8.0).collect();
                let positive_spans = spans(&[(0, custom_values.len() as u32 + 1)]);
                return Histogram {
                    schema: CUSTOM_BUCKETS_SCHEMA,
                    positive_buckets: counts(&positive_spans),
                    positive_spans,
                    custom_values,
                    ..Histogram::default()
                };
            }
            let side = |mut side: Vec<(i32, u32)>| {
                side.iter_mut().take(1).for_each(|span| span.0 = first);
                spans(&side)
            };
            let (positive_spans, negative_spans) = (side(positive), side(negative));
            Histogram {
                schema,
                zero_threshold,
                zero_count: f64::from(zero_count),
                positive_buckets: counts(&positive_spans),
                negative_buckets: counts(&negative_spans),
                positive_spans,
                negative_spans,
                ..Histogram::default()
            }
        },
    )
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..100_000_u32).prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| format!("{value}")),
        any::<f64>().prop_map(|value| format!("{value:e}")),
        Just("NaN".to_owned()),
        Just("+Inf".to_owned()),
        Just("-Inf".to_owned()),
    ]
}

fn time(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.abs() / 1000, millis.abs() % 1000);
    if rest == 0 { format!("{sign}{seconds}") } else { format!("{sign}{seconds}.{rest:03}") }
}

/// A series as Prometheus prints it, with holes in a grid.
fn any_series(start: i64, step: i64) -> impl Strategy<Value = String> {
    let label = || "[a-z_]{0,3}[\"\\\\\\n\u{e4}]{0,1}";
    let labels = prop::collection::vec((label(), label()), 0..4);
    let samples = prop::collection::vec(prop::option::weighted(0.8, value()), 1..30);
    (labels, samples, prop::option::weighted(0.2, any_histogram())).prop_map(
        move |(labels, samples, histogram)| {
            let quote = |text: &String| serde_json::to_string(text).expect("a string");
            let labels: Vec<_> = labels
                .iter()
                .map(|(name, value)| format!("{}:{}", quote(name), quote(value)))
                .collect();
            let at = |index: usize| time(start + step * index as i64);
            let samples = samples.iter().enumerate();
            let samples: Vec<_> = samples
                .filter_map(|(index, value)| {
                    Some(format!("[{},\"{}\"]", at(index), value.as_ref()?))
                })
                .collect();
            let histogram = histogram
                .map(|h| format!(r#","histograms":[[{},{}]]"#, at(40), print(&h)))
                .unwrap_or_default();
            format!(
                r#"{{"metric":{{{}}},"values":[{}]{histogram}}}"#,
                labels.join(","),
                samples.join(",")
            )
        },
    )
}

fn any_answer() -> impl Strategy<Value = String> {
    let grid = (
        prop_oneof![Just(1_760_000_000_781_i64), Just(0), -5000..5000_i64],
        prop_oneof![Just(15_000_i64), Just(1)],
    );
    let series =
        grid.prop_flat_map(|(start, step)| prop::collection::vec(any_series(start, step), 0..5));
    let tail = prop_oneof![
        Just(""),
        Just("\n"),
        Just(r#","warnings":["a"]"#),
        Just(r#","infos":["b"],"warnings":[]"#)
    ];
    (series, tail).prop_map(|(series, tail)| {
        let body = matrix(&series.join(","));
        if tail.starts_with(',') {
            body.strip_suffix('}').expect("an object").to_owned() + tail + "}"
        } else {
            body + tail
        }
    })
}

proptest! {
    #[test]
    fn both_decoders_agree_on_answers(body in any_answer()) {
        let fast = fast_only(body.as_bytes());
        let general = general_only(body.as_bytes()).expect("an answer");
        let fast = fast.expect("the usual shape");
        prop_assert_eq!(comparable(fast), comparable(general), "{}", body);
    }

    #[test]
    fn what_the_scanner_accepts_of_damaged_answers_the_general_decoder_accepts_alike(
        body in any_answer(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(&b"[]{},:\"\\.-+e01 \n\x0c"[..])], 0..3_u8), 1..3),
    ) {
        let mut body = body.into_bytes();
        for (place, byte, kind) in damage {
            let place = place.index(body.len());
            match kind {
                0 => body[place] = byte,
                1 => body.insert(place, byte),
                _ => _ = body.remove(place),
            }
        }
        if let Some(fast) = fast_only(&body) {
            let general = general_only(&body);
            prop_assert!(general.is_ok(), "{:?}: {}", general, body.escape_ascii());
            prop_assert_eq!(comparable(fast), comparable(general.expect("checked")), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn any_bytes_behind_any_start_give_an_answer_or_an_error(
        start in prop::sample::select(&["", "{", r#"{"status":"success","data":{"resultType":"matrix","result":["#, r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"#][..]),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let body = [start.as_bytes(), &bytes].concat();
        let _ = decode(&body, &Budget::unlimited());
    }

    #[test]
    fn any_histogram_prints_the_same_again(histogram in any_histogram()) {
        prop_assert_eq!(print(&read_back(&histogram)), print(&histogram));
    }
}
