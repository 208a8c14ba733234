//! A storage in memory: what a demo server answers from.

use std::collections::BTreeMap;

use promql::matcher::Matcher;
use promql::{Labels, SeriesBatch, SeriesRef};

use crate::storage::{
    Answer, Boxed, Context, ExemplarRequest, Metadata, MetadataRequest, Scope, Select,
    SeriesExemplars, Storage,
};

/// Series that never change.
#[derive(Debug, Default)]
pub struct Memory {
    /// In label order, each label set once.
    series: SeriesBatch,
    metadata: BTreeMap<String, Vec<Metadata>>,
}

impl Memory {
    /// A storage of these series, in any order, each label set once.
    #[must_use]
    pub fn new(series: &SeriesBatch, metadata: BTreeMap<String, Vec<Metadata>>) -> Self {
        let mut sorted = SeriesBatch::new();
        for index in series.sorted() {
            sorted.push_series(series.labels()[index].clone(), series.series(index));
        }
        Self { series: sorted, metadata }
    }

    /// The samples of one selector.
    fn matching(&self, select: &Select) -> SeriesBatch {
        let mut found = SeriesBatch::new();
        for series in self.series.iter().filter(|series| matches(&select.matchers, series.labels)) {
            let window = series.window(select.start_ms, select.end_ms);
            if !window.is_empty() {
                found.push_series(series.labels.clone(), window);
            }
        }
        found
    }

    fn in_scope<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = SeriesRef<'a>> {
        let start = scope.start_ms.unwrap_or(i64::MIN);
        let end = scope.end_ms.unwrap_or(i64::MAX);
        self.series.iter().filter(move |series| {
            let selected = scope.selectors.is_empty()
                || scope.selectors.iter().any(|matchers| matches(matchers, series.labels));
            selected && !series.window(start, end).is_empty()
        })
    }
}

fn matches(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|matcher| matcher.matches_labels(labels))
}

impl Storage for Memory {
    fn select<'a>(
        &'a self,
        context: &'a Context,
        selects: &'a [Select],
    ) -> Boxed<'a, Vec<SeriesBatch>> {
        Box::pin(async move {
            let mut data = Vec::with_capacity(selects.len());
            for select in selects {
                let batch = self.matching(select);
                context.budget.charge_samples(batch.samples())?;
                data.push(batch);
            }
            Ok(Answer { data, ..Answer::default() })
        })
    }

    fn series<'a>(&'a self, _context: &'a Context, scope: &'a Scope) -> Boxed<'a, Vec<Labels>> {
        Box::pin(async move {
            let labels = self.in_scope(scope).map(|series| series.labels.clone()).collect();
            Ok(limited(labels, scope.limit))
        })
    }

    fn label_names<'a>(
        &'a self,
        _context: &'a Context,
        scope: &'a Scope,
    ) -> Boxed<'a, Vec<String>> {
        Box::pin(async move {
            let labels = self.in_scope(scope).flat_map(|series| series.labels.iter());
            let mut names: Vec<_> = labels.map(|(name, _)| name.to_owned()).collect();
            names.sort_unstable();
            names.dedup();
            Ok(limited(names, scope.limit))
        })
    }

    fn label_values<'a>(
        &'a self,
        _context: &'a Context,
        name: &'a str,
        scope: &'a Scope,
    ) -> Boxed<'a, Vec<String>> {
        Box::pin(async move {
            let found = self.in_scope(scope).filter_map(|series| series.labels.get(name));
            let mut values: Vec<_> = found.map(str::to_owned).collect();
            values.sort_unstable();
            values.dedup();
            Ok(limited(values, scope.limit))
        })
    }

    fn metadata<'a>(
        &'a self,
        _context: &'a Context,
        request: &'a MetadataRequest,
    ) -> Boxed<'a, BTreeMap<String, Vec<Metadata>>> {
        Box::pin(async move {
            let wanted = |name: &str| request.metric.as_deref().is_none_or(|own| own == name);
            let limit = if request.limit == 0 { usize::MAX } else { request.limit };
            let found = self.metadata.iter().filter(|(name, _)| wanted(name)).take(limit);
            let data = found.map(|(name, list)| (name.clone(), list.clone())).collect();
            Ok(Answer { data, ..Answer::default() })
        })
    }

    fn exemplars<'a>(
        &'a self,
        _context: &'a Context,
        _request: &'a ExemplarRequest,
    ) -> Boxed<'a, Vec<SeriesExemplars>> {
        Box::pin(async move { Ok(Answer::default()) })
    }
}

fn limited<T>(mut data: Vec<T>, limit: usize) -> Answer<Vec<T>> {
    let mut warnings = Vec::new();
    if limit > 0 && data.len() > limit {
        data.truncate(limit);
        warnings.push(crate::storage::TRUNCATED.to_owned());
    }
    Answer { data, warnings, infos: Vec::new() }
}
