//! Answers against the schemas of Prometheus's OpenAPI document. Its folder
//! comes from `PROMWEAVE_SHARED`; without it the test says so and passes.

use std::path::PathBuf;

use serde_json::Value as Json;
use serde_yaml::Value as Yaml;

use super::*;

fn document() -> Option<Yaml> {
    let Some(folder) = std::env::var_os("PROMWEAVE_SHARED").filter(|folder| !folder.is_empty())
    else {
        eprintln!("SKIPPED: PROMWEAVE_SHARED is not set, no OpenAPI document to check against");
        return None;
    };
    let path = PathBuf::from(folder).join("prometheus-api/openapi-3.1.yaml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    Some(serde_yaml::from_str(&text).expect("YAML"))
}

/// Just as much of JSON Schema as the document uses.
fn violation(document: &Yaml, schema: &Yaml, value: &Json, path: &str) -> Option<String> {
    if let Some(reference) = schema.get("$ref").and_then(Yaml::as_str) {
        let target =
            reference.trim_start_matches("#/").split('/').fold(document, |node, key| &node[key]);
        return violation(document, target, value, path);
    }
    for key in ["anyOf", "oneOf"] {
        let Some(options) = schema.get(key).and_then(Yaml::as_sequence) else { continue };
        let faults: Vec<String> =
            options.iter().map_while(|option| violation(document, option, value, path)).collect();
        return (faults.len() == options.len()).then(|| faults.join("; or "));
    }
    type_violation(schema, value, path)
        .or_else(|| object_violation(document, schema, value, path))
        .or_else(|| {
            let items = schema.get("items")?;
            let list = value.as_array()?;
            list.iter().enumerate().find_map(|(index, item)| {
                violation(document, items, item, &format!("{path}[{index}]"))
            })
        })
}

fn type_violation(schema: &Yaml, value: &Json, path: &str) -> Option<String> {
    let fits = match schema.get("type").and_then(Yaml::as_str)? {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("a type this test does not know: {other}"),
    };
    if !fits {
        return Some(format!("{path}: {value} is no {:?}", schema["type"]));
    }
    let allowed = schema.get("enum").and_then(Yaml::as_sequence)?;
    let found = allowed.iter().any(|one| one.as_str() == value.as_str());
    (!found).then(|| format!("{path}: {value} is not one of {allowed:?}"))
}

fn object_violation(document: &Yaml, schema: &Yaml, value: &Json, path: &str) -> Option<String> {
    let object = value.as_object()?;
    let required = schema.get("required").and_then(Yaml::as_sequence);
    for name in required.into_iter().flatten().filter_map(Yaml::as_str) {
        if !object.contains_key(name) {
            return Some(format!("{path}: no {name}"));
        }
    }
    let closed = schema.get("additionalProperties").and_then(Yaml::as_bool) == Some(false);
    object.iter().find_map(|(name, item)| {
        match schema.get("properties").and_then(|properties| properties.get(name.as_str())) {
            Some(property) => violation(document, property, item, &format!("{path}.{name}")),
            None if closed => Some(format!("{path}: {name} is not in the schema")),
            None => None,
        }
    })
}

#[tokio::test]
async fn answers_have_the_shapes_of_prometheus_openapi_document() {
    let Some(document) = document() else { return };
    let tested = tested();
    let cases = [
        ("/api/v1/query?query=vector&limit=1&stats=all", "QueryOutputBody"),
        ("/api/v1/query?query=scalar", "QueryOutputBody"),
        ("/api/v1/query_range?query=large&start=0&end=1&step=1", "QueryRangeOutputBody"),
        ("/api/v1/query_exemplars?query=up", "QueryExemplarsOutputBody"),
        ("/api/v1/format_query?query=up", "FormatQueryOutputBody"),
        ("/api/v1/parse_query?query=up", "ParseQueryOutputBody"),
        ("/api/v1/labels", "LabelsOutputBody"),
        ("/api/v1/label/a/values", "LabelValuesOutputBody"),
        ("/api/v1/series?match[]=up", "SeriesOutputBody"),
        ("/api/v1/metadata", "MetadataOutputBody"),
        ("/api/v1/status/config", "StatusConfigOutputBody"),
        ("/api/v1/status/runtimeinfo", "StatusRuntimeInfoOutputBody"),
        ("/api/v1/status/buildinfo", "StatusBuildInfoOutputBody"),
        ("/api/v1/status/flags", "StatusFlagsOutputBody"),
        ("/api/v1/status/tsdb", "StatusTSDBOutputBody"),
        ("/api/v1/status/tsdb/blocks", "StatusTSDBBlocksOutputBody"),
        ("/api/v1/status/walreplay", "StatusWALReplayOutputBody"),
        ("/api/v1/rules", "RulesOutputBody"),
        ("/api/v1/alerts", "AlertsOutputBody"),
        ("/api/v1/alertmanagers", "AlertmanagersOutputBody"),
        ("/api/v1/targets", "TargetsOutputBody"),
        ("/api/v1/targets/metadata", "TargetMetadataOutputBody"),
        ("/api/v1/scrape_pools", "ScrapePoolsOutputBody"),
        ("/api/v1/notifications", "NotificationsOutputBody"),
        ("/api/v1/query?query=parse", "Error"),
    ];
    for (uri, name) in cases {
        let schema = &document["components"]["schemas"][name];
        assert!(!schema.is_null(), "no schema {name}");
        let got = tested.get(uri).await.json();
        assert_eq!(violation(&document, schema, &got, "$"), None, "{uri}");
    }
}
