//! `label_replace` and `label_join`: they look at labels only.

use super::Evaluator;
use super::block::{Block, Series};
use super::sort::string_arg;
use crate::labels::METRIC_NAME;
use crate::plan::{Call, Grid};
use crate::query::Error;
use crate::regex::Regex;

impl Evaluator<'_> {
    pub(super) fn label_replace(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let strings: Vec<String> = call.args.iter().filter_map(string_arg).collect();
        let [target, replacement, source, pattern] = strings.as_slice() else {
            return Err(Error::Execution("label_replace() takes four strings".to_owned()));
        };
        let regex = Regex::new(pattern).map_err(|_| {
            Error::Execution(format!("invalid regular expression in label_replace(): {pattern}"))
        })?;
        check_name(target, "destination label name in label_replace()")?;
        let mut block = self.vector_arg(call, grid)?;
        for series in &mut block.series {
            let source = series.labels.value(source).to_owned();
            let Some(captures) = regex.captures(&source) else { continue };
            let mut value = String::new();
            captures.expand(replacement, &mut value);
            set_label(series, target, &value);
        }
        block.merge_same_labels()
    }

    pub(super) fn label_join(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let strings: Vec<String> = call.args.iter().filter_map(string_arg).collect();
        let [target, separator, sources @ ..] = strings.as_slice() else {
            return Err(Error::Execution("label_join() takes strings".to_owned()));
        };
        for source in sources {
            check_name(source, "source label name in label_join()")?;
        }
        check_name(target, "destination label name in label_join()")?;
        let mut block = self.vector_arg(call, grid)?;
        for series in &mut block.series {
            let values: Vec<&str> =
                sources.iter().map(|source| series.labels.value(source)).collect();
            let value = values.join(separator);
            set_label(series, target, &value);
        }
        block.merge_same_labels()
    }
}

/// A label's name may be any text but the empty one. Bytes that are no text
/// have been replaced by then, which no name may contain either.
fn check_name(name: &str, what: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Error::Execution(format!("invalid {what}: {name}")));
    }
    Ok(())
}

/// Sets a label; a name set on purpose stays.
fn set_label(series: &mut Series, name: &str, value: &str) {
    let mut labels = series.labels.to_builder();
    labels.set(name, value);
    series.labels = labels.build();
    if name == METRIC_NAME {
        series.drop_name = false;
    }
}
