//! What is bound: `groups`, `bind`, `unbind`, `diff`, `promote`, `rollback`.

use hyper::Method;
use serde_json::Value;

use super::table::table;
use super::{ask, cell, change, items, print, short};
use crate::cli::policy::{Bind, List, Move, OfGroup, Unbind};
use crate::policies_cli::{Error, Verdict};
use crate::policy::shadow::Report;
use crate::registry;
use crate::remote::{Request, segment};

const GROUPS: &str = "/api/v1/server_groups";

fn policy_of(group: &str) -> String {
    format!("{GROUPS}/{}/policy", segment(group))
}

/// Lists the server groups.
pub(in super::super) async fn groups(args: &List) -> Result<Verdict, Error> {
    let data = ask(&args.access, GROUPS.to_owned()).await?;
    print(&args.access, &data, |data| {
        let rows: Vec<_> = items(data, "/server_groups").iter().map(row).collect();
        let head = ["GROUP", "ACTIVE", "BY", "STATE", "SHADOW", "PREVIOUS", "FAULTS", "REVISION"];
        table(head, &rows)
    })
}

fn row(group: &Value) -> [String; 8] {
    [
        cell(group, "/server_group"),
        version(group, "/active"),
        cell(group, "/source"),
        cell(group, "/active/state"),
        version(group, "/shadow"),
        version(group, "/previous"),
        cell(group, "/active/usage/faults"),
        cell(group, "/revision"),
    ]
}

/// A bound version, `NAME@DIGEST`.
fn version(group: &Value, pointer: &str) -> String {
    let digest = cell(group, &format!("{pointer}/digest"));
    match (cell(group, &format!("{pointer}/policy")), short(&digest)) {
        (policy, "-") => policy,
        (policy, digest) => format!("{policy}@{digest}"),
    }
}

/// A server group after a change.
fn shown(group: &Value) -> String {
    let mut lines = vec![
        ("server group", cell(group, "/server_group")),
        ("active", described(group, "/active")),
        ("shadow", described(group, "/shadow")),
        ("previous", version(group, "/previous")),
        ("revision", cell(group, "/revision")),
    ];
    lines.retain(|(_, value)| value != "-");
    lines.iter().map(|(key, value)| format!("{key:<13}{value}")).collect::<Vec<_>>().join("\n")
}

fn described(group: &Value, pointer: &str) -> String {
    let policy = version(group, pointer);
    if policy == "-" {
        return policy;
    }
    let of = |key: &str| cell(group, &format!("{pointer}/{key}"));
    let mut text = format!("{policy}, by {}, {}", of("source"), of("state"));
    for (key, name) in [("settings", "settings"), ("reason", "because")] {
        let value = of(key);
        if !matches!(value.as_str(), "-" | "{}") {
            text.push_str(&format!(", {name} {value}"));
        }
    }
    text
}

/// Binds a policy.
pub(in super::super) async fn bind(args: &Bind) -> Result<Verdict, Error> {
    let wish = registry::Bind {
        name: Some(args.policy.name.clone()),
        digest: args.policy.digest.clone(),
        settings: args.settings.clone().map(Value::Object),
        limits: registry::LimitsText {
            deadline: args.deadline.clone(),
            memory: args.memory.clone(),
            ..registry::LimitsText::default()
        },
        fail: args.fail.clone(),
        park_after: args.park_after,
        shadow: args.shadow,
    };
    let body = serde_json::to_vec(&wish).expect("plain types become JSON");
    let request = Request::new(Method::PUT, policy_of(&args.group));
    let data = change(&args.change, request.with_body("application/json", body)).await?;
    print(&args.change.access, &data, shown)
}

/// Takes a binding back.
pub(in super::super) async fn unbind(args: &Unbind) -> Result<Verdict, Error> {
    let mut path = policy_of(&args.group);
    if args.shadow {
        path.push_str("?shadow=true");
    }
    let data = change(&args.change, Request::new(Method::DELETE, path)).await?;
    print(&args.change.access, &data, shown)
}

/// Lets the shadow answer.
pub(in super::super) async fn promote(args: &Move) -> Result<Verdict, Error> {
    post(args, "promote").await
}

/// Lets the previous policy answer.
pub(in super::super) async fn rollback(args: &Move) -> Result<Verdict, Error> {
    post(args, "rollback").await
}

async fn post(args: &Move, what: &str) -> Result<Verdict, Error> {
    let path = format!("{}/{what}", policy_of(&args.group));
    let data = change(&args.change, Request::new(Method::POST, path)).await?;
    print(&args.change.access, &data, shown)
}

/// Shows what the shadow found.
pub(in super::super) async fn diff(args: &OfGroup) -> Result<Verdict, Error> {
    let group = ask(&args.access, policy_of(&args.group)).await?;
    let shadow = group.get("shadow").filter(|own| !own.is_null());
    let report = shadow.and_then(|own| own.get("report"));
    let Some(report) = report.filter(|own| !own.is_null()) else {
        return Err(Error::NoShadow(args.group.clone()));
    };
    print(&args.access, report, |report| {
        let (active, candidate) = (version(&group, "/active"), version(&group, "/shadow"));
        format!("active       {active}\ncandidate    {candidate}\n{}", told(report))
    })
}

/// A shadow's report for people; as JSON, if it is of another version's shape.
fn told(report: &Value) -> String {
    match serde_json::from_value::<Report>(report.clone()) {
        Ok(report) => report.to_string(),
        Err(_) => format!("{report:#}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group() -> Value {
        json!({
            "server_group": "east", "ordinal": 0, "replicas": ["a", "b"], "source": "api",
            "active": {
                "policy": "median", "digest": "0123456789abcdef", "settings": {"interval_ms": 5},
                "state": "parked", "reason": "ten faults in a row", "source": "api",
                "usage": {"calls": 1, "samples": 2, "nanoseconds_per_sample": 3.0, "faults": 10},
            },
            "shadow": null,
            "previous": {"policy": null, "digest": null},
            "revision": "abc",
        })
    }

    #[test]
    fn a_group_is_a_row() {
        let row = row(&group());
        let expected = ["east", "median@0123456789ab", "api", "parked", "-", "-", "10", "abc"];
        assert_eq!(row, expected);
    }

    #[test]
    fn a_changed_group_is_told_with_what_is_bound() {
        let text = shown(&group());
        let active = "active       median@0123456789ab, by api, parked, \
                      settings {\"interval_ms\":5}, because ten faults in a row";
        assert_eq!(text, format!("server group east\n{active}\nrevision     abc"));
    }

    #[test]
    fn a_report_is_told_in_words() {
        let report = serde_json::to_value(Report::default()).expect("plain types become JSON");
        assert!(told(&report).starts_with("compared     0 merges"), "{}", told(&report));
        assert_eq!(told(&json!({"merges": "many"})), "{\n  \"merges\": \"many\"\n}");
    }

    #[test]
    fn a_group_may_have_any_name() {
        assert_eq!(policy_of("eu/1"), "/api/v1/server_groups/eu%2F1/policy");
    }
}
