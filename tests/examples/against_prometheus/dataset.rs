//! What the server is filled with: scrapes every 15 seconds, without jitter,
//! of every target at a moment of its own.
//!
//! Classic histograms that are reset now and then, and gauges of bytes, for
//! as long as the minutely queries reach; gauges with a decimal for more than
//! a day.

use e2e::data::{Series, Value, hash, text_seed};
use e2e::prometheus::Prometheus;

use crate::cases::{BOUNDS, END_MS, Size};

const SCRAPE_MS: i64 = 15_000;
/// What is written at once.
const PIECE_MS: i64 = 30 * 60_000;
/// How far the queries' ranges reach before their first step.
const RANGE_MS: i64 = 61 * 60_000;

/// Something scraped: its series, and how their values come one after another.
struct Target {
    series: Vec<Series>,
    from_ms: i64,
    /// Behind the multiples of the interval.
    offset_ms: i64,
    state: State,
}

enum State {
    /// Cumulative counts of an instance's buckets.
    Histogram { seed: u64, counts: [u64; BOUNDS.len()] },
    /// A walk by steps of a unit.
    Walk { seed: u64, value: i64, unit: f64 },
}

impl State {
    /// The values of the scrape at `time_ms`.
    fn next(&mut self, time_ms: i64) -> Vec<f64> {
        match self {
            Self::Histogram { seed, counts } => {
                let drawn = hash(&[*seed, time_ms.cast_unsigned()]);
                if drawn.is_multiple_of(1500) {
                    *counts = [0; BOUNDS.len()];
                }
                let observations = drawn >> 20 & 63;
                let shape = 1 + *seed % 7;
                for (count, bound) in counts.iter_mut().zip(1..) {
                    *count += observations * (bound + shape) / (10 + shape);
                }
                counts.iter().map(|count| *count as f64).collect()
            }
            Self::Walk { seed, value, unit } => {
                let step = hash(&[*seed, time_ms.cast_unsigned()]) % 11;
                *value += step.cast_signed() - 5;
                vec![*value as f64 / *unit]
            }
        }
    }
}

/// Writes everything.
pub(crate) fn fill(server: &Prometheus, size: Size) {
    let day_ms = END_MS - size.day_minutes * 60_000 - RANGE_MS;
    let recent_ms = END_MS - size.minutes * 60_000 - RANGE_MS;
    let mut targets: Vec<Target> = (0..size.sensors).map(|number| sensor(number, day_ms)).collect();
    for number in 0..size.instances {
        targets.push(histogram(number, recent_ms));
        targets.push(memory(number, recent_ms));
    }
    let mut from = day_ms;
    while from <= END_MS {
        let until = (from + PIECE_MS).min(END_MS + 1);
        server.write(&piece(&mut targets, from, until));
        from = until;
    }
}

/// The scrapes in `from..until`.
fn piece(targets: &mut [Target], from: i64, until: i64) -> Vec<Series> {
    let mut all = Vec::new();
    for target in targets.iter_mut().filter(|target| target.from_ms < until) {
        let mut series = target.series.clone();
        let first = (from - target.offset_ms + SCRAPE_MS - 1) / SCRAPE_MS;
        let times = (first..).map(|number| number * SCRAPE_MS + target.offset_ms);
        for time in times.take_while(|time| *time < until) {
            for (one, value) in series.iter_mut().zip(target.state.next(time)) {
                one.samples.push((time, Value::Float(value)));
            }
        }
        all.append(&mut series);
    }
    all
}

fn histogram(number: u64, from_ms: i64) -> Target {
    let (job, instance) = (job(number), instance(number));
    let name = ("__name__", "request_seconds_bucket");
    let series = BOUNDS.map(|bound| {
        Series::floats(&[name, ("job", &job), ("instance", &instance), ("le", bound)], [])
    });
    let state = State::Histogram { seed: hash(&[1, number]), counts: [0; BOUNDS.len()] };
    Target { series: series.into(), from_ms, offset_ms: offset(&instance), state }
}

fn memory(number: u64, from_ms: i64) -> Target {
    let (job, instance) = (job(number), instance(number));
    let labels = [("__name__", "memory_bytes"), ("job", &job), ("instance", &instance)];
    let state = State::Walk { seed: hash(&[2, number]), value: 50_000, unit: 1.0 / 4096.0 };
    let offset_ms = offset(&instance);
    Target { series: vec![Series::floats(&labels, [])], from_ms, offset_ms, state }
}

fn sensor(number: u64, from_ms: i64) -> Target {
    let place = format!("rack-{}/{}", number / 40, number % 40);
    let labels = [("__name__", "temperature_celsius"), ("job", "sensors"), ("sensor", &place)];
    let state = State::Walk { seed: hash(&[3, number]), value: 253, unit: 10.0 };
    // All on one exporter.
    let offset_ms = offset("sensors");
    Target { series: vec![Series::floats(&labels, [])], from_ms, offset_ms, state }
}

/// When a target is scraped, as Prometheus does: spread by its name.
fn offset(target: &str) -> i64 {
    (text_seed(target) % SCRAPE_MS.cast_unsigned()).cast_signed()
}

fn job(number: u64) -> String {
    format!("job-{}", number % 10)
}

fn instance(number: u64) -> String {
    format!("host-{number:04}.example:9100")
}
