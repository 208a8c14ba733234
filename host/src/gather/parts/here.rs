//! A part of a query from raw samples: fetched, merged and evaluated as every
//! query is, over some of its steps and some of the groups.

use promql::SeriesBatch;
use promql::ast::Expr;
use promql::query::Query;
use promql::value::Value;

use super::combine::Piece;
use crate::gather::fleet::Fleet;
use crate::plan::Steps;
use crate::storage::{Answer, Context, Error, Question};

impl Fleet {
    /// The values of an expression at these steps over these groups' series.
    pub(super) async fn evaluate_here(
        &self,
        context: &Context,
        question: &Question,
        (expr, steps): (&Expr, Steps),
        groups: &[usize],
    ) -> Result<Answer<Piece>, Error> {
        let Steps { start_ms, end_ms, step_ms } = steps;
        let options = question.options;
        let query = Query::from_expr(expr.clone(), start_ms, end_ms, step_ms, &options)
            .map_err(evaluation_error)?;
        let fetched = self.select_of(context, query.selects(), Some(groups)).await?;
        let (data, budget) = (fetched.data, context.budget.clone());
        let text = question.text.clone();
        let evaluating = tokio::task::spawn_blocking(move || {
            let outcome = query.evaluate(data, &budget)?;
            let (warnings, infos) = outcome.annotations.texts(&text, 0);
            Ok::<_, promql::query::Error>((outcome.value, warnings, infos))
        });
        let evaluated =
            evaluating.await.map_err(|error| Error::Internal(format!("evaluation: {error}")))?;
        let (value, mut warnings, mut infos) = evaluated.map_err(evaluation_error)?;
        warnings.splice(0..0, fetched.warnings);
        infos.splice(0..0, fetched.infos);
        Ok(Answer { data: Piece { series: series(value) }, warnings, infos })
    }
}

fn series(value: Value) -> SeriesBatch {
    match value {
        Value::Vector(batch) | Value::Matrix(batch) => batch,
        // A site is an instant vector.
        Value::Scalar { .. } | Value::String { .. } => SeriesBatch::new(),
    }
}

fn evaluation_error(error: promql::query::Error) -> Error {
    use promql::query::Error as Promql;
    match error {
        Promql::Exceeded(exceeded) => Error::Exceeded(exceeded),
        Promql::Execution(text) => Error::Execution(text),
        other => Error::BadData(other.to_string()),
    }
}
