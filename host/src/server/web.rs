//! What the web configuration file makes of a listener: TLS, users, headers.
//!
//! In comes the file's path, out go an acceptor and checks. The file and what
//! it names are looked at for every connection and request, as in Prometheus;
//! a bad file changes nothing here.

pub mod tls;
mod users;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use rustls::ServerConfig;
use tokio::task::spawn_blocking;

use super::watched::{Reading, Watched};
use crate::config::{self, load_web};
use crate::telemetry::logging::with_causes;

use users::Users;
pub use users::{Credentials, Verdict};

/// A listener's web configuration, always the one of its file.
#[derive(Debug)]
pub struct Web {
    file: PathBuf,
    ready: Arc<Watched<Ready>>,
    users: Users,
}

/// What the file makes.
#[derive(Debug)]
struct Ready {
    tls: Option<Arc<ServerConfig>>,
    config: config::Web,
}

impl Web {
    /// Reads the file and all that it names. Blocks.
    ///
    /// # Errors
    /// With every mistake, or with what cannot be used.
    pub fn load(path: &Path) -> Result<Self, String> {
        // What was encrypted at the start stays encrypted: clients that found
        // one would not find the other.
        let encrypted = read(path, None).value?.tls.is_some();
        let file = path.to_owned();
        let ready = Watched::new(move || read(&file, Some(encrypted)))?;
        for note in &ready.current().config.notes {
            tracing::info!("{note}");
        }
        Ok(Self { file: path.to_owned(), ready: Arc::new(ready), users: Users::default() })
    }

    /// Whether connections are encrypted; that does not change.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.ready.current().tls.is_some()
    }

    /// Whether there are users. Blocks.
    #[must_use]
    pub fn has_users(&self) -> bool {
        !self.ready.current().config.users.is_empty()
    }

    /// The file, for messages.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// TLS of this moment, if connections are encrypted.
    pub(super) async fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.current().await.tls.clone()
    }

    /// Headers that every response has.
    pub(super) async fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.current().await.config.headers.clone()
    }

    /// Who asks, by name and password.
    pub async fn verify(&self, headers: &HeaderMap) -> Verdict {
        let ready = self.current().await;
        self.users.verify(&ready.config.users, headers).await
    }

    async fn current(&self) -> Arc<Ready> {
        let ready = Arc::clone(&self.ready);
        let looked = spawn_blocking(move || ready.current()).await;
        // It fails only while the process ends.
        looked.unwrap_or_else(|_| self.ready.current())
    }
}

/// Reads everything; `encrypted` is what it has to be.
fn read(path: &Path, encrypted: Option<bool>) -> Reading<Ready> {
    let mut files = vec![path.to_owned()];
    let value = load_web(path).map_err(|error| with_causes(&error)).and_then(|config| {
        let tls = config.tls.as_ref().map(|tls| {
            files.extend(tls::files(tls));
            tls::server(tls, config.http2)
        });
        let tls = tls.transpose().map_err(|error| format!("{}: {error}", path.display()))?;
        if encrypted.is_some_and(|encrypted| encrypted != tls.is_some()) {
            return Err(format!(
                "{}: switching tls_server_config on or off needs a restart",
                path.display()
            ));
        }
        Ok(Ready { tls: tls.map(Arc::new), config })
    });
    Reading { files, value }
}
