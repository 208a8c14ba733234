//! Recorded merges: batches to try the laws on, and to compare on.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::policies_cli::Error;
use crate::policy::compare::{Comparison, compare};
use crate::policy::recording::{self, Entry, Reader};
use crate::policy::{self, Binding, Settings, Spec, Version};

/// Samples that are held and tried; `replay` compares on any number.
const MAX_SAMPLES: usize = 2_000_000;

/// What was recorded.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) entries: Vec<Entry>,
    samples: usize,
    /// Entries beyond what is held.
    left_out: u64,
}

/// Reads recordings: files, or folders of files.
pub(super) fn read(paths: &[PathBuf]) -> Result<Recorded, Error> {
    let mut recorded = Recorded::default();
    for path in paths {
        for file in recording::files(path)? {
            for entry in Reader::open(&file)? {
                recorded.add(entry?);
            }
        }
    }
    Ok(recorded)
}

impl Recorded {
    fn add(&mut self, entry: Entry) {
        let samples = self.samples + entry.samples();
        if samples > MAX_SAMPLES {
            self.left_out += 1;
            return;
        }
        self.samples = samples;
        self.entries.push(entry);
    }

    /// Compares with the built-in rule under the settings that the recorded
    /// groups had.
    pub(super) fn compare(
        &self,
        version: &Arc<Version>,
        spec: &Spec,
    ) -> Result<Comparison, policy::Error> {
        // Every fault is to be seen.
        let spec = Spec { park_after: 0, ..spec.clone() };
        let candidate = Binding::component(Arc::clone(version), spec, Settings::default())?;
        let mut comparison = Comparison::default();
        for entry in &self.entries {
            let settings = Settings::from_json(&entry.policy.builtin).unwrap_or_default();
            comparison.add(compare(&Binding::native(settings), &candidate, entry));
        }
        Ok(comparison)
    }

    /// For programs.
    pub(super) fn json(&self, comparison: &Comparison) -> Value {
        json!({
            "entries": self.entries.len(),
            "entries_left_out": self.left_out,
            "comparison": comparison,
        })
    }

    /// For people.
    pub(super) fn text(&self, comparison: &Comparison) -> String {
        let mut text =
            format!("\nOn {} recorded merges, beside the built-in rule", self.entries.len());
        if self.left_out > 0 {
            let _ = write!(text, " ({} more are left out)", self.left_out);
        }
        let _ = write!(text, ":\n{comparison}");
        text
    }
}
