//! Starts the admin address beside the main one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use super::{Error, Listening, bind, start};
use crate::admin::{Access, Admin, Settings, Tokens};
use crate::cli;
use crate::registry::Manage;
use crate::server::web::Web;
use crate::server::{Limits, Listener, Observer};

/// How long a client may send nothing of its upload.
const UPLOAD_STALL: Duration = Duration::from_secs(30);

/// What the command line says of it.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub wanted: cli::Wanted,
    pub token_file: Option<PathBuf>,
    pub web_config_file: Option<PathBuf>,
    pub max_upload_bytes: u64,
}

impl Setup {
    /// What the flags say; none if nothing is to be managed over HTTP.
    pub(super) fn of(flags: &cli::Admin) -> Option<Self> {
        Some(Self {
            wanted: flags.wanted()?,
            token_file: flags.token_file.clone(),
            web_config_file: flags.web_config_file.clone(),
            max_upload_bytes: flags.max_upload_bytes,
        })
    }
}

/// An address that is bound and whose files are read.
pub(super) struct Ready {
    pub address: SocketAddr,
    listener: Listener,
    access: Access,
    max_upload_bytes: u64,
}

/// Binds the address and reads its files. None if it is taken and nobody has
/// asked for it: two proxies on one machine start as they always did.
pub(super) async fn prepare(setup: Setup) -> Result<Option<Ready>, Error> {
    let wanted = setup.wanted;
    let max_upload_bytes = setup.max_upload_bytes;
    let (access, web) = spawn_blocking(move || access(&setup))
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
        .map_err(Error::Admin)?;
    let socket = match bind(wanted.address).await {
        Ok(socket) => socket,
        Err(error) if wanted.explicit => return Err(error),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(
                address = %wanted.address,
                cause,
                "no admin address: policies cannot be managed over HTTP (--admin.bind-addr)"
            );
            return Ok(None);
        }
    };
    let address = address_of(&socket)?;
    Ok(Some(Ready { address, listener: Listener { socket, web }, access, max_upload_bytes }))
}

fn address_of(socket: &TcpListener) -> Result<SocketAddr, Error> {
    socket
        .local_addr()
        .map_err(|error| Error::SetUp { what: "the admin address", cause: error.to_string() })
}

/// Reads the files, and decides who may ask.
fn access(setup: &Setup) -> Result<(Access, Option<Arc<Web>>), String> {
    let tokens = setup.token_file.as_deref().map(Tokens::watch).transpose()?;
    let web = setup.web_config_file.as_deref().map(Web::load).transpose()?.map(Arc::new);
    let users = web.as_ref().filter(|web| web.has_users()).map(Arc::clone);
    if tokens.is_some() || users.is_some() {
        return Ok((Access::Credentials { tokens: tokens.map(Arc::new), users }, web));
    }
    let address = setup.wanted.address;
    if address.ip().to_canonical().is_loopback() {
        return Ok((Access::Loopback, web));
    }
    Err(format!(
        "--admin.bind-addr={address} can be reached from elsewhere: say with --admin.token-file \
         who may manage policies, or use an address of this machine only, such as 127.0.0.1:{}",
        address.port()
    ))
}

impl Ready {
    /// Serves until it is stopped.
    pub(super) fn start(
        self,
        manage: Arc<dyn Manage>,
        observer: Observer,
        limits: Limits,
    ) -> Listening {
        let who = match &self.access {
            Access::Loopback => "whoever is on this machine (no --admin.token-file)",
            Access::Credentials { tokens: Some(_), .. } => "who has a token",
            Access::Credentials { .. } => "users of the web configuration file",
        };
        let encrypted = self.listener.web.as_ref().is_some_and(|web| web.is_encrypted());
        let settings = Settings {
            access: self.access,
            max_upload_bytes: self.max_upload_bytes,
            upload_stall: UPLOAD_STALL,
        };
        let app = Arc::new(Admin::new(manage, Arc::clone(&observer.metrics), settings));
        let address = self.address;
        tracing::info!(%address, tls = encrypted, who, "admin listening");
        start(address, self.listener, app, observer, limits, || ())
    }
}
