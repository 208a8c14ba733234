//! The walkthrough of docs/policies.md, line by line, against the demo.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use e2e::process::Process;
use e2e::proxy;
use serde_json::Value;
use tempfile::TempDir;

/// How long the demo may take to start.
const START: Duration = Duration::from_secs(60);
/// How long what a query leaves behind, a recording or a comparison, may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where the guide believes proxy, admin address and folder of the demo to be.
const WRITTEN: [&str; 3] = ["127.0.0.1:8082", "127.0.0.1:8083", "target/demo"];

/// A demo beside others on this machine.
struct Demo {
    process: Process,
    proxy: SocketAddr,
    admin: SocketAddr,
    folder: TempDir,
}

impl Demo {
    fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let dir = format!("--dir={}", folder.path().join("demo").display());
        let mut process = Process::spawn(proxy::command().args([
            "demo",
            "--bind-addr=127.0.0.1:0",
            "--admin.bind-addr=127.0.0.1:0",
            &dir,
        ]));
        let proxy = process.wait_for(START, |line| address(line, "The proxy:"));
        let admin = process.wait_for(START, |line| address(line, "Its policies:"));
        Self { process, proxy, admin, folder }
    }

    /// A line of the guide, with this demo's places.
    fn here(&self, line: &str) -> String {
        let demo = self.folder.path().join("demo").display().to_string();
        let places = [self.proxy.to_string(), self.admin.to_string(), demo];
        let pairs = WRITTEN.iter().zip(&places);
        pairs.fold(line.to_owned(), |line, (written, place)| line.replace(written, place))
    }

    /// Runs a line as a person would, in a folder of their own.
    fn run(&self, line: &str) -> Output {
        let program = PathBuf::from(proxy::command().get_program());
        let bin = program.parent().expect("an executable is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new("sh")
            .args(["-c", &self.here(line)])
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("PROMWEAVE_ADMIN_URL", format!("http://{}", self.admin))
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .expect("there is a shell")
    }

    /// Runs a line until it works, as somebody would who comes too early.
    fn run_until(&self, line: &str, works: impl Fn(&Output) -> bool) -> Output {
        let until = Instant::now() + PATIENCE;
        loop {
            let done = self.run(line);
            if works(&done) || Instant::now() > until {
                return done;
            }
        }
    }

    fn group(&self, name: &str) -> Value {
        let shown = self.run("promweave policy groups --json");
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
        let groups = shown["server_groups"].as_array().expect("a list");
        let group = groups.iter().find(|group| group["server_group"] == name);
        group.expect("the demo has such a group").clone()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.process.ended().is_none() {
            self.process.terminate();
        }
        let _ = self.process.wait(START);
    }
}

fn address(line: &str, begin: &str) -> Option<SocketAddr> {
    let rest = line.trim().strip_prefix(begin)?.split_once("http://")?.1;
    rest.split_whitespace().next()?.trim_end_matches('/').parse().ok()
}

/// The commands between the walkthrough's marks, in their order.
fn walkthrough() -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policies.md");
    let guide = fs::read_to_string(guide).expect("there is a guide");
    let part = guide.split("<!-- walkthrough: begin -->").nth(1).expect("its begin is marked");
    let part = part.split("<!-- walkthrough: end -->").next().expect("a part has a beginning");
    let blocks = part.split("```sh\n").skip(1).filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

/// Whether a line did what it should. Curl's exit code does not tell: it
/// prints what is refused.
fn works(done: &Output) -> bool {
    let is_refusal = String::from_utf8_lossy(&done.stdout).contains("\"status\":\"error\"");
    done.status.success() && !is_refusal
}

/// Whether a comparison has seen a merge that differs.
fn has_differences(done: &Output) -> bool {
    let report: Option<Value> = serde_json::from_slice(&done.stdout).ok();
    report.is_some_and(|report| report["merges_differing"].as_u64() > Some(0))
}

#[test]
fn every_line_of_the_guides_walkthrough_works() {
    let demo = Demo::start();
    let lines = walkthrough();
    assert!(lines.len() > 20, "{lines:?}");
    for line in &lines {
        let done = demo.run_until(line, |done| works(done) || !line.contains(" replay "));
        assert!(works(&done), "{line}\n{done:?}\n{}", demo.process.output());
        match line.as_str() {
            "promweave policy diff west" => {
                let line = format!("{line} --json");
                let done = demo.run_until(&line, has_differences);
                assert!(has_differences(&done), "{done:?}");
            }
            "promweave policy promote west" => {
                let group = demo.group("west");
                assert_eq!(group["active"]["policy"], "prefer-last", "{group}");
                assert_eq!(group["active"]["state"], "running", "{group}");
            }
            "promweave policy rollback west" => {
                let group = demo.group("west");
                assert_eq!(group["active"]["policy"], "fill", "{group}");
                assert_eq!(group["previous"]["policy"], "prefer-last", "{group}");
            }
            _ => {}
        }
    }
}
