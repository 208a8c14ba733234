//! The external labels of a Prometheus server, from its own configuration
//! page: remote read adds them to every series.

use promql::Labels;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

use super::Error;

#[derive(Deserialize)]
struct Page {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    yaml: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    global: Option<Global>,
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Global {
    #[serde(default)]
    external_labels: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    _rest: BTreeMap<String, IgnoredAny>,
}

/// Reads the answer of `/api/v1/status/config`.
///
/// # Errors
/// When it is not such an answer.
pub fn labels(body: &[u8]) -> Result<Labels, Error> {
    let page: Page =
        serde_json::from_slice(body).map_err(|error| Error::Decode(error.to_string()))?;
    let file: Option<File> =
        serde_yaml::from_str(&page.data.yaml).map_err(|error| Error::Decode(error.to_string()))?;
    let labels = file.and_then(|file| file.global).and_then(|global| global.external_labels);
    Ok(Labels::from_pairs(labels.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_labels_are_found_beside_everything_else() {
        let yaml = "global:\\n  scrape_interval: 15s\\n  external_labels:\\n    replica: a\\n    n: \\\"1\\\"\\nscrape_configs:\\n- job_name: x\\n";
        let body = format!(r#"{{"status":"success","data":{{"yaml":"{yaml}"}}}}"#);
        let expected = Labels::from_pairs([("n", "1"), ("replica", "a")]);
        assert_eq!(labels(body.as_bytes()).expect("a page"), expected);
    }

    #[test]
    fn a_server_without_external_labels_adds_none() {
        for yaml in ["", "global:\\n", "global:\\n  scrape_interval: 15s\\n", "rule_files: []\\n"] {
            let body = format!(r#"{{"status":"success","data":{{"yaml":"{yaml}"}}}}"#);
            assert_eq!(labels(body.as_bytes()).expect(yaml), Labels::empty());
        }
        assert!(labels(b"404 page not found").is_err());
    }
}
