//! The effective configuration as YAML: what is in force, defaults included.
//!
//! The order of the keys is fixed, secrets are masked, and the text loads
//! again. Meant for eyes and for comparison, not for starting a server: a
//! mask is not a password.

mod writer;

use std::time::Duration;

use promql::Labels;
use serde_json::Value as Json;

use super::duration;
use super::model::{
    AntiAffinity, Auth, Client, Config, Global, GroupPolicy, OnFailure, Record, RemoteRead,
    ServerGroup, Target, Tls, TlsVersion,
};
use super::secret::{MASK, Source, looks_secret};
use writer::{Map, Value};

impl Config {
    /// The configuration in force as YAML, secrets masked.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let groups = self.server_groups.iter().map(|one| Value::Map(group(one))).collect();
        let promxy = Map::new().with("server_groups", Value::List(groups));
        let root = Map::new().with("global", global(&self.global)).with("promxy", promxy);
        writer::write(&root)
    }
}

fn global(global: &Global) -> Map {
    Map::new()
        .with("evaluation_interval", time(Some(global.evaluation_interval)))
        .with("external_labels", labels(&global.external_labels))
}

fn group(group: &ServerGroup) -> Map {
    let (distance, dynamic) = match group.anti_affinity {
        AntiAffinity::Static(distance) => (distance, false),
        AntiAffinity::Inferred { fallback } => (fallback, true),
    };
    let remote_read = match group.remote_read {
        RemoteRead::Auto => None,
        RemoteRead::Always => Some(true),
        RemoteRead::Never => Some(false),
    };
    client(
        Map::new()
            .with("name", Value::text(&group.name))
            .with("static_configs", Value::List(static_configs(&group.targets)))
            .with("labels", labels(&group.labels))
            .with("scheme", Value::text(group.scheme.as_str()))
            .with("path_prefix", Value::text(&group.path_prefix))
            .with("anti_affinity", time(Some(distance)))
            .with("anti_affinity_dynamic", Value::bool(dynamic))
            .with("prefer_max", Value::bool(group.prefer_max))
            .with_some("policy", group.policy.as_ref().map(|own| Value::Map(policy(own))))
            // Unset is a state of its own: find out.
            .with_some("remote_read", remote_read.map(Value::bool))
            .with("remote_read_path", Value::text(&group.remote_read_path))
            .with("pushdown", Value::text(group.pushdown.as_str()))
            .with("pushdown_min_samples", Value::raw(group.pushdown_min_samples.to_string()))
            .with("align_query_range_with_step", Value::bool(group.align_query_range_with_step))
            .with("ignore_error", Value::bool(group.on_failure == OnFailure::Ignore))
            .with("downgrade_error", Value::bool(group.on_failure == OnFailure::Warn))
            .with_some("record", group.record.as_ref().map(|own| Value::Map(record(own)))),
        &group.client,
    )
}

/// As it was given: which defaults are in force, the policy decides.
fn policy(policy: &GroupPolicy) -> Map {
    let GroupPolicy { bind, path, .. } = policy;
    let text = |text: &Option<String>| text.as_deref().map(Value::text);
    let limits = Map::new()
        .with_some("deadline", text(&bind.limits.deadline))
        .with_some("memory", text(&bind.limits.memory))
        .with_some("answer", text(&bind.limits.answer))
        .with_some(
            "table_elements",
            bind.limits.table_elements.map(|count| Value::raw(count.to_string())),
        );
    Map::new()
        .with_some("name", text(&bind.name))
        .with_some("digest", text(&bind.digest))
        .with_some("path", path.as_ref().map(|path| Value::text(&path.to_string_lossy())))
        .with_some("settings", bind.settings.as_ref().map(json))
        .with("limits", limits)
        .with_some("fail", text(&bind.fail))
        .with_some("park_after", bind.park_after.map(|count| Value::raw(count.to_string())))
        .with("shadow", Value::bool(bind.shadow))
}

/// JSON is YAML; a setting whose name looks like one of a secret is masked.
fn json(value: &Json) -> Value {
    match value {
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::List(items.iter().map(json).collect()),
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| {
                let hide = looks_secret(key) && value.is_string();
                (key.clone(), if hide { Value::raw(MASK) } else { json(value) })
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        other => Value::raw(other.to_string()),
    }
}

fn record(record: &Record) -> Map {
    Map::new()
        .with("dir", Value::text(&record.dir.to_string_lossy()))
        .with("max_bytes", Value::raw(record.max_bytes.to_string()))
        .with("sample", Value::raw(record.sample.to_string()))
}

/// Neighbours with the same labels share an entry, so the order stays.
fn static_configs(targets: &[Target]) -> Vec<Value> {
    let entry = |targets: &[Target]| {
        let addresses = targets.iter().map(|target| Value::text(&target.address)).collect();
        let map = Map::new()
            .with("targets", Value::List(addresses))
            .with("labels", labels(&targets[0].labels));
        Value::Map(map)
    };
    targets.chunk_by(|one, other| one.labels == other.labels).map(entry).collect()
}

fn client(group: Map, client: &Client) -> Map {
    let params = client.query_params.iter().map(|(name, value)| {
        (name.clone(), if looks_secret(name) { Value::raw(MASK) } else { Value::text(value) })
    });
    let headers = client.http_headers.iter().map(|(name, value)| {
        let text = value.to_str().ok().filter(|_| !value.is_sensitive());
        (name.as_str().to_owned(), text.map_or_else(|| Value::raw(MASK), Value::text))
    });
    let own = Map::new()
        .with("dial_timeout", time(client.dial_timeout))
        .with("tls_config", tls(&client.tls));
    group
        .with("timeout", time(client.timeout))
        .with("max_idle_conns", Value::count(client.max_idle_conns.unwrap_or(0)))
        .with("max_idle_conns_per_host", Value::count(client.max_idle_conns_per_host))
        .with("idle_conn_timeout", time(client.idle_conn_timeout))
        .with("query_params", params.collect::<Map>())
        .with("http_headers", headers.collect::<Map>())
        .with("http_client", auth(own, client.auth.as_ref()))
}

fn tls(tls: &Tls) -> Map {
    let mut map = source(Map::new(), ("ca", "ca_file"), tls.ca.as_ref(), |text| Value::text(text));
    if let Some(identity) = &tls.identity {
        map = source(map, ("cert", "cert_file"), Some(&identity.cert), |text| Value::text(text));
        map = source(map, ("key", "key_file"), Some(&identity.key), |_| Value::raw(MASK));
    }
    map.with_some("server_name", tls.server_name.as_deref().map(Value::text))
        .with("insecure_skip_verify", Value::bool(tls.insecure_skip_verify))
        .with("min_version", version(tls.min_version))
        .with("max_version", version(tls.max_version))
}

fn version(version: TlsVersion) -> Value {
    Value::raw(match version {
        TlsVersion::Tls12 => "TLS12",
        TlsVersion::Tls13 => "TLS13",
    })
}

fn auth(map: Map, auth: Option<&Auth>) -> Map {
    match auth {
        None => map,
        Some(Auth::Basic { username, password }) => {
            let keys = ("username", "username_file");
            let section = source(Map::new(), keys, Some(username), |text| Value::text(text));
            let keys = ("password", "password_file");
            map.with("basic_auth", source(section, keys, Some(password), |_| Value::raw(MASK)))
        }
        Some(Auth::Token { scheme, credentials, .. }) => {
            let section = Map::new().with("type", Value::text(scheme));
            let keys = ("credentials", "credentials_file");
            map.with(
                "authorization",
                source(section, keys, Some(credentials), |_| Value::raw(MASK)),
            )
        }
    }
}

fn source<T>(
    map: Map,
    (inline, file): (&'static str, &'static str),
    source: Option<&Source<T>>,
    show: impl FnOnce(&T) -> Value,
) -> Map {
    match source {
        None => map,
        Some(Source::Inline(text)) => map.with(inline, show(text)),
        Some(Source::File(path)) => map.with(file, Value::text(&path.to_string_lossy())),
    }
}

fn labels(labels: &Labels) -> Map {
    labels.iter().map(|(name, value)| (name.to_owned(), Value::text(value))).collect()
}

/// No limit is zero, in the file.
fn time(limit: Option<Duration>) -> Value {
    Value::raw(duration::format(limit.unwrap_or_default()))
}
