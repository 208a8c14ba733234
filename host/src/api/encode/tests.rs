use promql::{CounterResetHint, Histogram, LabelsBuilder, Span};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::query::{SampleCounts, Statistics, Timings};
use crate::storage::Exemplar;

fn encode(document: Document) -> String {
    let (text, _) = encode_counting(document);
    text
}

/// The whole text, and in how many chunks it came.
fn encode_counting(document: Document) -> (String, usize) {
    let mut encoder = Encoder::new(document);
    let mut whole = Vec::new();
    for chunks in 1.. {
        let mut chunk = Vec::new();
        let more = encoder.fill(&mut chunk);
        assert!(chunk.len() < 3 * CHUNK, "a chunk of {} bytes", chunk.len());
        whole.append(&mut chunk);
        if !more {
            return (String::from_utf8(whole).expect("UTF-8"), chunks);
        }
    }
    unreachable!("the loop has no end but the return")
}

fn query(value: Value) -> Document {
    Document::of(Data::Query(Box::new(QueryData { value, limit: 0, stats: None, explain: None })))
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn float_series(batch: &mut SeriesBatch, name: &str, samples: &[(i64, f64)]) {
    for (time, value) in samples {
        batch.push_float(*time, *value);
    }
    batch.finish_series(labels(&[("__name__", name)]));
}

/// Buckets of schema 0: (0.5, 1] with 4, (1, 2] with 0, (2, 4] with 1, the
/// same below zero with 2, and [-0.001, 0.001] with 3.
fn histogram() -> Histogram {
    Histogram {
        counter_reset_hint: CounterResetHint::Unknown,
        schema: 0,
        zero_threshold: 0.001,
        zero_count: 3.0,
        count: 10.0,
        sum: 5.5,
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![4.0, 0.0, 1.0],
        negative_spans: vec![Span { offset: 0, length: 1 }],
        negative_buckets: vec![2.0],
        custom_values: vec![],
    }
}

const HISTOGRAM: &str = concat!(
    r#"{"count":"10","sum":"5.5","buckets":[[1,"-1","-0.5","2"],[3,"-0.001","0.001","3"],"#,
    r#"[0,"0.5","1","4"],[0,"2","4","1"]]}"#
);

#[test]
fn a_scalar_prints_without_exponent_and_its_time_as_a_number() {
    let value = Value::Scalar { time_ms: 1_435_781_451_780, value: 1e21 };
    assert_eq!(
        encode(query(value)),
        r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.78,"1000000000000000000000"]}}"#
    );
}

#[test]
fn a_string_is_escaped_for_html() {
    let value = Value::String { time_ms: 1000, text: "<a&b>\n".to_owned() };
    assert_eq!(
        encode(query(value)),
        r#"{"status":"success","data":{"resultType":"string","result":[1,"\u003ca\u0026b\u003e\n"]}}"#
    );
}

#[test]
fn empty_results_are_empty_lists() {
    let empty = |data| encode(Document::of(data));
    let of = |value| {
        empty(Data::Query(Box::new(QueryData { value, limit: 0, stats: None, explain: None })))
    };
    assert_eq!(
        of(Value::Vector(SeriesBatch::new())),
        r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#
    );
    assert_eq!(
        of(Value::Matrix(SeriesBatch::new())),
        r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#
    );
    assert_eq!(empty(Data::Strings(vec![])), r#"{"status":"success","data":[]}"#);
    assert_eq!(empty(Data::LabelSets(vec![])), r#"{"status":"success","data":[]}"#);
    assert_eq!(empty(Data::Exemplars(vec![])), r#"{"status":"success","data":[]}"#);
    assert_eq!(empty(Data::Metadata(BTreeMap::new())), r#"{"status":"success","data":{}}"#);
}

#[test]
fn a_vector_has_a_value_or_a_histogram_and_raw_labels() {
    let mut batch = SeriesBatch::new();
    batch.push_float(1_435_781_451_120, 1e-7);
    batch.finish_series(labels(&[("__name__", "up"), ("path", "/a?<b>&\"c\"")]));
    batch.finish_series(labels(&[("__name__", "without_sample")]));
    batch.push_histogram(-1500, histogram());
    batch.finish_series(Labels::empty());
    let expected = [
        r#"{"status":"success","data":{"resultType":"vector","result":["#,
        r#"{"metric":{"__name__":"up","path":"/a?<b>&\"c\""},"value":[1435781451.120,"1e-07"]},"#,
        r#"{"metric":{},"histogram":[-1.500,"#,
        HISTOGRAM,
        r"]}]}}",
    ];
    assert_eq!(encode(query(Value::Vector(batch))), expected.concat());
}

#[test]
fn a_matrix_has_values_histograms_or_both_but_no_empty_series() {
    let mut batch = SeriesBatch::new();
    float_series(&mut batch, "a", &[(0, 1.0), (60_000, f64::NAN), (60_001, f64::NEG_INFINITY)]);
    float_series(&mut batch, "empty", &[]);
    batch.push_float(0, -0.0);
    batch.push_histogram(1000, Histogram::default());
    batch.push_histogram(2000, histogram());
    batch.finish_series(labels(&[("__name__", "mixed")]));
    batch.push_histogram(1000, Histogram::default());
    batch.finish_series(labels(&[("__name__", "only")]));
    let expected = [
        r#"{"status":"success","data":{"resultType":"matrix","result":["#,
        r#"{"metric":{"__name__":"a"},"values":[[0,"1"],[60,"NaN"],[60.001,"-Inf"]]},"#,
        r#"{"metric":{"__name__":"mixed"},"values":[[0,"-0"]],"histograms":[[1,{"count":"0","sum":"0"}],[2,"#,
        HISTOGRAM,
        r#"]]},{"metric":{"__name__":"only"},"histograms":[[1,{"count":"0","sum":"0"}]]}]}}"#,
    ];
    assert_eq!(encode(query(Value::Matrix(batch))), expected.concat());
}

#[test]
fn a_limit_cuts_series_that_have_samples() {
    let mut batch = SeriesBatch::new();
    float_series(&mut batch, "empty", &[]);
    float_series(&mut batch, "a", &[(0, 1.0)]);
    float_series(&mut batch, "b", &[(0, 2.0)]);
    for value in [Value::Vector(batch.clone()), Value::Matrix(batch)] {
        let text = encode(Document::of(Data::Query(Box::new(QueryData {
            value,
            limit: 1,
            stats: None,
            explain: None,
        }))));
        assert!(text.contains(r#""a""#) && !text.contains(r#""b""#), "{text}");
    }
}

#[test]
fn statistics_stand_beside_the_result() {
    let stats = Statistics {
        timings: Timings { eval_total: 0.25, exec_total: 1.5, ..Timings::default() },
        samples: SampleCounts {
            total: 3,
            total_per_step: vec![(1000, 1), (2500, 2)],
            read: 3,
            read_per_step: vec![],
            peak: 2,
        },
    };
    let value = Value::Scalar { time_ms: 0, value: 1.0 };
    let text = encode(Document::of(Data::Query(Box::new(QueryData {
        value,
        limit: 0,
        stats: Some(stats),
        explain: None,
    }))));
    let expected = concat!(
        r#"{"status":"success","data":{"resultType":"scalar","result":[0,"1"],"stats":{"timings":{"#,
        r#""evalTotalTime":0.25,"resultSortTime":0,"queryPreparationTime":0,"innerEvalTime":0,"#,
        r#""execQueueTime":0,"execTotalTime":1.5},"samples":{"#,
        r#""totalQueryableSamplesPerStep":[[1,1],[2.5,2]],"totalQueryableSamples":3,"#,
        r#""samplesRead":3,"peakSamples":2}}}}"#
    );
    assert_eq!(text, expected);
}

#[test]
fn what_is_explained_follows_the_result() {
    let value = Value::Scalar { time_ms: 0, value: 1.0 };
    let explain = Some(br#"{"text":"x"}"#.to_vec());
    let data = QueryData { value, limit: 0, stats: None, explain };
    assert_eq!(
        encode(Document::of(Data::Query(Box::new(data)))),
        concat!(
            r#"{"status":"success","data":{"resultType":"scalar","result":[0,"1"],"#,
            r#""explain":{"text":"x"}}}"#
        )
    );
}

#[test]
fn warnings_and_infos_follow_the_data() {
    let document = Document {
        data: Data::Strings(vec!["a<b".to_owned()]),
        warnings: vec!["one & two".to_owned(), "three".to_owned()],
        infos: vec!["four".to_owned()],
    };
    assert_eq!(
        encode(document),
        r#"{"status":"success","data":["a\u003cb"],"warnings":["one \u0026 two","three"],"infos":["four"]}"#
    );
}

#[test]
fn metadata_and_exemplars_have_prometheus_keys_in_its_order() {
    let entry = |kind: &str, help: &str| Metadata {
        kind: kind.to_owned(),
        help: help.to_owned(),
        unit: String::new(),
    };
    let metadata = BTreeMap::from([
        ("up".to_owned(), vec![entry("gauge", "1 if > 0"), entry("unknown", "")]),
        ("a".to_owned(), vec![]),
    ]);
    assert_eq!(
        encode(Document::of(Data::Metadata(metadata))),
        concat!(
            r#"{"status":"success","data":{"a":[],"up":[{"type":"gauge","unit":"","help":"1 if \u003e 0"},"#,
            r#"{"type":"unknown","unit":"","help":""}]}}"#
        )
    );
    let exemplar = |ms| Exemplar {
        labels: labels(&[("trace_id", "x&y")]),
        value: "6".to_owned(),
        timestamp_ms: ms,
    };
    let series = SeriesExemplars {
        labels: labels(&[("job", "a")]),
        exemplars: vec![exemplar(1_600_096_945_479), exemplar(1_600_096_955_000)],
    };
    assert_eq!(
        encode(Document::of(Data::Exemplars(vec![series]))),
        concat!(
            r#"{"status":"success","data":[{"seriesLabels":{"job":"a"},"exemplars":["#,
            r#"{"labels":{"trace_id":"x&y"},"value":"6","timestamp":1600096945.479},"#,
            r#"{"labels":{"trace_id":"x&y"},"value":"6","timestamp":1600096955}]}]}"#
        )
    );
}

#[test]
fn a_large_matrix_comes_in_many_bounded_chunks() {
    let mut batch = SeriesBatch::new();
    for series in 0..50 {
        let samples: Vec<(i64, f64)> = (0..2000).map(|i| (i * 15_000, i as f64 / 7.0)).collect();
        float_series(&mut batch, &format!("m{series}"), &samples);
    }
    let (text, chunks) = encode_counting(query(Value::Matrix(batch)));
    assert!(chunks > text.len() / (3 * CHUNK), "{chunks} chunks for {} bytes", text.len());
    let json: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["data"]["result"][49]["values"].as_array().map(Vec::len), Some(2000));
}

#[test]
fn timestamps_of_series_with_different_grids_are_each_their_own() {
    let mut batch = SeriesBatch::new();
    let grids: [&[i64]; 5] =
        [&[10, 20, 30], &[20, 30, 40], &[5, 15, 20, 25], &[10, 20, 30, 40, 50], &[30]];
    for (index, grid) in grids.iter().enumerate() {
        let samples: Vec<(i64, f64)> = grid.iter().map(|time| (*time, 1.0)).collect();
        float_series(&mut batch, &format!("m{index}"), &samples);
    }
    let json: Json = serde_json::from_str(&encode(query(Value::Matrix(batch)))).expect("JSON");
    for (index, grid) in grids.iter().enumerate() {
        let values = json["data"]["result"][index]["values"].as_array().expect("values");
        let times: Vec<i64> = values.iter().map(|pair| milliseconds(&pair[0])).collect();
        assert_eq!(times, *grid, "series {index}");
    }
}

/// Decimal digits are compared, not floats: those would forgive a wrong digit.
fn milliseconds(time: &Json) -> i64 {
    let text = time.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    let fraction: i64 = format!("{fraction:0<3}").parse().expect("digits");
    let negative = whole.starts_with('-');
    let whole: i64 = whole.trim_start_matches('-').parse().expect("digits");
    if negative { -(whole * 1000 + fraction) } else { whole * 1000 + fraction }
}

fn value_of(text: &Json) -> f64 {
    let text = text.as_str().expect("a value is a text");
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        other => other.parse().expect("a number"),
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

type Series = (Vec<(String, String)>, Vec<(i64, f64)>);

fn series() -> impl Strategy<Value = Series> {
    let pairs = proptest::collection::vec((".{1,8}", ".{1,8}"), 0..4);
    let times = proptest::collection::btree_set(-2_000_000_000_000_i64..4_000_000_000_000, 0..40);
    let values = proptest::collection::vec(proptest::num::f64::ANY, 40);
    (pairs, times, values)
        .prop_map(|(pairs, times, values)| (pairs, times.into_iter().zip(values).collect()))
}

proptest! {
    #[test]
    fn what_is_encoded_is_parsed_back_exactly(all in proptest::collection::vec(series(), 0..8)) {
        let mut batch = SeriesBatch::new();
        let mut expected = Vec::new();
        for (pairs, samples) in &all {
            let mut builder = LabelsBuilder::new();
            for (name, value) in pairs {
                builder.set(name, value);
            }
            for (time, value) in samples {
                batch.push_float(*time, *value);
            }
            let labels = builder.build();
            batch.finish_series(labels.clone());
            if !samples.is_empty() {
                expected.push((labels, samples));
            }
        }
        let json: Json = serde_json::from_str(&encode(query(Value::Matrix(batch)))).expect("JSON");
        let result = json["data"]["result"].as_array().expect("a list");
        prop_assert_eq!(result.len(), expected.len());
        for (series, (labels, samples)) in result.iter().zip(expected) {
            let metric = series["metric"].as_object().expect("an object");
            let pairs = metric.iter().map(|(name, value)| (name, value.as_str().expect("a text")));
            prop_assert_eq!(Labels::from_pairs(pairs), labels);
            let values = series["values"].as_array().expect("a list");
            prop_assert_eq!(values.len(), samples.len());
            for (pair, (time, value)) in values.iter().zip(samples) {
                prop_assert_eq!(milliseconds(&pair[0]), *time);
                prop_assert!(same(value_of(&pair[1]), *value), "{} is not {}", pair[1], value);
            }
        }
    }

    #[test]
    fn any_text_is_parsed_back_exactly_from_both_kinds_of_strings(text in ".*") {
        let (mut raw, mut escaped) = (Vec::new(), Vec::new());
        write_raw(&text, &mut raw);
        write_escaped(&text, &mut escaped);
        prop_assert_eq!(&serde_json::from_slice::<String>(&raw).expect("JSON"), &text);
        prop_assert_eq!(&serde_json::from_slice::<String>(&escaped).expect("JSON"), &text);
        prop_assert_eq!(text::to_json(&text), escaped);
    }
}

mod trees {
    use expect_test::{ExpectFile, expect_file};
    use promql::parser::{Options, parse};

    use super::super::Tree;
    use super::Json;

    fn json(query: &str) -> String {
        let expr = parse(query, &Options::all()).expect(query);
        String::from_utf8(Tree::of(&expr).into_json()).expect("UTF-8")
    }

    /// The file has the tree in a form that people can read. Writing it the
    /// compact way again gives the very text only if keys are sorted as Go
    /// sorts them.
    #[expect(clippy::needless_pass_by_value, reason = "expect_file! gives a value")]
    fn check(query: &str, expected: ExpectFile) {
        let text = json(query);
        let tree: Json = serde_json::from_str(&text).expect("JSON");
        assert_eq!(tree.to_string().replace("<b>", "\\u003cb\\u003e"), text);
        expected.assert_eq(&format!("{tree:#}\n"));
    }

    #[test]
    fn an_aggregation_of_a_call_of_a_range() {
        let query = r#"sum by (job) (rate(up{a!="<b>"}[5m] offset 1m @ start()))"#;
        check(query, expect_file!["tests/aggregation.json"]);
    }

    #[test]
    fn a_vector_match_between_literals_and_strings() {
        let query = r#"label_replace(a, "x", "y", "z", "") * on (job) group_left (c) (2.5 / -b)"#;
        check(query, expect_file!["tests/matching.json"]);
    }

    #[test]
    fn a_subquery_with_computed_durations() {
        let query = "max_over_time(a[5m+1m:step()] offset -(1m) @ 5.5)";
        check(query, expect_file!["tests/subquery.json"]);
    }

    #[test]
    fn a_long_chain_nests_without_using_the_stack() {
        let query = vec!["a"; 20_000].join(" + ");
        let text = json(&query);
        assert_eq!(text.matches(r#""type":"binaryExpr""#).count(), 19_999);
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn every_tree_is_json() {
        for query in
            ["1 + 2", "-a", "(a)", "\"x\"", "topk(3, a)", "time()", "a[5m]", "a == bool Inf"]
        {
            let text = json(query);
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{query}: {text}");
        }
    }
}
