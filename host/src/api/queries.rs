//! Calls that run a query.

use promql::SeriesBatch;

use super::encode::{Data, Document, QueryData};
use super::{Answer, Api, Call, Error, explain, now_ms, params};
use crate::query::{Outcome, Request, Value};
use crate::storage::TRUNCATED;

impl Api {
    pub(super) async fn query(&self, call: &Call) -> Result<Answer, Error> {
        self.run_query(params::instant(&call.form, now_ms())?, call).await
    }

    pub(super) async fn query_range(&self, call: &Call) -> Result<Answer, Error> {
        self.run_query(params::range(&call.form)?, call).await
    }

    /// How a query would be answered: a range query if it says where it
    /// starts, ends, or what its step is.
    pub(super) async fn explain(&self, call: &Call) -> Result<Answer, Error> {
        let is_range =
            ["start", "end", "step"].iter().any(|name| !call.form.first(name).is_empty());
        let request = if is_range {
            params::range(&call.form)?
        } else {
            params::instant(&call.form, now_ms())?
        };
        Ok(Answer::json(explain::planned(&self.backend().engine.explain(request).await?)))
    }

    async fn run_query(&self, request: Request, call: &Call) -> Result<Answer, Error> {
        let limit = request.limit;
        let outcome = self.backend().engine.run(request).await?;
        let Outcome { value, mut warnings, infos, stats, explanation } = outcome;
        if limit > 0 && series_with_samples(&value) > limit {
            add_once(&mut warnings, TRUNCATED);
        }
        if let Some(warning) = params::stats_warning(&call.form) {
            add_once(&mut warnings, &warning);
        }
        Ok(Answer::Document(Document {
            data: Data::Query(Box::new(QueryData {
                value,
                limit,
                stats,
                explain: explanation.map(|own| explain::happened(&own)),
            })),
            warnings,
            infos,
        }))
    }
}

/// Adds a warning that is not there yet.
pub(super) fn add_once(warnings: &mut Vec<String>, warning: &str) {
    if !warnings.iter().any(|own| own == warning) {
        warnings.push(warning.to_owned());
    }
}

fn series_with_samples(value: &Value) -> usize {
    let count = |batch: &SeriesBatch| batch.iter().filter(|series| !series.is_empty()).count();
    match value {
        Value::Scalar { .. } | Value::String { .. } => 0,
        Value::Vector(batch) | Value::Matrix(batch) => count(batch),
    }
}
