//! What is told about versions and bindings.

use std::sync::Arc;

use serde_json::Value;

use super::Inner;
use super::groups::{Group, InForce};
use crate::policy::Version;
use crate::registry::store::{About, Slots, Stored};
use crate::registry::{
    BindingInfo, Bound, Error, GroupInfo, Policies, PolicyInfo, Previous, Role, Source, State,
    StoreInfo, UsageInfo, VersionInfo, limits, spec,
};

/// Longest schema that is kept and shown, in bytes; a form for people is far
/// below.
const MAX_SCHEMA: usize = 16 << 10;
/// Most interfaces that are listed, each way.
const MAX_INTERFACES: usize = 64;

/// What a component says of itself.
pub(super) fn about(version: &Version) -> About {
    let description = version.description();
    let schema = &description.settings_schema;
    let some = |names: &[String]| names.iter().take(MAX_INTERFACES).cloned().collect();
    About {
        name: description.name.clone(),
        version: description.version.clone(),
        settings_schema: if schema.len() > MAX_SCHEMA {
            Value::Null
        } else {
            serde_json::from_str(schema).unwrap_or_else(|_| Value::String(schema.clone()))
        },
        imports: some(version.imports()),
        exports: some(version.exports()),
    }
}

pub(super) fn policies(inner: &Inner, builtin: &Arc<Version>) -> Policies {
    let stored = inner.store.state().names.iter();
    let stored = stored.map(|(name, versions)| of_name(inner, name, versions));
    Policies {
        policies: std::iter::once(builtin_policy(inner, builtin)).chain(stored).collect(),
        damaged: inner.store.damaged().to_vec(),
        store: Some(StoreInfo {
            dir: inner.store.folder().display().to_string(),
            bytes: inner.store.bytes_used(),
            max_bytes: inner.store.limits().bytes,
        }),
    }
}

pub(super) fn policy(
    inner: &Inner,
    builtin: &Arc<Version>,
    name: &str,
) -> Result<PolicyInfo, Error> {
    if name == guest_merge::NAME {
        return Ok(builtin_policy(inner, builtin));
    }
    match inner.store.state().names.get(name) {
        Some(versions) => Ok(of_name(inner, name, versions)),
        None => Err(Error::UnknownPolicy(name.to_owned())),
    }
}

fn of_name(inner: &Inner, name: &str, versions: &[Stored]) -> PolicyInfo {
    let versions = versions.iter().rev().map(|stored| version(inner, name, stored)).collect();
    PolicyInfo { name: name.to_owned(), builtin: false, versions }
}

fn builtin_policy(inner: &Inner, builtin: &Arc<Version>) -> PolicyInfo {
    let name = guest_merge::NAME.to_owned();
    let (digest, size) = (builtin.digest().to_owned(), builtin.size() as u64);
    let stored = Stored {
        digest,
        size,
        uploaded_ms: 0,
        by: String::new(),
        notes: Vec::new(),
        about: about(builtin),
    };
    let told = version(inner, &name, &stored);
    let told = VersionInfo { uploaded: None, uploaded_by: None, problem: None, ..told };
    PolicyInfo { name, builtin: true, versions: vec![told] }
}

/// What is told of a stored version.
pub(super) fn version(inner: &Inner, name: &str, stored: &Stored) -> VersionInfo {
    let About { name: described_name, version, settings_schema, imports, exports } =
        stored.about.clone();
    let is_there = inner.store.has(stored);
    VersionInfo {
        digest: stored.digest.clone(),
        size: stored.size,
        uploaded: Some(time(stored.uploaded_ms)),
        uploaded_by: Some(stored.by.clone()),
        imports,
        exports,
        described_name,
        described_version: version,
        settings_schema,
        bound: bound(inner, name, &stored.digest),
        usage: version_usage(inner, &stored.digest),
        notes: stored.notes.clone(),
        problem: (!is_there).then(|| "its file is missing or damaged: upload it again".to_owned()),
    }
}

/// Where a version is bound, in the order of the configuration; then groups
/// that the configuration does not have any more.
pub(super) fn bound(inner: &Inner, name: &str, digest: &str) -> Vec<Bound> {
    let mut places = Vec::new();
    for group in &inner.groups {
        let mut add = |role, source| {
            places.push(Bound { server_group: group.title.clone(), role, source });
        };
        let is_it = |own: &&InForce| own.policy() == name && own.digest() == digest;
        if is_it(&&group.active) {
            add(Role::Active, group.active.source);
        }
        if let Some(shadow) = group.shadow.as_ref().filter(is_it) {
            add(Role::Shadow, shadow.source);
        }
        for role in waiting(inner, group, name, digest) {
            add(role, Source::Api);
        }
    }
    for (key, slots) in &inner.store.state().groups {
        if inner.groups.iter().all(|group| group.key != *key) {
            let roles = roles(slots, name, digest).into_iter();
            places.extend(roles.map(|role| Bound {
                server_group: key.clone(),
                role,
                source: Source::Api,
            }));
        }
    }
    places
}

/// The roles that the API gave a version in a group and that are not in force:
/// what was active before, and what the configuration stands in front of.
fn waiting(inner: &Inner, group: &Group, name: &str, digest: &str) -> Vec<Role> {
    let configured = group.configured.as_ref().map(|configured| configured.role);
    let roles = inner.slots(group).map(|slots| roles(slots, name, digest)).unwrap_or_default();
    let is_waiting = |role: &Role| *role == Role::Previous || Some(*role) == configured;
    roles.into_iter().filter(is_waiting).collect()
}

fn roles(slots: &Slots, name: &str, digest: &str) -> Vec<Role> {
    let previous = slots.previous.as_ref().and_then(|previous| previous.held.as_ref());
    let held = [
        (Role::Active, slots.active.as_ref()),
        (Role::Shadow, slots.shadow.as_ref()),
        (Role::Previous, previous),
    ];
    let is_it = |bind: &crate::registry::Bind| {
        bind.name.as_deref() == Some(name) && bind.digest.as_deref() == Some(digest)
    };
    let here = held.into_iter().filter(|(_, held)| held.is_some_and(|held| is_it(&held.bind)));
    here.map(|(role, _)| role).collect()
}

/// Whether a version may not be deleted because of this.
pub(super) fn is_in_use(bound: &Bound) -> bool {
    bound.role != Role::Previous
}

/// Where that is, for people.
pub(super) fn place(bound: &Bound) -> String {
    let role = if bound.role == Role::Shadow { "shadow" } else { "active" };
    let by = if bound.source == Source::Config { ", by the configuration" } else { "" };
    format!("server group {} ({role}{by})", bound.server_group)
}

pub(super) fn group(inner: &Inner, group: &Group) -> GroupInfo {
    let slots = inner.slots(group);
    let report = || inner.fleet.as_ref().and_then(|fleet| fleet.report(group.ordinal));
    let shadow =
        group.shadow.as_ref().map(|shadow| BindingInfo { report: report(), ..binding(shadow) });
    GroupInfo {
        server_group: group.title.clone(),
        ordinal: group.ordinal,
        replicas: group.replicas.clone(),
        source: group.active.source,
        active: binding(&group.active),
        shadow,
        previous: slots.and_then(|slots| slots.previous.as_ref()).map(|previous| {
            let bind = previous.held.as_ref().map(|held| &held.bind);
            Previous {
                policy: bind.and_then(|bind| bind.name.clone()),
                digest: bind.and_then(|bind| bind.digest.clone()),
            }
        }),
        revision: group.revision(slots),
    }
}

fn binding(own: &InForce) -> BindingInfo {
    let (state, reason) = state(own);
    BindingInfo {
        policy: own.policy().to_owned(),
        digest: own.digest().to_owned(),
        settings: own
            .bind
            .settings
            .clone()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        limits: limits::print(&own.limits),
        fail: spec::fail_text(own.fail).to_owned(),
        state,
        reason,
        source: own.source,
        bound: own.bound.as_ref().map(|(ms, _)| time(*ms)),
        bound_by: own.bound.as_ref().map(|(_, by)| by.clone()),
        usage: usage(own.binding.usage()),
        report: None,
    }
}

fn state(own: &InForce) -> (State, Option<String>) {
    if own.problem.is_some() {
        return (State::Unavailable, own.problem.clone());
    }
    if own.binding.is_parked() {
        let reason = "it failed too often in a row: bind it again, or another version".to_owned();
        return (State::Parked, Some(reason));
    }
    (State::Running, None)
}

/// What a version did in all its bindings.
fn version_usage(inner: &Inner, digest: &str) -> UsageInfo {
    let shadows = inner.groups.iter().filter_map(|group| group.shadow.as_ref());
    let mut all = inner.groups.iter().map(|group| &group.active).chain(shadows);
    let live = all.find_map(|own| own.binding.version().filter(|own| own.digest() == digest));
    live.map(|version| usage(version.usage())).unwrap_or_default()
}

fn usage(usage: &crate::policy::Usage) -> UsageInfo {
    let samples = usage.samples();
    #[expect(clippy::cast_precision_loss, reason = "a quotient for people")]
    let nanoseconds = (samples > 0).then(|| usage.nanoseconds() as f64 / samples as f64);
    UsageInfo {
        calls: usage.calls(),
        samples,
        nanoseconds_per_sample: nanoseconds,
        faults: usage.faults(),
    }
}

/// As RFC 3339.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}
