//! What is recorded of merges, and how shadow policies compare.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;
use crate::policy::compare::Comparison;
use crate::policy::recording::{Outcome, Written};
use crate::policy::shadow::{Event, Listener};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Group {
    server_group: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupOutcome {
    server_group: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupKind {
    server_group: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupFault {
    server_group: String,
    fault: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupSide {
    server_group: String,
    side: &'static str,
}

/// Metrics by server group.
#[derive(Clone, Default)]
pub(super) struct Merges {
    recorded: Family<GroupOutcome, Counter>,
    recorded_bytes: Family<Group, Counter>,
    shadow_merges: Family<GroupOutcome, Counter>,
    shadow_merges_differing: Family<Group, Counter>,
    shadow_series: Family<Group, Counter>,
    shadow_series_differing: Family<Group, Counter>,
    shadow_samples: Family<Group, Counter>,
    shadow_samples_differing: Family<GroupKind, Counter>,
    shadow_largest: Family<Group, Gauge<f64, AtomicU64>>,
    shadow_faults: Family<GroupFault, Counter>,
    shadow_seconds: Family<GroupSide, Counter<f64, AtomicU64>>,
    shadow_input: Family<GroupSide, Counter>,
}

impl Merges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let own = registry.sub_registry_with_prefix("promweave_recording");
        own.register("merges", "Merges to be recorded, by outcome", self.recorded.clone());
        own.register_with_unit(
            "written",
            "Bytes of recordings written",
            Unit::Bytes,
            self.recorded_bytes.clone(),
        );
        let own = registry.sub_registry_with_prefix("promweave_policy_shadow");
        let merges = "Merges shown to shadow policies, by outcome";
        own.register("merges", merges, self.shadow_merges.clone());
        own.register(
            "merges_differing",
            "Merges that shadow policies answer otherwise",
            self.shadow_merges_differing.clone(),
        );
        own.register("series", "Series compared, once a merge", self.shadow_series.clone());
        own.register(
            "series_differing",
            "Series that shadow policies decide otherwise",
            self.shadow_series_differing.clone(),
        );
        let samples = "Samples of the active policies' answers that were compared";
        own.register("samples", samples, self.shadow_samples.clone());
        own.register(
            "samples_differing",
            "Samples that differ, by how",
            self.shadow_samples_differing.clone(),
        );
        own.register(
            "largest_relative_difference",
            "Largest relative difference of values since the shadow was bound",
            self.shadow_largest.clone(),
        );
        own.register("faults", "Faults of shadow policies", self.shadow_faults.clone());
        own.register_with_unit(
            "merge_processor_time",
            "Processor time of the merges compared",
            Unit::Seconds,
            self.shadow_seconds.clone(),
        );
        let input = "Samples of the replicas in the merges compared";
        own.register("input_samples", input, self.shadow_input.clone());
    }

    fn recorded(&self, server_group: &str, outcome: Outcome) {
        let server_group = server_group.to_owned();
        let word = match outcome {
            Outcome::Recorded(bytes) => {
                let group = Group { server_group: server_group.clone() };
                self.recorded_bytes.get_or_create(&group).inc_by(bytes);
                "recorded"
            }
            Outcome::QueueFull => "dropped",
            Outcome::TooLarge => "too_large",
            Outcome::Failed => "failed",
        };
        self.recorded.get_or_create(&GroupOutcome { server_group, outcome: word }).inc();
    }

    fn shown(&self, server_group: &str, event: Event<'_>) {
        let comparison = match event {
            Event::Dropped => return self.shadow_outcome(server_group, "dropped"),
            Event::Compared(comparison) => comparison,
        };
        let outcome = if comparison.merges > 0 { "compared" } else { "failed" };
        self.shadow_outcome(server_group, outcome);
        let group = Group { server_group: server_group.to_owned() };
        for (family, count) in [
            (&self.shadow_merges_differing, comparison.merges_differing),
            (&self.shadow_series, comparison.series),
            (&self.shadow_series_differing, comparison.series_differing),
            (&self.shadow_samples, comparison.samples),
        ] {
            family.get_or_create(&group).inc_by(count);
        }
        for (kind, count) in [
            ("only_active", comparison.samples_only_active),
            ("only_candidate", comparison.samples_only_candidate),
            ("other_value", comparison.samples_other_value),
        ] {
            let labels = GroupKind { server_group: server_group.to_owned(), kind };
            self.shadow_samples_differing.get_or_create(&labels).inc_by(count);
        }
        if let Some(largest) = &comparison.largest {
            let gauge = self.shadow_largest.get_or_create(&group);
            gauge.set(largest.relative.max(gauge.get()));
        }
        self.sides(server_group, comparison);
    }

    fn shadow_outcome(&self, server_group: &str, outcome: &'static str) {
        let labels = GroupOutcome { server_group: server_group.to_owned(), outcome };
        self.shadow_merges.get_or_create(&labels).inc();
    }

    fn sides(&self, server_group: &str, comparison: &Comparison) {
        for (name, side) in [("active", &comparison.active), ("candidate", &comparison.candidate)] {
            let labels = GroupSide { server_group: server_group.to_owned(), side: name };
            let seconds = side.nanoseconds as f64 / 1e9;
            self.shadow_seconds.get_or_create(&labels).inc_by(seconds);
            self.shadow_input.get_or_create(&labels).inc_by(side.samples);
        }
        for (fault, count) in &comparison.candidate.faults {
            let labels = GroupFault { server_group: server_group.to_owned(), fault: fault.clone() };
            self.shadow_faults.get_or_create(&labels).inc_by(*count);
        }
    }
}

impl Metrics {
    /// Counts what becomes of a group's recordings.
    #[must_use]
    pub fn recordings_of(&self, server_group: &str) -> Arc<Written> {
        let (merges, group) = (self.merges.clone(), server_group.to_owned());
        Arc::new(move |outcome| merges.recorded(&group, outcome))
    }

    /// Counts what a group's new shadow does.
    #[must_use]
    pub fn shadow_of(&self, server_group: &str) -> Box<Listener> {
        let (merges, group) = (self.merges.clone(), server_group.to_owned());
        merges.shadow_largest.get_or_create(&Group { server_group: group.clone() }).set(0.0);
        Box::new(move |event| merges.shown(&group, event))
    }
}
