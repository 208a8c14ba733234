//! Calls about queries as texts: print one prettily, show its syntax tree;
//! and the selectors that other calls take as parameters.

use promql::ast::Expr;
use promql::matcher::Matcher;
use promql::parser::{self, Options};
use promql::printer::prettify;

use super::encode::{Data, Document, Tree, text};
use super::params::{self, Reason};
use super::{Answer, Call, Error};
use crate::server::Fault;

impl super::Api {
    pub(super) async fn format_query(&self, call: &Call) -> Result<Answer, Error> {
        let query = params::query(&call.form)?;
        let options = self.settings.language;
        let formatted = off_reactor(query, move |query| {
            Ok(text::to_json(&prettify(&expression(query, &options)?)))
        });
        Ok(Answer::Document(Document::of(Data::Json(formatted.await?))))
    }

    pub(super) async fn parse_query(&self, call: &Call) -> Result<Answer, Error> {
        let query = params::query(&call.form)?;
        let options = self.settings.language;
        let tree = off_reactor(query, move |query| Ok(Tree::of(&expression(query, &options)?)));
        Ok(Answer::Document(Document::of(Data::Json(tree.await?.into_json()))))
    }
}

/// Texts up to this are worked on at once; a larger one could keep a thread
/// busy that others wait for.
const SHORT: usize = 16 * 1024;

async fn off_reactor<T: Send + 'static>(
    query: &str,
    work: impl FnOnce(&str) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if query.len() <= SHORT {
        return work(query);
    }
    let query = query.to_owned();
    match tokio::task::spawn_blocking(move || work(&query)).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the runtime's end cancels work on the blocking pool.
            Err(_) => Err(Fault::Panic.into()),
        },
    }
}

fn expression(query: &str, options: &Options) -> Result<Expr, Error> {
    let parsed = parser::parse(query, options);
    parsed.map_err(|error| Reason::Expression(error.to_string()).of("query").into())
}

/// The selectors of a query, for exemplars; its fault is told without the
/// parameter's name, as Prometheus does there.
pub(super) fn selectors_of(query: &str, options: &Options) -> Result<Vec<Vec<Matcher>>, Error> {
    let parsed = parser::parse(query, options);
    let expr = parsed.map_err(|error| params::Error::Selector(error.to_string()))?;
    Ok(expr.selectors().into_iter().map(|selector| selector.matchers.clone()).collect())
}

/// Why a `match[]` is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum MatchError {
    /// It does not parse.
    #[error(transparent)]
    Parse(#[from] parser::ParseError),
    /// Every series fulfils it.
    #[error("match[] must contain at least one non-empty matcher")]
    Empty,
}

/// Reads selectors, each of which must ask for more than that a label is
/// empty.
pub(super) fn selectors<'a>(
    texts: impl Iterator<Item = &'a str>,
) -> Result<Vec<Vec<Matcher>>, MatchError> {
    let parsed: Result<Vec<_>, _> = texts.map(parser::parse_selector).collect();
    let selectors = parsed?;
    let asks = |matchers: &Vec<Matcher>| matchers.iter().any(|matcher| !matcher.matches(""));
    if selectors.iter().all(asks) { Ok(selectors) } else { Err(MatchError::Empty) }
}
