//! The section `policy` of a server group.

use std::path::Path;

use serde_json::Value as Json;

use super::client::path;
use crate::config::model::{GroupPolicy, ServerGroup};
use crate::config::report::{Mistake, Report};
use crate::config::yaml::Cursor;
use crate::config::{merged_settings, policy_settings};
use crate::policy::Settings;
use crate::registry::{Bind, LimitsText, digest, limits, names};

/// Keys of a server group that are settings of the default rule.
const RULE_KEYS: [&str; 3] = ["anti_affinity", "anti_affinity_dynamic", "prefer_max"];

/// Reads from the group `at`, of which everything else is known.
pub(super) fn resolve(
    at: &Cursor<'_>,
    group: &ServerGroup,
    base_dir: &Path,
    report: &mut Report,
) -> Option<GroupPolicy> {
    let section = at.get("policy")?;
    let name = report.read(&section, "name", name);
    let digest = report.read(&section, "digest", digest_of);
    let path = path(&section, "path", base_dir, report);
    let which = which(&section, path.is_some(), report)?;
    let place = report.place(&which);
    let bind = Bind {
        name,
        digest,
        settings: report.read(&section, "settings", settings),
        limits: section.get("limits").map(|at| limits_of(&at, report)).unwrap_or_default(),
        fail: report.read(&section, "fail", fail),
        park_after: report.read(&section, "park_after", park_after),
        shadow: report.read(&section, "shadow", Cursor::bool).unwrap_or(false),
    };
    if bind.name.as_deref() == Some(guest_merge::NAME) {
        check_builtin(at, &section, &bind, group, report);
    } else if !bind.shadow {
        note_unused(at, report);
    }
    Some(GroupPolicy { bind, path, place })
}

/// The key that says which policy it is.
fn which<'a>(section: &Cursor<'a>, has_path: bool, report: &mut Report) -> Option<Cursor<'a>> {
    let given = ["path", "name", "digest"].map(|key| section.get(key));
    match given {
        [Some(_), Some(other), _] | [Some(_), None, Some(other)] if has_path => {
            report.mistake(
                other.key_mistake("found both a `path` and a stored version, expected one of them"),
            );
            None
        }
        [Some(one), ..] | [None, Some(one), _] | [None, None, Some(one)] => Some(one),
        [None, None, None] => {
            let names = "expected one of `name`, `digest` and `path`";
            report.mistake(section.key_mistake(format!("found no policy, {names}")));
            None
        }
    }
}

fn name(at: &Cursor<'_>) -> Result<String, Mistake> {
    let text = at.text()?;
    if !names::is_name(text) {
        return Err(at.unexpected("the name of a policy: 1 to 64 of a-z, 0-9 and -"));
    }
    Ok(text.to_owned())
}

fn digest_of(at: &Cursor<'_>) -> Result<String, Mistake> {
    let text = at.text()?;
    if !digest::is_prefix(text) {
        return Err(at.unexpected("the SHA-256 of a component, or its first 8 digits or more"));
    }
    Ok(text.to_owned())
}

fn settings(at: &Cursor<'_>) -> Result<Json, Mistake> {
    match at.json()? {
        object @ Json::Object(_) => Ok(object),
        _ => Err(at.unexpected("a mapping")),
    }
}

fn fail(at: &Cursor<'_>) -> Result<String, Mistake> {
    let known = |text: &&str| ["open", "closed"].contains(text);
    let text = at.text().ok().filter(known);
    text.map(str::to_owned).ok_or_else(|| at.unexpected("open or closed"))
}

fn park_after(at: &Cursor<'_>) -> Result<u32, Mistake> {
    let count = at.count()?;
    u32::try_from(count).map_err(|_| at.unexpected("a smaller number"))
}

fn limits_of(at: &Cursor<'_>, report: &mut Report) -> LimitsText {
    let mut text = |key, check: fn(&str) -> Result<u64, String>| {
        report.read(at, key, |at| {
            let text = at.text()?;
            check(text).map(|_| text.to_owned()).map_err(|reason| at.mistake(reason))
        })
    };
    LimitsText {
        deadline: text("deadline", limits::deadline),
        memory: text("memory", limits::memory),
        answer: text("answer", limits::answer),
        table_elements: report.read(at, "table_elements", |at| {
            let count = at.count()? as u64;
            limits::table_elements(count).map_err(|reason| at.mistake(reason))
        }),
    }
}

/// The settings of the default rule can be checked here; those of others only
/// where they are loaded.
fn check_builtin(
    at: &Cursor<'_>,
    section: &Cursor<'_>,
    bind: &Bind,
    group: &ServerGroup,
    report: &mut Report,
) {
    let Some(own) = section.get("settings") else { return };
    let settings = merged_settings(&policy_settings(group), bind.settings.as_ref());
    if let Err(reason) = Settings::from_json(&settings) {
        report.mistake(own.mistake(reason));
    }
    for key in RULE_KEYS {
        if let (Some(outer), Some(_)) = (at.get(key), own.get(key)) {
            report.note(&outer, "not used: `policy.settings` says otherwise or the same");
        }
    }
}

/// The default rule answers where another policy fails, and only there.
fn note_unused(at: &Cursor<'_>, report: &mut Report) {
    for key in RULE_KEYS {
        if let Some(set) = at.get(key) {
            report.note(&set, "a setting of the default rule, which merges only what the group's `policy` fails to");
        }
    }
}
