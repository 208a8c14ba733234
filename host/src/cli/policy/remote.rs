//! What is asked of a running proxy about policies.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

/// Where the proxy is, and how its answer is shown.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// The proxy's admin address
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:8083",
        env = "PROMWEAVE_ADMIN_URL"
    )]
    pub url: String,
    /// A file with a token, alone or as name:token
    #[arg(long, value_name = "FILE", env = "PROMWEAVE_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// PEM of the authorities to trust, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Print the proxy's answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// Where a change is made, and from what.
#[derive(Args, Clone, Debug)]
pub struct Change {
    #[command(flatten)]
    /// Where the proxy is.
    pub access: Access,
    /// Only if nobody was faster: the newest digest of a policy, the revision of a server group
    #[arg(long, value_name = "REVISION")]
    pub if_match: Option<String>,
}

/// A policy, and perhaps one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// A version's digest, perhaps shortened.
    pub digest: Option<String>,
}

/// A file that becomes the newest version of a policy.
#[derive(Args, Clone, Debug)]
pub struct Push {
    /// The component, a .wasm file
    pub file: PathBuf,
    /// The policy's name; the file's own name by default
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    /// Where.
    pub change: Change,
}

/// What is shown of the store.
#[derive(Args, Clone, Debug)]
pub struct List {
    #[command(flatten)]
    /// Where.
    pub access: Access,
}

/// A policy that is shown.
#[derive(Args, Clone, Debug)]
pub struct Show {
    /// The policy's name
    pub name: String,
    #[command(flatten)]
    /// Where.
    pub access: Access,
}

/// A component that is fetched.
#[derive(Args, Clone, Debug)]
pub struct Get {
    /// The policy, NAME or NAME@DIGEST; its newest version by default
    #[arg(value_parser = named)]
    pub policy: Named,
    /// Where it is written
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    /// Where.
    pub access: Access,
}

/// What is forgotten.
#[derive(Args, Clone, Debug)]
pub struct Delete {
    /// The policy, NAME for all its versions or NAME@DIGEST for one
    #[arg(value_parser = named)]
    pub policy: Named,
    #[command(flatten)]
    /// Where.
    pub change: Change,
}

/// A policy for a server group.
#[derive(Args, Clone, Debug)]
pub struct Bind {
    /// Name or number of the server group
    pub group: String,
    /// The policy, NAME or NAME@DIGEST; its newest version by default
    #[arg(value_parser = named)]
    pub policy: Named,
    /// Its settings: JSON of its own schema, or @ and a file with it; its defaults without
    #[arg(long, value_name = "JSON|@FILE", value_parser = settings)]
    pub settings: Option<Map<String, Value>>,
    /// Longest time for one call, such as 50ms
    #[arg(long, value_name = "TIME")]
    pub deadline: Option<String>,
    /// Most memory of one instance, such as 64MiB
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// What a fault means: `open`, the built-in rule answers, or `closed`, the query fails
    #[arg(long, value_parser = ["open", "closed"])]
    pub fail: Option<String>,
    /// Faults in a row after which it is not asked any more; 0: never
    #[arg(long, value_name = "FAULTS")]
    pub park_after: Option<u32>,
    /// Run it beside the active policy, and compare
    #[arg(long)]
    pub shadow: bool,
    #[command(flatten)]
    /// Where.
    pub change: Change,
}

/// A binding that is taken back.
#[derive(Args, Clone, Debug)]
pub struct Unbind {
    /// Name or number of the server group
    pub group: String,
    /// The shadow's instead of the active policy's
    #[arg(long)]
    pub shadow: bool,
    #[command(flatten)]
    /// Where.
    pub change: Change,
}

/// A server group that is asked about.
#[derive(Args, Clone, Debug)]
pub struct OfGroup {
    /// Name or number of the server group
    pub group: String,
    #[command(flatten)]
    /// Where.
    pub access: Access,
}

/// A server group that is changed.
#[derive(Args, Clone, Debug)]
pub struct Move {
    /// Name or number of the server group
    pub group: String,
    #[command(flatten)]
    /// Where.
    pub change: Change,
}

fn named(text: &str) -> Result<Named, String> {
    let (name, digest) = match text.split_once('@') {
        None => (text, None),
        Some((name, digest)) => (name, Some(digest)),
    };
    if name.is_empty() || digest.is_some_and(str::is_empty) {
        return Err("expected NAME or NAME@DIGEST".to_owned());
    }
    Ok(Named { name: name.to_owned(), digest: digest.map(str::to_owned) })
}

fn settings(text: &str) -> Result<Map<String, Value>, String> {
    let read;
    let json = match text.strip_prefix('@') {
        None => text,
        Some(path) => {
            read = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
            &read
        }
    };
    serde_json::from_str(json).map_err(|error| format!("expected a JSON object: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_behind_an_at_sign() {
        let latest = named("median").expect("a name");
        assert_eq!(latest, Named { name: "median".to_owned(), digest: None });
        let one = named("median@02240891").expect("a version");
        assert_eq!(one.digest.as_deref(), Some("02240891"));
        for bad in ["", "@02240891", "median@"] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn settings_are_an_object_here_or_in_a_file() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("settings.json");
        std::fs::write(&path, r#"{"interval_ms": 5000}"#).expect("a file");
        let here = settings(r#"{"interval_ms": 5000}"#).expect("an object");
        assert_eq!(settings(&format!("@{}", path.display())), Ok(here));
        for bad in ["5", "[]", "{", "@/does/not/exist"] {
            assert!(settings(bad).is_err(), "{bad}");
        }
    }
}
