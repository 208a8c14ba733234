//! Maps of text: label sets.

use promql::labels::METRIC_NAME;
use promql::{Labels, LabelsBuilder};

use crate::config::report::{Mistake, Report};
use crate::config::yaml::Cursor;

/// The labels under `key` of the mapping `at`. Scalars of any type become
/// text as they are written; an empty value means no label, which is noted.
pub(super) fn resolve(at: &Cursor<'_>, key: &str, report: &mut Report) -> Labels {
    let mut labels = LabelsBuilder::new();
    let mut entries = report.read(at, key, Cursor::entries).unwrap_or_default();
    // In this order a label is added at the end, however many there are.
    entries.sort_by_key(|(name, _)| *name);
    for (name, value) in entries {
        let text = match check_name(name, &value) {
            Ok(()) if value.is_null() => Some(""),
            Ok(()) => report.take(value.text()),
            Err(mistake) => report.take(Err(mistake)),
        };
        match text {
            Some("") => report.note(&value, "empty, so the label is not set"),
            Some(text) => {
                labels.set(name, text);
            }
            None => {}
        }
    }
    labels.build()
}

/// Any text is a label name, as in Prometheus 3, but none at all; and the
/// metric's name cannot be the same for all series.
fn check_name(name: &str, value: &Cursor<'_>) -> Result<(), Mistake> {
    match name {
        "" => Err(value.key_mistake("found an empty label name, expected a name")),
        METRIC_NAME => {
            Err(value
                .key_mistake("found the metric name as a label to set, expected another label"))
        }
        _ => Ok(()),
    }
}
