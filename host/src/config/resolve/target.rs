//! The replicas of a group: `static_configs`.

use std::collections::HashSet;
use std::net::Ipv6Addr;

use hyper::http::Uri;
use promql::Labels;
use promql::labels::METRIC_NAME;

use super::labels;
use crate::config::model::{Scheme, Target};
use crate::config::report::{Mistake, Report, quoted};
use crate::config::yaml::Cursor;

const DROPPED: &str = "not added to series, as in promxy: the name begins with `__`";

const FORM: &str = "host:port, such as localhost:9090 or [::1]:9090";

/// The targets of a group in the order of the file. One that is listed twice
/// with the same labels is taken once, with a note: promxy asks it twice and
/// merges it with itself.
pub(super) fn resolve(
    group: &Cursor<'_>,
    scheme: Scheme,
    path_prefix: &str,
    report: &mut Report,
) -> Vec<Target> {
    let (mut targets, mut seen) = (Vec::new(), HashSet::new());
    let configs = group.get("static_configs").and_then(|configs| configs.items().ok());
    for config in configs.unwrap_or_default() {
        let labels = own_labels(&config, report);
        for item in report.read(&config, "targets", Cursor::items).unwrap_or_default() {
            let Some(address) = report.take(address(&item, scheme)) else {
                continue;
            };
            if !seen.insert((address.clone(), labels.clone())) {
                report.note(&item, "listed twice in this server group, asked once");
                continue;
            }
            let url = format!("{}://{address}{path_prefix}", scheme.as_str());
            targets.extend(report.take(target(&item, address, url, &labels)));
        }
    }
    if targets.is_empty() {
        report.note(group, "no target: this server group answers nothing");
    }
    targets
}

/// The labels of an entry. Prometheus drops those that begin with `__` after
/// relabelling; three of them mean something before that.
fn own_labels(config: &Cursor<'_>, report: &mut Report) -> Labels {
    for (name, value) in config.get("labels").and_then(|map| map.entries().ok()).unwrap_or_default()
    {
        let instead = match name {
            "__scheme__" => "`scheme` of the server group",
            "__path_prefix__" => "`path_prefix` of the server group",
            "__address__" => "`targets`",
            name if name.starts_with("__") && name != METRIC_NAME => {
                report.note(&value, DROPPED);
                continue;
            }
            _ => continue,
        };
        let text = format!("found a label that only relabelling reads, expected {instead}");
        report.mistake(value.key_mistake(text));
    }
    let all = labels::resolve(config, "labels", report);
    all.to_builder().retain(|name| !name.starts_with("__")).build()
}

fn target(
    item: &Cursor<'_>,
    address: String,
    url: String,
    labels: &Labels,
) -> Result<Target, Mistake> {
    // The parts are checked; this is the word of the library that will send.
    match url.parse::<Uri>() {
        Ok(_) => Ok(Target { address, url, labels: labels.clone() }),
        Err(error) => Err(item.mistake(format!("{url:?} is no URL: {error}"))),
    }
}

/// `host:port`, the port by the scheme if there is none.
fn address(at: &Cursor<'_>, scheme: Scheme) -> Result<String, Mistake> {
    let text = at.text()?;
    refuse_parts_of_a_url(at, text)?;
    let (host, port) = split_port(text).ok_or_else(|| at.unexpected(FORM))?;
    let port = match port {
        None => scheme.default_port(),
        Some(port) => port_number(port).ok_or_else(|| at.unexpected("a port from 1 to 65535"))?,
    };
    if !is_host(host) {
        return Err(at.unexpected(FORM));
    }
    Ok(format!("{}:{port}", host.to_ascii_lowercase()))
}

/// Says where in the group the rest of a URL belongs.
fn refuse_parts_of_a_url(at: &Cursor<'_>, text: &str) -> Result<(), Mistake> {
    if text.contains('@') {
        // Not repeated: a password stands before the `@`.
        return Err(at.mistake("found a user in a target, expected it in `http_client.basic_auth`"));
    }
    if let Some((found, rest)) = text.split_once("://") {
        let https = found.eq_ignore_ascii_case("https");
        let scheme = if https { Scheme::Https } else { Scheme::Http }.as_str();
        let host = rest.split('/').next().filter(|host| !host.is_empty()).unwrap_or("host:port");
        return Err(at.unexpected(&format!(
            "`scheme: {scheme}` in the server group and here {}",
            quoted(host)
        )));
    }
    if let Some((host, path)) = text.split_once('/') {
        let (host, path) = (quoted(host), quoted(&format!("/{path}")));
        return Err(
            at.unexpected(&format!("`path_prefix: {path}` in the server group and here {host}"))
        );
    }
    Ok(())
}

/// The host and the text of the port; `None` for an IPv6 address without
/// brackets, of which nobody can say where the port begins.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let after_host = text.rfind(']').map_or(0, |bracket| bracket + 1);
    match text[after_host..].split_once(':') {
        None => Some((text, None)),
        Some((_, port)) if port.contains(':') => None,
        Some((_, port)) => Some((&text[..text.len() - port.len() - 1], Some(port))),
    }
}

fn port_number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// A DNS name (underscores are common in container networks), an IPv4
/// address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let label = |label: &str| !label.is_empty() && label.len() <= 63;
    let name = host.strip_suffix('.').unwrap_or(host);
    name.len() <= 253 && name.chars().all(allowed) && name.split('.').all(label)
}
