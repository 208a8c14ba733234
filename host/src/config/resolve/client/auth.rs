//! Who we are to a group's servers: at most one way of saying so.

use std::path::Path;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::{both, given, path, source};
use crate::config::defaults;
use crate::config::model::Auth;
use crate::config::report::Report;
use crate::config::secret::{Secret, Source};
use crate::config::yaml::Cursor;

const METHODS: [&str; 4] = ["basic_auth", "authorization", "bearer_token", "bearer_token_file"];

pub(super) fn resolve(
    client: &Cursor<'_>,
    base_dir: &Path,
    headers: &[(HeaderName, HeaderValue)],
    report: &mut Report,
) -> Option<Auth> {
    let mut set = METHODS
        .into_iter()
        .filter_map(|method| client.get(method).filter(|at| !at.is_empty()).map(|at| (method, at)));
    let (method, at) = set.next()?;
    if let Some((other, second)) = set.next() {
        report.mistake(both(&second, method, other));
    }
    if headers.iter().any(|(name, _)| name == AUTHORIZATION) {
        report.mistake(both(&at, method, "http_headers.Authorization"));
    }
    match method {
        "basic_auth" => Some(basic(&at, base_dir, report)),
        "authorization" => token(&at, base_dir, report),
        "bearer_token" => {
            let (text, value) = given(client, method, report)?;
            bearer(credentials(text, &value, report)?)
        }
        _ => bearer(Source::File(path(client, method, base_dir, report)?)),
    }
}

fn basic(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Auth {
    let username = source(at, ("username", "username_file"), |text| text, base_dir, report);
    let password = source(at, ("password", "password_file"), Secret::new, base_dir, report);
    if let Some(Source::Inline(name)) = &username
        && name.contains(':')
    {
        // RFC 7617: the first colon ends the name.
        report.mistake(at.key_mistake("found a username with a colon, expected one without"));
    }
    Auth::Basic {
        username: username.unwrap_or_else(|| Source::Inline(String::new())),
        password: password.unwrap_or_else(|| Source::Inline(Secret::new(String::new()))),
    }
}

fn token(at: &Cursor<'_>, base_dir: &Path, report: &mut Report) -> Option<Auth> {
    let scheme = match given(at, "type", report) {
        None => defaults::AUTHORIZATION_TYPE.to_owned(),
        Some((scheme, value)) => {
            // A scheme is a token of HTTP, and so is every header name.
            let is_token = HeaderName::from_bytes(scheme.as_bytes()).is_ok();
            if !is_token {
                report.mistake(value.unexpected("a word such as Bearer"));
            } else if scheme.eq_ignore_ascii_case("basic") {
                report.mistake(value.unexpected("the section `basic_auth` instead"));
            }
            scheme
        }
    };
    let keys = ("credentials", "credentials_file");
    if at.get(keys.0).or_else(|| at.get(keys.1)).is_none_or(|value| value.is_empty()) {
        report.mistake(
            at.key_mistake("found nothing to send, expected `credentials` or `credentials_file`"),
        );
    }
    let credentials = match source(at, keys, Secret::new, base_dir, report)? {
        Source::Inline(secret) => {
            let value = at.get("credentials")?;
            credentials(secret.expose().to_owned(), &value, report)?
        }
        file @ Source::File(_) => file,
    };
    Some(Auth::Token { scheme, credentials, file_key: "authorization.credentials_file" })
}

fn bearer(credentials: Source<Secret>) -> Option<Auth> {
    let scheme = defaults::AUTHORIZATION_TYPE.to_owned();
    Some(Auth::Token { scheme, credentials, file_key: "bearer_token_file" })
}

/// A token that fits into a header.
fn credentials(text: String, at: &Cursor<'_>, report: &mut Report) -> Option<Source<Secret>> {
    if HeaderValue::from_str(&text).is_err() {
        report.mistake(at.mistake("found a text that HTTP does not allow in a header"));
        return None;
    }
    Some(Source::Inline(Secret::new(text)))
}
