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

    /// Hands over what the replicas answered, when asked for so much, and how
    /// that was merged, in so many nanoseconds.
    pub(super) fn show(
        &self,
        binding: &Binding,
        (replicas, asked_ms): (Vec<SeriesBatch>, (i64, i64)),
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
            asked_ms,
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use promql::Labels;
    use promql::matcher::{MatchOp, Matcher};

    use super::*;
    use crate::gather::testing;
    use crate::policy::Settings;
    use crate::policy::compare::compare;
    use crate::policy::recording::{Reader, files};
    use crate::policy::shadow::{Bounds, Pool};
    use crate::storage::Select;

    const START: i64 = 1_760_000_000_000;

    /// Sixty scrapes of three series, without those of a range.
    fn store(hole: &std::ops::Range<i64>) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for instance in ["a", "b", "c"] {
            for scrape in (0..60).filter(|own| !hole.contains(own)) {
                batch.push_float(START + scrape * 15_000, scrape as f64);
            }
            batch.finish_series(Labels::from_pairs([("__name__", "x"), ("instance", instance)]));
        }
        batch
    }

    fn everything() -> Select {
        let matcher = Matcher::new("__name__", MatchOp::Equal, "x").expect("valid");
        Select {
            matchers: vec![matcher],
            start_ms: START,
            end_ms: START + 60 * 15_000,
            lookups: None,
        }
    }

    fn recordings(dir: &Path) -> Vec<Entry> {
        let files = files(dir).expect("some");
        let readers = files.iter().map(|file| Reader::open(file).expect("ours"));
        readers.flatten().map(|entry| entry.expect("whole")).collect()
    }

    #[tokio::test]
    async fn what_a_query_merged_is_recorded_and_compared() {
        let servers = [
            testing::prometheus(&store(&(10..20))).await,
            testing::prometheus(&store(&(0..0))).await,
        ];
        let addresses = servers.each_ref().map(|server| server.address);
        let mut group = testing::group(&addresses, Labels::from_pairs([("site", "east")]));
        let dir = tempfile::tempdir().expect("a folder");
        let written = Metrics::default().recordings_of("test");
        let writer = Writer::start(dir.path(), "test", 1 << 20, 1.0, written).expect("a thread");
        group.recorder = Some(Arc::new(writer));
        let first = Settings::from_json(r#"{"rule":"first"}"#).expect("valid");
        let first = Arc::new(Binding::native(first));
        let metrics = Metrics::default();
        let pool = Pool::start(Bounds::default()).expect("a thread");
        let shadow = Shadow::new(Arc::clone(&first), &pool, metrics.shadow_of("test"));
        group.policy.set_shadow(Some(Arc::clone(&shadow)));
        let answer = group.select(&testing::context(), &[everything()]).await.expect("answers");
        assert_eq!(answer.data[0].samples(), 180, "the shadow changes nothing");
        pool.settle(Duration::from_secs(60));
        group.recorder.as_ref().expect("set above").settle();

        let live = shadow.report().comparison;
        assert_eq!((live.merges, live.series_differing, live.samples), (1, 3, 180));
        assert_eq!(live.samples_only_active, 30);
        let page = metrics.render();
        let line = "promweave_policy_shadow_samples_differing_total\
                    {server_group=\"test\",kind=\"only_active\"} 30";
        assert!(page.lines().any(|own| own == line), "{page}");

        let entries = recordings(dir.path());
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].samples(), entries[0].policy.name.as_str()), (330, "fill"));
        assert_eq!(
            entries[0].names,
            group.replicas.iter().map(|own| own.name.clone()).collect::<Vec<_>>()
        );
        let labels = entries[0].replicas[1].series(0).labels.clone();
        assert_eq!(labels.to_string(), "{__name__=\"x\", instance=\"a\", site=\"east\"}");
        let again = compare(&group.policy.now(), &first, &entries[0]);
        assert_eq!(again.examples, live.examples, "a replay finds what the shadow found");
    }

    #[tokio::test]
    async fn without_a_witness_nothing_is_shown() {
        let group = testing::group(&[], Labels::empty());
        assert!(group.witness(&[]).is_none());
    }
}
