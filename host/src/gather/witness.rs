//! Who is shown what was merged: recordings, and a shadow policy.
//!
//! In come a group's merges; what the replicas answered, which nobody needs
//! any more, is handed on and not copied. A merge costs its query nothing more
//! than the handing over.

use std::io;
use std::sync::Arc;

use promql::SeriesBatch;

use super::group::Group;
use crate::config::ServerGroup;
use crate::policy::compare::{Answered, Clock};
use crate::policy::recording::{Entry, Recorded, Writer};
use crate::policy::shadow::Shadow;
use crate::policy::{self, Binding, Merged, Options};
use crate::telemetry::Metrics;

/// Those who look at the merges of a query.
pub(super) struct Witness {
    group: String,
    /// What the replicas are called, in the order of their answers.
    names: Vec<String>,
    writer: Option<Arc<Writer>>,
    shadow: Option<Arc<Shadow>>,
}

/// The recorder that a group's configuration asks for.
///
/// # Errors
/// When there can be no thread more.
pub(super) fn recorder(
    group: &ServerGroup,
    title: &str,
    metrics: &Metrics,
) -> io::Result<Option<Arc<Writer>>> {
    let Some(record) = &group.record else { return Ok(None) };
    let written = metrics.recordings_of(title);
    let writer = Writer::start(&record.dir, title, record.max_bytes, record.sample, written)?;
    Ok(Some(Arc::new(writer)))
}

impl Group {
    /// Who looks at merges of what these replicas answered; mostly nobody.
    pub(super) fn witness(&self, answered: &[usize]) -> Option<Witness> {
        let (writer, shadow) = (self.recorder.clone(), self.policy.shadow());
        if writer.is_none() && shadow.is_none() {
            return None;
        }
        let names = answered.iter().map(|replica| self.replicas[*replica].name.clone());
        Some(Witness { group: self.title.clone(), names: names.collect(), writer, shadow })
    }
}

impl Witness {
    /// Merges, and measures that if a shadow is to be compared.
    pub(super) fn merge(
        &self,
        binding: &Binding,
        replicas: &[&SeriesBatch],
        options: &Options<'_>,
    ) -> (Merged, u64) {
        let clock = self.shadow.as_ref().map(|_| Clock::start());
        let merged = policy::merge(binding, replicas, options);
        (merged, clock.map_or(0, Clock::nanoseconds))
    }

    /// Hands over what was merged in so many nanoseconds, without the samples.
    pub(super) fn show(
        &self,
        binding: &Binding,
        replicas: Vec<SeriesBatch>,
        options: &Options<'_>,
        (merged, nanoseconds): (&mut Merged, u64),
    ) {
        let writer = self.writer.as_ref().filter(|writer| writer.wants_next());
        // Where nobody answered there is nothing to compare with.
        let shadow = self.shadow.as_ref().filter(|_| !merged.refused);
        if writer.is_none() && shadow.is_none() {
            return;
        }
        let entry = Arc::new(Entry {
            group: self.group.clone(),
            policy: writer.map(|_| Recorded::of(binding)).unwrap_or_default(),
            evaluation_ms: options.evaluation_ms,
            start_ms: options.start_ms,
            end_ms: options.end_ms,
            names: self.names.clone(),
            replicas,
        });
        if let Some(writer) = writer {
            writer.record(Arc::clone(&entry));
        }
        if let Some(shadow) = shadow {
            shadow.observe(entry, Answered::of(merged, nanoseconds));
        }
    }
}
