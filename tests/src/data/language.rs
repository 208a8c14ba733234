//! Data for queries of every part of the language: counters with resets,
//! gauges, native histograms of all kinds, classic ones, special numbers,
//! gaps, stale markers, metadata for `info`.
//!
//! Gauges are multiples of 1/1024, so that sums are exact and their order
//! does not show. Series come in the order of their labels: a server that is
//! sent them in this order selects them in this order.

mod histograms;

use super::{Series, Value, hash, label_set, text_seed};

/// The first scrape, in milliseconds.
pub const START_MS: i64 = 1_700_000_000_000;
/// The last scrape.
pub const END_MS: i64 = START_MS + 48 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;
const SCRAPE_MS: i64 = 15_000;

/// Targets with job and instance.
const INSTANCES: [(&str, &str); 4] = [("api", "a:1"), ("api", "b:1"), ("db", "a:2"), ("db", "c:2")];
/// Upper bounds of the classic histograms.
const BOUNDS: [&str; 6] = ["0.1", "0.5", "1", "2.5", "10", "+Inf"];

type Alive = &'static [std::ops::Range<i64>];

/// Everything, in label order.
#[must_use]
pub fn series() -> Vec<Series> {
    let mut all = Vec::new();
    counters(&mut all);
    gauges(&mut all);
    classic(&mut all);
    metadata(&mut all);
    special(&mut all);
    histograms::add(&mut all);
    all.sort_by(|a, b| a.labels.iter().cmp(b.labels.iter()));
    all
}

/// A series of floats: a value for each scrape in which it is alive, and a
/// stale marker at each end.
fn floats(name: &str, labels: &[(&str, &str)], alive: Alive, value: impl Fn(i64) -> f64) -> Series {
    sampled(name, labels, alive, &Value::stale(), |time| Value::Float(value(time)))
}

fn sampled(
    name: &str,
    labels: &[(&str, &str)],
    alive: Alive,
    stale: &Value,
    value: impl Fn(i64) -> Value,
) -> Series {
    let mut labels = label_set(labels);
    labels.insert("__name__".to_owned(), name.to_owned());
    let (mut samples, mut before) = (Vec::new(), false);
    for time in (START_MS..=END_MS).step_by(SCRAPE_MS.unsigned_abs() as usize) {
        let minute = (time - START_MS) / MINUTE_MS;
        let now = alive.is_empty() || alive.iter().any(|range| range.contains(&minute));
        if now {
            samples.push((time, value(time)));
        } else if before {
            samples.push((time, stale.clone()));
        }
        before = now;
    }
    Series { labels, samples, exemplars: Vec::new() }
}

fn seed_of(name: &str, labels: &[(&str, &str)]) -> u64 {
    text_seed(&format!("{name}{labels:?}"))
}

/// Minutes since the start, and the share of the current one in quarters.
fn minute_of(time_ms: i64) -> (i64, i64) {
    let since = time_ms - START_MS;
    (since / MINUTE_MS, since % MINUTE_MS / SCRAPE_MS)
}

/// A count that grows, and begins anew every so many minutes.
fn count(seed: u64, time_ms: i64) -> f64 {
    let (minute, quarter) = minute_of(time_ms);
    let period = [i64::MAX, 11, 19, 7][(seed % 4) as usize];
    let growth = |minute: i64| (hash(&[seed, minute.cast_unsigned()]) % 50) * 4;
    let grown: u64 = (minute - minute % period..minute).map(growth).sum();
    (grown + growth(minute) / 4 * quarter.cast_unsigned()) as f64
}

/// A multiple of 1/1024 between -30 and 68, new every other scrape.
fn gauge(seed: u64, time_ms: i64) -> f64 {
    let slot = (time_ms / (2 * SCRAPE_MS)).cast_unsigned();
    (hash(&[seed, slot]) % 100_000) as f64 / 1024.0 - 30.0
}

fn counters(all: &mut Vec<Series>) {
    for (job, instance) in INSTANCES {
        for code in ["200", "404", "500"] {
            let labels = [("job", job), ("instance", instance), ("code", code)];
            let seed = seed_of("requests", &labels);
            all.push(floats("requests_total", &labels, &[], |time| count(seed, time)));
        }
        let labels = [("job", job), ("instance", instance)];
        let seed = seed_of("cpu", &labels);
        all.push(floats("cpu_seconds_total", &labels, &[], |time| count(seed, time) * 0.37));
    }
    let lives: [(&str, Alive); 3] =
        [("a", &[0..9, 15..31, 36..60]), ("b", &[4..5, 6..7, 8..26]), ("c", &[38..41, 43..60])];
    for (instance, alive) in lives {
        let labels = [("job", "flap"), ("instance", instance)];
        let seed = seed_of("flapping", &labels);
        all.push(floats("flapping_total", &labels, alive, |time| count(seed, time)));
    }
}

fn gauges(all: &mut Vec<Series>) {
    for (job, instance) in INSTANCES {
        for zone in ["x", "y"] {
            let labels = [("job", job), ("instance", instance), ("zone", zone)];
            let seed = seed_of("temperature", &labels);
            all.push(floats("temperature", &labels, &[], |time| gauge(seed, time)));
        }
        let labels = [("job", job), ("instance", instance)];
        let seed = seed_of("up", &labels);
        let up = |time: i64| {
            let slot = (time / MINUTE_MS).cast_unsigned();
            f64::from(u8::from(!hash(&[seed, slot]).is_multiple_of(7)))
        };
        all.push(floats("up", &labels, &[], up));
        // Few values, so that equal ones occur.
        all.push(floats("replicas", &labels, &[], |time| (gauge(seed, time) / 30.0).round() + 0.0));
        let limit = [("instance", instance)];
        all.push(floats("limit", &limit, &[], |time| 20.0 + gauge(seed, time) / 4.0));
        all.push(floats("boot_time_seconds", &labels, &[], move |time| {
            1_582_900_000.0 + (seed % 100_000_000) as f64 + (minute_of(time).0 / 16 * 86_400) as f64
        }));
    }
    all.push(floats("lonely", &[], &[0..19, 24..33], |time| gauge(7, time)));
    // Now and then a sample, with and without a marker in between.
    for (instance, period) in [("a", 4), ("b", 6), ("c", 17)] {
        let mut series = floats("sparse", &[("instance", instance)], &[], |time| gauge(5, time));
        series.samples.retain(|(time, _)| (time - START_MS) % (period * MINUTE_MS) == 0);
        all.push(series);
    }
}

fn classic(all: &mut Vec<Series>) {
    for (job, instance) in INSTANCES {
        let own = [("job", job), ("instance", instance)];
        let seed = seed_of("latency", &own);
        let below = move |index: usize, time: i64| -> f64 {
            (0..=index as u64).map(|bucket| count(seed + 4 * bucket, time)).sum()
        };
        for (index, bound) in BOUNDS.into_iter().enumerate() {
            // One target lacks the last bucket, another has one too small.
            if (instance, bound) == ("c:2", "+Inf") {
                continue;
            }
            let less = if (instance, bound) == ("b:1", "2.5") { 70.0 } else { 0.0 };
            let labels = [own[0], own[1], ("le", bound)];
            all.push(floats("latency_bucket", &labels, &[], |time| {
                (below(index, time) - less).max(0.0)
            }));
        }
        all.push(floats("latency_count", &own, &[], |time| below(BOUNDS.len() - 1, time)));
        all.push(floats("latency_sum", &own, &[], |time| below(BOUNDS.len() - 1, time) * 0.625));
    }
    let odd = [("job", "db"), ("instance", "a:2"), ("le", "wide")];
    all.push(floats("latency_bucket", &odd, &[12..25, 27..40], |time| count(3, time)));
}

/// What `info` and `group_left` join with.
fn metadata(all: &mut Vec<Series>) {
    for (index, (job, instance)) in INSTANCES.into_iter().enumerate() {
        let one = |_: i64| 1.0;
        let version = ["1.2", "1.3", "2.0", "2.1"][index];
        let labels = [("job", job), ("instance", instance), ("version", version), ("zone", "info")];
        all.push(floats("target_info", &labels, &[], one));
        let labels = [("job", job), ("instance", instance), ("revision", version)];
        all.push(floats("build_info", &labels, &[], one));
        let owner = [("instance", instance), ("team", ["red", "blue", "red", "green"][index])];
        all.push(floats("owner", &owner, &[], one));
    }
}

/// Numbers with a text or arithmetic of their own, and odd names.
fn special(all: &mut Vec<Series>) {
    const VALUES: [f64; 14] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        0.0,
        1e21,
        1e-7,
        f64::MAX,
        f64::MIN,
        5e-324,
        0.1,
        123_456_789.125,
        -1.0,
        0.5,
    ];
    for instance in ["a", "b", "c"] {
        let labels = [("instance", instance)];
        let seed = seed_of("unusual", &labels);
        let value = move |time: i64| {
            let slot = (time / (2 * MINUTE_MS)).cast_unsigned();
            VALUES[(hash(&[seed, slot]) % VALUES.len() as u64) as usize]
        };
        all.push(floats("unusual", &labels, &[], value));
    }
    for street in ["Hauptstraße 1", "am \"Markt\"", "C:\\x\ny"] {
        let labels = [("job", "utf8"), ("ort/straße", street)];
        let seed = seed_of("utf8", &labels);
        all.push(floats("größe.gesamt", &labels, &[], |time| count(seed, time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_unique_and_in_label_order() {
        let all = series();
        assert!(all.len() > 80, "{}", all.len());
        assert!(all.is_sorted_by(|a, b| a.labels.iter().lt(b.labels.iter())));
    }

    #[test]
    fn every_series_has_samples_in_ascending_time() {
        for series in series() {
            assert!(!series.samples.is_empty(), "{:?}", series.labels);
            assert!(series.samples.is_sorted_by(|a, b| a.0 < b.0), "{:?}", series.labels);
        }
    }
}
