//! What the operator may choose: JSON in, checked settings out.
//!
//! An error is one sentence for the operator that names the key, what was
//! found and what is allowed.

mod json;

use alloc::format;
use alloc::string::String;

use json::Value;

/// JSON schema of the settings.
pub const SCHEMA: &str = include_str!("settings/schema.json");

/// promxy's default, and the distance to keep where too little is known of
/// the spacing: most scrape intervals are 10 seconds or more.
const DEFAULT_ANTI_AFFINITY_MS: i64 = 10_000;

/// Far enough to see several scrapes on both sides at every interval that
/// Prometheus's lookback of 5 minutes allows.
const DEFAULT_SPACING_WINDOW_MS: i64 = 300_000;

/// No setting is longer than a day: spans are summed, and must stay far from
/// the limits of a timestamp.
const MAX_MS: i64 = 86_400_000;

/// Settings of the default policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How replicas are merged.
    pub rule: Rule,
    /// How close to a sample that is taken another replica's is left out;
    /// used by [`Rule::Fill`], [`Rule::Max`] and [`Rule::Promxy`].
    pub anti_affinity: AntiAffinity,
    /// Of samples taken at the same moment, the greatest value wins
    /// ([`Rule::Fill`], [`Rule::Promxy`]).
    pub prefer_max: bool,
    /// How far around a sample [`AntiAffinity::Inferred`] looks, in
    /// milliseconds, above zero.
    pub spacing_window_ms: i64,
}

/// How replicas are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At every moment the first replica in the configured order that has
    /// data there; its holes are filled from the next ones.
    Fill,
    /// promxy's algorithm, sample for sample.
    Promxy,
    /// Thanos's penalty algorithm.
    Penalty,
    /// As fill, and of samples near the same moment the greatest value.
    Max,
    /// The first replica that has the series, alone.
    First,
}

/// The distance kept between samples of different replicas, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiAffinity {
    /// Always this much.
    Static(i64),
    /// Half the spacing of the samples nearby; this much where they are too
    /// few to tell.
    Inferred {
        /// In milliseconds.
        fallback_ms: i64,
    },
}

/// What holds for the policy under some settings; the record `terms` of
/// `wit/merge.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether values must be given.
    pub needs_samples: bool,
    /// Whether plans may hold samples that no replica has.
    pub may_synthesise: bool,
    /// How far around a moment a decision looks, for two replicas; none where
    /// it depends on the whole window.
    pub span: Option<Span>,
    /// A series of one replica alone is taken whole.
    pub keeps_lone_replica: bool,
    /// The host repairs seams at which a counter would seem to be reset.
    pub no_false_resets: bool,
}

/// A stretch of time around a moment, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Before it.
    pub before_ms: u64,
    /// After it.
    pub after_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Settings {
    /// What holds where nothing is set.
    pub const DEFAULT: Self = Self {
        rule: Rule::Fill,
        anti_affinity: AntiAffinity::Inferred { fallback_ms: DEFAULT_ANTI_AFFINITY_MS },
        prefer_max: false,
        spacing_window_ms: DEFAULT_SPACING_WINDOW_MS,
    };

    /// Reads settings as [`SCHEMA`] describes them; a blank text means the
    /// defaults.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut given = Given::default();
        for (key, value) in json::object(text)? {
            given.set(&key, &value)?;
        }
        Ok(given.resolve())
    }

    /// What holds under these settings.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let greatest = self.takes_greatest();
        Terms {
            needs_samples: greatest,
            may_synthesise: greatest && self.rule == Rule::Promxy,
            span: self.span_ms().map(|span| Span { before_ms: span, after_ms: span }),
            keeps_lone_replica: true,
            no_false_resets: self.rule == Rule::Fill && !greatest,
        }
    }

    /// Whether values decide.
    pub(crate) fn takes_greatest(&self) -> bool {
        match self.rule {
            Rule::Max => true,
            Rule::Fill | Rule::Promxy => self.prefer_max,
            Rule::Penalty | Rule::First => false,
        }
    }

    fn span_ms(&self) -> Option<u64> {
        if !matches!(self.rule, Rule::Fill | Rule::Max) {
            return None; // they swap or remember over the whole window
        }
        let reach = match self.anti_affinity {
            AntiAffinity::Static(ms) => ms,
            AntiAffinity::Inferred { .. } => self.spacing_window_ms,
        };
        let decision = match self.anti_affinity {
            AntiAffinity::Static(_) => reach,
            // A missed scrape may be filled by comparing all samples of the
            // hole, each of which looks that far.
            AntiAffinity::Inferred { .. } => reach + self.rescue_ms(),
        };
        // A value left out is compared at the nearest moment that is taken,
        // and which that is depends on the ones beyond it.
        let compared = if self.takes_greatest() { 2 * reach } else { 0 };
        Some((decision + compared).unsigned_abs())
    }

    /// The widest hole in which the nearly best sample is looked for.
    pub(crate) const fn rescue_ms(&self) -> i64 {
        self.spacing_window_ms / 2
    }
}

/// The keys of the JSON object, as far as they were given.
#[derive(Default)]
struct Given {
    rule: Option<Rule>,
    anti_affinity: Option<i64>,
    dynamic: Option<bool>,
    prefer_max: Option<bool>,
    spacing_window: Option<i64>,
}

impl Given {
    fn set(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "rule" => self.rule = Some(rule(value)?),
            "anti_affinity" => self.anti_affinity = Some(milliseconds(key, value, 0)?),
            "anti_affinity_dynamic" => self.dynamic = Some(boolean(key, value)?),
            "prefer_max" => self.prefer_max = Some(boolean(key, value)?),
            "spacing_window" => self.spacing_window = Some(milliseconds(key, value, 1)?),
            _ => {
                return Err(format!(
                    "setting `{key}` is not known: allowed are rule, anti_affinity, \
                     anti_affinity_dynamic, prefer_max and spacing_window"
                ));
            }
        }
        Ok(())
    }

    fn resolve(&self) -> Settings {
        let rule = self.rule.unwrap_or(Rule::Fill);
        // Filling infers the spacing unless a distance is given; promxy does
        // so only when told.
        let inferred = rule != Rule::Promxy && self.anti_affinity.is_none();
        let ms = self.anti_affinity.unwrap_or(DEFAULT_ANTI_AFFINITY_MS);
        Settings {
            rule,
            anti_affinity: if self.dynamic.unwrap_or(inferred) {
                AntiAffinity::Inferred { fallback_ms: ms }
            } else {
                AntiAffinity::Static(ms)
            },
            prefer_max: self.prefer_max.unwrap_or(false),
            spacing_window_ms: self.spacing_window.unwrap_or(DEFAULT_SPACING_WINDOW_MS),
        }
    }
}

fn rule(value: &Value) -> Result<Rule, String> {
    match value {
        Value::Text(name) => match name.as_str() {
            "fill" => return Ok(Rule::Fill),
            "promxy" => return Ok(Rule::Promxy),
            "penalty" => return Ok(Rule::Penalty),
            "max" => return Ok(Rule::Max),
            "first" => return Ok(Rule::First),
            _ => {}
        },
        Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
    Err(format!(
        "setting `rule` must be one of \"fill\", \"promxy\", \"penalty\", \"max\", \"first\", \
         not {value}"
    ))
}

fn boolean(key: &str, value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(value) => Ok(*value),
        _ => Err(format!("setting `{key}` must be true or false, not {value}")),
    }
}

fn milliseconds(key: &str, value: &Value, least: i64) -> Result<i64, String> {
    if let Value::Number(text) = value
        && let Ok(ms) = text.parse::<i64>()
        && (least..=MAX_MS).contains(&ms)
    {
        return Ok(ms);
    }
    Err(format!(
        "setting `{key}` must be a whole number of milliseconds from {least} to {MAX_MS}, \
         not {value}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(json: &str, text: &str) {
        assert_eq!(Settings::from_json(json).unwrap_err(), text);
    }

    #[test]
    fn nothing_given_means_fill_with_an_inferred_distance() {
        for json in ["", " \n", "{}"] {
            assert_eq!(Settings::from_json(json).unwrap(), Settings::default());
        }
        assert_eq!(
            Settings::default().anti_affinity,
            AntiAffinity::Inferred { fallback_ms: 10_000 }
        );
    }

    #[test]
    fn a_given_distance_is_static_unless_dynamic_is_asked_for() {
        let anti_affinity = |json| Settings::from_json(json).unwrap().anti_affinity;
        assert_eq!(anti_affinity(r#"{"anti_affinity":3000}"#), AntiAffinity::Static(3000));
        assert_eq!(
            anti_affinity(r#"{"anti_affinity":3000,"anti_affinity_dynamic":true}"#),
            AntiAffinity::Inferred { fallback_ms: 3000 }
        );
        assert_eq!(
            anti_affinity(r#"{"anti_affinity_dynamic":false}"#),
            AntiAffinity::Static(10_000)
        );
        assert_eq!(anti_affinity(r#"{"rule":"promxy"}"#), AntiAffinity::Static(10_000));
    }

    #[test]
    fn values_are_needed_only_where_they_decide() {
        let terms = |json| Settings::from_json(json).unwrap().terms();
        assert!(!terms("").needs_samples);
        assert!(terms(r#"{"prefer_max":true}"#).needs_samples);
        assert!(terms(r#"{"rule":"max"}"#).needs_samples);
        assert!(!terms(r#"{"rule":"promxy"}"#).needs_samples);
        let promxy = terms(r#"{"rule":"promxy","prefer_max":true}"#);
        assert!(promxy.needs_samples && promxy.may_synthesise && promxy.span.is_none());
        assert!(!terms(r#"{"rule":"first","prefer_max":true}"#).needs_samples);
    }

    #[test]
    fn errors_name_the_key_and_what_is_allowed() {
        refused(
            r#"{"rule":"Fill"}"#,
            "setting `rule` must be one of \"fill\", \"promxy\", \"penalty\", \"max\", \"first\", \
             not \"Fill\"",
        );
        refused(
            r#"{"anti_afinity":3}"#,
            "setting `anti_afinity` is not known: allowed are rule, anti_affinity, \
             anti_affinity_dynamic, prefer_max and spacing_window",
        );
        refused(r#"{"prefer_max":1}"#, "setting `prefer_max` must be true or false, not 1");
        refused(
            r#"{"anti_affinity":"10s"}"#,
            "setting `anti_affinity` must be a whole number of milliseconds from 0 to 86400000, \
             not \"10s\"",
        );
        refused(
            r#"{"spacing_window":0}"#,
            "setting `spacing_window` must be a whole number of milliseconds from 1 to 86400000, \
             not 0",
        );
    }

    #[test]
    fn the_schema_names_every_key() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let keys: std::vec::Vec<_> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["anti_affinity", "anti_affinity_dynamic", "prefer_max", "rule", "spacing_window"]
        );
    }
}
