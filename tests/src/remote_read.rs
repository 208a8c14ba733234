//! Remote read: everything a server holds, as it hands it to queries, with the
//! counter reset hints that its storage has found.

use crate::data::{Histogram, Labels, ResetHint, Series, Value};
use crate::http::{Client, Request};
use crate::wire::{
    ReadRequest, ReadResponse, TimeSeries, WireHistogram, WireMatcher, WireQuery, WireSpan,
};

/// All series with samples in `[start_ms, end_ms]`, in the server's order.
///
/// # Panics
/// When the server does not answer with samples.
#[must_use]
pub fn everything(client: Client, start_ms: i64, end_ms: i64) -> Vec<Series> {
    let any = WireMatcher { op: 2, name: "__name__".to_owned(), value: ".+".to_owned() };
    let query = WireQuery { start_ms, end_ms, matchers: vec![any] };
    let bytes = prost::Message::encode_to_vec(&ReadRequest { queries: vec![query] });
    let body = snap::raw::Encoder::new().compress_vec(&bytes).expect("the request is small");
    let request =
        Request { method: "POST", target: "/api/v1/read".to_owned(), headers: Vec::new(), body }
            .header("content-type", "application/x-protobuf")
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-read-version", "0.1.0");
    let response = client.send(&request).expect("a server on loopback answers");
    assert_eq!(response.status, 200, "remote read: {}", response.text());
    let bytes = snap::raw::Decoder::new().decompress_vec(&response.body).expect("snappy");
    let response: ReadResponse = prost::Message::decode(bytes.as_slice()).expect("samples");
    response.results.into_iter().flat_map(|result| result.timeseries).map(series).collect()
}

fn series(wire: TimeSeries) -> Series {
    let labels: Labels = wire.labels.into_iter().map(|label| (label.name, label.value)).collect();
    let floats = wire
        .samples
        .iter()
        .map(|sample| (sample.timestamp, Value::Float(sample.value.unwrap_or_default())));
    let histograms = wire
        .histograms
        .iter()
        .map(|wire| (wire.timestamp, Value::Histogram(Box::new(histogram(wire)))));
    let mut samples: Vec<(i64, Value)> = floats.chain(histograms).collect();
    samples.sort_by_key(|(time, _)| *time);
    Series { labels, samples, exemplars: Vec::new() }
}

fn histogram(wire: &WireHistogram) -> Histogram {
    let float = wire.count_float.is_some();
    let side = |spans: &[WireSpan], deltas: &[i64], counts: &[f64]| {
        let counts = if float { counts.to_vec() } else { from_deltas(deltas) };
        indexes(spans).zip(counts).collect()
    };
    let count = |float: Option<f64>, whole: Option<u64>| {
        float.unwrap_or_else(|| whole.unwrap_or_default() as f64)
    };
    Histogram {
        float,
        hint: match wire.reset_hint {
            1 => ResetHint::Reset,
            2 => ResetHint::NotReset,
            3 => ResetHint::Gauge,
            _ => ResetHint::Unknown,
        },
        schema: wire.schema,
        zero_threshold: wire.zero_threshold,
        zero_count: count(wire.zero_count_float, wire.zero_count_int),
        count: count(wire.count_float, wire.count_int),
        sum: wire.sum,
        positive: side(&wire.positive_spans, &wire.positive_deltas, &wire.positive_counts),
        negative: side(&wire.negative_spans, &wire.negative_deltas, &wire.negative_counts),
        custom_values: wire.custom_values.clone(),
    }
}

/// The index of every bucket of some spans.
fn indexes(spans: &[WireSpan]) -> impl Iterator<Item = i32> {
    let mut next = 0;
    spans.iter().flat_map(move |span| {
        let first = next + span.offset;
        next = first + i32::try_from(span.length).expect("a histogram has few buckets");
        first..next
    })
}

fn from_deltas(deltas: &[i64]) -> Vec<f64> {
    let sums = deltas.iter().scan(0, |sum, delta| {
        *sum += delta;
        Some(*sum as f64)
    });
    sums.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_deltas_give_indexes_and_counts() {
        let spans = [WireSpan { offset: -2, length: 2 }, WireSpan { offset: 3, length: 1 }];
        assert_eq!(indexes(&spans).collect::<Vec<_>>(), [-2, -1, 3]);
        assert_eq!(from_deltas(&[4, 2, -1]), [4.0, 6.0, 5.0]);
    }
}
