//! The command line. Comes in: arguments. Goes out: what to do, with every
//! value checked. Flags have promxy's names.

mod admin;
pub mod policy;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::registry::StoreFolder;
use crate::registry::limits;
use crate::telemetry::access_log::Destination;
use crate::telemetry::logging::{Format, Threshold};

pub use admin::{Admin, Place, Wanted};

/// One Prometheus endpoint in front of many servers.
#[derive(Debug, Parser)]
#[command(
    name = "promweave",
    version,
    args_conflicts_with_subcommands = true,
    args_override_self = true
)]
pub struct Cli {
    /// Without a command, the proxy runs.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    /// How it runs.
    pub serve: Serve,
}

/// What else the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a small fleet with holes in its data, and the proxy in front of it
    Demo(Demo),
    /// Check a configuration file and say what is wrong with it
    Check {
        /// The configuration file
        #[arg(long, default_value = DEFAULT_CONFIG)]
        config: PathBuf,
    },
    /// Ask a running proxy how it would answer a query: who is asked for what, and why
    Explain(Explain),
    /// Compile the policy on the standard input to the standard output: what the proxy starts for
    /// every upload
    #[command(hide = true)]
    PolicyCompile {
        /// Address space it may use
        #[arg(long)]
        memory_bytes: u64,
        /// Processor time it may use
        #[arg(long)]
        cpu_seconds: u64,
    },
    /// Try, measure and look at merge policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
}

const DEFAULT_CONFIG: &str = "config.yaml";
const DEFAULT_POLICY_DIR: &str = "data/policies";

/// How the proxy runs.
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// The configuration file
    #[arg(long, default_value = DEFAULT_CONFIG)]
    pub config: PathBuf,
    /// Only check the configuration file
    #[arg(long)]
    pub check_config: bool,
    /// Address to listen on
    #[arg(long, default_value = ":8082", value_parser = bind_addr)]
    pub bind_addr: SocketAddr,
    /// Prometheus's web configuration file: TLS, users and headers
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub web_config_file: Option<PathBuf>,
    #[command(flatten)]
    /// Where and how policies are managed.
    pub admin: Admin,
    #[command(flatten)]
    /// What is logged.
    pub log: Log,
    #[command(flatten)]
    /// What a query may cost.
    pub query: QueryLimits,
    /// Experimental parts of PromQL to switch on, by Prometheus's names: a list with commas, or the
    /// flag several times
    #[arg(long = "enable-feature", value_name = "NAMES")]
    pub enable_feature: Vec<String>,
    #[command(flatten)]
    /// Where policies are kept.
    pub store: PolicyStore,
    /// Allow POST and PUT to /-/reload; SIGHUP always reads the configuration again
    #[arg(long = "web.enable-lifecycle")]
    pub enable_lifecycle: bool,
    /// How long a graceful shutdown may take
    #[arg(long = "http.shutdown-timeout", default_value = "60s", value_parser = duration)]
    pub shutdown_timeout: Duration,
}

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
pub struct Log {
    /// trace, debug, info, warning, error, fatal or panic
    #[arg(long, default_value = "info")]
    pub log_level: Threshold,
    /// text or json
    #[arg(long, default_value = "text", value_parser = log_format)]
    pub log_format: Format,
    /// Where requests are logged: none, stdout or stderr
    #[arg(long, default_value = "stdout")]
    pub access_log_destination: Destination,
}

/// What one query may cost.
#[derive(Args, Clone, Debug)]
pub struct QueryLimits {
    /// Longest time a query may take
    #[arg(long = "query.timeout", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
    /// Most samples a query may hold, and most samples one replica may answer
    #[arg(long = "query.max-samples", default_value_t = 50_000_000)]
    pub max_samples: u64,
    /// Most bytes that one replica may answer, before decoding
    #[arg(long = "query.max-bytes", default_value_t = 2_000_000_000)]
    pub max_bytes: u64,
    /// How far back an instant-vector selector looks for a sample
    #[arg(long = "query.lookback-delta", default_value = "5m", value_parser = duration)]
    pub lookback_delta: Duration,
}

/// Where uploaded policies are kept.
#[derive(Args, Clone, Debug)]
pub struct PolicyStore {
    /// Folder of uploaded policies and bindings; made with the first upload [default: data/policies]
    #[arg(id = "policy.dir", long = "policy.dir", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Most bytes of uploaded policies: the oldest that nobody uses go first
    #[arg(id = "policy.max-store-bytes", long = "policy.max-store-bytes", default_value = "1GiB", value_parser = bytes)]
    pub max_bytes: u64,
}

impl PolicyStore {
    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> StoreFolder {
        let path = self.dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_POLICY_DIR));
        StoreFolder { path, asked_for: self.dir.is_some() }
    }
}

/// How the demo runs.
#[derive(Args, Clone, Debug)]
pub struct Demo {
    /// Address the proxy listens on
    #[arg(long, default_value = "127.0.0.1:8082", value_parser = bind_addr)]
    pub bind_addr: SocketAddr,
    #[command(flatten)]
    /// Where and how policies are managed.
    pub admin: Admin,
    /// Folder of uploaded policies and of recordings; without it, one that is gone with the demo
    #[arg(long)]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    /// What a query may cost.
    pub query: QueryLimits,
}

/// What is asked of a running proxy. The proxy reads times and durations.
#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// The query
    pub query: String,
    /// The proxy, such as http://127.0.0.1:8082, with its path prefix if it has one
    #[arg(long)]
    pub url: String,
    /// When an instant query is evaluated: RFC 3339, or seconds; now by default
    #[arg(long, conflicts_with_all = ["start", "end", "step"])]
    pub time: Option<String>,
    /// Start of a range query
    #[arg(long, requires_all = ["end", "step"])]
    pub start: Option<String>,
    /// End of a range query
    #[arg(long, requires_all = ["start", "step"])]
    pub end: Option<String>,
    /// Step of a range query, such as 15s
    #[arg(long, requires_all = ["start", "end"])]
    pub step: Option<String>,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

impl Serve {
    /// The flags by name, as `/api/v1/status/flags` shows them.
    #[must_use]
    pub fn flags(&self) -> BTreeMap<String, String> {
        let ms = |duration: Duration| {
            promql::duration::format_ms(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
        };
        let flags = [
            ("config", self.config.display().to_string()),
            ("bind-addr", self.bind_addr.to_string()),
            (
                "web.config.file",
                self.web_config_file
                    .as_ref()
                    .map_or_else(String::new, |file| file.display().to_string()),
            ),
            ("log-level", self.log.log_level.to_string()),
            ("log-format", self.log.log_format.to_string()),
            ("access-log-destination", self.log.access_log_destination.to_string()),
            ("query.timeout", ms(self.query.timeout)),
            ("query.max-samples", self.query.max_samples.to_string()),
            ("query.max-bytes", self.query.max_bytes.to_string()),
            ("query.lookback-delta", ms(self.query.lookback_delta)),
            ("enable-feature", self.enable_feature.join(",")),
            ("policy.dir", self.store.folder().path.display().to_string()),
            ("policy.max-store-bytes", limits::print_bytes(self.store.max_bytes)),
            ("web.enable-lifecycle", self.enable_lifecycle.to_string()),
            ("http.shutdown-timeout", ms(self.shutdown_timeout)),
        ];
        let mut flags: BTreeMap<String, String> =
            flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.admin.show(&mut flags);
        flags
    }
}

/// Go's listen address: `:8082` means every interface.
fn bind_addr(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs as _;
    let full = if text.starts_with(':') { format!("[::]{text}") } else { text.to_owned() };
    let mut found =
        full.to_socket_addrs().map_err(|error| format!("{error}; expected host:port or :port"))?;
    found.next().ok_or_else(|| "the host has no address".to_owned())
}

/// promxy takes any word for `text`; a typing error is better said.
fn log_format(text: &str) -> Result<Format, String> {
    match text {
        "text" | "json" => Ok(Format::from_name(text)),
        _ => Err("expected text or json".to_owned()),
    }
}

/// A duration of Go's (`1m30s`) or of Prometheus's (`1d`), above zero.
fn duration(text: &str) -> Result<Duration, String> {
    let prometheus = promql::duration::parse(text).ok();
    let nanos = prometheus.or_else(|| promql::duration::parse_go(text).ok());
    match nanos.map(u64::try_from) {
        Some(Ok(nanos)) if nanos > 0 => Ok(Duration::from_nanos(nanos)),
        _ => Err("expected a duration above zero, such as 30s, 2m or 1m30s".to_owned()),
    }
}

/// A size, with or without a unit, above zero.
fn bytes(text: &str) -> Result<u64, String> {
    let plain = text.parse().ok().or_else(|| limits::parse_bytes(text));
    plain.filter(|bytes| *bytes > 0).ok_or_else(|| "expected a size such as 1GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_flags_are_in_each_others_way() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn promxys_way_of_writing_flags_is_understood() {
        let args = ["promweave", "--config=a.yaml", "--bind-addr=:9", "--query.timeout=1m30s"];
        let cli = Cli::parse_from(args);
        assert_eq!(cli.serve.config, PathBuf::from("a.yaml"));
        assert_eq!(cli.serve.bind_addr.port(), 9);
        assert_eq!(cli.serve.query.timeout, Duration::from_secs(90));
        assert_eq!(cli.serve.query.lookback_delta, Duration::from_secs(300));
    }

    #[test]
    fn a_range_is_explained_with_all_of_start_end_and_step_or_not_at_all() {
        let parse = |flags: &[&str]| {
            let args = ["promweave", "explain", "up", "--url=http://a"];
            Cli::try_parse_from(args.iter().chain(flags))
        };
        assert!(parse(&[]).is_ok());
        assert!(parse(&["--time=5", "--json"]).is_ok());
        assert!(parse(&["--start=1", "--end=2", "--step=1s"]).is_ok());
        assert!(parse(&["--start=1", "--end=2"]).is_err());
        assert!(parse(&["--time=5", "--start=1", "--end=2", "--step=1s"]).is_err());
    }

    #[test]
    fn features_of_every_occurrence_are_kept_and_shown() {
        let args = ["promweave", "--enable-feature=a,b", "--enable-feature", "c"];
        let serve = Cli::parse_from(args).serve;
        assert_eq!(serve.enable_feature, ["a,b", "c"]);
        assert_eq!(serve.flags()["enable-feature"], "a,b,c");
    }

    #[test]
    fn bad_values_are_refused_with_what_is_allowed() {
        for bad in [
            "--query.timeout=0",
            "--query.lookback-delta=soon",
            "--bind-addr=8082",
            "--policy.max-store-bytes=much",
        ] {
            let error = Cli::try_parse_from(["promweave", bad]).expect_err(bad).to_string();
            assert!(error.contains("expected"), "{error}");
        }
    }
}
