//! `push`: a file becomes the newest version of a policy.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;

use super::store::path;
use super::table::bytes;
use super::{cell, expecting, items, print, proxy};
use crate::cli::policy::{Named, Push};
use crate::policies_cli::{Error, Verdict, subject};
use crate::remote::{Proxy, Request};

/// From this size on, an upload tells how far it is.
const LARGE_BYTES: usize = 1 << 20;
const TELL_EVERY: Duration = Duration::from_millis(200);

/// Uploads a component.
pub(in super::super) async fn push(args: &Push) -> Result<Verdict, Error> {
    let component = subject::read(&args.file)?;
    let name = args
        .name
        .clone()
        .or_else(|| name_of(args))
        .ok_or_else(|| Error::NoName { file: args.file.display().to_string() })?;
    let size = component.len();
    let policy = Named { name, digest: None };
    let request = Request::new(Method::PUT, path(&policy)).with_body("application/wasm", component);
    let request = expecting(request, &args.change)?;
    let proxy = proxy(&args.change.access)?;
    let data = if size >= LARGE_BYTES && io::stderr().is_terminal() {
        telling(&proxy, request, size as u64).await?
    } else {
        proxy.data(request).await?
    };
    print(&args.change.access, &data, |data| told(&policy.name, data))
}

/// What a file is called, as a policy's name: cargo writes `_` for `-`.
fn name_of(args: &Push) -> Option<String> {
    Some(args.file.file_stem()?.to_str()?.replace('_', "-"))
}

/// Uploads, and says at the terminal how far it is.
async fn telling(proxy: &Proxy, request: Request, size: u64) -> Result<Value, Error> {
    let sent = Arc::new(AtomicU64::new(0));
    let upload = proxy.watched_data(request, Some(Arc::clone(&sent)));
    tokio::pin!(upload);
    let mut tick = tokio::time::interval(TELL_EVERY);
    let outcome = loop {
        tokio::select! {
            outcome = &mut upload => break outcome,
            _ = tick.tick() => say(&format!("\r{}", progress(sent.load(Ordering::Relaxed), size))),
        }
    };
    // The line is cleared.
    say(&format!("\r{:60}\r", ""));
    Ok(outcome?)
}

fn progress(sent: u64, size: u64) -> String {
    let text = if sent < size {
        format!("uploading: {} % of {}", 100 * sent / size, bytes(size))
    } else {
        format!("uploaded {}; the proxy checks and compiles it", bytes(size))
    };
    format!("{text:60}")
}

/// A terminal that is gone hinders no upload.
fn say(text: &str) {
    let mut terminal = io::stderr();
    let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
}

fn told(name: &str, data: &Value) -> String {
    let is_new = data.get("created").and_then(Value::as_bool).unwrap_or(false);
    let what = if is_new { "stored" } else { "is the newest already:" };
    let digest = cell(data, "/version/digest");
    let size = data.pointer("/version/size").and_then(Value::as_u64).unwrap_or(0);
    let mut lines = vec![format!("{what} {name}@{digest} ({})", bytes(size))];
    let notes = items(data, "/version/notes").iter();
    lines.extend(notes.map(|note| format!("note: {}", cell(note, ""))));
    let removed = items(data, "/removed").iter();
    lines.extend(
        removed.map(|own| format!("removed to make room: {}@{}", cell(own, "/0"), cell(own, "/1"))),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_upload_is_told_with_what_else_happened() {
        let data = json!({
            "created": true,
            "version": {"digest": "0123", "size": 7625, "notes": ["needs settings: replica"]},
            "removed": [["old", "4567"]],
        });
        let lines = [
            "stored median@0123 (7.4 KiB)",
            "note: needs settings: replica",
            "removed to make room: old@4567",
        ];
        assert_eq!(told("median", &data), lines.join("\n"));
        let again = json!({"created": false, "version": {"digest": "0123", "size": 1}});
        assert_eq!(told("median", &again), "is the newest already: median@0123 (1 B)");
    }

    #[test]
    fn progress_goes_from_sending_to_waiting() {
        assert!(progress(1 << 20, 4 << 20).starts_with("uploading: 25 % of 4.0 MiB"));
        assert!(progress(4 << 20, 4 << 20).starts_with("uploaded 4.0 MiB; the proxy checks"));
    }
}
