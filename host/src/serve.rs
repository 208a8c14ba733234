//! Puts the parts together: a configuration becomes a fleet, a fleet an API,
//! an API a server that runs until a signal.

mod admin;
mod policies;
mod proxy;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::proxy::Proxy;
use crate::api::{Api, Cors, Phase, Reload, Settings};
use crate::cli::{Demo, PolicyStore, QueryLimits, Serve};
use crate::config::{self, Config, ServerGroup};
use crate::features::{Features, Remark, RemarkKind};
use crate::gather::Fleet;
use crate::policy;
use crate::query::{Coalesce, Engine, Limits};
use crate::registry::{self, Manage};
use crate::server::web::Web;
use crate::server::{self, App, Guarded, Listener, Observer};
use crate::storage::Storage;
use crate::telemetry::access_log::Destination;
use crate::telemetry::logging::{self, Format};
use crate::telemetry::{AccessLog, Metrics};

/// Largest form body; Grafana's are some kilobytes.
const MAX_FORM_BYTES: usize = 2 << 20;
/// How much of a request's parameters the access log shows: promxy's default.
const MAX_LOGGED_FORM_BYTES: usize = 256;
/// Queries that run at once: Prometheus's `--query.max-concurrency`.
const MAX_CONCURRENCY: usize = 20;

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// Something that the configuration names cannot be used.
    #[error("{}: {cause}", path.display())]
    Fleet {
        /// The configuration file.
        path: PathBuf,
        /// What it is.
        cause: crate::gather::SetUpError,
    },
    /// The policy that is part of this executable.
    #[error("the built-in merge policy")]
    Policy(#[from] policy::Error),
    /// The store of policies.
    #[error(transparent)]
    Store(#[from] registry::Error),
    /// A policy that the configuration names.
    #[error(transparent)]
    Configured(#[from] registry::SetUpError),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The web configuration file.
    #[error("{0}")]
    Web(String),
    /// The admin address.
    #[error("{0}")]
    Admin(String),
    /// The log, or a signal handler.
    #[error("cannot set up {what}: {cause}")]
    SetUp {
        /// What it was.
        what: &'static str,
        /// What the system says.
        cause: String,
    },
}

/// A server that runs in the background.
#[derive(Debug)]
pub struct Listening {
    /// Where it can be reached.
    pub address: SocketAddr,
    /// Where its policies are managed, if anywhere.
    pub admin: Option<Box<Self>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<usize>,
}

impl Listening {
    /// Lets running requests end and waits for them.
    async fn stop(self) {
        if let Some(admin) = self.admin {
            Box::pin(admin.stop()).await;
        }
        // Without a receiver the server has ended already.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

/// Checks a configuration file, certificates and the files of policies
/// included, and says what to note.
///
/// # Errors
/// When the file is wrong; the error lists every mistake.
pub fn check(path: &Path) -> Result<(), Error> {
    let mut config = config::load(path)?;
    config.notes.extend(policies::check(&config)?);
    let fleet = Fleet::new(&config, native_binding, &Arc::new(Metrics::default()));
    fleet.map_err(|cause| Error::Fleet { path: path.to_owned(), cause })?;
    say(&format!("{} is a valid configuration file", path.display()));
    config.notes.iter().for_each(|note| say(note));
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the answer to a command, not a log")]
fn say(text: &str) {
    println!("{text}");
}

/// Runs the proxy until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start.
pub async fn run(serve: &Serve) -> Result<(), Error> {
    let stop = Stop::watch()?;
    let hangup = watch_signal(SignalKind::hangup())?;
    logging::init(serve.log.log_level, serve.log.log_format)
        .map_err(|error| Error::SetUp { what: "the log", cause: error.to_string() })?;
    let config = config::load(&serve.config)?;
    let destination = serve.log.access_log_destination;
    let access_log = AccessLog::new(destination, serve.log.log_format)
        .map_err(|error| Error::SetUp { what: "the access log", cause: error.to_string() })?;
    let parts = Parts {
        query: serve.query.clone(),
        features: features(&serve.enable_feature),
        flags: serve.flags(),
        access_log,
        drain_timeout: serve.shutdown_timeout,
        enable_lifecycle: serve.enable_lifecycle,
        web_config_file: serve.web_config_file.clone(),
        admin: admin::Setup::of(&serve.admin),
    };
    let proxy = Proxy::new(&config, &serve.config, &parts, &serve.store)?;
    let server = proxy.listen(serve.bind_addr, parts).await?;
    tokio::spawn(Arc::clone(&proxy).reload_on(hangup));
    stop.then_end(vec![server]).await;
    Ok(())
}

/// Reads `--enable-feature` and logs what its names do.
fn features(values: &[String]) -> Features {
    let (features, remarks) = Features::read(values);
    for Remark { name: option, kind } in remarks {
        match kind {
            RemarkKind::On => tracing::info!(option, "{kind}"),
            _ => tracing::warn!(option, "{kind}"),
        }
    }
    features
}

/// What the command line decides.
struct Parts {
    query: QueryLimits,
    features: Features,
    flags: BTreeMap<String, String>,
    access_log: AccessLog,
    drain_timeout: Duration,
    enable_lifecycle: bool,
    web_config_file: Option<PathBuf>,
    admin: Option<admin::Setup>,
}

impl Parts {
    /// For the demo's servers: everything as by default, and quiet.
    fn quiet(query: &QueryLimits) -> Result<Self, Error> {
        let access_log = AccessLog::new(Destination::None, Format::Text);
        Ok(Self {
            query: query.clone(),
            features: Features::default(),
            flags: BTreeMap::new(),
            access_log: access_log.map_err(|error| Error::SetUp {
                what: "the access log",
                cause: error.to_string(),
            })?,
            drain_timeout: Duration::from_secs(1),
            enable_lifecycle: false,
            web_config_file: None,
            admin: None,
        })
    }
}

/// The default rule without a sandbox: for checks that merge nothing.
fn native_binding(_group: &ServerGroup) -> Arc<policy::Binding> {
    Arc::new(policy::Binding::native(policy::Settings::default()))
}

/// A proxy for the demo, from a configuration's text; what is uploaded to it
/// goes to `store`.
///
/// # Errors
/// When it cannot start.
pub async fn demo_proxy(text: &str, demo: &Demo, store: &PolicyStore) -> Result<Listening, Error> {
    let config = config::parse(text, "demo", Path::new("."))?;
    let admin = admin::Setup::of(&demo.admin);
    let parts = Parts { admin, ..Parts::quiet(&demo.query)? };
    let proxy = Proxy::new(&config, Path::new("demo"), &parts, store)?;
    proxy.listen(demo.bind_addr, parts).await
}

/// A server over any storage, for the demo.
///
/// # Errors
/// When it cannot start.
pub async fn storage(
    storage: Arc<dyn Storage>,
    query: &QueryLimits,
    address: SocketAddr,
) -> Result<Listening, Error> {
    let config = config::parse("promxy: {}", "demo", Path::new("."))?;
    let parts = Parts::quiet(query)?;
    let (limits, metrics) = (limits(query, &parts.features, &config), metrics());
    let engine = Engine::new(Arc::clone(&storage), limits, Arc::clone(&metrics));
    let engine = Arc::new(Coalesce::new(engine));
    let api = Arc::new(Api::new(engine, storage, Arc::clone(&metrics), settings(&limits, None)));
    listen(api, None, address, parts, metrics).await
}

/// Serves an API that is complete, and what manages its policies.
async fn listen(
    api: Arc<Api>,
    manage: Option<Arc<dyn Manage>>,
    address: SocketAddr,
    parts: Parts,
    metrics: Arc<Metrics>,
) -> Result<Listening, Error> {
    let web = parts.web_config_file.as_deref().map(Web::load).transpose();
    let web = web.map_err(Error::Web)?.map(Arc::new);
    let socket = bind(address).await?;
    let address = socket.local_addr().map_err(|source| Error::Bind { address, source })?;
    let admin = match (manage, parts.admin) {
        (Some(manage), Some(setup)) => admin::prepare(setup).await?.map(|ready| (ready, manage)),
        _ => None,
    };
    if let Some((ready, _)) = &admin {
        api.set_admin(ready.address);
    }
    api.set_phase(Phase::Ready);
    let observer = Observer { metrics, access_log: Arc::new(parts.access_log) };
    let limits = server::Limits { drain_timeout: parts.drain_timeout, ..Default::default() };
    let stopping = Arc::clone(&api);
    let app = Arc::new(Guarded::new(api, web.clone()));
    let tls = web.as_ref().is_some_and(|web| web.is_encrypted());
    let listener = Listener { socket, web };
    let stopping = move || stopping.set_phase(Phase::Stopping);
    let main = start(address, listener, app, observer.clone(), limits, stopping);
    tracing::info!(%address, tls, "listening");
    let admin = admin.map(|(ready, manage)| Box::new(ready.start(manage, observer, limits)));
    Ok(Listening { admin, ..main })
}

/// Serves an app in the background; `stopping` is called once it is to stop.
fn start<A: App>(
    address: SocketAddr,
    listener: Listener,
    app: Arc<A>,
    observer: Observer,
    limits: server::Limits,
    stopping: impl FnOnce() + Send + 'static,
) -> Listening {
    let (stop, mut stopped) = watch::channel(false);
    let shutdown = async move {
        // A sender that is gone means the same as one that says so.
        let _ = stopped.wait_for(|stop| *stop).await;
        stopping();
    };
    let task = tokio::spawn(server::serve(listener, app, observer, limits, shutdown));
    Listening { address, admin: None, stop, task }
}

/// Binds an address; where a machine has no IPv6, "every address" is IPv4's.
async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let error = match TcpListener::bind(address).await {
        Ok(listener) => return Ok(listener),
        Err(source) => Error::Bind { address, source },
    };
    let any_v6 = address.is_ipv6() && address.ip().is_unspecified();
    let taken =
        matches!(&error, Error::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse);
    if !any_v6 || taken {
        return Err(error);
    }
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await.map_err(|_| error)
}

fn limits(query: &QueryLimits, features: &Features, config: &Config) -> Limits {
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Limits {
        timeout: query.timeout,
        max_samples: query.max_samples,
        max_bytes: query.max_bytes,
        max_concurrency: MAX_CONCURRENCY,
        per_step_stats: features.per_step_stats,
        options: promql::query::Options {
            lookback_ms: ms(query.lookback_delta),
            subquery_step_ms: ms(config.global.evaluation_interval),
            delayed_name_removal: features.delayed_name_removal,
            type_and_unit: features.type_and_unit,
            start_timestamps: features.start_timestamps,
            count_samples: false,
            language: features.language,
        },
    }
}

fn settings(limits: &Limits, reload: Option<Reload>) -> Settings {
    Settings {
        route_prefix: String::new(),
        metrics_path: "/metrics".to_owned(),
        cors: Cors::new(".*").expect("the pattern for every origin is valid"),
        timeout: limits.timeout,
        max_samples: limits.max_samples,
        max_bytes: limits.max_bytes,
        max_form_bytes: MAX_FORM_BYTES,
        max_logged_form_bytes: MAX_LOGGED_FORM_BYTES,
        reload,
        language: limits.options.language,
    }
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(env!("CARGO_PKG_VERSION"), ""))
}

/// Begins to catch a signal.
fn watch_signal(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|error| Error::SetUp { what: "signal handling", cause: error.to_string() })
}

/// SIGTERM and SIGINT, caught from the moment this exists: before a server
/// says that it listens.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    /// Begins to catch the signals.
    ///
    /// # Errors
    /// When they cannot be caught.
    pub fn watch() -> Result<Self, Error> {
        let terminate = watch_signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: watch_signal(SignalKind::interrupt())? })
    }

    /// Waits for a signal, then ends the servers one after the other.
    pub async fn then_end(mut self, servers: Vec<Listening>) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("SIGTERM: letting running requests end"),
            _ = self.interrupt.recv() => tracing::info!("SIGINT: letting running requests end"),
        }
        for server in servers {
            server.stop().await;
        }
    }
}
