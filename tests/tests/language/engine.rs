//! The engine over data in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e::data::{self, ResetHint, Series};
use e2e::queries::language::When;
use promql::budget::Budget;
use promql::query::{Error, Options, Query, Select};
use promql::{CounterResetHint, Histogram, Labels, SeriesBatch, Span};

use crate::answer::Answer;

/// Data and options.
pub(crate) struct Engine {
    options: Options,
    data: SeriesBatch,
}

impl Engine {
    /// An engine over these series.
    pub(crate) fn new(options: Options, series: &[Series]) -> Self {
        let mut data = SeriesBatch::new();
        let mut all: Vec<(Labels, &Series)> =
            series.iter().map(|series| (Labels::from_pairs(&series.labels), series)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        for (labels, series) in all {
            for (time, value) in &series.samples {
                match value {
                    data::Value::Float(value) => data.push_float(*time, *value),
                    data::Value::Histogram(value) => data.push_histogram(*time, histogram(value)),
                }
            }
            data.finish_series(labels);
        }
        Self { options, data }
    }

    /// True if names are removed when a query ends.
    pub(crate) fn removes_names_late(&self) -> bool {
        self.options.delayed_name_removal
    }

    /// What it answers; a panic is an answer that no server gives.
    pub(crate) fn answer(&self, query: &str, when: When) -> Answer {
        match catch_unwind(AssertUnwindSafe(|| self.outcome(query, when))) {
            Ok(answer) => answer,
            Err(_) => Answer::Failed { kind: "panic".to_owned(), text: String::new() },
        }
    }

    fn outcome(&self, text: &str, when: When) -> Answer {
        let evaluate = || -> Result<_, Error> {
            let (start, end, step) = match when {
                When::Instant(time) => (time, time, 0),
                When::Range(start, end, step) => (start, end, step),
            };
            let query = Query::new(text, start, end, step, &self.options)?;
            let data = query.selects().iter().map(|select| self.select(select)).collect();
            query.evaluate(data, &Budget::unlimited())
        };
        match evaluate() {
            Ok(outcome) => Answer::from_outcome(&outcome, text),
            Err(error) => Answer::from_error(&error),
        }
    }

    fn select(&self, select: &Select) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for series in self.data.iter() {
            let window = series.window(select.start_ms, select.end_ms);
            let matches =
                |labels| select.matchers.iter().all(|matcher| matcher.matches_labels(labels));
            if !window.is_empty() && matches(series.labels) {
                batch.push_series(series.labels.clone(), window);
            }
        }
        batch
    }
}

fn histogram(value: &data::Histogram) -> Histogram {
    let (positive_spans, positive_buckets) = side(&value.positive);
    let (negative_spans, negative_buckets) = side(&value.negative);
    Histogram {
        counter_reset_hint: match value.hint {
            ResetHint::Unknown => CounterResetHint::Unknown,
            ResetHint::Reset => CounterResetHint::Reset,
            ResetHint::NotReset => CounterResetHint::NotReset,
            ResetHint::Gauge => CounterResetHint::Gauge,
        },
        schema: value.schema,
        zero_threshold: value.zero_threshold,
        zero_count: value.zero_count,
        count: value.count,
        sum: value.sum,
        positive_spans,
        negative_spans,
        positive_buckets,
        negative_buckets,
        custom_values: value.custom_values.clone(),
    }
}

fn side(buckets: &[(i32, f64)]) -> (Vec<Span>, Vec<f64>) {
    let mut spans: Vec<Span> = Vec::new();
    let mut next = 0;
    for (index, _) in buckets {
        match spans.last_mut() {
            Some(last) if *index == next => last.length += 1,
            _ => spans.push(Span { offset: index - next, length: 1 }),
        }
        next = index + 1;
    }
    (spans, buckets.iter().map(|(_, count)| *count).collect())
}
