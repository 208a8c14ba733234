//! The numbers, for people and for programs.

use serde_json::json;

use crate::ours::{Loaded, Ours};
use crate::theirs::Theirs;

/// One query.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) query: String,
    pub(crate) loaded: Loaded,
    pub(crate) theirs: Theirs,
    pub(crate) ours: Ours,
}

impl Row {
    /// This side's CPU time as a part of the server's.
    fn ratio(&self) -> f64 {
        (self.ours.decode_ms + self.ours.evaluate_ms) / self.theirs.cpu_ms
    }
}

pub(crate) fn print(rows: &[Row]) {
    println!(
        "CPU milliseconds per request; memory is what is held at the peak beyond the start.\n"
    );
    println!(
        "{:<20}{:>12}{:>10}{:>12}{:>9}{:>10}{:>8}{:>8}{:>10}{:>12}",
        "query",
        "prometheus",
        "decode",
        "evaluate",
        "ratio",
        "samples",
        "MB read",
        "MiB",
        "wall ms",
        "theirs MiB",
    );
    for row in rows {
        let Row { name, loaded, theirs, ours, .. } = row;
        println!(
            "{name:<20}{:>12.1}{:>10.1}{:>12.1}{:>9.3}{:>10}{:>8.1}{:>8.0}{:>10.1}{:>12.0}",
            theirs.cpu_ms,
            ours.decode_ms,
            ours.evaluate_ms,
            row.ratio(),
            loaded.samples,
            loaded.bytes as f64 / 1e6,
            ours.growth_mib,
            ours.wall_ms,
            theirs.growth_mib,
        );
    }
}

pub(crate) fn json(rows: &[Row]) -> String {
    let object = |row: &Row| {
        json!({
            "name": row.name,
            "query": row.query,
            "samples": row.loaded.samples,
            "bytes": row.loaded.bytes,
            "prometheus_cpu_ms": row.theirs.cpu_ms,
            "prometheus_requests": row.theirs.requests,
            "prometheus_growth_mib": row.theirs.growth_mib,
            "decode_cpu_ms": row.ours.decode_ms,
            "evaluate_cpu_ms": row.ours.evaluate_ms,
            "wall_ms": row.ours.wall_ms,
            "growth_mib": row.ours.growth_mib,
            "ratio": row.ratio(),
        })
    };
    json!(rows.iter().map(object).collect::<Vec<_>>()).to_string()
}
