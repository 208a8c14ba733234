//! Settings: a JSON object from the operator.

use serde_json::{Map, Value};

/// The object; empty where nothing was set.
#[derive(Debug, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Reads the text that the host hands over; refuses keys that are not
    /// `known`.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let object = serde_json::from_str::<Map<String, Value>>(text)
            .map_err(|error| format!("the settings are no JSON object: {error}"))?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Self(object)),
            Some(key) if known.is_empty() => Err(format!("{key}: this policy has no settings")),
            Some(key) => Err(format!("{key}: unknown, expected {}", known.join(", "))),
        }
    }

    /// A whole number from `least` to 2^53.
    pub fn whole(&self, key: &str, least: u64, default: u64) -> Result<u64, String> {
        let Some(value) = self.0.get(key) else { return Ok(default) };
        let allowed = least..=1 << 53;
        match value.as_u64().filter(|number| allowed.contains(number)) {
            Some(number) => Ok(number),
            None => Err(format!("{key}: expected a whole number from {least} on, not {value}")),
        }
    }

    /// A number from 0 to 1.
    pub fn fraction(&self, key: &str, default: f64) -> Result<f64, String> {
        let Some(value) = self.0.get(key) else { return Ok(default) };
        match value.as_f64().filter(|number| (0.0..=1.0).contains(number)) {
            Some(number) => Ok(number),
            None => Err(format!("{key}: expected a number from 0 to 1, not {value}")),
        }
    }

    /// The distance of two scrapes, `interval_ms`, in milliseconds: 15 seconds
    /// unless it is set.
    pub fn interval_ms(&self) -> Result<i64, String> {
        self.whole("interval_ms", 1, 15_000).map(|number| number as i64)
    }
}

/// The part of a schema that describes `interval_ms`.
#[macro_export]
macro_rules! interval_schema {
    () => {
        r#""interval_ms": {"type": "integer", "minimum": 1, "default": 15000, "description": "distance of two scrapes, in milliseconds"}"#
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_is_the_default() {
        for text in ["", " ", "{}"] {
            let settings = Settings::parse(text, &["interval_ms"]).expect(text);
            assert_eq!(settings.interval_ms(), Ok(15_000));
        }
    }

    #[test]
    fn a_refusal_names_the_key_and_what_is_allowed() {
        let known = ["interval_ms", "tolerance"];
        let cases = [
            (r#"{"interval": 1}"#, "interval: unknown, expected interval_ms, tolerance"),
            (r#"{"interval_ms": 0}"#, "interval_ms: expected a whole number from 1 on, not 0"),
            ("[]", "the settings are no JSON object: "),
        ];
        for (text, refusal) in cases {
            let error = Settings::parse(text, &known).and_then(|own| own.interval_ms());
            let error = error.expect_err(text);
            assert!(error.starts_with(refusal), "{error}");
        }
    }
}
