//! The file against the table.

use super::table::{ROOT, SECTIONS, WEB, WEB_SECTIONS};
use super::{Key, Kind, Section};
use crate::config::report::{Mistake, Report, quoted};
use crate::config::yaml::Cursor;

/// Checks all keys of a file.
pub(in crate::config) fn check(root: &Cursor<'_>, report: &mut Report) {
    check_section(root, &ROOT, SECTIONS, report);
}

/// Checks all keys of a web configuration file.
pub(in crate::config) fn check_web(root: &Cursor<'_>, report: &mut Report) {
    check_section(root, &WEB, WEB_SECTIONS, report);
}

/// Checks a section; `all` are those of the file.
fn check_section(at: &Cursor<'_>, section: &Section, all: &[&Section], report: &mut Report) {
    for (name, value) in report.take(at.entries()).unwrap_or_default() {
        match section.keys.iter().find(|(known, _)| *known == name) {
            Some((_, kind)) => check_value(&value, *kind, all, report),
            None => report.mistake_with(|| unknown(name, &value, section, all)),
        }
    }
}

fn check_value(value: &Cursor<'_>, kind: Kind, all: &[&Section], report: &mut Report) {
    match kind {
        Kind::Value => {}
        Kind::Map(section) => check_section(value, section, all, report),
        Kind::List(section) => {
            for item in report.take(value.items()).unwrap_or_default() {
                check_section(&item, section, all, report);
            }
        }
        Kind::Ignored(_) | Kind::NotYet(_) if asks_nothing(value) => {}
        Kind::Ignored(why) => report.note(value, why),
        Kind::NotYet(instead) => report.mistake(not_yet(value, instead)),
    }
}

fn asks_nothing(value: &Cursor<'_>) -> bool {
    value.is_empty() || value.bool() == Ok(false)
}

fn not_yet(value: &Cursor<'_>, instead: &str) -> Mistake {
    let hint = if instead.is_empty() { String::new() } else { format!(" ({instead})") };
    value.key_mistake(format!("not supported yet, expected no such key or an empty value{hint}"))
}

/// The known name that a typing error may have been made in.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs the product of the lengths; no key is half as long.
    if name.len() > 64 {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let allowed = (name.len() / 3).clamp(1, 4);
    let near = known.map(|own| (strsim::damerau_levenshtein(&name, own), own)).min()?;
    (near.0 <= allowed).then_some(near.1)
}

fn unknown(name: &str, value: &Cursor<'_>, section: &Section, all: &[&Section]) -> Mistake {
    let hint = elsewhere(name, all)
        .or_else(|| {
            nearest(name, section.keys.iter().map(|(known, _)| *known))
                .map(|near| format!("did you mean `{near}`?"))
        })
        .unwrap_or_else(|| format!("known here: {}", names(section).join(", ")));
    value.key_mistake(format!("unknown key {}; {hint}", quoted(name)))
}

/// The sections that have a key of this very name.
fn elsewhere(name: &str, all: &[&Section]) -> Option<String> {
    let has = |section: &&&Section| section.keys.iter().any(|(known, _)| *known == name);
    let places: Vec<&str> = all
        .iter()
        .filter(has)
        .map(|section| if section.path.is_empty() { "the top level" } else { section.path })
        .collect();
    (!places.is_empty()).then(|| format!("it belongs in {}", places.join(" or ")))
}

fn names(section: &Section) -> Vec<&'static str> {
    let supported = |(_, kind): &&Key| !matches!(kind, Kind::Ignored(_) | Kind::NotYet(_));
    section.keys.iter().filter(supported).map(|(name, _)| *name).collect()
}
