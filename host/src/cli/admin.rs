//! Flags of our own listeners: the admin address, and TLS of both.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::bind_addr;

/// Where the admin address is unless it is said.
const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8083);

/// The admin address.
#[derive(Args, Clone, Debug)]
pub struct Admin {
    /// Address where policies and server groups are managed, or none [default: 127.0.0.1:8083]
    #[arg(id = "admin.bind-addr", long = "admin.bind-addr", value_name = "ADDRESS", value_parser = place)]
    pub bind_addr: Option<Place>,
    /// File of lines name:token; who shows a token may manage. Without it, only this machine may
    #[arg(id = "admin.token-file", long = "admin.token-file", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Prometheus's web configuration file for the admin address: TLS and users
    #[arg(id = "admin.web.config.file", long = "admin.web.config.file", value_name = "FILE")]
    pub web_config_file: Option<PathBuf>,
    /// Largest component that may be uploaded, in bytes
    #[arg(id = "admin.max-upload-bytes", long = "admin.max-upload-bytes", value_name = "BYTES", default_value_t = 64 << 20,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub max_upload_bytes: u64,
}

/// Where, or nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing is managed over HTTP.
    Nowhere,
    /// An address.
    At(SocketAddr),
}

/// How far an address is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The address.
    pub address: SocketAddr,
    /// Somebody asked for it: not to get it is an error.
    pub explicit: bool,
}

impl Admin {
    /// The address to listen on, if any.
    #[must_use]
    pub const fn wanted(&self) -> Option<Wanted> {
        match self.bind_addr {
            None => Some(Wanted { address: DEFAULT_ADDRESS, explicit: false }),
            Some(Place::Nowhere) => None,
            Some(Place::At(address)) => Some(Wanted { address, explicit: true }),
        }
    }

    /// The flags by name.
    pub(super) fn show(&self, flags: &mut BTreeMap<String, String>) {
        let path = |path: &Option<PathBuf>| {
            path.as_ref().map_or_else(String::new, |path| path.display().to_string())
        };
        let address =
            self.wanted().map_or_else(|| "none".to_owned(), |own| own.address.to_string());
        for (name, value) in [
            ("admin.bind-addr", address),
            ("admin.token-file", path(&self.token_file)),
            ("admin.web.config.file", path(&self.web_config_file)),
            ("admin.max-upload-bytes", self.max_upload_bytes.to_string()),
        ] {
            flags.insert(name.to_owned(), value);
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    if text == "none" { Ok(Place::Nowhere) } else { bind_addr(text).map(Place::At) }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Serve};
    use super::*;

    fn serve(flags: &[&str]) -> Serve {
        Cli::parse_from(["promweave"].iter().chain(flags)).serve
    }

    #[test]
    fn the_address_is_loopback_unless_it_is_said() {
        let wanted = serve(&[]).admin.wanted().expect("an address");
        assert_eq!(wanted, Wanted { address: DEFAULT_ADDRESS, explicit: false });
        let wanted = serve(&["--admin.bind-addr=127.0.0.1:8083"]).admin.wanted();
        assert!(wanted.expect("an address").explicit);
        assert_eq!(serve(&["--admin.bind-addr=none"]).admin.wanted(), None);
        assert!(Cli::try_parse_from(["promweave", "--admin.bind-addr=8083"]).is_err());
        assert!(Cli::try_parse_from(["promweave", "--admin.max-upload-bytes=0"]).is_err());
    }

    #[test]
    fn the_flags_are_shown() {
        let flags = serve(&["--admin.bind-addr=none", "--admin.token-file=/t"]).flags();
        assert_eq!(flags["admin.bind-addr"], "none");
        assert_eq!(flags["admin.token-file"], "/t");
        assert_eq!(flags["admin.max-upload-bytes"], "67108864");
        assert_eq!(flags["web.config.file"], "");
    }
}
