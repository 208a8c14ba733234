//! Deterministic targets and what a scrape of them yields at any time.
//!
//! Every value is a pure function of the seed and the time, so that replicas
//! that scrape at different moments see the same targets. The families cover
//! what breaks proxies: resets, NaN and infinities, staleness, native and
//! classic histograms, series that change their kind, UTF-8 names, labels
//! that need escaping, metrics that only one group has.

use super::{Exemplar, Histogram, Labels, ResetHint, Series, Value, hash, label_set, text_seed};

const MINUTE_MS: i64 = 60_000;
/// Upper bounds of the classic and custom-bucket histograms.
const BOUNDS: [&str; 5] = ["0.1", "0.5", "1", "5", "+Inf"];
/// Label values that need care in queries, JSON, YAML or HTML.
pub const ODD_VALUES: [&str; 7] = [
    "say \"hello\"",
    "C:\\temp\\new",
    "two\nlines",
    "tab\tand\rreturn",
    "<b>&amp;</b>",
    "Grüße, 世界 😀",
    " .*+?^${}()|[] ",
];
/// A metric whose name needs quoting.
pub const UTF8_METRIC: &str = "größe.gesamt";
/// A label whose name needs quoting.
pub const UTF8_LABEL: &str = "ort/straße";

/// The targets of one server group.
#[derive(Clone, Copy, Debug)]
pub struct Targets {
    /// What decides about all values.
    pub seed: u64,
    /// The beginning of the window; counters start here.
    pub start_ms: i64,
    /// Which group it is: from group 1 on, `only_second` exists.
    pub group: usize,
}

/// One series as a function of time.
struct Source<'a> {
    labels: Labels,
    value: Box<dyn Fn(i64) -> Value + 'a>,
    /// Minutes after the start in which it is exposed; always, if empty.
    alive: &'static [std::ops::Range<i64>],
}

impl Targets {
    /// Everything that scrapes at these times yield, in ascending times.
    #[must_use]
    pub fn scrape(&self, times_ms: &[i64]) -> Vec<Series> {
        let sources = [self.counters(), self.gauges(), self.classic(), self.native(), self.odd()];
        sources.iter().flatten().map(|source| self.samples(source, times_ms)).collect()
    }

    fn samples(&self, source: &Source<'_>, times_ms: &[i64]) -> Series {
        let mut series =
            Series { labels: source.labels.clone(), samples: Vec::new(), exemplars: Vec::new() };
        let mut before: Option<Value> = None;
        for &time in times_ms {
            let minute = (time - self.start_ms).div_euclid(MINUTE_MS);
            let alive = source.alive.is_empty() || source.alive.iter().any(|r| r.contains(&minute));
            let now = alive.then(|| (source.value)(time));
            // A server marks the first scrape that no longer yields a series.
            let marker = before.as_ref().filter(|_| !alive).map(stale_like);
            series.samples.extend(now.clone().or(marker).map(|value| (time, value)));
            before = now;
        }
        if source.labels["__name__"] == "http_requests_total" {
            series.exemplars = self.exemplars(&source.labels, times_ms);
        }
        series
    }

    fn counters(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        for (job, instance) in INSTANCES {
            for code in ["200", "404", "500"] {
                let labels = [("job", job), ("instance", instance), ("code", code)];
                sources.push(self.counter("http_requests_total", &labels, 0.0));
            }
            // Fractions, so that the order of additions can be seen.
            sources.push(self.counter(
                "cpu_seconds_total",
                &[("job", job), ("instance", instance)],
                0.37,
            ));
        }
        // Gone and back; a marker at each end.
        for instance in ["a", "b", "c"] {
            let mut source =
                self.counter("flapping_total", &[("job", "flap"), ("instance", instance)], 0.0);
            source.alive = match instance {
                "a" => &[0..11, 19..38, 44..70],
                "b" => &[5..6, 7..8, 9..30],
                _ => &[45..50, 52..90],
            };
            sources.push(source);
        }
        sources
    }

    fn gauges(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        for (job, instance) in INSTANCES {
            let labels = [("job", job), ("instance", instance)];
            sources.push(self.source("temperature_celsius", &labels, |seed, time| {
                Value::Float(gauge(seed, time))
            }));
            sources.push(
                self.source("unusual_values", &labels, |seed, time| {
                    Value::Float(unusual(seed, time))
                }),
            );
            sources.push(self.source("up", &labels, |seed, time| {
                Value::Float(f64::from(u8::from(
                    !hash(&[seed, slot(time, MINUTE_MS)]).is_multiple_of(9),
                )))
            }));
        }
        let info = [("job", "api"), ("instance", "10.0.0.1:9100"), ("version", "1.2.3")];
        sources.push(self.source("build_info", &info, |_, _| Value::Float(1.0)));
        if self.group > 0 {
            let labels = [("job", "rare")];
            sources.push(
                self.source("only_second", &labels, |seed, time| Value::Float(gauge(seed, time))),
            );
        }
        sources
    }

    fn classic(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        for (job, instance) in INSTANCES {
            let own = [("job", job), ("instance", instance)];
            let seed = self.seed_of("request_duration_seconds", &own);
            for (index, bound) in BOUNDS.into_iter().enumerate() {
                let labels = [own[0], own[1], ("le", bound)];
                sources.push(self.source(
                    "request_duration_seconds_bucket",
                    &labels,
                    move |_, t| Value::Float(self.cumulative(seed, index, t) as f64),
                ));
            }
            sources.push(self.source("request_duration_seconds_count", &own, move |_, t| {
                Value::Float(self.cumulative(seed, BOUNDS.len() - 1, t) as f64)
            }));
            sources.push(self.source("request_duration_seconds_sum", &own, move |_, t| {
                Value::Float(self.cumulative(seed, BOUNDS.len() - 1, t) as f64 * 0.25)
            }));
        }
        sources
    }

    fn native(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        for (job, instance) in INSTANCES {
            let labels = [("job", job), ("instance", instance)];
            sources.push(self.source("response_size_bytes", &labels, |seed, time| {
                Value::Histogram(Box::new(self.exponential(seed, time)))
            }));
            sources.push(self.source("batch_items", &labels, |seed, time| {
                let histogram = self.exponential(seed, time);
                Value::Histogram(Box::new(Histogram { hint: ResetHint::Gauge, ..histogram }))
            }));
            sources.push(self.source("queue_latency_seconds", &labels, |seed, time| {
                Value::Histogram(Box::new(halved(self.exponential(seed, time))))
            }));
            sources.push(self.source("rpc_seconds", &labels, |seed, time| {
                Value::Histogram(Box::new(self.custom(seed, time)))
            }));
        }
        let mut flapping = self.source("flapping_seconds", &[("job", "flap")], |seed, time| {
            Value::Histogram(Box::new(self.exponential(seed, time)))
        });
        flapping.alive = &[0..14, 22..70];
        sources.push(flapping);
        // A target that went over to native histograms in the middle.
        sources.push(self.source("changed_kind", &[("job", "mixed")], |seed, time| {
            if time - self.start_ms < 25 * MINUTE_MS {
                Value::Float(self.count(seed, time) as f64)
            } else {
                Value::Histogram(Box::new(self.exponential(seed, time)))
            }
        }));
        sources
    }

    fn odd(&self) -> Vec<Source<'_>> {
        let mut sources = Vec::new();
        for value in ODD_VALUES {
            sources.push(self.counter(
                "odd_values_total",
                &[("job", "odd"), ("value", value)],
                0.0,
            ));
        }
        for street in ["Hauptstraße 1", "am Markt"] {
            sources.push(self.counter(UTF8_METRIC, &[("job", "utf8"), (UTF8_LABEL, street)], 0.0));
        }
        // The group's own label of this name wins.
        sources.push(self.counter("own_region_total", &[("region", "inner")], 0.0));
        sources
    }

    fn source<'a>(
        &'a self,
        name: &str,
        labels: &[(&str, &str)],
        value: impl Fn(u64, i64) -> Value + 'a,
    ) -> Source<'a> {
        let seed = self.seed_of(name, labels);
        let mut labels = label_set(labels);
        labels.insert("__name__".to_owned(), name.to_owned());
        Source { labels, value: Box::new(move |time| value(seed, time)), alive: &[] }
    }

    /// A counter; `fraction` of each count is added to it.
    fn counter(&self, name: &str, labels: &[(&str, &str)], fraction: f64) -> Source<'_> {
        self.source(name, labels, move |seed, time| {
            let count = self.count(seed, time) as f64;
            Value::Float(count + count * fraction)
        })
    }

    fn seed_of(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        hash(&[self.seed, self.group as u64, text_seed(&format!("{name}{labels:?}"))])
    }

    /// What a counter shows: growth by a drawn amount each minute since its
    /// last reset, if it ever resets.
    fn count(&self, seed: u64, time_ms: i64) -> u64 {
        let since_start = (time_ms - self.start_ms).max(0);
        let (minute, rest) = (since_start / MINUTE_MS, since_start % MINUTE_MS);
        let period = reset_period(seed);
        let first = minute - minute % period;
        let grown: u64 = (first..minute).map(|minute| growth(seed, minute)).sum();
        grown + growth(seed, minute) * rest.cast_unsigned() / MINUTE_MS.cast_unsigned()
    }

    /// What a bucket of a native histogram shows: a counter far above zero,
    /// also after a reset. Versions differ in how far they extrapolate the
    /// rate of a histogram that may have begun at zero.
    fn bucket(&self, seed: u64, time_ms: i64) -> f64 {
        let minute = (time_ms - self.start_ms).max(0) / MINUTE_MS;
        let base = if minute < reset_period(seed) { 100_000 } else { 50_000 };
        (base + self.count(seed, time_ms)) as f64
    }

    /// Observations up to bound `index` of a classic histogram.
    fn cumulative(&self, seed: u64, index: usize, time_ms: i64) -> u64 {
        // All buckets of a target reset together: equal remainder of 3.
        (0..=index as u64).map(|bucket| self.count(seed + 3 * bucket, time_ms)).sum()
    }

    fn exponential(&self, seed: u64, time_ms: i64) -> Histogram {
        // A resolution change in the middle of the window.
        let schema = if (time_ms - self.start_ms) / MINUTE_MS < 40 { 3 } else { 2 };
        let bucket = |index: i32| {
            let own = seed + 3 * u64::from(index.unsigned_abs());
            (index, if own.is_multiple_of(4) { 0.0 } else { self.bucket(own, time_ms) })
        };
        let zero_count = self.bucket(seed, time_ms);
        let mut histogram = Histogram {
            schema,
            zero_threshold: 1e-3,
            zero_count,
            positive: (-3..9).map(bucket).collect(),
            negative: (0..3).map(bucket).collect(),
            ..Histogram::default()
        };
        histogram.count = histogram.in_buckets();
        histogram.sum = histogram.count * 0.75;
        histogram
    }

    fn custom(&self, seed: u64, time_ms: i64) -> Histogram {
        let bounds = BOUNDS.iter().filter_map(|bound| bound.parse().ok());
        let buckets = (0i32..5)
            .map(|index| (index, self.bucket(seed + 3 * u64::from(index.unsigned_abs()), time_ms)));
        let mut histogram = Histogram {
            schema: -53,
            positive: buckets.collect(),
            custom_values: bounds.filter(|bound: &f64| bound.is_finite()).collect(),
            ..Histogram::default()
        };
        histogram.count = histogram.in_buckets();
        histogram.sum = histogram.count * 0.5;
        histogram
    }

    /// One exemplar every five minutes, at the moment of a scrape.
    fn exemplars(&self, labels: &Labels, times_ms: &[i64]) -> Vec<Exemplar> {
        let seed = text_seed(&format!("{labels:?}"));
        let chosen = times_ms.iter().step_by(20);
        chosen
            .map(|&time_ms| Exemplar {
                labels: label_set(&[(
                    "trace_id",
                    &format!("{:016x}", hash(&[seed, slot(time_ms, 1)])),
                )]),
                value: (hash(&[seed, slot(time_ms, 2)]) % 1000) as f64 / 8.0,
                time_ms,
            })
            .collect()
    }
}

const INSTANCES: [(&str, &str); 3] =
    [("api", "10.0.0.1:9100"), ("api", "10.0.0.2:9100"), ("db", "10.0.1.1:9187")];

/// A float histogram with half of each count, so that fractions occur.
fn halved(mut histogram: Histogram) -> Histogram {
    histogram.float = true;
    histogram.zero_count /= 2.0;
    histogram.count /= 2.0;
    let buckets = histogram.positive.iter_mut().chain(&mut histogram.negative);
    buckets.for_each(|(_, count)| *count /= 2.0);
    histogram
}

fn stale_like(value: &Value) -> Value {
    match value {
        Value::Float(_) => Value::stale(),
        Value::Histogram(_) => Value::stale_histogram(),
    }
}

/// Minutes between the resets of a counter.
fn reset_period(seed: u64) -> i64 {
    [i64::MAX, 17, 29][(seed % 3) as usize]
}

/// Growth of a counter in a minute; at times none.
fn growth(seed: u64, minute: i64) -> u64 {
    hash(&[seed, minute.cast_unsigned()]) % 200
}

/// A fraction that changes every 20 seconds.
fn gauge(seed: u64, time_ms: i64) -> f64 {
    (hash(&[seed, slot(time_ms, 20_000)]) % 100_000) as f64 / 1024.0 - 30.0
}

/// Values whose text or arithmetic is special, each held for a minute.
fn unusual(seed: u64, time_ms: i64) -> f64 {
    const VALUES: [f64; 12] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        1e21,
        1e-7,
        f64::MAX,
        5e-324,
        0.1,
        123_456_789.125,
        -1.0,
        4503599627370497.5,
    ];
    VALUES[(hash(&[seed, slot(time_ms, MINUTE_MS)]) % VALUES.len() as u64) as usize]
}

fn slot(time_ms: i64, length_ms: i64) -> u64 {
    time_ms.div_euclid(length_ms).cast_unsigned()
}
