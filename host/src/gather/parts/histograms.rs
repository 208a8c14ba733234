//! Which pushed texts have native histograms as their values.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::gather::replica::lock;

/// How long it is remembered: a metric may change its type.
const LIFETIME: Duration = Duration::from_secs(600);
/// How many are remembered; the oldest go first.
const MOST: usize = 1024;

/// Texts whose pushed answers held native histograms, of which JSON does not
/// tell all: they are not pushed again for a while.
#[derive(Debug, Default)]
pub(in crate::gather) struct HistogramTexts(Mutex<VecDeque<(usize, String, Instant)>>);

impl HistogramTexts {
    /// Remembers a text of a group.
    pub(super) fn remember(&self, group: usize, text: &str) {
        let mut known = lock(&self.0);
        if known.len() >= MOST {
            known.pop_front();
        }
        known.push_back((group, text.to_owned(), Instant::now()));
    }

    /// True if a text of a group is known.
    pub(super) fn has(&self, group: usize, text: &str) -> bool {
        let known = lock(&self.0);
        known
            .iter()
            .any(|(own, known, since)| *own == group && known == text && since.elapsed() < LIFETIME)
    }
}
