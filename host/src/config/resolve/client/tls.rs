//! `tls_config`: which certificates, which versions. No file is read.

use std::path::Path;

use rustls::pki_types::ServerName;

use super::source;
use crate::config::defaults;
use crate::config::model::{Identity, Tls, TlsVersion};
use crate::config::report::{Mistake, Report};
use crate::config::secret::Secret;
use crate::config::yaml::Cursor;

pub(super) fn resolve(client: Option<&Cursor<'_>>, base_dir: &Path, report: &mut Report) -> Tls {
    let section = client.and_then(|client| client.get("tls_config"));
    let Some(at) = section.as_ref() else {
        return default();
    };
    let (min_version, max_version) = versions(at, report);
    Tls {
        ca: source(at, ("ca", "ca_file"), |text| text, base_dir, report),
        identity: identity(at, base_dir, report),
        server_name: report.read(at, "server_name", server_name).flatten(),
        insecure_skip_verify: report
            .read(at, "insecure_skip_verify", Cursor::bool)
            .unwrap_or(false),
        min_version,
        max_version,
    }
}

const fn default() -> Tls {
    Tls {
        ca: None,
        identity: None,
        server_name: None,
        insecure_skip_verify: false,
        min_version: defaults::MIN_TLS_VERSION,
        max_version: defaults::MAX_TLS_VERSION,
    }
}

/// A certificate and its key, or neither.
fn identity(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Option<Identity> {
    let is_set = |key: &str| at.get(key).is_some_and(|value| !value.is_empty());
    let has_cert = is_set("cert") || is_set("cert_file");
    let has_key = is_set("key") || is_set("key_file");
    if has_cert && !has_key {
        report.mistake(at.key_mistake("found a certificate, expected `key` or `key_file` too"));
    } else if has_key && !has_cert {
        report.mistake(at.key_mistake("found a key, expected `cert` or `cert_file` too"));
    }
    let cert = source(at, ("cert", "cert_file"), |text| text, base_dir, report);
    let key = source(at, ("key", "key_file"), Secret::new, base_dir, report);
    cert.zip(key).map(|(cert, key)| Identity { cert, key })
}

fn server_name(at: &Cursor<'_>) -> Result<Option<String>, Mistake> {
    let text = at.text()?;
    match ServerName::try_from(text) {
        _ if text.is_empty() => Ok(None),
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) => Err(at.unexpected("a DNS name or an IP address")),
    }
}

/// What the file may ask for; the two oldest are no longer spoken.
#[derive(Clone, Copy)]
enum Asked {
    Broken,
    Version(TlsVersion),
}

fn version(at: &Cursor<'_>) -> Result<Asked, Mistake> {
    match at.text()? {
        "TLS10" | "TLS11" => Ok(Asked::Broken),
        "TLS12" => Ok(Asked::Version(TlsVersion::Tls12)),
        "TLS13" => Ok(Asked::Version(TlsVersion::Tls13)),
        _ => Err(at.unexpected("TLS12 or TLS13")),
    }
}

/// `min_version` and `max_version`.
pub(in crate::config) fn versions(
    at: &Cursor<'_>,
    report: &mut Report,
) -> (TlsVersion, TlsVersion) {
    let min = match report.read(at, "min_version", version) {
        Some(Asked::Version(version)) => version,
        Some(Asked::Broken) => {
            let text = "older than TLS 1.2, which is the oldest spoken here and so the minimum";
            at.get("min_version").iter().for_each(|value| report.note(value, text));
            defaults::MIN_TLS_VERSION
        }
        None => defaults::MIN_TLS_VERSION,
    };
    let max = match report.read(at, "max_version", spoken) {
        Some(version) => version,
        None => defaults::MAX_TLS_VERSION,
    };
    if min > max {
        report.mistake(
            at.key_mistake("found a `min_version` above `max_version`, expected at most it"),
        );
    }
    (min, max)
}

fn spoken(at: &Cursor<'_>) -> Result<TlsVersion, Mistake> {
    match version(at)? {
        Asked::Version(version) => Ok(version),
        Asked::Broken => Err(at.unexpected("TLS12 or TLS13 (older ones are not spoken here)")),
    }
}
