//! The storage of a script: what `load` puts in and selectors take out.

use std::collections::BTreeMap;

use promql::query::Select;
use promql::series::is_stale;
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, Span, number};

use crate::sequence::Value;

/// A sample, and its start timestamp (0 is unknown).
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) time: i64,
    pub(crate) start: i64,
    pub(crate) value: SampleValue,
}

#[derive(Clone, Debug)]
pub(crate) enum SampleValue {
    Float(f64),
    Histogram(Histogram),
}

/// A `load` command.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) gap_ms: i64,
    pub(crate) with_nhcb: bool,
    /// Values and, where given, start offsets.
    pub(crate) series: Vec<(Labels, Vec<Value>, Vec<Option<i64>>)>,
}

/// All samples by series.
#[derive(Debug, Default)]
pub(crate) struct Storage(BTreeMap<Labels, Vec<Sample>>);

impl Storage {
    pub(crate) fn load(&mut self, load: &Load) -> Result<(), String> {
        let mut loaded: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        for (labels, values, starts) in &load.series {
            loaded.insert(labels.clone(), samples(load.gap_ms, values, starts));
        }
        if load.with_nhcb {
            for (labels, samples) in custom_histograms(&loaded)? {
                self.append(labels, samples);
            }
        }
        for (labels, samples) in loaded {
            self.append(labels, samples);
        }
        Ok(())
    }

    fn append(&mut self, labels: Labels, samples: Vec<Sample>) {
        let own = self.0.entry(labels).or_default();
        own.extend(samples);
        own.sort_by_key(|sample| sample.time);
        own.dedup_by_key(|sample| sample.time);
        set_hints(own);
    }

    /// What a selector reads.
    pub(crate) fn select(&self, select: &Select) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for (labels, samples) in &self.0 {
            if !select.matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                continue;
            }
            let range = select.start_ms..=select.end_ms;
            for sample in samples.iter().filter(|sample| range.contains(&sample.time)) {
                match &sample.value {
                    SampleValue::Float(value) => {
                        batch.push_float(sample.time, *value);
                        batch.start_last_float(sample.start);
                    }
                    SampleValue::Histogram(histogram) => {
                        batch.push_histogram(sample.time, histogram.clone());
                        batch.start_last_histogram(sample.start);
                    }
                }
            }
            if batch.pending() > 0 {
                batch.finish_series(labels.clone());
            }
        }
        batch
    }
}

fn samples(gap_ms: i64, values: &[Value], starts: &[Option<i64>]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let time = place as i64 * gap_ms;
        let start = starts.get(place).copied().flatten().map_or(0, |offset| time + offset);
        let value = match value {
            Value::Omitted => continue,
            Value::Float(value) => SampleValue::Float(*value),
            Value::Histogram(histogram, _) => SampleValue::Histogram(histogram.clone()),
        };
        samples.push(Sample { time, start, value });
    }
    samples
}

/// Sets the hints that reading from Prometheus's storage gives: within a
/// chunk there was no reset, and of a chunk's first sample nothing is known.
fn set_hints(samples: &mut [Sample]) {
    use CounterResetHint::{Gauge, NotReset, Unknown};
    const CHUNK_MS: i64 = 24 * 3600 * 1000;
    let mut previous: Option<(i64, Histogram)> = None;
    for sample in samples {
        let SampleValue::Histogram(histogram) = &mut sample.value else {
            previous = None;
            continue;
        };
        let original = histogram.clone();
        let continues = previous.as_ref().is_some_and(|(time, before)| {
            time / CHUNK_MS == sample.time / CHUNK_MS && continues_chunk(before, &original)
        });
        histogram.counter_reset_hint = match original.counter_reset_hint {
            Gauge => Gauge,
            _ if continues => NotReset,
            _ => Unknown,
        };
        previous = Some((sample.time, original));
    }
}

fn continues_chunk(before: &Histogram, next: &Histogram) -> bool {
    use CounterResetHint::{Gauge, NotReset, Reset, Unknown};
    let is_gauge = |h: &Histogram| h.counter_reset_hint == Gauge;
    let same_kind = is_gauge(before) == is_gauge(next);
    let same_layout = before.schema == next.schema
        && before.zero_threshold == next.zero_threshold
        && before.custom_values == next.custom_values;
    if !same_kind || next.counter_reset_hint == Reset || is_stale(before.sum) {
        return false;
    }
    if is_stale(next.sum) {
        return true;
    }
    let mut compared = next.clone();
    if matches!(compared.counter_reset_hint, NotReset) {
        compared.counter_reset_hint = Unknown;
    }
    same_layout && (is_gauge(next) || !compared.detect_reset(before))
}

/// What is known of a classic histogram at one time.
#[derive(Default)]
struct Classic {
    /// Cumulative counts by bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Classic histograms as histograms with custom bounds.
fn custom_histograms(
    loaded: &BTreeMap<Labels, Vec<Sample>>,
) -> Result<Vec<(Labels, Vec<Sample>)>, String> {
    let mut found: BTreeMap<Labels, BTreeMap<i64, Classic>> = BTreeMap::new();
    for (labels, samples) in loaded {
        let name = labels.metric_name();
        let Some((base, part)) = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|part| name.strip_suffix(part).map(|base| (base, *part)))
        else {
            continue;
        };
        let bound = number::parse_float(labels.value("le")).unwrap_or(f64::NAN);
        if part == "_bucket" && bound.is_nan() {
            continue;
        }
        let mut base_labels = labels.to_builder();
        base_labels.set("__name__", base).remove("le");
        let classic = found.entry(base_labels.build()).or_default();
        for sample in samples {
            let SampleValue::Float(value) = sample.value else { continue };
            let at = classic.entry(sample.time).or_default();
            match part {
                "_bucket" => at.buckets.push((bound, value)),
                "_count" => at.count = Some(value),
                _ => at.sum = value,
            }
        }
    }
    found
        .into_iter()
        .map(|(labels, times)| {
            let samples: Result<Vec<Sample>, String> = times
                .into_iter()
                .map(|(time, classic)| {
                    let value = SampleValue::Histogram(classic.convert()?);
                    Ok(Sample { time, start: 0, value })
                })
                .collect();
            Ok((labels, samples?))
        })
        .collect()
}

impl Classic {
    fn convert(mut self) -> Result<Histogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.buckets.dedup_by_key(|bucket| bucket.0);
        if self.buckets.is_sorted_by(|a, b| a.1 <= b.1) {
            let highest = self.buckets.last().map_or(0.0, |bucket| bucket.1);
            let count = self.count.unwrap_or(highest);
            if self.buckets.last().is_none_or(|last| last.0 != f64::INFINITY) {
                self.buckets.push((f64::INFINITY, count));
            }
            let mut before = 0.0;
            let counts: Vec<f64> = self
                .buckets
                .iter()
                .map(|(_, cumulative)| cumulative - std::mem::replace(&mut before, *cumulative))
                .collect();
            let length = u32::try_from(counts.len()).expect("a script has few buckets");
            let mut histogram = Histogram {
                schema: promql::histogram::CUSTOM_BUCKETS_SCHEMA,
                count,
                sum: self.sum,
                positive_spans: vec![Span { offset: 0, length }],
                positive_buckets: counts,
                custom_values: self.buckets[..self.buckets.len() - 1]
                    .iter()
                    .map(|bucket| bucket.0)
                    .collect(),
                ..Histogram::default()
            };
            histogram.compact();
            return Ok(histogram);
        }
        Err("count is not cumulative".to_owned())
    }
}
