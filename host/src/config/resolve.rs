//! The tree of the file to the resolved configuration.
//!
//! Reads the keys that are supported and applies the defaults. A value that
//! is wrong is reported and stands in with its default, so that the rest is
//! read too; nobody sees such a configuration.

mod client;
mod group;
mod labels;
mod policy;
mod record;
mod target;

use std::path::Path;

use promql::Labels;

pub(super) use client::{source, versions};

use super::defaults;
use super::model::{Config, Global};
use super::report::Report;
use super::yaml::Cursor;

/// Resolves a whole file; only right if `report` has no mistake afterwards.
pub(super) fn config(root: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Config {
    let groups = root.get("promxy").and_then(|promxy| promxy.get("server_groups"));
    // Not a list: the check of the keys has said so.
    let groups = groups.and_then(|groups| groups.items().ok()).unwrap_or_default();
    if groups.is_empty() {
        report.note(root, "no server group in promxy.server_groups: every query answers nothing");
    }
    let server_groups = groups
        .iter()
        .enumerate()
        .map(|(ordinal, group)| group::resolve(group, ordinal, base_dir, report))
        .collect();
    Config { global: global(root, report), server_groups, notes: Vec::new() }
}

fn global(root: &Cursor<'_>, report: &mut Report) -> Global {
    let section = root.get("global");
    let section = section.as_ref();
    let interval = section.and_then(|section| {
        report.read(section, "evaluation_interval", Cursor::prometheus_duration)
    });
    Global {
        // Prometheus takes zero for unset.
        evaluation_interval: interval
            .filter(|interval| !interval.is_zero())
            .unwrap_or(defaults::EVALUATION_INTERVAL),
        external_labels: section
            .map_or_else(Labels::empty, |at| labels::resolve(at, "external_labels", report)),
    }
}
