//! Remote write 1.0: series as a snappy-compressed protobuf message.

use crate::data::{Exemplar, Histogram, Labels, ResetHint, Series, Value};
use crate::wire::{
    TimeSeries, WireExemplar, WireHistogram, WireLabel, WireSample, WireSpan, WriteRequest,
};

/// The content of a POST to `/api/v1/write` that writes these series.
#[must_use]
pub fn body(series: &[Series]) -> Vec<u8> {
    let request = WriteRequest { timeseries: series.iter().map(TimeSeries::from).collect() };
    let bytes = prost::Message::encode_to_vec(&request);
    snap::raw::Encoder::new().compress_vec(&bytes).expect("a write request stays below 4 GiB")
}

impl From<&Series> for TimeSeries {
    fn from(series: &Series) -> Self {
        let mut wire = Self { labels: labels(&series.labels), ..Self::default() };
        for (timestamp, value) in &series.samples {
            match value {
                Value::Float(value) => {
                    wire.samples.push(WireSample { value: Some(*value), timestamp: *timestamp });
                }
                Value::Histogram(value) => wire.histograms.push(histogram(value, *timestamp)),
            }
        }
        wire.exemplars = series.exemplars.iter().map(exemplar).collect();
        wire
    }
}

fn labels(labels: &Labels) -> Vec<WireLabel> {
    let pairs = labels.iter();
    pairs.map(|(name, value)| WireLabel { name: name.clone(), value: value.clone() }).collect()
}

fn exemplar(exemplar: &Exemplar) -> WireExemplar {
    WireExemplar {
        labels: labels(&exemplar.labels),
        value: exemplar.value,
        timestamp: exemplar.time_ms,
    }
}

fn histogram(value: &Histogram, timestamp: i64) -> WireHistogram {
    let mut wire = WireHistogram {
        sum: value.sum,
        schema: value.schema,
        zero_threshold: value.zero_threshold,
        negative_spans: spans(&value.negative),
        positive_spans: spans(&value.positive),
        reset_hint: match value.hint {
            ResetHint::Unknown => 0,
            ResetHint::Reset => 1,
            ResetHint::NotReset => 2,
            ResetHint::Gauge => 3,
        },
        timestamp,
        custom_values: value.custom_values.clone(),
        ..WireHistogram::default()
    };
    if value.float {
        wire.count_float = Some(value.count);
        wire.zero_count_float = Some(value.zero_count);
        wire.negative_counts = occupied(&value.negative).map(|(_, count)| count).collect();
        wire.positive_counts = occupied(&value.positive).map(|(_, count)| count).collect();
    } else {
        wire.count_int = Some(value.count as u64);
        wire.zero_count_int = Some(value.zero_count as u64);
        wire.negative_deltas = deltas(&value.negative);
        wire.positive_deltas = deltas(&value.positive);
    }
    wire
}

/// Index and count of every bucket that is not empty.
fn occupied(buckets: &[(i32, f64)]) -> impl Iterator<Item = (i32, f64)> {
    buckets.iter().copied().filter(|(_, count)| *count != 0.0)
}

fn spans(buckets: &[(i32, f64)]) -> Vec<WireSpan> {
    let mut spans: Vec<WireSpan> = Vec::new();
    let mut next = 0;
    for (index, _) in occupied(buckets) {
        match spans.last_mut() {
            Some(last) if index == next => last.length += 1,
            _ => spans.push(WireSpan { offset: index - next, length: 1 }),
        }
        next = index + 1;
    }
    spans
}

fn deltas(buckets: &[(i32, f64)]) -> Vec<i64> {
    let mut before = 0;
    let mut delta = |(_, count): (i32, f64)| {
        let count = count as i64;
        let delta = count - before;
        before = count;
        delta
    };
    occupied(buckets).map(&mut delta).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_buckets_become_gaps_between_spans() {
        let buckets = [(-2, 4.0), (-1, 6.0), (0, 0.0), (1, 0.0), (2, 5.0)];
        let expected =
            [WireSpan { offset: -2, length: 2 }, WireSpan { offset: 2, length: 1 }].to_vec();
        assert_eq!(spans(&buckets), expected);
        assert_eq!(deltas(&buckets), [4, 2, -1]);
    }
}
