//! The real proxy executable in front of given servers.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Client;
use crate::process::Process;

/// How long it may take to start.
const START: Duration = Duration::from_secs(60);
/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(20);
/// Name of the configuration file in its folder.
const CONFIG: &str = "config.yaml";
/// What its log says when it accepts connections; the address follows.
const LISTENING: &str = ": listening address=";
/// The same for policies and server groups.
const ADMIN: &str = ": admin listening address=";
/// Where that is.
const ADMIN_FLAG: &str = "--admin.bind-addr=";

/// A running proxy.
///
/// When dropped it is asked to stop, and must do so with status 0.
#[derive(Debug)]
pub struct Proxy {
    /// Its HTTP API.
    pub client: Client,
    /// Where its policies are managed; nowhere, if a flag said so.
    pub admin: Client,
    process: Process,
    folder: TempDir,
}

/// What a proxy is started with.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    groups: Vec<Group>,
    flags: Vec<String>,
}

/// A server group in the configuration.
#[derive(Clone, Debug)]
pub struct Group(Value);

impl Group {
    /// A group of these replicas (`host:port`).
    #[must_use]
    pub fn new(targets: &[String]) -> Self {
        Self(json!({ "static_configs": [{ "targets": targets }] }))
    }

    /// Attaches a label to its series.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.0["labels"][name] = value.into();
        self
    }

    /// Sets any key of the group.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }
}

impl Builder {
    /// Adds a server group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Adds a command-line flag.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Starts the proxy and waits until it listens.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn start(&self) -> Proxy {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let path = folder.path().join(CONFIG);
        fs::write(&path, self.config()).expect("a temporary file can be written");
        let mut command = command();
        command
            .current_dir(folder.path())
            .arg(format!("--config={}", path.display()))
            .arg("--bind-addr=127.0.0.1:0")
            .args(&self.flags);
        let admin = self.flags.iter().find_map(|flag| flag.strip_prefix(ADMIN_FLAG));
        if admin.is_none() {
            command.arg(format!("{ADMIN_FLAG}127.0.0.1:0"));
        }
        let mut process = Process::spawn(&mut command);
        let client = Client::new(process.wait_for(START, |line| address(line, LISTENING)));
        let admin = match admin {
            Some("none") => SocketAddr::from(([127, 0, 0, 1], 0)),
            _ => process.wait_for(START, |line| address(line, ADMIN)),
        };
        Proxy { client, admin: Client::new(admin), process, folder }
    }

    /// The configuration file; JSON is YAML.
    #[must_use]
    pub fn config(&self) -> String {
        let groups: Vec<&Value> = self.groups.iter().map(|group| &group.0).collect();
        format!("{:#}\n", json!({ "promxy": { "server_groups": groups } }))
    }
}

impl Proxy {
    /// A proxy to be configured.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// Asks it to stop and returns its exit status and its log.
    ///
    /// # Panics
    /// When it does not stop.
    #[must_use]
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.process.terminate();
        let status = self.process.wait(STOP);
        (status, self.process.output())
    }

    /// Bytes of memory that it has in use.
    ///
    /// # Panics
    /// When the system does not tell.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/statm", self.process.id());
        let text = fs::read_to_string(path).expect("a running process has it");
        let pages: u64 = text.split(' ').nth(1).and_then(|n| n.parse().ok()).expect("a number");
        pages * rustix::param::page_size() as u64
    }

    /// Asks it to stop without waiting for it.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Asks it to read its configuration again.
    pub fn hang_up(&self) {
        self.process.hang_up();
    }

    /// Writes another configuration over the one it was started with.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn rewrite_config(&self, text: &str) {
        let path = self.folder.path().join(CONFIG);
        fs::write(path, text).expect("a temporary file can be written");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // A failing test shows its own failure, and the log beside it.
        if thread::panicking() {
            eprintln!("--- log of the proxy\n{}\n---", self.process.output());
            return;
        }
        if self.process.ended().is_none() {
            self.process.terminate();
        }
        let status = self.process.wait(STOP);
        assert!(status.success(), "it ended with {status}; its log:\n{}", self.process.output());
    }
}

/// The proxy's executable as a command without arguments.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn command() -> Command {
    let path = env::var_os("PROMWEAVE_BIN").map_or_else(beside_the_tests, PathBuf::from);
    assert!(
        path.is_file(),
        "{} does not exist: build it first (cargo build -p promweave), or set PROMWEAVE_BIN",
        path.display()
    );
    Command::new(path)
}

/// Test executables are in `<target>/<profile>/deps`, the proxy one above.
fn beside_the_tests() -> PathBuf {
    let program = env::current_exe().expect("a test knows its executable");
    let profile = program.ancestors().nth(2).unwrap_or_else(|| Path::new("."));
    profile.join("promweave")
}

/// The address in a line that says so.
fn address(line: &str, says: &str) -> Option<SocketAddr> {
    let rest = line.split_once(says)?.1;
    rest.split_whitespace().next()?.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log_line() {
        let line = "2026-01-01T00:00:00Z  INFO promweave::server: listening address=127.0.0.1:4242";
        let expected = Some(SocketAddr::from(([127, 0, 0, 1], 4242)));
        assert_eq!(address(line, LISTENING), expected);
        assert_eq!(address(line, ADMIN), None);
        assert_eq!(address("INFO a: admin listening address=127.0.0.1:4242", ADMIN), expected);
        assert_eq!(address("INFO a: admin listening address=127.0.0.1:4242", LISTENING), None);
        assert_eq!(address("INFO a: loaded address=127.0.0.1:1", LISTENING), None);
    }

    #[test]
    fn the_configuration_is_what_promxy_reads() {
        let group =
            Group::new(&["127.0.0.1:1".to_owned()]).label("site", "a").set("remote_read", true);
        let builder = Proxy::builder().group(group);
        let expected = json!({ "promxy": { "server_groups": [{
            "static_configs": [{ "targets": ["127.0.0.1:1"] }],
            "labels": { "site": "a" },
            "remote_read": true,
        }]}});
        let config: Value = serde_json::from_str(&builder.config()).expect("JSON");
        assert_eq!(config, expected);
    }
}
