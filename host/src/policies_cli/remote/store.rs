//! What is stored: `list`, `show`, `get`, `delete`.

use std::fs;

use hyper::Method;
use serde_json::{Value, json};

use super::table::{bytes, table};
use super::{ask, cell, change, items, print, proxy, short};
use crate::cli::policy::{Delete, Get, List, Named, Show};
use crate::policies_cli::{Error, Verdict};
use crate::remote::{Request, segment};

/// Where policies are.
pub(super) const POLICIES: &str = "/api/v1/policies";

pub(super) fn path(policy: &Named) -> String {
    let name = format!("{POLICIES}/{}", segment(&policy.name));
    match &policy.digest {
        None => name,
        Some(digest) => format!("{name}/{}", segment(digest)),
    }
}

/// Lists all policies.
pub(in super::super) async fn list(args: &List) -> Result<Verdict, Error> {
    let data = ask(&args.access, POLICIES.to_owned()).await?;
    print(&args.access, &data, listed)
}

fn listed(data: &Value) -> String {
    let rows = items(data, "/policies").iter().flat_map(|policy| {
        let name = cell(policy, "/name");
        let versions = items(policy, "/versions").iter();
        versions.map(move |version| row(&name, version))
    });
    let rows: Vec<_> = rows.collect();
    let head = ["NAME", "DIGEST", "SIZE", "UPLOADED", "BOUND", "CALLS", "NS/SAMPLE", "FAULTS"];
    let mut text = table(head, &rows);
    for damaged in items(data, "/damaged") {
        let (file, reason) = (cell(damaged, "/file"), cell(damaged, "/reason"));
        text.push_str(&format!("\nset aside as damaged: {file}: {reason}"));
    }
    text
}

fn row(name: &str, version: &Value) -> [String; 8] {
    let bound = items(version, "/bound").iter();
    let bound: Vec<_> = bound
        .map(|own| format!("{} ({})", cell(own, "/server_group"), cell(own, "/role")))
        .collect();
    let uploaded = cell(version, "/uploaded");
    [
        name.to_owned(),
        short(&cell(version, "/digest")).to_owned(),
        bytes(version.pointer("/size").and_then(Value::as_u64).unwrap_or(0)),
        // To the second.
        uploaded.split('.').next().unwrap_or("-").to_owned(),
        if bound.is_empty() { "-".to_owned() } else { bound.join(", ") },
        cell(version, "/usage/calls"),
        per_sample(version),
        cell(version, "/usage/faults"),
    ]
}

fn per_sample(version: &Value) -> String {
    let each = version.pointer("/usage/nanoseconds_per_sample").and_then(Value::as_f64);
    each.map_or_else(|| "-".to_owned(), |each| format!("{each:.1}"))
}

/// Shows one policy.
pub(in super::super) async fn show(args: &Show) -> Result<Verdict, Error> {
    let policy = Named { name: args.name.clone(), digest: None };
    let data = ask(&args.access, path(&policy)).await?;
    print(&args.access, &data, |data| {
        let versions = items(data, "/versions").iter();
        versions.map(|version| shown(&args.name, version)).collect::<Vec<_>>().join("\n\n")
    })
}

fn shown(name: &str, version: &Value) -> String {
    let list = |pointer: &str| {
        let list: Vec<_> = items(version, pointer).iter().map(|own| cell(own, "")).collect();
        if list.is_empty() { "nothing".to_owned() } else { list.join(", ") }
    };
    let [_, _, size, uploaded, bound, calls, each, faults] = row(name, version);
    let by = cell(version, "/uploaded_by");
    let mut lines = vec![
        ("policy", format!("{name}@{}", cell(version, "/digest"))),
        ("calls itself", cell(version, "/described_name")),
        ("version", cell(version, "/described_version")),
        ("size", size),
        ("uploaded", format!("{uploaded}, by {by}")),
        ("imports", list("/imports")),
        ("exports", list("/exports")),
        ("settings", cell(version, "/settings_schema")),
        ("bound", bound),
        ("did", format!("{calls} calls, {each} ns a sample, {faults} faults")),
    ];
    lines.extend(items(version, "/notes").iter().map(|note| ("note", cell(note, ""))));
    lines.extend(
        version.get("problem").filter(|own| !own.is_null()).map(|own| ("problem", cell(own, ""))),
    );
    let lines = lines.iter().map(|(key, value)| format!("{key:<13}{value}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Fetches a component into a file.
pub(in super::super) async fn get(args: &Get) -> Result<Verdict, Error> {
    let digest = args.policy.digest.clone().or_else(|| Some("latest".to_owned()));
    let policy = Named { digest, ..args.policy.clone() };
    let component = proxy(&args.access)?.bytes(Request::new(Method::GET, path(&policy))).await?;
    let file = args.output.display().to_string();
    fs::write(&args.output, &component)
        .map_err(|source| Error::File { path: file.clone(), source })?;
    let data = json!({ "file": file, "size": component.len() });
    print(&args.access, &data, |_| format!("{file}: {}", bytes(component.len() as u64)))
}

/// Forgets a policy or a version.
pub(in super::super) async fn delete(args: &Delete) -> Result<Verdict, Error> {
    let request = Request::new(Method::DELETE, path(&args.policy));
    let data = change(&args.change, request).await?;
    let Named { name, digest } = &args.policy;
    print(&args.change.access, &data, |_| match digest {
        None => format!("deleted {name}"),
        Some(digest) => format!("deleted {name}@{digest}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Value {
        json!({
            "digest": "0123456789abcdef0123", "size": 7625,
            "uploaded": "2026-01-02T03:04:05.678Z", "uploaded_by": "alice",
            "imports": [], "exports": ["promweave:merge/policy@1.0.0"],
            "described_name": "median", "described_version": "0.1.0",
            "settings_schema": {"type": "object"},
            "bound": [{"server_group": "east", "role": "shadow", "source": "api"}],
            "usage": {"calls": 3, "samples": 10, "nanoseconds_per_sample": 12.34, "faults": 0},
            "notes": ["needs settings"], "problem": null,
        })
    }

    #[test]
    fn every_version_is_a_row() {
        let data = json!({
            "policies": [{"name": "median", "builtin": false, "versions": [version()]}],
            "damaged": [{"file": "damaged/x", "reason": "cut short"}],
        });
        let text = listed(&data);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").filter(|own| !own.is_empty()).collect())
            .collect();
        let row = ["median", "0123456789ab", "7.4 KiB", "2026-01-02T03:04:05", "east (shadow)"];
        assert_eq!(lines[1].iter().map(|own| own.trim()).collect::<Vec<_>>()[..5], row, "{text}");
        assert_eq!(text.lines().last(), Some("set aside as damaged: damaged/x: cut short"));
    }

    #[test]
    fn a_version_is_shown_whole() {
        let text = shown("median", &version());
        for line in [
            "policy       median@0123456789abcdef0123",
            "imports      nothing",
            "settings     {\"type\":\"object\"}",
            "did          3 calls, 12.3 ns a sample, 0 faults",
            "note         needs settings",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("problem"), "{text}");
    }

    #[test]
    fn paths_name_a_policy_or_a_version() {
        let mut policy = Named { name: "median".to_owned(), digest: None };
        assert_eq!(path(&policy), "/api/v1/policies/median");
        policy.digest = Some("0123abcd".to_owned());
        assert_eq!(path(&policy), "/api/v1/policies/median/0123abcd");
    }
}
