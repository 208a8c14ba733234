//! The resolved configuration: only valid states.
//!
//! Durations are parsed, URLs built, headers checked, defaults applied. The
//! shape of the file (keys, units, spellings) is not visible here.

use std::path::PathBuf;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::Uri;
use hyper::http::uri::InvalidUri;
use promql::Labels;

use super::secret::{Secret, Source};
use crate::registry::Bind;

/// A whole configuration file.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The section `global`.
    pub global: Global,
    /// `promxy.server_groups`, in the order of the file; may be empty.
    pub server_groups: Vec<ServerGroup>,
    /// What the operator should know although it is no error: keys that are
    /// read and ignored, groups without targets. Each names file, line and
    /// key; to be logged once at start and after each reload.
    pub notes: Vec<String>,
}

/// What applies to everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// The step of a subquery that names none; above zero.
    pub evaluation_interval: Duration,
    /// Labels for what leaves this server other than by a query; as in
    /// promxy they are *not* added to query results.
    pub external_labels: Labels,
}

/// Servers that hold the same data.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerGroup {
    /// Position in the file, from 0: how errors and metrics call the group.
    pub ordinal: usize,
    /// The name given by the operator, or an empty string.
    pub name: String,
    /// The replicas, in the order of the file, no two alike. Empty is
    /// allowed: such a group answers nothing and fails nothing.
    pub targets: Vec<Target>,
    /// Labels added to every series of the group; they win over labels of
    /// the same name that the servers send.
    pub labels: Labels,
    /// How the servers are spoken to.
    pub scheme: Scheme,
    /// What comes before `/api/v1/…` in every path: empty, or `/a/b` without
    /// a slash at the end.
    pub path_prefix: String,
    /// Whether raw samples are asked for by remote read.
    pub remote_read: RemoteRead,
    /// Where remote read is served, behind the path prefix; starts with `/`.
    pub remote_read_path: String,
    /// When samples of two replicas count as the same moment.
    pub anti_affinity: AntiAffinity,
    /// At equal times the larger value wins (a setting of the merge rule).
    pub prefer_max: bool,
    /// What merges, or is compared with what merges, if the file decides it.
    pub policy: Option<GroupPolicy>,
    /// Whether servers may be asked for results instead of raw samples.
    pub pushdown: Pushdown,
    /// With [`Pushdown::Auto`]: below so many raw samples, over all replicas,
    /// nothing is pushed down.
    pub pushdown_min_samples: u64,
    /// The servers move the times of a range query to multiples of its step.
    pub align_query_range_with_step: bool,
    /// What it means that no replica of the group answers.
    pub on_failure: OnFailure,
    /// Whether and where its merges are recorded.
    pub record: Option<Record>,
    /// How requests are made.
    pub client: Client,
}

/// Where the merges of a group are recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The folder; made when it is needed.
    pub dir: PathBuf,
    /// Most bytes of the group's files; above zero.
    pub max_bytes: u64,
    /// Which fraction of the merges, above 0 up to 1.
    pub sample: f64,
}

impl ServerGroup {
    /// How messages and metrics call the group: its name, or its number.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() { self.ordinal.to_string() } else { self.name.clone() }
    }

    /// The labels to add to every series that comes from `target`: its own,
    /// and over them the group's.
    #[must_use]
    pub fn series_labels(&self, target: &Target) -> Labels {
        let mut labels = target.labels.to_builder();
        for (name, value) in self.labels.iter() {
            labels.set(name, value);
        }
        labels.build()
    }
}

/// The section `policy` of a server group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPolicy {
    /// Which version, and how it is used. With a path it has neither name nor
    /// digest; without one it has one of them.
    pub bind: Bind,
    /// The component, if it is a file of the operator's.
    pub path: Option<PathBuf>,
    /// `file:line:column: key` of what says which policy it is: where messages
    /// about it point.
    pub place: String,
}

/// One replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// `host:port`; the port is always there, an IPv6 host is in brackets.
    pub address: String,
    /// Scheme, address and path prefix, without a slash at the end: how error
    /// texts call the replica, and the start of every request's URL.
    pub url: String,
    /// The labels of its `static_configs` entry.
    pub labels: Labels,
}

impl Target {
    /// The URL of `path` at this replica. The path starts with `/` and is
    /// already percent-encoded; it may carry a query.
    ///
    /// # Errors
    /// When the path is not valid in a URL.
    pub fn endpoint(&self, path: &str) -> Result<Uri, InvalidUri> {
        format!("{}{path}", self.url).parse()
    }
}

/// The protocol of a group's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain text; the default port is 80.
    Http,
    /// TLS; the default port is 443.
    Https,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port of a target that names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The three states of `remote_read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteRead {
    /// Unset: try, and remember a server that has none.
    Auto,
    /// `true`: always.
    Always,
    /// `false`: never.
    Never,
}

/// The three ways of `pushdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushdown {
    /// Where it gives what the merged samples give, and is worth it.
    Auto,
    /// Everywhere, to the first replica that answers: for servers whose data
    /// is known to be equal.
    Always,
    /// Nowhere.
    Never,
}

impl Pushdown {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// As in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// When samples of two replicas count as the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiAffinity {
    /// This distance for every series; at most a day, as is the fallback.
    Static(Duration),
    /// From the spacing of each series' own samples.
    Inferred {
        /// For a series with too few samples to infer from.
        fallback: Duration,
    },
}

/// What a group's failure means for a query that needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The query fails.
    Fail,
    /// `downgrade_error`: the query goes on with a warning.
    Warn,
    /// `ignore_error`: the group is optional.
    Ignore,
}

/// How requests to a group's servers are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// From the end of the request to the head of the response; `None`: as
    /// long as the query may take.
    pub timeout: Option<Duration>,
    /// For a new connection; `None`: as long as the query may take.
    pub dial_timeout: Option<Duration>,
    /// Idle connections kept to all servers of the group; `None`: any number.
    pub max_idle_conns: Option<usize>,
    /// Idle connections kept to one server; above zero.
    pub max_idle_conns_per_host: usize,
    /// How long an idle connection is kept; `None`: until the server closes.
    pub idle_conn_timeout: Option<Duration>,
    /// Added to the URL of every API request, by name.
    pub query_params: Vec<(String, String)>,
    /// Added to every request, by name; those that look like credentials are
    /// marked as sensitive and print as a mask.
    pub http_headers: Vec<(HeaderName, HeaderValue)>,
    /// How the servers' certificates are checked.
    pub tls: Tls,
    /// Who we are; `None`: nobody.
    pub auth: Option<Auth>,
}

/// The section `tls_config`. Certificates are not read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM of the authorities to trust; `None`: those of the system.
    pub ca: Option<Source<String>>,
    /// Our own certificate.
    pub identity: Option<Identity>,
    /// The name to ask for and to check; `None`: the target's host.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// Not above `max_version`.
    pub min_version: TlsVersion,
    /// Not below `min_version`.
    pub max_version: TlsVersion,
}

/// A client certificate: both halves, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM of the certificate chain.
    pub cert: Source<String>,
    /// PEM of the private key.
    pub key: Source<Secret>,
}

/// The versions there still are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The one way of a group to say who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Basic base64(username:password)`.
    Basic {
        /// May be empty.
        username: Source<String>,
        /// May be empty.
        password: Source<Secret>,
    },
    /// `Authorization: <scheme> <credentials>`: the sections `authorization`
    /// and `bearer_token`, `bearer_token_file`.
    Token {
        /// Usually `Bearer`; never `Basic`.
        scheme: String,
        /// What follows the scheme.
        credentials: Source<Secret>,
        /// The key that a file of credentials stands under.
        file_key: &'static str,
    },
}
