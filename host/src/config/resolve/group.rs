//! One entry of `promxy.server_groups`.

use std::path::Path;
use std::time::Duration;

use super::{client, labels, policy, record, target};
use crate::config::defaults;
use crate::config::model::{AntiAffinity, OnFailure, Pushdown, RemoteRead, Scheme, ServerGroup};
use crate::config::report::{Mistake, Report};
use crate::config::yaml::Cursor;

pub(super) fn resolve(
    at: &Cursor<'_>,
    ordinal: usize,
    base_dir: &Path,
    report: &mut Report,
) -> ServerGroup {
    let scheme = report.read(at, "scheme", scheme).unwrap_or(defaults::SCHEME);
    let path_prefix = report.read(at, "path_prefix", path).unwrap_or_default();
    let remote_read_path = report.read(at, "remote_read_path", path);
    let group = ServerGroup {
        ordinal,
        name: report.read(at, "name", Cursor::text).unwrap_or_default().to_owned(),
        targets: target::resolve(at, scheme, &path_prefix, report),
        labels: labels::resolve(at, "labels", report),
        scheme,
        path_prefix,
        remote_read: match report.read(at, "remote_read", Cursor::bool) {
            None => RemoteRead::Auto,
            Some(true) => RemoteRead::Always,
            Some(false) => RemoteRead::Never,
        },
        remote_read_path: remote_read_path
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| defaults::REMOTE_READ_PATH.to_owned()),
        anti_affinity: anti_affinity(at, report),
        prefer_max: report.read(at, "prefer_max", Cursor::bool).unwrap_or(false),
        policy: None,
        pushdown: report.read(at, "pushdown", pushdown).unwrap_or(defaults::PUSHDOWN),
        pushdown_min_samples: report
            .read(at, "pushdown_min_samples", Cursor::count)
            .map_or(defaults::PUSHDOWN_MIN_SAMPLES, |count| count as u64),
        align_query_range_with_step: report
            .read(at, "align_query_range_with_step", Cursor::bool)
            .unwrap_or(false),
        on_failure: on_failure(at, report),
        record: at.get("record").and_then(|at| record::resolve(&at, base_dir, report)),
        client: client::resolve(at, base_dir, report),
    };
    // Its settings are checked together with the group's own keys.
    ServerGroup { policy: policy::resolve(at, &group, base_dir, report), ..group }
}

fn scheme(at: &Cursor<'_>) -> Result<Scheme, Mistake> {
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|scheme| at.text() == Ok(scheme.as_str()))
        .ok_or_else(|| at.unexpected("http or https"))
}

fn pushdown(at: &Cursor<'_>) -> Result<Pushdown, Mistake> {
    Pushdown::ALL
        .into_iter()
        .find(|way| at.text() == Ok(way.as_str()))
        .ok_or_else(|| at.unexpected("auto, always or never"))
}

/// A path with a slash before and none behind; `/` and nothing are the same.
fn path(at: &Cursor<'_>) -> Result<String, Mistake> {
    // What RFC 3986 allows in a path; `%` only as the start of an escape.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c);
    let text = at.text()?;
    let trimmed = text.trim_matches('/');
    if !trimmed.chars().all(allowed) {
        return Err(at.unexpected("a path such as /prometheus, without query, fragment or spaces"));
    }
    Ok(if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") })
}

/// Without a word of the operator the distance is inferred; `anti_affinity`
/// alone, or `anti_affinity_dynamic: false`, ask for the static one.
fn anti_affinity(at: &Cursor<'_>, report: &mut Report) -> AntiAffinity {
    let given = report.read(at, "anti_affinity", distance);
    let dynamic = report.read(at, "anti_affinity_dynamic", Cursor::bool);
    let distance = given.unwrap_or(defaults::ANTI_AFFINITY);
    if dynamic.unwrap_or(given.is_none()) {
        AntiAffinity::Inferred { fallback: distance }
    } else {
        AntiAffinity::Static(distance)
    }
}

fn distance(at: &Cursor<'_>) -> Result<Duration, Mistake> {
    let distance = at.go_duration()?;
    if distance > defaults::MAX_ANTI_AFFINITY {
        return Err(at.unexpected("a duration of at most 24h"));
    }
    Ok(distance)
}

/// With both keys set promxy ignores before it could warn.
fn on_failure(at: &Cursor<'_>, report: &mut Report) -> OnFailure {
    let mut is_set = |key| report.read(at, key, Cursor::bool).unwrap_or(false);
    match (is_set("ignore_error"), is_set("downgrade_error")) {
        (true, _) => OnFailure::Ignore,
        (false, true) => OnFailure::Warn,
        (false, false) => OnFailure::Fail,
    }
}
