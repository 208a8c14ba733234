//! The section `record` of a server group.

use std::path::Path;

use crate::config::defaults;
use crate::config::model::Record;
use crate::config::report::{Mistake, Report};
use crate::config::yaml::Cursor;

/// Reads the section `at`, if it says anything; a relative folder counts from
/// `base_dir`.
pub(super) fn resolve(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Option<Record> {
    if at.is_empty() {
        return None;
    }
    let max_bytes = report.read(at, "max_bytes", max_bytes);
    let sample = report.read(at, "sample", sample);
    let Some(dir) = at.get("dir") else {
        report.mistake(at.mistake("found no `dir`, expected the folder of the recordings"));
        return None;
    };
    let dir = report.take(folder(&dir))?;
    Some(Record {
        dir: base_dir.join(dir),
        max_bytes: max_bytes.unwrap_or(defaults::RECORD_MAX_BYTES),
        sample: sample.unwrap_or(defaults::RECORD_SAMPLE),
    })
    // Nothing is recorded of nothing.
    .filter(|record| record.sample > 0.0)
}

fn folder<'a>(at: &Cursor<'a>) -> Result<&'a str, Mistake> {
    at.text().ok().filter(|text| !text.is_empty()).ok_or_else(|| at.unexpected("a folder"))
}

fn max_bytes(at: &Cursor<'_>) -> Result<u64, Mistake> {
    let bytes = at.bytes()?;
    if bytes < defaults::MIN_RECORD_MAX_BYTES {
        return Err(at.unexpected("at least 64KiB"));
    }
    Ok(bytes)
}

fn sample(at: &Cursor<'_>) -> Result<f64, Mistake> {
    let number = at.text().ok().and_then(|text| text.parse().ok());
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| at.unexpected("a fraction from 0 to 1"))
}
