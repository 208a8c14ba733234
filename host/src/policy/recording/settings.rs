//! Settings of the built-in rule, as the JSON that they can be read from.

use guest_merge::{AntiAffinity, Rule, Settings};
use serde_json::json;

/// A text that [`Settings::from_json`] makes these settings of.
pub(super) fn to_json(settings: &Settings) -> String {
    let (ms, dynamic) = match settings.anti_affinity {
        AntiAffinity::Static(ms) => (ms, false),
        AntiAffinity::Inferred { fallback_ms } => (fallback_ms, true),
    };
    let rule = match settings.rule {
        Rule::Fill => "fill",
        Rule::Promxy => "promxy",
        Rule::Penalty => "penalty",
        Rule::Max => "max",
        Rule::First => "first",
    };
    json!({
        "rule": rule,
        "anti_affinity": ms,
        "anti_affinity_dynamic": dynamic,
        "prefer_max": settings.prefer_max,
        "spacing_window": settings.spacing_window_ms,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back() {
        for text in [
            "",
            r#"{"rule":"promxy","anti_affinity":1500,"prefer_max":true}"#,
            r#"{"rule":"max","anti_affinity_dynamic":true,"spacing_window":60000}"#,
            r#"{"rule":"penalty"}"#,
            r#"{"rule":"first","anti_affinity_dynamic":false}"#,
        ] {
            let settings = Settings::from_json(text).expect("valid");
            assert_eq!(Settings::from_json(&to_json(&settings)), Ok(settings), "{text}");
        }
    }
}
