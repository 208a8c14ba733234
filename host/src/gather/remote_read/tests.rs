use std::collections::BTreeMap;

use promql::budget::Budget;
use promql::matcher::MatchOp;
use promql::series::STALE_NAN_BITS;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, Span};
use proptest::prelude::*;
use prost::Message;

use super::message::{self, Count, ZeroCount};
use super::*;
use crate::gather::chunks::tests::encode;

/// The answers' messages, as servers write them.
mod server {
    use super::message::Histogram;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ChunkedReadResponse {
        #[prost(message, repeated, tag = "1")]
        pub(super) chunked_series: Vec<ChunkedSeries>,
        #[prost(int64, tag = "2")]
        pub(super) query_index: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ChunkedSeries {
        #[prost(message, repeated, tag = "1")]
        pub(super) labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub(super) chunks: Vec<Chunk>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Label {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Chunk {
        #[prost(int64, tag = "1")]
        pub(super) min_time_ms: i64,
        #[prost(int64, tag = "2")]
        pub(super) max_time_ms: i64,
        #[prost(int32, tag = "3")]
        pub(super) kind: i32,
        #[prost(bytes = "vec", tag = "4")]
        pub(super) data: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ReadResponse {
        #[prost(message, repeated, tag = "1")]
        pub(super) results: Vec<QueryResult>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct QueryResult {
        #[prost(message, repeated, tag = "1")]
        pub(super) timeseries: Vec<TimeSeries>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct TimeSeries {
        #[prost(message, repeated, tag = "1")]
        pub(super) labels: Vec<Label>,
        #[prost(message, repeated, tag = "2")]
        pub(super) samples: Vec<Sample>,
        #[prost(message, repeated, tag = "4")]
        pub(super) histograms: Vec<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Sample {
        #[prost(double, tag = "1")]
        pub(super) value: f64,
        #[prost(int64, tag = "2")]
        pub(super) timestamp: i64,
    }
}

use server::{
    Chunk, ChunkedReadResponse, ChunkedSeries, Label, QueryResult, ReadResponse, Sample, TimeSeries,
};

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    let label =
        |(name, value): &(&str, &str)| Label { name: (*name).into(), value: (*value).into() };
    pairs.iter().map(label).collect()
}

fn xor(samples: &[(i64, f64)]) -> Chunk {
    chunk(chunks::XOR, encode::xor(samples))
}

fn chunk(kind: i32, data: Vec<u8>) -> Chunk {
    Chunk { min_time_ms: 0, max_time_ms: 0, kind, data }
}

fn response(query_index: i64, pairs: &[(&str, &str)], chunks: Vec<Chunk>) -> ChunkedReadResponse {
    let series = ChunkedSeries { labels: labels(pairs), chunks };
    ChunkedReadResponse { chunked_series: vec![series], query_index }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut bytes);
    bytes.extend(crc32c::crc32c(message).to_be_bytes());
    bytes.extend(message);
    bytes
}

fn stream(responses: &[ChunkedReadResponse]) -> Vec<u8> {
    responses.iter().flat_map(|response| frame(&response.encode_to_vec())).collect()
}

fn decoder(queries: usize) -> StreamDecoder {
    StreamDecoder::new(&vec![Window::ALL; queries], Limits::default(), Budget::unlimited())
}

fn decode_stream(queries: usize, bytes: &[u8]) -> Result<Vec<SeriesBatch>, Error> {
    let mut decoder = decoder(queries);
    decoder.push(bytes)?;
    decoder.finish()
}

fn floats(batch: &SeriesBatch) -> Vec<(String, Vec<(i64, f64)>)> {
    let series = batch.iter().map(|series| {
        let samples = series.float_times.iter().copied().zip(series.float_values.iter().copied());
        (format!("{:?}", series.labels), samples.collect())
    });
    series.collect()
}

#[test]
fn a_request_names_window_matchers_and_hints() {
    let queries = [
        Query {
            window: Window { start_ms: -5, end_ms: 1000 },
            matchers: vec![
                (MatchOp::Equal, "__name__", "up".into()),
                (MatchOp::NotRegex, "job", "a|b".into()),
            ],
            hints: Some(Hints {
                step_ms: 15,
                func: "rate",
                range_ms: 60,
                grouping: &["job".into()],
                by: true,
            }),
        },
        Query { window: Window { start_ms: 0, end_ms: 1 }, matchers: vec![], hints: None },
    ];
    let body = encode_request(&queries, &[ResponseType::StreamedXorChunks, ResponseType::Samples]);
    let message = snap::raw::Decoder::new().decompress_vec(&body).expect("snappy");
    let request = message::ReadRequest::decode(&*message).expect("a request");
    assert_eq!(request.accepted_response_types, [1, 0]);
    let query = &request.queries[0];
    assert_eq!((query.start_timestamp_ms, query.end_timestamp_ms), (-5, 1000));
    let matchers: Vec<_> =
        query.matchers.iter().map(|m| (m.kind, m.name.as_str(), m.value.as_str())).collect();
    assert_eq!(matchers, [(0, "__name__", "up"), (3, "job", "a|b")]);
    let hints = query.hints.as_ref().expect("hints");
    assert_eq!((hints.start_ms, hints.end_ms, hints.step_ms, hints.range_ms), (-5, 1000, 15, 60));
    assert_eq!(
        (hints.func.as_str(), &hints.grouping[..], hints.by),
        ("rate", &["job".to_owned()][..], true)
    );
    assert_eq!(request.queries[1].hints, None);
}

#[test]
fn the_format_is_known_by_its_content_type() {
    for (value, format) in [
        ("application/x-protobuf", Some(Format::Samples)),
        ("application/x-protobuf; charset=utf-8", Some(Format::Samples)),
        (
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
            Some(Format::Streamed),
        ),
        (
            "application/x-streamed-protobuf;proto=prometheus.ChunkedReadResponse",
            Some(Format::Streamed),
        ),
        ("application/x-streamed-protobuf", None),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(Format::of_content_type(value), format, "{value}");
    }
}

#[test]
fn a_series_may_go_on_in_the_next_frame_and_queries_are_kept_apart() {
    let bytes = stream(&[
        response(0, &[("a", "1"), ("b", "x")], vec![xor(&[(1, 1.0), (2, 2.0)])]),
        response(0, &[("a", "1"), ("b", "x")], vec![xor(&[(2, 9.0), (3, 3.0)]), xor(&[(4, 4.0)])]),
        response(1, &[("a", "1"), ("b", "x")], vec![xor(&[(7, 7.0)])]),
        response(1, &[("b", "y"), ("a", "1")], vec![xor(&[(8, 8.0)])]),
    ]);
    let batches = decode_stream(2, &bytes).expect("a stream");
    let one = r#"{"a": "1", "b": "x"}"#.to_owned();
    let two = r#"{"a": "1", "b": "y"}"#.to_owned();
    assert_eq!(floats(&batches[0]), [(one.clone(), vec![(1, 1.0), (2, 2.0), (3, 3.0), (4, 4.0)])]);
    assert_eq!(floats(&batches[1]), [(one, vec![(7, 7.0)]), (two, vec![(8, 8.0)])]);
}

#[test]
fn a_series_that_comes_again_is_merged() {
    let bytes = stream(&[
        response(0, &[("a", "1")], vec![xor(&[(5, 5.0)])]),
        response(0, &[("a", "2")], vec![xor(&[(5, 5.0)])]),
        response(0, &[("a", "1")], vec![xor(&[(3, 3.0)])]),
    ]);
    let batches = decode_stream(1, &bytes).expect("a stream");
    assert_eq!(floats(&batches[0])[0].1, [(3, 3.0), (5, 5.0)]);
    assert_eq!(batches[0].len(), 2);
}

#[test]
fn samples_outside_the_window_are_left_out_and_empty_series_with_them() {
    let bytes = stream(&[
        response(0, &[("a", "1")], vec![xor(&[(1, 1.0), (5, 5.0), (9, 9.0)])]),
        response(0, &[("a", "2")], vec![xor(&[(1, 1.0), (9, 9.0)])]),
    ]);
    let window = Window { start_ms: 2, end_ms: 8 };
    let mut decoder = StreamDecoder::new(&[window], Limits::default(), Budget::unlimited());
    decoder.push(&bytes).expect("a stream");
    let batches = decoder.finish().expect("complete");
    assert_eq!(floats(&batches[0]), [(r#"{"a": "1"}"#.to_owned(), vec![(5, 5.0)])]);
}

#[test]
fn faults_of_a_stream_are_named() {
    let good = stream(&[response(0, &[("a", "1")], vec![xor(&[(1, 1.0)])])]);
    let mut flipped = good.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    let with = |response: &ChunkedReadResponse| frame(&response.encode_to_vec());
    for (bytes, expected) in [
        (
            good[..good.len() - 1].to_vec(),
            format!("the stream is cut after {} bytes, within a frame", good.len() - 1),
        ),
        (vec![0xff], "the stream is cut after 1 bytes, within a frame".into()),
        (flipped, format!("a frame that ends at byte {} has a wrong checksum", good.len())),
        (vec![0xff; 12], "malformed message: the length of a frame".into()),
        (
            vec![0xff, 0xff, 0xff, 0xff, 0x7f],
            "34359738367 bytes in one message, over the limit of 50000000".into(),
        ),
        (with(&response(1, &[], vec![])), "an answer to query 1 of 1".into()),
        (with(&response(-1, &[], vec![])), "an answer to query -1 of 1".into()),
        (
            with(&response(0, &[("a", "1"), ("a", "2")], vec![])),
            "invalid labels: a label that occurs twice".into(),
        ),
        (with(&response(0, &[("", "1")], vec![])), "invalid labels: a label without a name".into()),
        (with(&response(0, &[], vec![chunk(99, vec![])])), "chunk encoding 99 is not known".into()),
        (
            with(&response(0, &[], vec![chunk(1, vec![0, 9, 1])])),
            "chunk of 3 bytes is cut short or corrupt".into(),
        ),
        (frame(&[0x0a, 5, 1]), "malformed message: a field that is cut or unknown".into()),
        (
            frame(&[0x0a, 4, 0x0a, 2, 0x0a, 0xff]),
            "malformed message: a field that is cut or unknown".into(),
        ),
        (
            frame(&[0x0a, 5, 0x0a, 3, 0x0a, 1, 0xff]),
            "invalid labels: text that is not utf-8".into(),
        ),
    ] {
        let error = decode_stream(1, &bytes).expect_err("a fault");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn an_unknown_encoding_calls_for_samples() {
    let bytes = stream(&[response(0, &[], vec![chunk(7, vec![])])]);
    assert!(decode_stream(1, &bytes).expect_err("unknown").wants_samples());
    assert!(!Error::Failed.wants_samples());
}

#[test]
fn after_an_error_the_decoder_stays_failed() {
    let mut decoder = decoder(1);
    decoder.push(&frame(&[0])).expect_err("field number zero");
    assert_eq!(decoder.push(&[]), Err(Error::Failed));
    assert_eq!(decoder.finish(), Err(Error::Failed));
}

#[test]
fn a_stream_without_frames_has_no_series() {
    assert_eq!(decode_stream(2, &[]).expect("an empty stream"), vec![SeriesBatch::new(); 2]);
}

#[test]
fn a_stream_over_the_budget_stops() {
    let bytes = stream(&[response(0, &[("a", "1")], vec![xor(&[(1, 1.0), (2, 2.0)]); 10])]);
    let mut decoder =
        StreamDecoder::new(&[Window::ALL], Limits::default(), Budget::new(5, 1 << 20));
    assert!(matches!(decoder.push(&bytes), Err(Error::Chunk(chunks::Error::Exceeded(_)))));
}

#[test]
fn what_is_held_of_a_frame_is_charged_only_while_it_is_held() {
    let bytes = stream(&[response(0, &[], vec![xor(&[(1, 1.0)]); 100])]);
    let half = bytes.len() / 2;
    let mut small =
        StreamDecoder::new(&[Window::ALL], Limits::default(), Budget::new(1000, half as u64 - 1));
    assert!(matches!(small.push(&bytes[..half]), Err(Error::Exceeded(_))));

    let budget = Budget::new(1000, 100_000);
    for _ in 0..20 {
        let mut decoder = StreamDecoder::new(&[Window::ALL], Limits::default(), budget.clone());
        decoder.push(&bytes[..half]).expect("half a frame");
        decoder.push(&bytes[half..]).expect("the other half");
        budget.release_samples(100);
        budget.release_bytes(100 * 16);
    }
}

fn compress(response: &ReadResponse) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&response.encode_to_vec()).expect("small")
}

fn one_series(series: TimeSeries) -> Vec<u8> {
    compress(&ReadResponse { results: vec![QueryResult { timeseries: vec![series] }] })
}

fn decode_body(queries: usize, body: &[u8]) -> Result<Vec<SeriesBatch>, Error> {
    decode_samples(body, &vec![Window::ALL; queries], Limits::default(), &Budget::unlimited())
}

#[test]
fn integer_and_float_histograms_are_read_from_samples() {
    let spans = vec![
        message::BucketSpan { offset: -1, length: 2 },
        message::BucketSpan { offset: 2, length: 1 },
    ];
    let integer = message::Histogram {
        count: Some(Count::Integer(12)),
        zero_count: Some(ZeroCount::Integer(2)),
        sum: 1.5,
        schema: 3,
        zero_threshold: 0.001,
        positive_spans: spans.clone(),
        positive_deltas: vec![3, -2, 4],
        reset_hint: 2,
        timestamp: 1000,
        ..Default::default()
    };
    let float = message::Histogram {
        count: Some(Count::Float(12.5)),
        zero_count: Some(ZeroCount::Float(0.5)),
        positive_deltas: vec![],
        positive_counts: vec![3.0, 1.0, 5.0],
        reset_hint: 3,
        timestamp: 2000,
        ..integer.clone()
    };
    let stale = message::Histogram {
        sum: f64::from_bits(STALE_NAN_BITS),
        timestamp: 3000,
        ..Default::default()
    };
    let body = one_series(TimeSeries {
        labels: labels(&[("a", "1")]),
        samples: vec![],
        histograms: vec![integer, float, stale],
    });
    let batches = decode_body(1, &body).expect("samples");
    let series = batches[0].series(0);
    let expected = Histogram {
        counter_reset_hint: CounterResetHint::NotReset,
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 2.0,
        count: 12.0,
        sum: 1.5,
        positive_spans: vec![Span { offset: -1, length: 2 }, Span { offset: 2, length: 1 }],
        positive_buckets: vec![3.0, 1.0, 5.0],
        ..Histogram::default()
    };
    assert_eq!(series.histogram_times, [1000, 2000, 3000]);
    assert_eq!(series.histogram_values[0], expected);
    let expected = Histogram {
        counter_reset_hint: CounterResetHint::Gauge,
        count: 12.5,
        zero_count: 0.5,
        ..expected
    };
    assert_eq!(series.histogram_values[1], expected);
    assert_eq!(series.histogram_values[2].sum.to_bits(), STALE_NAN_BITS);
}

#[test]
fn histograms_that_contradict_themselves_are_refused() {
    let histogram = message::Histogram {
        positive_spans: vec![message::BucketSpan { offset: 0, length: 3 }],
        positive_deltas: vec![1, 2],
        ..Default::default()
    };
    let body = one_series(TimeSeries { histograms: vec![histogram], ..Default::default() });
    let error = decode_body(1, &body).expect_err("a mismatch");
    assert_eq!(error.to_string(), "histogram has spans that do not match its buckets");
}

#[test]
fn faults_of_a_sample_answer_are_named() {
    let good = compress(&ReadResponse { results: vec![QueryResult::default()] });
    for (queries, body, expected) in [
        (1, &b"\xff\xff\xff\xff\xff"[..], "malformed message: a body that is not snappy's"),
        (1, b"not snappy", "malformed message: a body that is not snappy's"),
        (2, &good, "an answer to query 1 of 2"),
        (0, &good, "an answer to query 1 of 0"),
    ] {
        assert_eq!(decode_body(queries, body).expect_err("a fault").to_string(), expected);
    }
}

#[test]
fn a_claimed_size_over_the_limit_is_refused_before_it_is_allocated() {
    // A length of 3 GiB, and nothing behind it.
    let body = [0x80, 0x80, 0x80, 0x80, 0x0c, 0];
    let error = decode_body(1, &body).expect_err("too large");
    assert_eq!(error, Error::TooLarge { size: 3 << 30, limit: 1 << 30 });
}

proptest! {
    #[test]
    fn streams_are_the_same_however_they_are_cut(
        series in prop::collection::vec((0..4_u8, 0..2_i64, prop::collection::vec(-5..5_i64, 1..6)), 0..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut responses = Vec::new();
        let mut expected = vec![BTreeMap::<String, BTreeMap<i64, f64>>::new(); 2];
        for (number, (name, query, times)) in series.iter().enumerate() {
            let name = name.to_string();
            let mut times = times.clone();
            times.sort_unstable();
            times.dedup();
            let samples: Vec<_> = times.iter().map(|time| (*time, number as f64)).collect();
            responses.push(response(*query, &[("n", &name)], vec![xor(&samples)]));
            let own = expected[*query as usize].entry(name).or_default();
            samples.iter().for_each(|(time, value)| _ = own.entry(*time).or_insert(*value));
        }
        let bytes = stream(&responses);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = decoder(2);
        for pair in cuts.windows(2) {
            decoder.push(&bytes[pair[0]..pair[1]]).expect("a stream");
        }
        for (batch, expected) in decoder.finish().expect("complete").iter().zip(expected) {
            prop_assert_eq!(batch.len(), expected.len());
            for series in batch.iter() {
                let own = &expected[series.labels.value("n")];
                prop_assert_eq!(series.float_times, own.keys().copied().collect::<Vec<_>>());
                prop_assert_eq!(series.float_values, own.values().copied().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_cut_stream_is_an_error_or_ends_between_frames(cut in any::<prop::sample::Index>()) {
        let frames: Vec<_> = (0..3).map(|time| stream(&[response(0, &[("a", "1")], vec![xor(&[(time, 1.0)])])])).collect();
        let bytes = frames.concat();
        let cut = cut.index(bytes.len());
        let at_border = cut.is_multiple_of(frames[0].len());
        prop_assert_eq!(decode_stream(1, &bytes[..cut]).is_ok(), at_border);
    }

    #[test]
    fn any_message_in_a_frame_gives_series_or_an_error(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_stream(2, &frame(&message));
    }

    #[test]
    fn any_bytes_give_series_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), is_snappy in any::<bool>()) {
        let _ = decode_stream(2, &bytes);
        let body = if is_snappy { snap::raw::Encoder::new().compress_vec(&bytes).expect("small") } else { bytes };
        let _ = decode_body(1, &body);
    }

    #[test]
    fn damaged_answers_give_series_or_an_error(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let series = TimeSeries {
            labels: labels(&[("a", "1"), ("b", "2")]),
            samples: vec![Sample { value: 1.0, timestamp: 5 }, Sample { value: 2.0, timestamp: 6 }],
            histograms: vec![message::Histogram {
                count: Some(Count::Integer(3)),
                positive_spans: vec![message::BucketSpan { offset: 1, length: 2 }],
                positive_deltas: vec![1, 1],
                ..Default::default()
            }],
        };
        let streamed = response(0, &[("a", "1")], vec![xor(&[(1, 1.0), (2, 1.5)])]).encode_to_vec();
        let whole = ReadResponse { results: vec![QueryResult { timeseries: vec![series] }] }.encode_to_vec();
        for (mut message, is_streamed) in [(streamed, true), (whole, false)] {
            for (place, byte) in &damage {
                let place = place.index(message.len());
                message[place] = *byte;
            }
            if is_streamed {
                let _ = decode_stream(1, &frame(&message));
            } else {
                let body = snap::raw::Encoder::new().compress_vec(&message).expect("small");
                let _ = decode_body(1, &body);
            }
        }
    }

    #[test]
    fn floats_survive_a_sample_answer(
        series in prop::collection::btree_map("[a-c]{1,3}", prop::collection::btree_map(any::<i64>(), any::<u64>(), 1..9), 0..5),
        wanted in (any::<i64>(), any::<i64>()),
    ) {
        let window = Window { start_ms: wanted.0.min(wanted.1), end_ms: wanted.0.max(wanted.1) };
        let sample = |(timestamp, bits): (&i64, &u64)| Sample { value: f64::from_bits(*bits), timestamp: *timestamp };
        let timeseries = series.iter().map(|(name, samples)| TimeSeries {
            labels: labels(&[("z", "1"), ("n", name)]),
            samples: samples.iter().map(sample).collect(),
            histograms: vec![],
        });
        let body = compress(&ReadResponse { results: vec![QueryResult { timeseries: timeseries.collect() }] });
        let batches = decode_samples(&body, &[window], Limits::default(), &Budget::unlimited()).expect("samples");
        let mut expected = series;
        for samples in expected.values_mut() {
            samples.retain(|time, _| window.contains(*time));
        }
        expected.retain(|_, samples| !samples.is_empty());
        prop_assert_eq!(batches[0].len(), expected.len());
        for (own, (name, samples)) in batches[0].iter().zip(expected) {
            prop_assert_eq!(own.labels, &Labels::from_pairs([("n", name.as_str()), ("z", "1")]));
            prop_assert_eq!(own.float_times, samples.keys().copied().collect::<Vec<_>>());
            let bits: Vec<u64> = own.float_values.iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(bits, samples.values().copied().collect::<Vec<_>>());
        }
    }
}
