//! What handling policies costs the queries that run meanwhile: swaps,
//! uploads and shadows, and how soon a hostile policy is stopped.
//!
//! `make bench-policies` prints the table; without `--bench` a short run shows
//! that it works. Figures compare with those of the same run alone.

use std::env;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::guest::Guest;
use e2e::operator::{Operator, good, marked};
use e2e::scene::{Scene, ask, result, warnings};
use serde_json::json;

/// Latencies of queries, in ascending order.
struct Latencies(Vec<Duration>);

impl Latencies {
    /// Asks the hostile group for as long as `work` takes, and so many times
    /// at least.
    fn during(scene: &Scene, least: usize, work: impl FnOnce() + Send) -> Self {
        let done = AtomicBool::new(false);
        let mut times = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                work();
                done.store(true, Ordering::Relaxed);
            });
            while times.len() < least || !done.load(Ordering::Relaxed) {
                let start = Instant::now();
                let response = ask(scene.proxy.client, "hostile");
                times.push(start.elapsed());
                assert_eq!(response.status, 200, "{}", response.text());
            }
        });
        times.sort_unstable();
        Self(times)
    }

    fn at(&self, share: f64) -> f64 {
        let index = (share * (self.0.len() - 1) as f64).round() as usize;
        self.0[index].as_secs_f64() * 1000.0
    }

    fn line(&self, what: &str, out: &mut impl Write) -> io::Result<()> {
        let count = self.0.len();
        let [half, most, all] = [0.5, 0.95, 1.0].map(|share| self.at(share));
        writeln!(
            out,
            "  {what:<44} {count:>6} queries  median {half:>7.2} ms  p95 {most:>7.2} ms  max {all:>7.2} ms"
        )
    }
}

/// Policies that answer differently, uploaded.
fn pair(operator: Operator) -> [serde_json::Value; 2] {
    let builtin = operator.builtin();
    ["first", "fill"].map(|rule| {
        let digest = operator.upload_good(rule_name(rule), &marked(&builtin, rule));
        json!({ "name": rule_name(rule), "digest": digest, "settings": { "rule": rule } })
    })
}

/// The built-in policy's own name is taken.
fn rule_name(rule: &'static str) -> &'static str {
    if rule == "fill" { "filling" } else { rule }
}

fn swaps(scene: &Scene, count: usize, out: &mut impl Write) -> io::Result<()> {
    let wishes = pair(scene.operator);
    for wish in &wishes {
        scene.operator.bind_good("hostile", wish);
    }
    Latencies::during(scene, count, || {}).line("nothing else", out)?;
    let start = Instant::now();
    let swapping = Latencies::during(scene, count, || {
        for _ in 0..count {
            let _ = good(&scene.operator.act("hostile", "rollback"));
        }
    });
    let each = start.elapsed() / u32::try_from(count).unwrap_or(u32::MAX);
    swapping.line(&format!("swaps without a pause ({each:.2?} each)"), out)?;
    let builtin = scene.operator.builtin();
    let uploading = Latencies::during(scene, count, || {
        for index in 0..count.div_ceil(20) {
            let wasm = marked(&builtin, &format!("{index}"));
            let _ = scene.operator.upload_good("uploaded", &wasm);
        }
    });
    uploading.line("uploads without a pause", out)?;
    let mut wish = wishes[0].clone();
    wish["shadow"] = true.into();
    scene.operator.bind_good("hostile", &wish);
    Latencies::during(scene, count, || {}).line("a shadow beside", out)
}

/// How much longer than its deadline a policy that never returns holds a
/// query up.
fn containment(scene: &Scene, rounds: usize, out: &mut impl Write) -> io::Result<()> {
    let honest = Guest { when: "(i32.const 0)", ..Guest::default() }.component();
    scene.bind("honest", &honest);
    let usual = Latencies::during(scene, rounds, || {}).at(0.5);
    let touch = "(loop $ever (drop (memory.grow (i32.const 16))) (memory.fill (i32.const 131072) \
        (i32.const 1) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 131072))) \
        (br $ever)) unreachable";
    for (name, plan) in [
        ("loops", "(loop $ever (br $ever)) unreachable"),
        ("recurses", "(call $recurse (i32.const 0))"),
        ("grows", touch),
        ("traps", "unreachable"),
    ] {
        let wasm = Guest { plan, ..Guest::default() }.component();
        let _ = scene.operator.upload_good(name, &wasm);
        for deadline in [10, 50] {
            let limits = json!({ "deadline": format!("{deadline}ms") });
            let wish = json!({ "name": name, "limits": limits, "park_after": 0 });
            scene.operator.bind_good("hostile", &wish);
            let mut over: Vec<f64> = (0..rounds)
                .map(|_| {
                    let start = Instant::now();
                    let response = scene.ask("hostile");
                    assert_eq!(warnings(&response).len(), 1, "{}", response.text());
                    start.elapsed().as_secs_f64() * 1000.0 - usual
                })
                .collect();
            over.sort_by(f64::total_cmp);
            let (half, most) = (over[rounds / 2], over[rounds - 1]);
            writeln!(
                out,
                "  {name:<10} deadline {deadline:>3} ms: {half:>7.2} ms longer than an honest one (median of {rounds}), at most {most:>7.2} ms"
            )?;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let bench = env::args().any(|argument| argument == "--bench");
    let (count, rounds) = if bench { (400, 40) } else { (20, 2) };
    let mut out = io::stdout().lock();
    let Some(scene) = Scene::new() else { return Ok(()) };
    let _ = result(&scene.ask("neighbour"));
    writeln!(out, "latency of queries meanwhile")?;
    swaps(&scene, count, &mut out)?;
    let Some(scene) = Scene::new() else { return Ok(()) };
    writeln!(out, "hostile policies")?;
    containment(&scene, rounds, &mut out)
}
