//! The bytes of the faulty answers.

use serde_json::Value;

use crate::serve::Received;

use super::Fault;

/// The time of the first sample, in seconds.
pub(super) const TIME_S: i64 = 1_699_999_200;

/// Head and beginning of a matrix that never ends.
pub(super) const ENDLESS_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    connection: close\r\n\r\n\
    {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":\
    [{\"metric\":{\"__name__\":\"steady\",\"job\":\"api\"},\"values\":[[1699999100,\"1\"]";

const JSON: &str = "application/json";
const STREAMED: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
const TEXT: &str = "text/plain; charset=utf-8";
const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><body><h1>Please sign in</h1></body></html>\n";
const ENVELOPE: &[u8] =
    br#"{"status":"error","errorType":"internal","error":"the disk is on fire"}"#;
const REJECTION: &[u8] =
    br#"{"status":"error","errorType":"bad_data","error":"1:5: parse error: unknown function"}"#;

/// An answer with a correct frame.
pub(super) fn complete(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// The answer of a fault that lies in what is sent, not in how.
pub(super) fn whole(fault: Fault, request: &Received) -> Vec<u8> {
    match fault {
        Fault::ErrorEnvelope => complete(500, JSON, ENVELOPE),
        Fault::ErrorText => complete(500, TEXT, b"internal server error\n"),
        Fault::BadGateway => complete(502, "text/html", PAGE),
        Fault::ErrorWithSuccessStatus => complete(200, JSON, ENVELOPE),
        Fault::Garbage => complete(200, JSON, &garbage()),
        Fault::Html => complete(200, "text/html", PAGE),
        Fault::WrongResultType => complete(200, JSON, &result("tensor", "[]")),
        Fault::DeepNesting => complete(200, JSON, &result("matrix", &"[".repeat(100_000))),
        Fault::DuplicateSamples | Fault::UnsortedSamples if request.path.ends_with("/read") => {
            complete(404, TEXT, b"404 page not found\n")
        }
        Fault::DuplicateSamples => complete(200, JSON, &matrix(&[0, 15, 15, 30])),
        Fault::UnsortedSamples => complete(200, JSON, &matrix(&[0, 30, 15, 45])),
        Fault::ReadContentType => complete(200, "application/x-thrift", &frame(1, true)),
        Fault::ReadUnknownEncoding => complete(200, STREAMED, &frame(99, true)),
        Fault::ReadChecksum => complete(200, STREAMED, &frame(1, false)),
        Fault::ReadHugeFrame => complete(200, STREAMED, &huge_frame()),
        Fault::ReadMissing => complete(404, TEXT, b"404 page not found\n"),
        Fault::RejectText => complete(400, JSON, REJECTION),
        Fault::Histograms => complete(200, JSON, &histograms(request)),
        _ => complete(200, JSON, b""),
    }
}

/// An answer whose numbers are all higher by a hundredth.
pub(super) fn other_numbers(body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    let change = |sample: &mut Value| {
        if let Some(number) = sample[1].as_str().and_then(|text| text.parse::<f64>().ok()) {
            sample[1] = (number * 1.01).to_string().into();
        }
    };
    let result = &mut answer["data"]["result"];
    if result[1].is_string() {
        change(result);
    }
    for series in result.as_array_mut().into_iter().flatten().filter(|one| one.is_object()) {
        if let Some(value) = series.get_mut("value") {
            change(value);
        }
        let values = series.get_mut("values").and_then(Value::as_array_mut);
        values.into_iter().flatten().for_each(change);
    }
    answer.to_string().into_bytes()
}

/// One series with a histogram, of the type that the request asks for.
fn histograms(request: &Received) -> Vec<u8> {
    let histogram = r#"{"count":"3","sum":"4","buckets":[[0,"1","2","3"]]}"#;
    if request.path.ends_with("/query_range") {
        let sample = format!(r#"{{"metric":{{}},"histograms":[[{TIME_S},{histogram}]]}}"#);
        return result("matrix", &format!("[{sample}]"));
    }
    result("vector", &format!(r#"[{{"metric":{{}},"histogram":[{TIME_S},{histogram}]}}]"#))
}

/// A correct beginning and an end that is missing.
pub(super) fn cut_length() -> Vec<u8> {
    let body = matrix(&[0, 15, 30, 45]);
    let mut answer = complete(200, JSON, &body);
    answer.truncate(answer.len() - 40);
    answer
}

/// A chunk of a body, and no further one.
pub(super) fn cut_chunked() -> Vec<u8> {
    let body = matrix(&[0, 15, 30, 45]);
    let half = &body[..body.len() / 2];
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        half.len()
    )
    .into_bytes();
    answer.extend_from_slice(half);
    answer.extend_from_slice(b"\r\n");
    answer
}

/// `,[time,"value"]` so many times, a second apart.
pub(super) fn samples_from(time_s: i64, count: i64) -> String {
    (0..count).map(|index| format!(",[{},\"1\"]", time_s + index)).collect()
}

/// A matrix of one series that the healthy server has as well, with its samples
/// at these distances from [`TIME_S`].
fn matrix(offsets_s: &[i64]) -> Vec<u8> {
    let sample = |offset: &i64| format!("[{},\"{}\"]", TIME_S + offset, offset / 15);
    let samples: Vec<String> = offsets_s.iter().map(sample).collect();
    let samples = samples.join(",");
    let metric = r#"{"__name__":"steady","job":"api"}"#;
    result("matrix", &format!(r#"[{{"metric":{metric},"values":[{samples}]}}]"#))
}

fn result(kind: &str, result: &str) -> Vec<u8> {
    let data = format!(r#"{{"resultType":"{kind}","result":{result}}}"#);
    format!(r#"{{"status":"success","data":{data}}}"#).into_bytes()
}

fn garbage() -> Vec<u8> {
    (0..4096).map(|index| (crate::data::hash(&[index]) & 0xff) as u8).collect()
}

/// A frame of streamed remote read: one series, one chunk of this encoding.
fn frame(encoding: i32, right_checksum: bool) -> Vec<u8> {
    let label = |name: &str, value: &str| Label { name: name.into(), value: value.into() };
    let chunk = Chunk {
        min_time_ms: TIME_S * 1000,
        max_time_ms: TIME_S * 1000 + 60_000,
        encoding,
        data: vec![0, 4, 1, 2, 3, 4, 5, 6, 7, 8],
    };
    let series = ChunkedSeries {
        labels: vec![label("__name__", "steady"), label("job", "api")],
        chunks: vec![chunk],
    };
    let message =
        prost::Message::encode_to_vec(&ChunkedReadResponse { series: vec![series], query: 0 });
    let checksum = crc32c::crc32c(&message) ^ u32::from(!right_checksum);
    let mut frame = Vec::new();
    prost::encoding::encode_varint(message.len() as u64, &mut frame);
    frame.extend_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(&message);
    frame
}

fn huge_frame() -> Vec<u8> {
    let mut frame = Vec::new();
    prost::encoding::encode_varint(1 << 62, &mut frame);
    frame.extend_from_slice(&[0; 64]);
    frame
}

#[derive(Clone, PartialEq, prost::Message)]
struct ChunkedReadResponse {
    #[prost(message, repeated, tag = "1")]
    series: Vec<ChunkedSeries>,
    #[prost(int64, tag = "2")]
    query: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ChunkedSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    chunks: Vec<Chunk>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Chunk {
    #[prost(int64, tag = "1")]
    min_time_ms: i64,
    #[prost(int64, tag = "2")]
    max_time_ms: i64,
    #[prost(int32, tag = "3")]
    encoding: i32,
    #[prost(bytes = "vec", tag = "4")]
    data: Vec<u8>,
}
