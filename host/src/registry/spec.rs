//! A wish to bind a policy as the sandbox takes it.

use serde_json::Value;

use super::{Bind, Error, limits};
use crate::policy::{Fail, Spec};

/// Settings, limits and what a fault means. `settings` is the JSON text that
/// the policy is configured with.
///
/// # Errors
/// [`Error::Key`] names the first key with a wrong value.
pub(super) fn of(bind: &Bind, settings: String) -> Result<Spec, Error> {
    let default = Spec::default();
    Ok(Spec {
        settings,
        limits: limits::parse(&bind.limits)?,
        fail: bind.fail.as_deref().map_or(Ok(default.fail), fail)?,
        park_after: bind.park_after.unwrap_or(default.park_after),
    })
}

/// The settings as JSON text; empty for the policy's defaults.
///
/// # Errors
/// [`Error::Key`] for anything but an object.
pub(super) fn settings(bind: &Bind) -> Result<String, Error> {
    match &bind.settings {
        None | Some(Value::Null) => Ok(String::new()),
        Some(object @ Value::Object(_)) => Ok(object.to_string()),
        Some(_) => Err(key("settings", "expected an object")),
    }
}

fn fail(text: &str) -> Result<Fail, Error> {
    match text {
        "open" => Ok(Fail::Open),
        "closed" => Ok(Fail::Closed),
        _ => Err(key("fail", format!("found {text:?}, expected open or closed"))),
    }
}

/// As in the file.
pub(super) const fn fail_text(fail: Fail) -> &'static str {
    match fail {
        Fail::Open => "open",
        Fail::Closed => "closed",
    }
}

/// An error about a key of a binding.
pub(super) fn key(key: &str, reason: impl Into<String>) -> Error {
    Error::Key { key: key.to_owned(), reason: reason.into() }
}
