//! `--enable-feature`: the parts that Prometheus keeps behind its flag.
//!
//! In come the flag's values, each a list with commas; out go switches of the
//! language and the engine, and a remark on each name for the log. Names and
//! defaults are those of Prometheus's main branch (prometheus/cmd/prometheus/
//! main.go, `setFeatureListOptions`). A name never keeps the process from
//! starting: one command line may serve Prometheus and this.

use std::fmt;

use promql::parser;

/// Which optional parts are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Parts of the language.
    pub language: parser::Options,
    /// Names go at the query's end (`promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
    /// Counters are known by `__type__` (`type-and-unit-labels`).
    pub type_and_unit: bool,
    /// Start timestamps count (`use-start-timestamps`).
    pub start_timestamps: bool,
    /// Statistics of every step on demand (`promql-per-step-stats`).
    pub per_step_stats: bool,
}

/// What a name does here.
enum Effect {
    SwitchesOn(fn(&mut Features)),
    /// The part is always on.
    Permanent,
    /// It is about a part of Prometheus that is not here.
    None,
}

const NAMES: &[(&str, Effect)] = &[
    (
        "promql-experimental-functions",
        Effect::SwitchesOn(|on| on.language.experimental_functions = true),
    ),
    (
        "promql-extended-range-selectors",
        Effect::SwitchesOn(|on| on.language.extended_range_selectors = true),
    ),
    ("promql-binop-fill-modifiers", Effect::SwitchesOn(|on| on.language.fill_modifiers = true)),
    ("promql-delayed-name-removal", Effect::SwitchesOn(|on| on.delayed_name_removal = true)),
    ("promql-per-step-stats", Effect::SwitchesOn(|on| on.per_step_stats = true)),
    ("type-and-unit-labels", Effect::SwitchesOn(|on| on.type_and_unit = true)),
    ("use-start-timestamps", Effect::SwitchesOn(|on| on.start_timestamps = true)),
    ("promql-duration-expr", Effect::Permanent),
    ("auto-reload-config", Effect::None),
    ("concurrent-rule-eval", Effect::None),
    ("created-timestamp-zero-ingestion", Effect::None),
    ("delayed-compaction", Effect::None),
    ("exemplar-storage", Effect::None),
    ("extra-scrape-metrics", Effect::None),
    ("fast-startup", Effect::None),
    ("histograms-st-encoding", Effect::None),
    ("memory-snapshot-on-shutdown", Effect::None),
    ("metadata-wal-records", Effect::None),
    ("native-histograms", Effect::None),
    ("old-ui", Effect::None),
    ("ooo-native-histograms", Effect::None),
    ("otlp-deltatocumulative", Effect::None),
    ("otlp-native-delta-ingestion", Effect::None),
    ("search-api", Effect::None),
    ("st-storage", Effect::None),
    ("st-synthesis", Effect::None),
    ("use-uncached-io", Effect::None),
    ("xor2-encoding", Effect::None),
];

/// What is to be said about one name of the flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The name as it was given.
    pub name: String,
    /// What it did.
    pub kind: RemarkKind,
}

/// What one name of the flag did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// It switched a part on.
    On,
    /// Its part is on whether it is named or not.
    Permanent,
    /// It is Prometheus's, and about something that is not here.
    NoEffect,
    /// Prometheus does not know it either.
    Unknown,
}

impl fmt::Display for RemarkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "experimental feature enabled",
            Self::Permanent => {
                "this option for --enable-feature is permanently enabled and therefore a no-op"
            }
            Self::NoEffect => {
                "this option for --enable-feature has no effect: it is about scraping, storage or \
                 pages of Prometheus's own"
            }
            // Prometheus's words.
            Self::Unknown => "Unknown option for --enable-feature",
        })
    }
}

impl Features {
    /// Reads the flag's values, in which names are split at commas and by
    /// nothing else, and says of each name what it did, in their order.
    #[must_use]
    pub fn read(values: &[String]) -> (Self, Vec<Remark>) {
        let mut features = Self::default();
        let names = values.iter().flat_map(|value| value.split(','));
        let remarks = names.map(|name| Remark { name: name.to_owned(), kind: features.name(name) });
        let remarks = remarks.collect();
        (features, remarks)
    }

    fn name(&mut self, name: &str) -> RemarkKind {
        match NAMES.iter().find(|(own, _)| *own == name) {
            Some((_, Effect::SwitchesOn(switch))) => {
                switch(self);
                RemarkKind::On
            }
            Some((_, Effect::Permanent)) => RemarkKind::Permanent,
            Some((_, Effect::None)) => RemarkKind::NoEffect,
            None => RemarkKind::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> (Features, Vec<RemarkKind>) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let (features, remarks) = Features::read(&values);
        (features, remarks.into_iter().map(|remark| remark.kind).collect())
    }

    #[test]
    fn lists_and_repetitions_add_up() {
        let (features, remarks) = read(&[
            "promql-experimental-functions,promql-per-step-stats",
            "promql-extended-range-selectors",
        ]);
        let expected = Features {
            language: parser::Options {
                experimental_functions: true,
                extended_range_selectors: true,
                ..parser::Options::default()
            },
            per_step_stats: true,
            ..Features::default()
        };
        assert_eq!((features, remarks), (expected, vec![RemarkKind::On; 3]));
    }

    #[test]
    fn every_switch_has_a_name() {
        let names = NAMES.iter().filter(|(_, effect)| matches!(effect, Effect::SwitchesOn(_)));
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        let (features, _) = read(&[&names.join(",")]);
        let everything = Features {
            language: parser::Options::all(),
            delayed_name_removal: true,
            type_and_unit: true,
            start_timestamps: true,
            per_step_stats: true,
        };
        assert_eq!(features, everything);
    }

    #[test]
    fn a_name_without_effect_is_told_from_one_that_nobody_knows() {
        use RemarkKind::{NoEffect, Permanent, Unknown};
        let (features, remarks) = read(&["promql-duration-expr,exemplar-storage, old-ui,,PROMQL"]);
        assert_eq!(features, Features::default());
        assert_eq!(remarks, [Permanent, NoEffect, Unknown, Unknown, Unknown]);
    }
}
