//! Two server groups of two replicas each, and one server that has it all.
//!
//! The replicas scrape the same targets at the same moments and miss different
//! samples of them; the whole server holds every sample once, with the group's
//! labels attached. Fleets of other shapes are in `shape`.

mod scrapes;
pub mod shape;

use std::thread;

use crate::data::generate::Targets;
use crate::data::holes::Holes;
use crate::data::{Labels, Series, label_set};
use crate::prometheus::Prometheus;
use crate::proxy::{self, Proxy};

/// A multiple of an hour in the past, in milliseconds.
pub const PAST_MS: i64 = 1_699_999_200_000;
/// Between two scrapes, in milliseconds.
pub const INTERVAL_MS: i64 = 15_000;

/// What a fleet is filled with.
#[derive(Clone, Copy, Debug)]
pub struct Builder {
    /// What decides about all data and holes.
    pub seed: u64,
    /// The first scrape.
    pub start_ms: i64,
    /// Length of the window.
    pub minutes: i64,
}

impl Default for Builder {
    fn default() -> Self {
        Self { seed: 1, start_ms: PAST_MS, minutes: 60 }
    }
}

/// Running servers with data.
#[derive(Debug)]
pub struct Fleet {
    /// The server groups.
    pub groups: Vec<Group>,
    /// The server that holds everything.
    pub whole: Prometheus,
    /// The first scrape.
    pub start_ms: i64,
    /// The last scrape.
    pub end_ms: i64,
}

/// A server group.
#[derive(Debug)]
pub struct Group {
    /// What is attached to its series.
    pub labels: Labels,
    /// Its servers, in the configured order.
    pub replicas: Vec<Prometheus>,
}

impl Builder {
    /// Starts and fills all servers.
    #[must_use]
    pub fn start(self) -> Fleet {
        let end_ms = self.start_ms + self.minutes * 60_000;
        let times: Vec<i64> = (self.start_ms..=end_ms)
            .step_by(usize::try_from(INTERVAL_MS).expect("an interval is positive"))
            .collect();
        let truth: Vec<(Labels, Vec<Series>)> = ["east", "west"]
            .into_iter()
            .enumerate()
            .map(|(group, site)| {
                let targets = Targets { seed: self.seed, start_ms: self.start_ms, group };
                let labels = label_set(&[("site", site), ("region", &format!("{site} coast"))]);
                (labels, targets.scrape(&times))
            })
            .collect();
        let all: Vec<Series> = truth
            .iter()
            .flat_map(|(labels, series)| series.iter().map(|one| one.clone().with_labels(labels)))
            .collect();
        let (whole, groups) = thread::scope(|scope| {
            let whole = scope.spawn(|| filled(&Prometheus::builder(), &all));
            let groups: Vec<_> = truth
                .iter()
                .enumerate()
                .map(|(index, (labels, series))| {
                    let replicas = [0, 1].map(|replica| {
                        scope.spawn(move || self.replica(index as u64, replica, series))
                    });
                    (labels, replicas)
                })
                .collect();
            let joined = "a server of the fleet starts";
            let groups = groups.into_iter().map(|(labels, replicas)| Group {
                labels: labels.clone(),
                replicas: replicas.map(|replica| replica.join().expect(joined)).into(),
            });
            let groups: Vec<Group> = groups.collect();
            (whole.join().expect(joined), groups)
        });
        Fleet { groups, whole, start_ms: self.start_ms, end_ms }
    }

    fn replica(self, group: u64, replica: u64, series: &[Series]) -> Prometheus {
        let holes = Holes { seed: self.seed + group, interval_ms: INTERVAL_MS };
        // HA pairs are told apart by such a label; no answer may show it.
        let name = ["a", "b"][(replica % 2) as usize];
        let builder = Prometheus::builder().external_label("replica", name);
        filled(&builder, &holes.punch(replica, series))
    }
}

fn filled(builder: &crate::prometheus::Builder, series: &[Series]) -> Prometheus {
    let server = builder.start();
    server.write(series);
    server
}

impl Fleet {
    /// A fleet of the usual data in the past.
    #[must_use]
    pub fn start() -> Fleet {
        Builder::default().start()
    }

    /// A proxy in front of the groups; `change` may set further keys.
    #[must_use]
    pub fn proxy(&self, change: impl Fn(proxy::Group) -> proxy::Group) -> Proxy {
        self.proxy_builder(change).start()
    }

    /// As [`Self::proxy`], not started yet.
    #[must_use]
    pub fn proxy_builder(&self, change: impl Fn(proxy::Group) -> proxy::Group) -> proxy::Builder {
        let mut builder = Proxy::builder();
        for group in &self.groups {
            let targets: Vec<String> = group.replicas.iter().map(Prometheus::target).collect();
            let mut config = proxy::Group::new(&targets);
            for (name, value) in &group.labels {
                config = config.label(name, value);
            }
            builder = builder.group(change(config));
        }
        builder
    }
}
