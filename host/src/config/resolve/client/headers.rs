//! `http_headers`: names and values that HTTP allows, without those that
//! make the message what it is.

use std::collections::HashSet;

use hyper::header::{self, HeaderName, HeaderValue};

use crate::config::report::{Mistake, Report};
use crate::config::secret::looks_secret;
use crate::config::yaml::Cursor;

/// Headers of the connection or the body: a fixed text would contradict what
/// is sent. Go drops some of them silently.
const OWN: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers to add, by name.
pub(super) fn resolve(group: &Cursor<'_>, report: &mut Report) -> Vec<(HeaderName, HeaderValue)> {
    let entries = report.read(group, "http_headers", Cursor::entries).unwrap_or_default();
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    let mut seen = HashSet::new();
    for (name, value) in entries {
        let Some(header) = report.take(one(name, &value)) else { continue };
        if !seen.insert(header.0.clone()) {
            report.mistake(value.key_mistake("found the header a second time in another spelling"));
        }
        headers.push(header);
    }
    headers.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    headers
}

fn one(name: &str, value: &Cursor<'_>) -> Result<(HeaderName, HeaderValue), Mistake> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| value.key_mistake("found a name that HTTP does not allow for a header"))?;
    if OWN.contains(&header) {
        return Err(
            value.key_mistake("found a header that describes the message itself, expected another")
        );
    }
    let text = if value.is_null() { "" } else { value.text()? };
    // The text is not repeated in the message: it may be a credential.
    let mut text = HeaderValue::from_str(text)
        .map_err(|_| value.mistake("found a text that HTTP does not allow in a header"))?;
    text.set_sensitive(looks_secret(header.as_str()));
    Ok((header, text))
}
