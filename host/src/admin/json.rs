//! The JSON of a binding, read strictly: what is not understood is refused,
//! with what was perhaps meant.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Error;
use crate::config::nearest;
use crate::registry::{Bind, LimitsText};

/// The keys of a binding, and of its limits. A test sees that they are those
/// of the types.
const BIND: [&str; 7] = ["digest", "fail", "limits", "name", "park_after", "settings", "shadow"];
const LIMITS: [&str; 4] = ["answer", "deadline", "memory", "table_elements"];

/// Reads a binding.
///
/// # Errors
/// [`Error::Json`]: what is wrong, and where.
pub(super) fn bind(body: &[u8]) -> Result<Bind, Error> {
    read(body).map_err(|text| Error::Json(cut(&text).to_owned()))
}

/// Longest text about a mistake: it may repeat what was sent.
const MAX_TEXT: usize = 400;

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

/// Fails for a body where none is wanted; an empty object is one.
pub(super) fn nothing(body: &[u8]) -> Result<(), Error> {
    let is_empty = body.trim_ascii().is_empty()
        || serde_json::from_slice::<Value>(body).is_ok_and(|value| value == json!({}));
    if is_empty { Ok(()) } else { Err(Error::Json("expected none".to_owned())) }
}

fn read(body: &[u8]) -> Result<Bind, String> {
    if body.trim_ascii().is_empty() {
        return Err("it is empty, expected JSON such as {\"name\":\"median\"}".to_owned());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Value::Object(object) = value else {
        return Err("expected an object such as {\"name\":\"median\"}".to_owned());
    };
    let limits = object.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
    check::<LimitsText>(&limits, "limits.", &LIMITS)?;
    check::<Bind>(&object, "", &BIND)?;
    // Read once more from the text: a key that is there twice is lost in the
    // tree.
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Checks keys and values one by one, so that a mistake is named by its key.
fn check<T: DeserializeOwned>(
    object: &Map<String, Value>,
    path: &str,
    known: &[&str],
) -> Result<(), String> {
    for (key, value) in object {
        if !known.contains(&key.as_str()) {
            let keys = known.join(", ");
            let named = format!("{path}{key}");
            return Err(match nearest(key, known.iter().copied()) {
                Some(near) => {
                    format!("unknown key {named:?}; did you mean {path}{near}?")
                }
                None => format!("unknown key {:?}; known here: {keys}", cut(&named)),
            });
        }
        serde_json::from_value::<T>(json!({ key.as_str(): value }))
            .map_err(|error| format!("{path}{key}: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_read_whole() {
        let text = r#"{"name":"median","digest":"12345678","settings":{"a":[1]},"limits":{"deadline":"50ms","memory":"64MiB"},"fail":"open","park_after":3,"shadow":true}"#;
        let bind = bind(text.as_bytes()).expect("a binding");
        assert_eq!(bind.name.as_deref(), Some("median"));
        assert_eq!(bind.settings, Some(json!({"a": [1]})));
        assert_eq!(bind.limits.memory.as_deref(), Some("64MiB"));
        assert!(bind.shadow);
        let again = serde_json::to_value(&bind).expect("JSON");
        let mut keys: Vec<&String> = again.as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, BIND);
    }

    #[test]
    fn the_keys_of_limits_are_those_of_the_type() {
        let text = |text: &str| Some(text.to_owned());
        let limits = LimitsText {
            deadline: text("1s"),
            memory: text("1MiB"),
            answer: text("1MiB"),
            table_elements: Some(1),
        };
        let limits = serde_json::to_value(limits).expect("JSON");
        let mut keys: Vec<&String> = limits.as_object().expect("an object").keys().collect();
        keys.sort_unstable();
        assert_eq!(keys, LIMITS);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_was_meant() {
        let table = [
            ("", "it is empty, expected JSON such as {\"name\":\"median\"}"),
            (" \n", "it is empty, expected JSON such as {\"name\":\"median\"}"),
            ("[]", "expected an object such as {\"name\":\"median\"}"),
            ("{\"nmae\":\"a\"}", "unknown key \"nmae\"; did you mean name?"),
            (
                "{\"limits\":{\"dedline\":\"1s\"}}",
                "unknown key \"limits.dedline\"; did you mean limits.deadline?",
            ),
            (
                "{\"colour\":1}",
                "unknown key \"colour\"; known here: digest, fail, limits, name, park_after, settings, shadow",
            ),
            ("{\"name\":1}", "name: invalid type: integer `1`, expected a string"),
            ("{\"shadow\":\"yes\"}", "shadow: invalid type: string \"yes\", expected a boolean"),
            (
                "{\"limits\":{\"memory\":64}}",
                "limits.memory: invalid type: integer `64`, expected a string",
            ),
            ("{\"limits\":7}", "limits: invalid type: integer `7`, expected struct LimitsText"),
            ("{\"name\":\"a\",\"name\":\"b\"}", "duplicate field `name` at line 1 column 18"),
            ("{\"name\":\"a\"} x", "trailing characters at line 1 column 14"),
            ("{\"name\":\"a\"", "EOF while parsing an object at line 1 column 11"),
        ];
        for (text, expected) in table {
            let error = bind(text.as_bytes()).map(|_| ()).map_err(|error| error.to_string());
            assert_eq!(error, Err(format!("the request's body: {expected}")), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(bind(deep.as_bytes()).is_err());
    }

    #[test]
    fn where_no_body_is_wanted_an_empty_object_is_none() {
        assert!(nothing(b"").is_ok() && nothing(b" {} ").is_ok());
        assert!(nothing(b"{\"a\":1}").is_err() && nothing(b"x").is_err());
    }
}
