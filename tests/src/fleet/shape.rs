//! The fleets of the proof that nothing of push-down shows: what the groups
//! are called, which targets their replicas scrape, when, and what they miss.

use std::thread;

use super::scrapes::{Scrapes, Truth};
use super::{Fleet, Group, PAST_MS, filled};
use crate::data::outages::Holes;
use crate::data::{Labels, Series, label_set};
use crate::prometheus::Prometheus;

/// Begins at no multiple of a minute, in milliseconds.
const BEGIN_MS: i64 = PAST_MS + 433_000;
/// Length of a window: long enough that there is something to save.
const MINUTES: i64 = 180;

/// A fleet, described.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// For messages.
    pub name: &'static str,
    /// Its server groups.
    pub groups: &'static [GroupShape],
    /// Scrapes are late by up to this much, each replica's by its own.
    pub jitter_ms: i64,
    /// What replicas miss.
    pub holes: &'static [Holes],
    /// The window ends now.
    pub recent: bool,
    /// Whether sets of targets are told apart by a label of their own.
    pub own_sites: bool,
}

/// A server group, described.
#[derive(Clone, Copy, Debug)]
pub struct GroupShape {
    /// Attached by the proxy.
    pub labels: &'static [(&'static str, &'static str)],
    /// The sets of targets that its replicas scrape.
    pub sets: &'static [usize],
    /// One per replica: how much later it scrapes than the first one.
    pub offsets_ms: &'static [i64],
}

const EAST: GroupShape = GroupShape {
    labels: &[("site", "east"), ("region", "east coast")],
    sets: &[0],
    offsets_ms: &[0, 0],
};
const WEST: GroupShape = GroupShape {
    labels: &[("site", "west"), ("region", "west coast")],
    sets: &[1],
    offsets_ms: &[0, 0],
};
const FIRST: GroupShape = GroupShape { labels: &[], ..EAST };
const SECOND: GroupShape = GroupShape { labels: &[], ..WEST };
/// Clearly less than half the interval (the default rule takes a sample at
/// three eighths of the spacing from its neighbour if nothing else fills a
/// hole), so that which samples are taken can be said by scrape numbers.
const OFFSETS: &[i64] = &[0, 4_000];
/// Half the interval, where it cannot.
const HALF: &[i64] = &[0, 7_500];

const LABELLED: Shape = Shape {
    name: "labelled",
    groups: &[EAST, WEST],
    jitter_ms: 0,
    holes: &[],
    recent: false,
    own_sites: false,
};
const UNLABELLED: Shape =
    Shape { name: "unlabelled", groups: &[FIRST, SECOND], own_sites: true, ..LABELLED };
const LABELLED_OFFSET: Shape = Shape {
    name: "labelled, offset",
    groups: &[
        GroupShape { offsets_ms: OFFSETS, ..EAST },
        GroupShape { offsets_ms: OFFSETS, ..WEST },
    ],
    ..LABELLED
};
const UNLABELLED_OFFSET: Shape = Shape {
    name: "unlabelled, offset",
    groups: &[
        GroupShape { offsets_ms: OFFSETS, ..FIRST },
        GroupShape { offsets_ms: OFFSETS, ..SECOND },
    ],
    ..UNLABELLED
};
const USUAL: &[Holes] = &[Holes::Outages, Holes::Targets];
const CROSSING: &[Holes] = &[Holes::Crossing, Holes::Targets];
const ROLLING: &[Holes] = &[Holes::Rolling, Holes::Long];

impl Shape {
    /// Groups with labels, replicas whole and aligned.
    pub const LABELLED: Self = LABELLED;
    /// The same, and replicas are down at times and miss targets at others.
    pub const LABELLED_HOLES: Self = Self { name: "labelled, holes", holes: USUAL, ..LABELLED };
    /// Replicas that miss different targets at the same time.
    pub const LABELLED_CROSSING: Self =
        Self { name: "labelled, crossing holes", holes: CROSSING, ..LABELLED };
    /// Replicas restarted back to back, and one that is down for an hour.
    pub const LABELLED_ROLLING: Self =
        Self { name: "labelled, rolling restarts", holes: ROLLING, ..LABELLED };
    /// Single scrapes are missed, replicas come late and go early.
    pub const LABELLED_EDGES: Self = Self {
        name: "labelled, edges and single scrapes",
        holes: &[Holes::Scattered, Holes::Edges],
        ..LABELLED
    };
    /// The second replica scrapes at other moments.
    pub const LABELLED_OFFSET: Self = LABELLED_OFFSET;
    /// The same with holes.
    pub const LABELLED_OFFSET_HOLES: Self =
        Self { name: "labelled, offset, holes", holes: USUAL, ..LABELLED_OFFSET };
    /// Scrapes half an interval apart: what the merge is, only the rule says.
    pub const LABELLED_HALF_OFFSET_HOLES: Self = Self {
        name: "labelled, half offset, holes",
        groups: &[GroupShape { offsets_ms: HALF, ..EAST }, GroupShape { offsets_ms: HALF, ..WEST }],
        jitter_ms: 400,
        holes: USUAL,
        ..LABELLED
    };
    /// Nor does any scrape come on time.
    pub const LABELLED_JITTER_HOLES: Self = Self {
        name: "labelled, offset, jitter, holes",
        jitter_ms: 900,
        holes: &[Holes::Outages, Holes::Targets, Holes::Rolling],
        ..LABELLED_OFFSET
    };
    /// The window ends now.
    pub const LABELLED_RECENT_HOLES: Self =
        Self { name: "labelled, recent, holes", recent: true, holes: USUAL, ..LABELLED };
    /// Groups without labels, told apart by a label of their series.
    pub const UNLABELLED: Self = UNLABELLED;
    /// The same with holes.
    pub const UNLABELLED_HOLES: Self =
        Self { name: "unlabelled, holes", holes: USUAL, ..UNLABELLED };
    /// Offset as well.
    pub const UNLABELLED_OFFSET_HOLES: Self =
        Self { name: "unlabelled, offset, holes", holes: USUAL, ..UNLABELLED_OFFSET };
    /// Both groups hold the same series.
    pub const OVERLAPPING: Self = Self {
        name: "overlapping",
        groups: &[FIRST, GroupShape { sets: &[0], ..SECOND }],
        ..UNLABELLED
    };
    /// The same with holes, other ones in each group.
    pub const OVERLAPPING_HOLES: Self =
        Self { name: "overlapping, holes", holes: USUAL, ..Self::OVERLAPPING };
    /// One set of targets is in both groups, one in the first, one in the
    /// second.
    pub const PARTLY_OVERLAPPING_HOLES: Self = Self {
        name: "partly overlapping, holes",
        groups: &[GroupShape { sets: &[0, 2], ..FIRST }, GroupShape { sets: &[1, 2], ..SECOND }],
        holes: USUAL,
        ..UNLABELLED
    };
    /// A group with labels beside one without.
    pub const HALF_LABELLED_HOLES: Self = Self {
        name: "one group labelled, holes",
        groups: &[GroupShape { labels: &[("region", "east coast")], ..EAST }, SECOND],
        holes: USUAL,
        ..UNLABELLED
    };
    /// Groups of one replica: their holes are nobody's to fill.
    pub const SINGLE_HOLES: Self = Self {
        name: "single replicas, holes",
        groups: &[
            GroupShape { offsets_ms: &[0], ..EAST },
            GroupShape { offsets_ms: &[3_000], ..WEST },
        ],
        holes: USUAL,
        ..LABELLED
    };
    /// Three replicas, each with its own moments.
    pub const THREE_HOLES: Self = Self {
        name: "three replicas, offset, holes",
        groups: &[
            GroupShape { offsets_ms: &[0, 2_000, 4_000], ..EAST },
            GroupShape { offsets_ms: &[0, 0, 0], ..WEST },
        ],
        holes: &[Holes::Outages, Holes::Targets, Holes::Rolling],
        ..LABELLED
    };

    /// True if every replica holds what the others hold, also its values:
    /// then it does not matter which one is asked.
    #[must_use]
    pub fn is_equal_everywhere(&self) -> bool {
        let aligned =
            self.groups.iter().all(|group| group.offsets_ms.iter().all(|offset| *offset == 0));
        let once = |(index, group): (usize, &GroupShape)| {
            let others = &self.groups[index + 1..];
            others.iter().all(|other| {
                !group.labels.is_empty() && !other.labels.is_empty()
                    || group.sets.iter().all(|set| !other.sets.contains(set))
            })
        };
        self.holes.is_empty()
            && self.jitter_ms == 0
            && aligned
            && self.groups.iter().enumerate().all(once)
    }

    /// Starts and fills all servers; the seed decides about data and holes.
    #[must_use]
    pub fn start(&self, seed: u64) -> Fleet {
        let start_ms = if self.recent { recent_ms() } else { BEGIN_MS };
        let mut truth = Truth::default();
        let mut replicas: Vec<Vec<Vec<Series>>> = Vec::new();
        for (index, group) in self.groups.iter().enumerate() {
            let labels = label_set(group.labels);
            let scrapes = Scrapes { shape: self, group, index, seed, start_ms, minutes: MINUTES };
            let held: Vec<Vec<Series>> =
                (0..group.offsets_ms.len()).map(|replica| scrapes.held(replica)).collect();
            held.iter().for_each(|series| truth.add(series, &labels, &scrapes));
            replicas.push(held);
        }
        let (whole, servers) = fill(&truth.series(), &replicas);
        let labels = self.groups.iter().map(|group| label_set(group.labels));
        let groups = labels.zip(servers).map(|(labels, replicas)| Group { labels, replicas });
        Fleet { groups: groups.collect(), whole, start_ms, end_ms: start_ms + MINUTES * 60_000 }
    }

    /// What the series of a set of targets carry beside their own labels.
    pub(super) fn site_of(&self, set: usize) -> Labels {
        let site = ["east", "west", "north"][set];
        if self.own_sites { label_set(&[("site", site)]) } else { Labels::new() }
    }
}

/// Starts the whole server and each group's replicas, all at once.
fn fill(truth: &[Series], replicas: &[Vec<Vec<Series>>]) -> (Prometheus, Vec<Vec<Prometheus>>) {
    thread::scope(|scope| {
        let whole = scope.spawn(|| filled(&Prometheus::builder(), truth));
        let start = |(replica, series): (usize, &Vec<Series>)| {
            let builder = Prometheus::builder().external_label("replica", ["a", "b", "c"][replica]);
            let series = series.clone();
            scope.spawn(move || filled(&builder, &series))
        };
        let servers: Vec<Vec<_>> =
            replicas.iter().map(|held| held.iter().enumerate().map(start).collect()).collect();
        let join = |server: thread::ScopedJoinHandle<'_, Prometheus>| {
            server.join().expect("a server of the fleet starts")
        };
        let servers = servers.into_iter().map(|group| group.into_iter().map(join).collect());
        (join(whole), servers.collect())
    })
}

/// The beginning of a window that ends now, at a whole second.
fn recent_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("after 1970").as_secs()).expect("before 292 billion");
    (now - MINUTES * 60) * 1000
}
