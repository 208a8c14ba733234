//! What applies where the file is silent, each with its reason.

use std::time::Duration;

use super::model::{Pushdown, Scheme, TlsVersion};

/// Prometheus's default; here the step of a subquery that names none.
pub const EVALUATION_INTERVAL: Duration = Duration::from_secs(60);

/// promxy's default, and what a Prometheus speaks unless told otherwise.
pub const SCHEME: Scheme = Scheme::Http;

/// promxy's default; here it serves series that are too short to infer the
/// distance from.
pub const ANTI_AFFINITY: Duration = Duration::from_secs(10);

/// The merge policy takes no more: beyond a day it is no scrape interval.
pub const MAX_ANTI_AFFINITY: Duration = Duration::from_secs(86_400);

/// Right wherever it is used, and used where it is cheaper.
pub const PUSHDOWN: Pushdown = Pushdown::Auto;

/// Some ten milliseconds of reading, decoding and merging: below, samples and
/// values are there equally soon.
pub const PUSHDOWN_MIN_SAMPLES: u64 = 100_000;

/// Some thousand queries of a dashboard, and a size that nobody misses.
pub const RECORD_MAX_BYTES: u64 = 256 << 20;

/// Below that a recording holds nothing of use.
pub const MIN_RECORD_MAX_BYTES: u64 = 64 << 10;

/// All merges: they are written off the queries' path.
pub const RECORD_SAMPLE: f64 = 1.0;

/// promxy's default. Short, because a replica whose machine is gone answers
/// nothing at all, and the others of its group wait for it.
pub const DIAL_TIMEOUT: Duration = Duration::from_millis(200);

/// promxy's default: in effect no limit, `max_idle_conns_per_host` decides.
pub const MAX_IDLE_CONNS: usize = 20_000;

/// promxy's default.
pub const MAX_IDLE_CONNS_PER_HOST: usize = 1_000;

/// What `max_idle_conns_per_host: 0` means to Go's client, and so to promxy.
pub const GO_MAX_IDLE_CONNS_PER_HOST: usize = 2;

/// promxy's default.
pub const IDLE_CONN_TIMEOUT: Duration = Duration::from_secs(300);

/// Where Prometheus serves remote read.
pub const REMOTE_READ_PATH: &str = "/api/v1/read";

/// The scheme of an `authorization` that names none, as in Prometheus.
pub const AUTHORIZATION_TYPE: &str = "Bearer";

/// Prometheus's default; older versions are broken.
pub const MIN_TLS_VERSION: TlsVersion = TlsVersion::Tls12;

/// The newest there is.
pub const MAX_TLS_VERSION: TlsVersion = TlsVersion::Tls13;

/// The rule of the default policy: the first replica that has data, holes
/// filled from the next. Migrating users may want promxy's own numbers, but
/// those depend on which replica answers with more samples.
pub const POLICY_RULE: &str = "fill";
