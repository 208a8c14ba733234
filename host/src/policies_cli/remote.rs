//! The commands that ask a running proxy.
//!
//! In: the command line. Out: the proxy's answer for people, or its JSON with
//! `--json`. What is refused, the proxy says in its own words.

mod bound;
mod store;
mod table;
mod upload;

use std::io::{self, Write as _};

use hyper::Method;
use hyper::header::{HeaderValue, IF_MATCH};
use serde_json::Value;

use super::{Error, Verdict};
use crate::cli::policy::{Access, Change};
use crate::remote::{Address, Proxy, Request};

pub(super) use bound::{bind, diff, groups, promote, rollback, unbind};
pub(super) use store::{delete, get, list, show};
pub(super) use upload::push;

fn proxy(access: &Access) -> Result<Proxy, Error> {
    let Access { url, token_file, ca_file, .. } = access.clone();
    Ok(Proxy::new(&Address { url, token_file, ca_file })?)
}

/// Asks for something.
async fn ask(access: &Access, path: String) -> Result<Value, Error> {
    Ok(proxy(access)?.data(Request::new(Method::GET, path)).await?)
}

/// Asks for a change.
async fn change(change: &Change, request: Request) -> Result<Value, Error> {
    let request = expecting(request, change)?;
    Ok(proxy(&change.access)?.data(request).await?)
}

/// The request with the revision that it is made from.
fn expecting(mut request: Request, change: &Change) -> Result<Request, Error> {
    if let Some(revision) = &change.if_match {
        let is_tag = revision == "*" || revision.starts_with('"');
        let tag = if is_tag { revision.clone() } else { format!("\"{revision}\"") };
        let value = HeaderValue::from_str(&tag);
        let value = value.map_err(|_| Error::Revision(revision.clone()))?;
        request.headers.insert(IF_MATCH, value);
    }
    Ok(request)
}

/// Prints an answer: as JSON, or as `text` makes of it.
fn print(
    access: &Access,
    data: &Value,
    text: impl FnOnce(&Value) -> String,
) -> Result<Verdict, Error> {
    let shown = if access.json { format!("{data:#}") } else { text(data) };
    writeln!(io::stdout(), "{}", shown.trim_end())?;
    Ok(Verdict::Good)
}

/// A text or a number of an answer, as it is shown; `-` if there is none.
fn cell(value: &Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The elements of a list of an answer.
fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The part of a digest that tells versions apart.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_is_sent_as_a_tag() {
        let with = |revision: &str| {
            let access =
                Access { url: String::new(), token_file: None, ca_file: None, json: false };
            let change = Change { access, if_match: Some(revision.to_owned()) };
            let request = expecting(Request::new(Method::PUT, "/"), &change).expect("a tag");
            request.headers[IF_MATCH].to_str().expect("text").to_owned()
        };
        assert_eq!(with("7"), "\"7\"");
        assert_eq!(with("\"7\""), "\"7\"");
        assert_eq!(with("*"), "*");
    }

    #[test]
    fn what_an_answer_does_not_have_is_a_dash() {
        let value = json!({"a": {"b": 1, "c": "x"}, "d": null});
        assert_eq!(["/a/b", "/a/c", "/d", "/e"].map(|own| cell(&value, own)), ["1", "x", "-", "-"]);
        assert!(items(&value, "/a").is_empty());
    }
}
