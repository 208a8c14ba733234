//! `promweave demo`: a small fleet in one process, and the proxy in front.
//!
//! Two server groups with two replicas each answer from memory, an hour of
//! data and a few more to come; each replica misses a different stretch.
//! Everything runs as it would for real: the replicas speak HTTP, the proxy
//! reads a configuration file's text.

mod data;
mod memory;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::{Demo, PolicyStore};
use crate::serve::{self, Error, Listening, Stop};

pub use data::Scrapes;
pub use memory::Memory;

const MINUTE_MS: i64 = 60_000;
/// Data before the start.
const PAST_MS: i64 = 60 * MINUTE_MS;
/// Data after it, so that a demo that is left open stays alive.
const FUTURE_MS: i64 = 6 * 60 * MINUTE_MS;
/// When the `api` instances were restarted, before the start.
const RESTART_MS: i64 = 35 * MINUTE_MS;

/// A replica of the demo.
struct Spec {
    group: &'static str,
    site: usize,
    offset_ms: i64,
    /// Start and end of the hole, in minutes before the start.
    hole_min: (i64, i64),
}

/// The first group's replicas scrape at the same moments, the second's not.
const REPLICAS: [Spec; 4] = [
    Spec { group: "east", site: 0, offset_ms: 0, hole_min: (12, 9) },
    Spec { group: "east", site: 0, offset_ms: 0, hole_min: (40, 33) },
    Spec { group: "west", site: 1, offset_ms: 0, hole_min: (25, 19) },
    Spec { group: "west", site: 1, offset_ms: 6_300, hole_min: (8, 6) },
];

/// Starts the fleet and the proxy, prints where they are, and waits for a
/// signal to stop.
///
/// # Errors
/// When an address cannot be bound.
pub async fn run(demo: &Demo) -> Result<(), Error> {
    let stop = Stop::watch()?;
    let now_ms = now_ms();
    let mut replicas = Vec::new();
    for spec in &REPLICAS {
        let storage =
            Arc::new(Memory::new(&data::series(&scrapes(spec, now_ms)), data::metadata()));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        replicas.push(serve::storage(storage, &demo.query, address).await?);
    }
    let folder = demo.dir.clone().unwrap_or_else(temporary);
    let config = config_text(&replicas, &folder.join("recordings"));
    let store = PolicyStore { dir: Some(folder.join("policies")), max_bytes: 64 << 20 };
    let proxy = serve::demo_proxy(&config, demo, &store).await?;
    say(&introduction(&replicas, &proxy, &config, now_ms));
    replicas.insert(0, proxy);
    stop.then_end(replicas).await;
    if demo.dir.is_none() {
        // There is a folder only if something was asked or uploaded.
        let _ = std::fs::remove_dir_all(&folder);
    }
    Ok(())
}

/// A folder that is gone with the demo.
fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("promweave-demo-{}", std::process::id()))
}

#[allow(clippy::print_stdout, reason = "the demo talks to a person at a terminal")]
fn say(text: &str) {
    println!("{text}");
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX) / data::INTERVAL_MS * data::INTERVAL_MS
}

fn scrapes(spec: &Spec, now_ms: i64) -> Scrapes {
    Scrapes {
        site: spec.site,
        from_ms: now_ms - PAST_MS,
        until_ms: now_ms + FUTURE_MS,
        offset_ms: spec.offset_ms,
        hole_ms: (now_ms - spec.hole_min.0 * MINUTE_MS, now_ms - spec.hole_min.1 * MINUTE_MS),
        restart_ms: now_ms - RESTART_MS,
    }
}

/// The configuration of the demo's proxy, as a user would write it.
fn config_text(replicas: &[Listening], recordings: &Path) -> String {
    let mut text = String::from("promxy:\n  server_groups:\n");
    for (specs, servers) in REPLICAS.chunks(2).zip(replicas.chunks(2)) {
        let group = specs[0].group;
        text.push_str(&format!("    - name: {group}\n      static_configs:\n        - targets:\n"));
        for server in servers {
            text.push_str(&format!("            - {}\n", server.address));
        }
        text.push_str(&format!("      labels:\n        site: {group}\n"));
        // JSON's way to write a text is also YAML's.
        let dir = serde_json::Value::from(recordings.display().to_string());
        text.push_str(&format!("      record:\n        dir: {dir}\n        max_bytes: 64MiB\n"));
    }
    text
}

/// What a person at the terminal should know.
fn introduction(replicas: &[Listening], proxy: &Listening, config: &str, now_ms: i64) -> String {
    let mut text = String::from(
        "\nThe fleet: two server groups, two replicas each, a different hole in each.\n\n",
    );
    for (number, (spec, server)) in REPLICAS.iter().zip(replicas).enumerate() {
        let name = ["a", "b"][number % 2];
        let (from, to) = spec.hole_min;
        text.push_str(&format!(
            "  {} {name}   http://{}   no data from {from} to {to} minutes ago\n",
            spec.group, server.address
        ));
    }
    text.push_str(&format!(
        "\nThe proxy:  http://{}   with this configuration:\n\n",
        proxy.address
    ));
    text.extend(config.lines().map(|line| format!("  {line}\n")));
    if let Some(admin) = &proxy.admin {
        text.push_str(&format!(
            "\nIts policies: http://{}/   (curl -T FILE.wasm http://{}/api/v1/policies/NAME; \
             docs/policies.md has more)\n",
            admin.address, admin.address
        ));
    }
    // Five minutes around the hole of the first replica.
    let time = (now_ms - 8 * MINUTE_MS) / 1000;
    let query = "query=http_requests_total{instance=\"10.1.0.11:8080\",code=\"404\"}[5m]";
    let curl = |address: SocketAddr| {
        format!(
            "curl -sS 'http://{address}/api/v1/query' -d time={time} --data-urlencode '{query}'"
        )
    };
    text.push_str(&format!(
        "\nTry it. The first replica has a hole of three minutes, the second has the data,\n\
         the proxy shows no hole:\n\n  {}\n\n  {}\n\n  {}\n\nStop with Ctrl-C.\n",
        curl(replicas[0].address),
        curl(replicas[1].address),
        curl(proxy.address),
    ));
    text
}
