//! Calls about which series, labels and metrics there are.

use super::encode::{Data, Document};
use super::queries::add_once;
use super::{Answer, Api, Call, Error, language, params};
use crate::storage::{self, ExemplarRequest, TRUNCATED};

impl Api {
    pub(super) async fn series(&self, call: &Call) -> Result<Answer, Error> {
        if let Some(problem) = call.form.problem() {
            return Err(params::Error::Form(problem.clone()).into());
        }
        if call.form.all("match[]").next().is_none() {
            return Err(params::Error::NoMatch.into());
        }
        let scope = params::scope(&call.form, params::Fault::Named)?;
        let answer = self.backend().storage.series(&self.context(), &scope).await?;
        Ok(list(answer, scope.limit, Data::LabelSets))
    }

    pub(super) async fn labels(&self, call: &Call) -> Result<Answer, Error> {
        let scope = params::scope(&call.form, params::Fault::Bare)?;
        let answer = self.backend().storage.label_names(&self.context(), &scope).await?;
        Ok(list(answer, scope.limit, Data::Strings))
    }

    pub(super) async fn label_values(&self, call: &Call) -> Result<Answer, Error> {
        let name = params::label_name(&call.parameter)?;
        let scope = params::scope(&call.form, params::Fault::Bare)?;
        let answer = self.backend().storage.label_values(&self.context(), &name, &scope).await?;
        Ok(list(answer, scope.limit, Data::Strings))
    }

    pub(super) async fn metadata(&self, call: &Call) -> Result<Answer, Error> {
        let request = params::metadata(&call.form)?;
        let storage::Answer { data, warnings, infos } =
            self.backend().storage.metadata(&self.context(), &request).await?;
        Ok(Answer::Document(Document { data: Data::Metadata(data), warnings, infos }))
    }
}

impl Api {
    /// A query without selectors has no answer at all, not an empty one.
    pub(super) async fn query_exemplars(&self, call: &Call) -> Result<Answer, Error> {
        let (start_ms, end_ms) = params::exemplar_window(&call.form)?;
        let query = params::query(&call.form)?;
        let selectors = language::selectors_of(query, &self.settings.language)?;
        if selectors.is_empty() {
            return Ok(Answer::Nothing);
        }
        let request = ExemplarRequest { selectors, start_ms, end_ms };
        let storage::Answer { data, warnings, infos } =
            self.backend().storage.exemplars(&self.context(), &request).await?;
        Ok(Answer::Document(Document { data: Data::Exemplars(data), warnings, infos }))
    }
}

/// The storage cuts and warns; a storage that gave one too many is cut here.
fn list<T>(answer: storage::Answer<Vec<T>>, limit: usize, wrap: fn(Vec<T>) -> Data) -> Answer {
    let storage::Answer { mut data, mut warnings, infos } = answer;
    if limit > 0 && data.len() > limit {
        data.truncate(limit);
        add_once(&mut warnings, TRUNCATED);
    }
    Answer::Document(Document { data: wrap(data), warnings, infos })
}
