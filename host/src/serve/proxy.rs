//! The proxy: what a configuration becomes, and becomes again when the file is
//! read anew.
//!
//! Everything new is made beside what runs: fleet, bindings, query engine. Then
//! it takes over at once; queries that run end on the old. A configuration that
//! cannot be used changes nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use tokio::signal::unix::Signal;
use tokio::sync::{Mutex, Semaphore};

use super::{
    Error, Listening, MAX_CONCURRENCY, Parts, limits, listen, metrics, policies, settings,
};
use crate::api::{Api, BuildInfo, Reload, Status};
use crate::cli::{PolicyStore, QueryLimits};
use crate::config::{self, Config};
use crate::features::Features;
use crate::gather::Fleet;
use crate::query::{Coalesce, Engine, Limits};
use crate::registry::{Prepared, Registry, Stale};
use crate::telemetry::Metrics;
use crate::telemetry::logging::with_causes;

/// How often bindings are made again because somebody bound something
/// meanwhile. Their components are compiled by then, so that each time is
/// short; nobody binds by hand so often.
const MOST_ATTEMPTS: usize = 20;

/// A proxy, from its first configuration on.
pub(super) struct Proxy {
    maker: Maker,
    api: Arc<Api>,
    /// Held while the configuration is read again.
    status: Mutex<Status>,
}

/// What makes a configuration run; stays the same.
struct Maker {
    path: PathBuf,
    query: QueryLimits,
    features: Features,
    registry: Arc<Registry>,
    shadows: Arc<policies::Shadows>,
    metrics: Arc<Metrics>,
    /// Of the engines of all configurations together.
    places: Arc<Semaphore>,
}

/// What a configuration became.
struct Made {
    prepared: Prepared,
    fleet: Arc<Fleet>,
    engine: Arc<Coalesce<Engine>>,
    limits: Limits,
}

impl Proxy {
    /// A proxy for a configuration, which came from `path`.
    pub(super) fn new(
        config: &Config,
        path: &Path,
        parts: &Parts,
        store: &PolicyStore,
    ) -> Result<Arc<Self>, Error> {
        let metrics = metrics();
        let maker = Maker {
            path: path.to_owned(),
            query: parts.query.clone(),
            features: parts.features,
            registry: Arc::new(policies::open(store)?),
            shadows: policies::Shadows::new(&metrics)?,
            metrics,
            places: Arc::new(Semaphore::new(MAX_CONCURRENCY)),
        };
        let Made { prepared, fleet, engine, limits } = maker.make(config)?;
        let groups = maker.groups(config, &fleet);
        let adopted = maker.registry.adopt(prepared, groups, || ());
        adopted.expect("nobody else has the registry yet");
        maker.announce(config);
        maker.metrics.reloaded(true);
        let status = loaded(config, status(parts));
        Ok(Arc::new_cyclic(|this: &Weak<Self>| {
            let reload = parts.enable_lifecycle.then(|| Self::reloader(this.clone()));
            let settings = settings(&limits, reload);
            let api = Api::new(engine, fleet, Arc::clone(&maker.metrics), settings);
            api.set_status(status.clone());
            Self { maker, api: Arc::new(api), status: Mutex::new(status) }
        }))
    }

    /// Serves it.
    pub(super) async fn listen(
        &self,
        address: std::net::SocketAddr,
        parts: Parts,
    ) -> Result<Listening, Error> {
        let (api, metrics) = (Arc::clone(&self.api), Arc::clone(&self.maker.metrics));
        listen(api, Some(self.maker.registry.clone()), address, parts, metrics).await
    }

    /// What the API calls.
    fn reloader(this: Weak<Self>) -> Reload {
        Arc::new(move || {
            let this = this.upgrade();
            Box::pin(async move {
                let this = this.ok_or_else(|| "shutting down".to_owned())?;
                // A task of its own, which ends although a client leaves.
                let reload = tokio::spawn(async move { this.reload().await });
                reload.await.unwrap_or_else(|error| Err(error.to_string()))
            })
        })
    }

    /// Reads the configuration again with each signal, for ever.
    pub(super) async fn reload_on(self: Arc<Self>, mut hangup: Signal) {
        while hangup.recv().await.is_some() {
            tracing::info!("SIGHUP: reading the configuration again");
            // What is wrong with it is in the log, for whoever sent the signal.
            let _ = self.reload().await;
        }
    }

    /// Reads the configuration again, one at a time. The error is for the
    /// operator; nothing has changed then.
    async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let mut status = self.status.lock().await;
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || this.read_again());
        let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
        match &read {
            Ok(config) => {
                *status = loaded(config, status.clone());
                tracing::info!(config = %self.maker.path.display(), "the configuration was read again");
            }
            Err(error) => {
                status.reload_succeeded = false;
                tracing::error!("the configuration stays as it was: {error}");
            }
        }
        self.api.set_status(status.clone());
        self.maker.metrics.reloaded(read.is_ok());
        read.map(drop)
    }

    fn read_again(&self) -> Result<Config, String> {
        let config = config::load(&self.maker.path).map_err(|error| with_causes(&error))?;
        self.maker.replace(&config, &self.api)?;
        Ok(config)
    }
}

impl Maker {
    /// Everything that a configuration needs, made and not yet used.
    fn make(&self, config: &Config) -> Result<Made, Error> {
        let prepared = self.registry.prepare(config)?;
        let bind = |group: &config::ServerGroup| prepared.binding(group.ordinal);
        let fleet = Fleet::new(config, bind, &self.metrics)
            .map_err(|cause| Error::Fleet { path: self.path.clone(), cause })?;
        let fleet = Arc::new(fleet);
        let limits = limits(&self.query, &self.features, config);
        let storage = Arc::clone(&fleet);
        let engine = Engine::new(storage, limits, Arc::clone(&self.metrics))
            .sharing(Arc::clone(&self.places));
        Ok(Made { prepared, fleet, engine: Arc::new(Coalesce::new(engine)), limits })
    }

    fn groups(&self, config: &Config, fleet: &Arc<Fleet>) -> Arc<policies::Running> {
        policies::Running::new(Arc::clone(fleet), Arc::clone(&self.shadows), config)
    }

    /// Makes it and puts it in place of what `api` uses.
    fn replace(&self, config: &Config, api: &Api) -> Result<(), String> {
        for _ in 0..MOST_ATTEMPTS {
            let made = self.make(config).map_err(|error| with_causes(&error))?;
            let Made { prepared, fleet, engine, limits: _ } = made;
            let groups = self.groups(config, &fleet);
            match self.registry.adopt(prepared, groups, || api.swap(engine, fleet)) {
                Ok(()) => {
                    self.announce(config);
                    return Ok(());
                }
                Err(Stale) => tracing::info!("policies were bound meanwhile: once more"),
            }
        }
        Err("policies are bound all the time: try again".to_owned())
    }

    /// Tells of a configuration that is in force.
    fn announce(&self, config: &Config) {
        for note in &config.notes {
            tracing::info!("{note}");
        }
        self.metrics.forget_replicas();
        for group in &config.server_groups {
            self.metrics.replicas(group.ordinal, &group.name, group.targets.len());
        }
    }
}

fn status(parts: &Parts) -> Status {
    Status {
        build: BuildInfo { version: env!("CARGO_PKG_VERSION").to_owned(), ..Default::default() },
        flags: parts.flags.clone(),
        started: Some(SystemTime::now()),
        ..Status::default()
    }
}

/// The same with a configuration that is in force.
fn loaded(config: &Config, status: Status) -> Status {
    let config_loaded = Some(SystemTime::now());
    Status { config_yaml: config.to_yaml(), reload_succeeded: true, config_loaded, ..status }
}
