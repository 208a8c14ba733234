//! What queries cost: two groups of two whole replicas behind forwarders that
//! count, and a set of dashboard queries.

use std::thread;
use std::time::{Duration, Instant};

use crate::compare::Question;
use crate::data::{Series, Value, hash, label_set, text_seed};
use crate::fleet::{INTERVAL_MS, PAST_MS};
use crate::forward::{Forwarder, Traffic};
use crate::modes::Mode;
use crate::prometheus::Prometheus;
use crate::proxy::{Group, Proxy};

/// The sites of the two groups.
const SITES: [&str; 2] = ["east", "west"];
/// Buckets of the histogram.
const BOUNDS: [&str; 6] = ["0.01", "0.1", "0.5", "1", "5", "+Inf"];

/// What a dashboard asks, over counters (one per instance and handler),
/// gauges (one per instance) and a histogram of a few instances.
pub const DASHBOARD: [&str; 10] = [
    "sum by (job) (rate(requests_total[5m]))",
    "sum(rate(requests_total[5m]))",
    "avg by (site) (rate(requests_total[5m]))",
    "max by (job) (load)",
    "count(load > 50)",
    "topk(5, sum by (instance) (rate(requests_total[5m])))",
    "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "sum by (job) (rate(requests_total{handler=\"h0\"}[5m])) / sum by (job) (rate(requests_total[5m]))",
    "quantile by (job) (0.9, rate(requests_total[5m]))",
    "rate(requests_total{instance=\"host-0007:9100\"}[5m])",
];

/// How much data there is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Instances of both groups together.
    pub instances: usize,
    /// Counters of each instance.
    pub handlers: usize,
    /// Length of the window.
    pub minutes: i64,
}

impl Size {
    /// Two thousand counters over six hours.
    pub const FULL: Self = Self { instances: 200, handlers: 10, minutes: 360 };
    /// Enough to see that it works.
    pub const SMALL: Self = Self { instances: 20, handlers: 5, minutes: 60 };

    fn times(self) -> Vec<i64> {
        (0..=self.minutes * 60_000 / INTERVAL_MS).map(|n| PAST_MS + n * INTERVAL_MS).collect()
    }

    /// The series of a group.
    fn series(self, group: usize) -> Vec<Series> {
        let times = self.times();
        let mut all = Vec::new();
        for number in (group..self.instances).step_by(2) {
            let instance = format!("host-{number:04}:9100");
            let job = ["api", "db", "web", "queue"][number / 2 % 4];
            let own = [("job", job), ("instance", instance.as_str())];
            for handler in 0..self.handlers {
                let handler = format!("h{handler}");
                let labels = [own[0], own[1], ("handler", handler.as_str())];
                all.push(counter("requests_total", &labels, &times));
            }
            let seed = text_seed(&instance);
            let load = times.iter().map(|time| (*time, (hash(&[seed, slot(*time)]) % 100) as f64));
            all.push(Series::floats(&[&[("__name__", "load")], &own[..]].concat(), load));
            if number < 20 {
                let bucket = |bound| [own[0], own[1], ("le", bound)];
                let buckets = BOUNDS.iter().map(|bound| bucket(*bound));
                all.extend(cumulative(buckets.collect(), &times));
            }
        }
        all
    }
}

fn slot(time_ms: i64) -> u64 {
    time_ms.div_euclid(INTERVAL_MS).cast_unsigned()
}

fn counter(name: &str, labels: &[(&str, &str)], times: &[i64]) -> Series {
    let seed = text_seed(&format!("{labels:?}"));
    // A fraction of its own, so that no two rates are equal.
    let own = (seed % 8191) as f64 / 8192.0;
    let mut count = 0.0;
    let mut value = |time: &i64| {
        count += (hash(&[seed, slot(*time)]) % 40) as f64 + own;
        (*time, count)
    };
    let samples: Vec<(i64, f64)> = times.iter().map(&mut value).collect();
    Series::floats(&[&[("__name__", name)], labels].concat(), samples)
}

/// Buckets, each with its own growth and that of the ones below.
fn cumulative(buckets: Vec<[(&str, &str); 3]>, times: &[i64]) -> Vec<Series> {
    let mut below: Option<Series> = None;
    let mut all = Vec::new();
    for labels in buckets {
        let mut series = counter("latency_seconds_bucket", &labels, times);
        if let Some(below) = &below {
            for ((_, value), (_, more)) in series.samples.iter_mut().zip(&below.samples) {
                if let (Value::Float(value), Value::Float(more)) = (value, more) {
                    *value += more;
                }
            }
        }
        below = Some(series.clone());
        all.push(series);
    }
    all
}

/// The servers, each replica behind a forwarder.
#[derive(Debug)]
pub struct Estate {
    /// The server that has everything.
    pub whole: Prometheus,
    size: Size,
    groups: Vec<[(Prometheus, Forwarder); 2]>,
}

/// What a query cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// What passed to and from all replicas.
    pub traffic: Traffic,
    /// From the request to the whole answer.
    pub time: Duration,
}

impl Estate {
    /// Starts and fills all servers. With `hole`, the replicas of each group
    /// miss ten minutes, each at another time.
    #[must_use]
    pub fn start(size: Size, hole: Hole) -> Self {
        let groups = thread::scope(|scope| {
            let started = [0, 1].map(|group| scope.spawn(move || fill(size, group, hole)));
            started.map(|group| group.join().expect("the servers of a group start"))
        });
        let whole = Prometheus::start();
        // All at once: what comes late is slow.
        let (mut all, mut running) = (Vec::new(), Vec::new());
        for (site, (series, servers)) in SITES.into_iter().zip(groups) {
            let labels = label_set(&[("site", site)]);
            all.extend(series.into_iter().map(|series| series.with_labels(&labels)));
            running.push(servers.map(|server| {
                let forwarder = Forwarder::start(server.client.address);
                (server, forwarder)
            }));
        }
        whole.write(&all);
        Self { whole, size, groups: running }
    }

    /// A proxy in front of the forwarders.
    #[must_use]
    pub fn proxy(&self, mode: Mode) -> Proxy {
        let mut builder = Proxy::builder();
        for (site, replicas) in SITES.into_iter().zip(&self.groups) {
            let targets = replicas.each_ref().map(|(_, forwarder)| forwarder.target());
            builder = builder.group(mode.configure(Group::new(&targets).label("site", site)));
        }
        builder.start()
    }

    /// A query over the whole window, a point a minute.
    #[must_use]
    pub fn question(&self, query: &str) -> Question {
        let end = PAST_MS + self.size.minutes * 60_000;
        Question::range(query, PAST_MS, end, 60_000).close()
    }

    /// Asks a query and counts.
    ///
    /// # Panics
    /// When the answer is no success.
    #[must_use]
    pub fn cost(&self, proxy: &Proxy, question: &Question) -> Cost {
        let _before = self.traffic();
        let start = Instant::now();
        let answer = question.ask(proxy.client);
        let time = start.elapsed();
        assert_eq!(answer.status, 200, "{question:?}: {}", answer.text());
        Cost { traffic: self.traffic(), time }
    }

    /// What has passed since this was last asked, or a query was.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let forwarders = self.groups.iter().flatten().map(|(_, forwarder)| forwarder.take());
        forwarders.fold(Traffic::default(), std::ops::Add::add)
    }
}

/// Do replicas miss something?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// Nothing.
    None,
    /// Each ten minutes, the second one half an hour after the first.
    Each,
}

/// A group's series and its two servers.
fn fill(size: Size, group: usize, hole: Hole) -> (Vec<Series>, [Prometheus; 2]) {
    let series = size.series(group);
    let servers = [Prometheus::start(), Prometheus::start()];
    if hole == Hole::None {
        Prometheus::write_to(&servers.each_ref(), &series);
    } else {
        for (replica, server) in servers.iter().enumerate() {
            let from = PAST_MS + size.minutes * 20_000 + i64::from(replica == 1) * 1_800_000;
            let mut held = series.clone();
            let within = |time: i64| (from..from + 600_000).contains(&time);
            held.iter_mut().for_each(|series| series.samples.retain(|(time, _)| !within(*time)));
            server.write(&held);
        }
    }
    (series, servers)
}
