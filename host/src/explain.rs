//! `promweave explain`: asks a running proxy for a plan and prints it.
//!
//! In: the command line. Out: the proxy's own text, or its JSON, on standard
//! output. What is wrong with a query, or with a time, the proxy says.

use std::io::{self, Write as _};

use hyper::Method;
use serde_json::Value;

use crate::cli::Explain;
use crate::remote::{self, Address, Proxy, Request, segment};

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no proxy, or it gave no answer, or it refused.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The answer is no plan.
    #[error("{url}: the answer is no plan; is it promweave?")]
    Answer {
        /// The proxy.
        url: String,
    },
    /// Nobody reads what is printed.
    #[error("cannot print")]
    Print(#[from] io::Error),
}

/// Asks, and prints the answer.
///
/// # Errors
/// When there is no plan, or nobody to read it.
pub async fn run(explain: &Explain) -> Result<(), Error> {
    let proxy = Proxy::new(&Address { url: explain.url.clone(), ..Address::default() })?;
    let request = Request::new(Method::POST, "/api/v1/explain")
        .with_body("application/x-www-form-urlencoded", form(explain));
    let data = proxy.data(request).await?;
    let shown = shown(&data, explain.json);
    let shown = shown.ok_or_else(|| Error::Answer { url: explain.url.clone() })?;
    writeln!(io::stdout(), "{}", shown.trim_end())?;
    Ok(())
}

fn form(explain: &Explain) -> String {
    let Explain { query, time, start, end, step, .. } = explain;
    let mut form = format!("query={}", segment(query));
    for (name, value) in [("time", time), ("start", start), ("end", end), ("step", step)] {
        if let Some(value) = value {
            form.push_str(&format!("&{name}={}", segment(value)));
        }
    }
    form
}

/// What is printed of an answer; nothing if it has no plan.
fn shown(data: &Value, as_json: bool) -> Option<String> {
    let text = data.get("text")?.as_str()?;
    if as_json { serde_json::to_string_pretty(data).ok() } else { Some(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_shown_as_text_or_as_json() {
        let data = json!({"text": "query: up\n"});
        assert_eq!(shown(&data, false).as_deref(), Some("query: up\n"));
        assert_eq!(shown(&data, true).as_deref(), Some("{\n  \"text\": \"query: up\\n\"\n}"));
        assert_eq!(shown(&json!([]), false), None);
    }

    #[test]
    fn the_form_has_what_was_given() {
        let explain = Explain {
            query: "up{a=\"b\"}".to_owned(),
            url: String::new(),
            time: None,
            start: Some("1".to_owned()),
            end: Some("2".to_owned()),
            step: Some("15s".to_owned()),
            json: false,
        };
        assert_eq!(form(&explain), "query=up%7Ba%3D%22b%22%7D&start=1&end=2&step=15s");
    }
}
