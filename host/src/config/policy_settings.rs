//! The settings of the default merge policy that a server group asks for.

use serde_json::{Map, Value, json};

use super::defaults;
use super::model::{AntiAffinity, ServerGroup};

/// The JSON object that configures the default policy for a group; its keys
/// are those of the policy's own settings schema.
///
/// The distance is in milliseconds, rounded down; promxy rounds down to
/// seconds, which makes 500 ms no distance at all.
#[must_use]
pub fn policy_settings(group: &ServerGroup) -> Map<String, Value> {
    let (distance, dynamic) = match group.anti_affinity {
        AntiAffinity::Static(distance) => (distance, false),
        AntiAffinity::Inferred { fallback } => (fallback, true),
    };
    let millis = u64::try_from(distance.as_millis()).expect("a distance is at most a day");
    let settings = json!({
        "rule": defaults::POLICY_RULE,
        "anti_affinity": millis,
        "anti_affinity_dynamic": dynamic,
        "prefer_max": group.prefer_max,
    });
    match settings {
        Value::Object(settings) => settings,
        _ => unreachable!("braces make an object"),
    }
}

/// The settings that `explicit` ones give together with those of the group,
/// where they are silent.
#[must_use]
pub fn merged_settings(group: &Map<String, Value>, explicit: Option<&Value>) -> String {
    let mut settings = group.clone();
    if let Some(Value::Object(explicit)) = explicit {
        settings.extend(explicit.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Value::Object(settings).to_string()
}
