//! The coverage index of a server group: what is known of the holes in its
//! replicas, learned from probes and from merges.
//!
//! In: counts of samples in buckets of time, listings of series, sizes of
//! merged answers. Out: what must still be asked, and estimates. It decides on
//! nothing (see [`judge`]) and asks nothing (see [`probe`]). What lies longer
//! ago than the settle time is kept, because the past does not change; for an
//! hour at most, because it does after all (backfilling). The memory is
//! bounded; what was not used longest goes first.

mod counts;
mod grid;
pub mod judge;
mod listing;
mod probe;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use promql::matcher::Matcher;

use super::replica::lock;
pub use counts::Counts;
pub use grid::Grid;
use judge::Edges;
pub use listing::Listing;
pub use probe::Wholeness;

/// Samples may arrive so late that no bucket younger than this is kept. As
/// long as Prometheus's own queues may lag before anybody notices.
pub const SETTLE_MS: i64 = 600_000;
/// What is kept is asked again after so long: old ranges may be filled later.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// For one group: a hundred selectors of 30,000 series.
const MAX_BYTES: usize = 64 << 20;
/// Shorter windows tell nothing about samples per time.
const SHORTEST_MS: i64 = 1_000;
/// Windows' ends of which it is kept how the data looks there, by selector.
const MOST_TAILS: usize = 64;
/// For one selector: beside its listings.
const ENTRY_BYTES: usize = 512;

/// How much a selector holds in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Series of one replica.
    pub series: u64,
    /// Samples of all replicas together.
    pub samples: u64,
}

/// What is known of one group; shared by all queries.
#[derive(Debug)]
pub struct Coverage {
    store: Mutex<Store>,
    /// Held by who asks the servers for much of a selector, so that others who
    /// want to know it wait for the answer.
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    max_bytes: usize,
}

/// What the last look at a selector came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// One replica had all of it.
    Whole(usize),
    /// None had all of it.
    Mixed,
}

impl Default for Coverage {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

#[derive(Debug, Default)]
struct Store {
    entries: HashMap<String, Entry>,
    bytes: usize,
    clock: u64,
    /// A replica gave no answer to a probe: none is sent before this.
    paused_until: Option<Instant>,
}

/// What is known of one selector.
#[derive(Debug, Default)]
struct Entry {
    matchers: Vec<Matcher>,
    /// When it was last used, by the store's clock.
    used: u64,
    bytes: usize,
    /// When the oldest of the facts below was learned.
    since: Option<Instant>,
    /// By bucket width.
    facts: BTreeMap<i64, Facts>,
    listed: Option<Listed>,
    density: Option<Density>,
    expected: Expected,
}

/// Facts about the settled buckets of one width.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// By bucket, then by replica.
    counts: BTreeMap<i64, Vec<Counts>>,
    /// Buckets in which all replicas have the same series, and their digest.
    same_series: BTreeMap<i64, u128>,
    /// How the data begins and ends.
    edges: Edges,
}

/// Which series there are, by replica and in all.
#[derive(Clone, Debug)]
struct Listed {
    window_ms: (i64, i64),
    by_replica: Arc<Vec<Listing>>,
    all: Arc<Listing>,
}

/// Samples per time.
#[derive(Clone, Copy, Debug)]
struct Density {
    series: u64,
    /// Per millisecond, all replicas together.
    samples_per_ms: f64,
}

/// What a probe may build upon.
#[derive(Debug, Default)]
struct Known {
    facts: Facts,
    listed: Option<Listed>,
}

/// What a probe has found out.
#[derive(Debug)]
struct Learned {
    grid: Grid,
    /// By bucket, then by replica; settled ones only.
    counts: Vec<(i64, Vec<Counts>)>,
    same_series: Vec<(i64, u128)>,
    edges: Edges,
    listed: Option<Listed>,
}

impl Listed {
    /// The same, said only of a time in which no series comes up any more.
    fn settled(mut self, now_ms: i64) -> Self {
        self.window_ms.1 = self.window_ms.1.min(now_ms - SETTLE_MS);
        self
    }
}

impl Coverage {
    /// An index that holds about so many bytes at most.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { store: Mutex::default(), turns: Mutex::default(), max_bytes }
    }

    /// How many series and samples a selector has in a window, as far as that
    /// was seen before: for this selector, or else at most, for one that
    /// matches more. The matchers are those that the replicas are asked with.
    #[must_use]
    pub fn estimate(&self, matchers: &[Matcher], window_ms: (i64, i64)) -> Option<Estimate> {
        let store = lock(&self.store);
        let length = window_ms.1.saturating_sub(window_ms.0).max(0) as f64;
        let scaled = |density: Density| Estimate {
            series: density.series,
            samples: ((density.samples_per_ms * length).round() as u64).max(density.series),
        };
        if let Some(own) = store.entries.get(&key(matchers)).and_then(|entry| entry.density) {
            return Some(scaled(own));
        }
        let wider = store.entries.values().filter(|entry| is_part(&entry.matchers, matchers));
        wider.filter_map(|entry| entry.density).map(scaled).min_by_key(|one| one.samples)
    }

    /// Takes note of how much the replicas' raw answers held together, before
    /// they were merged; `series` is that of the richest replica.
    pub fn learn_from_merge(
        &self,
        matchers: &[Matcher],
        window_ms: (i64, i64),
        series: u64,
        samples: u64,
    ) {
        let length = window_ms.1.saturating_sub(window_ms.0).max(SHORTEST_MS) as f64;
        let density = Density { series, samples_per_ms: samples as f64 / length };
        let mut store = lock(&self.store);
        store.change(matchers, self.max_bytes, |entry| entry.density = Some(density));
    }

    /// What is known of a selector's buckets of one width.
    fn known(&self, matchers: &[Matcher], grid: Grid, now: Instant) -> Known {
        let mut store = lock(&self.store);
        let clock = store.tick();
        let Some(entry) = store.entries.get_mut(&key(matchers)) else { return Known::default() };
        entry.used = clock;
        if entry.since.is_none_or(|since| now.duration_since(since) > LIFETIME) {
            return Known::default();
        }
        Known {
            facts: entry.facts.get(&grid.width_ms).cloned().unwrap_or_default(),
            listed: entry.listed.clone(),
        }
    }

    /// A selector that matches more, of which these buckets are known.
    fn wider(
        &self,
        matchers: &[Matcher],
        grid: Grid,
        (first, last): (i64, i64),
        now: Instant,
    ) -> Option<Vec<Matcher>> {
        if first > last {
            return None; // nothing is settled yet
        }
        let store = lock(&self.store);
        let own = key(matchers);
        let knows = |entry: &Entry| {
            let fresh = entry.since.is_some_and(|since| now.duration_since(since) <= LIFETIME);
            let facts = entry.facts.get(&grid.width_ms);
            let known = facts.map_or(0, |facts| facts.counts.range(first..=last).count());
            fresh && i64::try_from(known).is_ok_and(|known| known == last - first + 1)
        };
        let wider = store.entries.iter().filter(|(key, entry)| {
            **key != own && is_part(&entry.matchers, matchers) && knows(entry)
        });
        let nearest = wider.max_by_key(|(key, entry)| (entry.matchers.len(), (*key).clone()));
        nearest.map(|(_, entry)| entry.matchers.clone())
    }

    fn learn(
        &self,
        matchers: &[Matcher],
        learned: Learned,
        density: Option<Density>,
        now: Instant,
    ) {
        let mut store = lock(&self.store);
        store.change(matchers, self.max_bytes, |entry| {
            if entry.since.is_none_or(|since| now.duration_since(since) > LIFETIME) {
                entry.facts.clear();
                entry.listed = None;
                entry.since = Some(now);
            }
            let facts = entry.facts.entry(learned.grid.width_ms).or_default();
            facts.counts.extend(learned.counts);
            facts.same_series.extend(learned.same_series);
            facts.edges.heads.extend(learned.edges.heads);
            facts.edges.tails.extend(learned.edges.tails);
            while facts.edges.tails.len() > MOST_TAILS {
                facts.edges.tails.pop_first();
            }
            entry.listed = learned.listed.or(entry.listed.take());
            entry.density = density.or(entry.density);
        });
    }

    /// What is to be expected of a selector.
    #[must_use]
    pub fn expected(&self, matchers: &[Matcher]) -> Expected {
        let store = lock(&self.store);
        store.entries.get(&key(matchers)).map_or(Expected::Unknown, |entry| entry.expected)
    }

    /// Remembers what a look at a selector came to.
    pub fn expect(&self, matchers: &[Matcher], expected: Expected) {
        let mut store = lock(&self.store);
        store.change(matchers, self.max_bytes, |entry| entry.expected = expected);
    }

    /// What is to be held while a selector is asked about.
    fn turn(&self, matchers: &[Matcher]) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = lock(&self.turns);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let key = key(matchers);
        let running = turns.get(&key).and_then(Weak::upgrade);
        running.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(key, Arc::downgrade(&turn));
            turn
        })
    }

    /// True while a replica that gave no answer to a probe is left alone.
    fn is_paused(&self, now: Instant) -> bool {
        lock(&self.store).paused_until.is_some_and(|until| now < until)
    }

    fn pause(&self, until: Instant) {
        lock(&self.store).paused_until = Some(until);
    }
}

impl Store {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Changes a selector's entry, makes it the newest, and lets others go
    /// until all fit.
    fn change(&mut self, matchers: &[Matcher], max_bytes: usize, change: impl FnOnce(&mut Entry)) {
        let clock = self.tick();
        let key = key(matchers);
        let entry = self
            .entries
            .entry(key.clone())
            .or_insert_with(|| Entry { matchers: matchers.to_vec(), ..Entry::default() });
        let before = entry.bytes;
        change(entry);
        entry.used = clock;
        entry.bytes = entry.weight() + key.len();
        self.bytes = self.bytes - before + entry.bytes;
        while self.bytes > max_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            let gone = self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
            self.bytes -= gone;
        }
    }
}

impl Entry {
    fn weight(&self) -> usize {
        let matchers: usize = self.matchers.iter().map(|one| one.value().len() + 256).sum();
        let buckets = self.facts.values().flat_map(|facts| facts.counts.values());
        let counts: usize =
            buckets.flatten().map(|counts| counts.heap_bytes() + 2 * size_of::<Counts>()).sum();
        let listed = self.listed.as_ref().map_or(0, |listed| {
            let own: usize = listed.by_replica.iter().map(Listing::heap_bytes).sum();
            own + listed.all.heap_bytes()
        });
        let edges: usize = self.facts.values().map(|facts| facts.edges.heap_bytes()).sum();
        ENTRY_BYTES + matchers + counts + edges + listed
    }
}

/// The same text for the same matchers, whatever their order.
fn key(matchers: &[Matcher]) -> String {
    let mut texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.join(",")
}

/// True if every matcher of one is also one of the other.
fn is_part(one: &[Matcher], other: &[Matcher]) -> bool {
    one.iter().all(|matcher| other.contains(matcher))
}

#[cfg(test)]
mod tests;
