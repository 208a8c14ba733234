//! How requests are made: keys of the group, and the section `http_client`.

mod auth;
mod headers;
mod tls;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub(in crate::config) use tls::versions;

use crate::config::defaults;
use crate::config::model::Client;
use crate::config::report::{Mistake, Report};
use crate::config::secret::Source;
use crate::config::yaml::Cursor;

/// Reads from the group `at`; relative files count from `base_dir`.
pub(super) fn resolve(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Client {
    let section = at.get("http_client");
    let section = section.as_ref();
    let http_headers = headers::resolve(at, report);
    Client {
        timeout: limit(Some(at), "timeout", Duration::ZERO, report),
        dial_timeout: limit(section, "dial_timeout", defaults::DIAL_TIMEOUT, report),
        idle_conn_timeout: limit(
            Some(at),
            "idle_conn_timeout",
            defaults::IDLE_CONN_TIMEOUT,
            report,
        ),
        max_idle_conns: Some(
            count(at, "max_idle_conns", report).unwrap_or(defaults::MAX_IDLE_CONNS),
        )
        .filter(|max| *max > 0),
        max_idle_conns_per_host: match count(at, "max_idle_conns_per_host", report) {
            None => defaults::MAX_IDLE_CONNS_PER_HOST,
            Some(0) => defaults::GO_MAX_IDLE_CONNS_PER_HOST,
            Some(max) => max,
        },
        query_params: query_params(at, report),
        tls: tls::resolve(section, base_dir, report),
        auth: section.and_then(|section| auth::resolve(section, base_dir, &http_headers, report)),
        http_headers,
    }
}

/// A duration of which zero means no limit, as in Go.
fn limit(
    at: Option<&Cursor<'_>>,
    key: &str,
    default: Duration,
    report: &mut Report,
) -> Option<Duration> {
    let given = at.and_then(|at| report.read(at, key, Cursor::go_duration));
    Some(given.unwrap_or(default)).filter(|limit| !limit.is_zero())
}

fn count(at: &Cursor<'_>, key: &str, report: &mut Report) -> Option<usize> {
    report.read(at, key, Cursor::count)
}

/// Parameters that say what is asked: those are ours.
const OWN_PARAMS: [&str; 6] = ["query", "time", "start", "end", "step", "match[]"];

fn query_params(at: &Cursor<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut params = Vec::new();
    for (name, value) in report.read(at, "query_params", Cursor::entries).unwrap_or_default() {
        if OWN_PARAMS.contains(&name) {
            let own = OWN_PARAMS.join(", ");
            report.mistake(value.key_mistake(format!(
                "found a parameter of the query itself, expected none of {own}"
            )));
        }
        let text = if value.is_null() { Some("") } else { report.take(value.text()) };
        params.extend(text.map(|text| (name.to_owned(), text.to_owned())));
    }
    params.sort();
    params
}

/// A text that stands in the file under `inline` or in a file named under
/// `file`, not both. Empty counts as unset, as in Prometheus.
pub(in crate::config) fn source<T>(
    at: &Cursor<'_>,
    (inline, file): (&str, &str),
    wrap: impl FnOnce(String) -> T,
    base_dir: &Path,
    report: &mut Report,
) -> Option<Source<T>> {
    let text = given(at, inline, report);
    let path = path(at, file, base_dir, report);
    match (text, path) {
        (Some((_, second)), Some(_)) => {
            report.mistake(both(&second, inline, file));
            None
        }
        (Some((text, _)), None) => Some(Source::Inline(wrap(text))),
        (None, path) => path.map(Source::File),
    }
}

/// A text that is not empty, and its place.
fn given<'a>(at: &Cursor<'a>, key: &str, report: &mut Report) -> Option<(String, Cursor<'a>)> {
    let value = at.get(key)?;
    let text = report.take(value.text()).filter(|text| !text.is_empty())?;
    Some((text.to_owned(), value))
}

pub(super) fn path(
    at: &Cursor<'_>,
    key: &str,
    base_dir: &Path,
    report: &mut Report,
) -> Option<PathBuf> {
    given(at, key, report).map(|(path, _)| base_dir.join(path))
}

fn both(at: &Cursor<'_>, one: &str, other: &str) -> Mistake {
    at.key_mistake(format!("found both `{one}` and `{other}`, expected at most one of them"))
}
