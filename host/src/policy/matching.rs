//! Which series of the replicas are the same series.
//!
//! In come the replicas' batches, in any order and possibly with repeated
//! label sets; out comes, in label order, for every label set its series in
//! each replica.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;
use promql::{Labels, SeriesBatch, SeriesRef};

use super::timeline::{self, Timeline};

/// In place of a series' index: the replica lacks the series.
const ABSENT: u32 = u32::MAX;

/// The series of all replicas by label set.
pub(super) struct Matching<'a> {
    replicas: &'a [&'a SeriesBatch],
    /// Per replica: label sets that occur more than once in its answer, each
    /// merged into one. Their index follows those of the replica's own series.
    joined: Vec<SeriesBatch>,
    /// Per label set, then per replica: the series' index.
    members: Vec<u32>,
    /// Timelines of series with floats and histograms; most have one kind.
    mixed: HashMap<(u32, u32), Vec<i64>, FixedState>,
    has_histograms: bool,
}

impl<'a> Matching<'a> {
    pub(super) fn new(replicas: &'a [&'a SeriesBatch]) -> Self {
        let (joined, members) = match in_step(replicas) {
            Some(members) => (vec![SeriesBatch::new(); replicas.len()], members),
            None => by_hash(replicas),
        };
        let has_histograms = replicas.iter().any(|replica| timeline::has_histograms(replica));
        let mut matching =
            Self { replicas, joined, members, mixed: HashMap::default(), has_histograms };
        matching.mixed = matching.find_mixed();
        matching
    }

    /// Number of distinct label sets.
    pub(super) fn len(&self) -> usize {
        self.members.len().checked_div(self.replicas.len()).unwrap_or(0)
    }

    /// Number of replicas.
    pub(super) fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// The series with label set number `index` in `replica`.
    pub(super) fn series(&self, index: usize, replica: usize) -> Option<SeriesRef<'_>> {
        self.place(index, replica).map(|(batch, at)| batch.series(at))
    }

    /// The same, as a batch and the series' index in it.
    pub(super) fn place(&self, index: usize, replica: usize) -> Option<(&SeriesBatch, usize)> {
        let own = self.replicas[replica];
        match self.members[index * self.replicas.len() + replica] {
            ABSENT => None,
            at if (at as usize) < own.len() => Some((own, at as usize)),
            at => Some((&self.joined[replica], at as usize - own.len())),
        }
    }

    /// True if any replica has a histogram.
    pub(super) const fn has_histograms(&self) -> bool {
        self.has_histograms
    }

    /// The label set number `index`.
    pub(super) fn labels(&self, index: usize) -> &Labels {
        (0..self.replicas())
            .find_map(|replica| self.series(index, replica))
            .expect("a label set was found in some replica")
            .labels
    }

    /// When `replica` has samples of label set number `index`.
    pub(super) fn timeline(&self, index: usize, replica: usize) -> Timeline<'_> {
        let Some(series) = self.series(index, replica) else {
            return Timeline::EMPTY;
        };
        match timeline::of_one_kind(series) {
            Some(timeline) => timeline,
            None => Timeline { times: &self.mixed[&key(index, replica)], series: Some(series) },
        }
    }

    fn find_mixed(&self) -> HashMap<(u32, u32), Vec<i64>, FixedState> {
        let mut mixed = HashMap::default();
        if !self.has_histograms {
            return mixed;
        }
        for index in 0..self.len() {
            for replica in 0..self.replicas() {
                if let Some(series) = self.series(index, replica)
                    && timeline::of_one_kind(series).is_none()
                {
                    mixed.insert(key(index, replica), timeline::union(series));
                }
            }
        }
        mixed
    }
}

fn key(index: usize, replica: usize) -> (u32, u32) {
    (small(index), small(replica))
}

/// Series and replicas are counted in 32 bits: four thousand million of them
/// do not fit into memory.
fn small(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 series and replicas")
}

/// The members, if every replica has the same series in label order: so do
/// replicas that miss nothing, and comparing is cheaper than hashing.
fn in_step(replicas: &[&SeriesBatch]) -> Option<Vec<u32>> {
    let (first, others) = replicas.split_first()?;
    let ascending = first.labels().windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || others.iter().any(|other| other.labels() != first.labels()) {
        return None;
    }
    let all = (0..first.len()).map(small);
    Some(all.flat_map(|index| std::iter::repeat_n(index, replicas.len())).collect())
}

/// The members by a table of label sets, and what had to be joined.
fn by_hash(replicas: &[&SeriesBatch]) -> (Vec<SeriesBatch>, Vec<u32>) {
    let count = replicas.len();
    let most = replicas.iter().map(|replica| replica.len()).max().unwrap_or(0);
    let mut known: HashMap<&Labels, usize, FixedState> =
        HashMap::with_capacity_and_hasher(most, FixedState::default());
    let mut labels: Vec<&Labels> = Vec::with_capacity(most);
    let mut members: Vec<u32> = Vec::with_capacity(most * count);
    let mut repeated = Vec::new();
    for (replica, batch) in replicas.iter().enumerate() {
        for (index, own) in batch.labels().iter().enumerate() {
            let set = match known.entry(own) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => {
                    members.resize(members.len() + count, ABSENT);
                    labels.push(own);
                    *entry.insert(labels.len() - 1)
                }
            };
            let member = &mut members[set * count + replica];
            if *member == ABSENT {
                *member = small(index);
            } else {
                repeated.push((replica, set, index));
            }
        }
    }
    let joined = join(replicas, &mut members, &repeated);
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| labels[*a].cmp(labels[*b]));
    let ordered = order.iter().flat_map(|set| &members[set * count..(set + 1) * count]);
    (joined, ordered.copied().collect())
}

/// Merges series that one replica gave twice, as relabelling can make them:
/// every timestamp once, the one that came first wins.
fn join(
    replicas: &[&SeriesBatch],
    members: &mut [u32],
    repeated: &[(usize, usize, usize)],
) -> Vec<SeriesBatch> {
    let mut joined = vec![SeriesBatch::new(); replicas.len()];
    let mut of_set: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    for (replica, set, index) in repeated {
        of_set.entry((*replica, *set)).or_default().push(*index);
    }
    // In a fixed order, so that indexes do not depend on the table's.
    let mut sets: Vec<_> = of_set.into_iter().collect();
    sets.sort_unstable();
    for ((replica, set), indexes) in sets {
        let member = &mut members[set * replicas.len() + replica];
        let first = replicas[replica].series(*member as usize);
        let others = indexes.iter().map(|index| replicas[replica].series(*index));
        let all: Vec<_> = std::iter::once(first).chain(others).collect();
        *member = small(replicas[replica].len() + joined[replica].len());
        timeline::join(&all, &mut joined[replica]);
    }
    joined
}
