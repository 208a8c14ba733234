//! Which scrapes a replica misses, in the ways that servers really do.
//!
//! By scrape number and target: what a scrape did not fetch is missing in all
//! series of its target. Nothing promises that some replica has every scrape.

use super::{Labels, hash, text_seed};

/// A way of missing scrapes. Lengths are numbers of scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holes {
    /// Now and then one replica is down for two to twelve minutes.
    Outages,
    /// The replicas are restarted one directly after the other.
    Rolling,
    /// The first replica is down for an hour.
    Long,
    /// Each replica misses some targets for a while.
    Targets,
    /// At the same time, the first replica misses half of the targets and
    /// the second one the other half.
    Crossing,
    /// Single scrapes of single targets.
    Scattered,
    /// The last replica is set up half an hour late, and the first one is
    /// given up twenty minutes before the end.
    Edges,
}

/// The holes of a group's replicas.
#[derive(Clone, Copy, Debug)]
pub struct Outages<'a> {
    /// What decides about all of them.
    pub seed: u64,
    /// All ways that occur.
    pub holes: &'a [Holes],
    /// Number of replicas.
    pub replicas: usize,
    /// Number of scrapes.
    pub scrapes: usize,
}

/// What a series is scraped with: all series of a target have the same number.
#[must_use]
pub fn target_of(labels: &Labels) -> u64 {
    match (labels.get("job"), labels.get("instance")) {
        (Some(job), Some(instance)) => text_seed(&format!("{job}/{instance}")),
        (job, _) => text_seed(&format!("{job:?}")),
    }
}

impl Outages<'_> {
    /// True if `replica` has no sample of scrape number `scrape` of `target`.
    #[must_use]
    pub fn misses(&self, replica: usize, target: u64, scrape: usize) -> bool {
        self.holes.iter().any(|holes| self.misses_by(*holes, replica, target, scrape))
    }

    fn misses_by(&self, holes: Holes, replica: usize, target: u64, scrape: usize) -> bool {
        match holes {
            Holes::Outages => self.drawn(&[1], 160, (8, 48), replica, scrape),
            Holes::Rolling => [200, 500].iter().any(|begin| {
                let begin = begin + 9 * replica;
                (begin..begin + 9).contains(&scrape)
            }),
            Holes::Long => replica == 0 && (130..370).contains(&scrape),
            Holes::Targets => self.drawn(&[2, target], 240, (4, 44), replica, scrape),
            Holes::Crossing => (300..312).contains(&scrape) && target % 2 == (replica % 2) as u64,
            Holes::Scattered => {
                hash(&[self.seed, 3, replica as u64, target, scrape as u64]).is_multiple_of(211)
            }
            Holes::Edges => {
                let late = replica + 1 == self.replicas && scrape < 120;
                late || (replica == 0 && scrape + 80 >= self.scrapes)
            }
        }
    }

    /// In every slot of so many scrapes one replica, or none, has a hole of
    /// a drawn length at a drawn place.
    fn drawn(
        &self,
        key: &[u64],
        slot: usize,
        (shortest, longest): (u64, u64),
        replica: usize,
        scrape: usize,
    ) -> bool {
        let number = scrape / slot;
        let drawn = |what: u64| hash(&[&[self.seed, what, number as u64], key].concat());
        let length = shortest + drawn(1) % (longest - shortest);
        let begin = drawn(2) % (slot as u64 - length);
        let within = (begin..begin + length).contains(&((scrape % slot) as u64));
        within && drawn(3) % (self.replicas as u64 + 1) == replica as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Holes; 7] = [
        Holes::Outages,
        Holes::Rolling,
        Holes::Long,
        Holes::Targets,
        Holes::Crossing,
        Holes::Scattered,
        Holes::Edges,
    ];

    fn missed(holes: Holes, replica: usize) -> usize {
        let outages = Outages { seed: 1, holes: &[holes], replicas: 2, scrapes: 721 };
        let target = |instance: &str| {
            target_of(&crate::data::label_set(&[("job", "api"), ("instance", instance)]))
        };
        let targets = ["a", "b", "c", "d"].map(target);
        let of = |target: &u64| (0..721).filter(|s| outages.misses(replica, *target, *s)).count();
        targets.iter().map(of).sum()
    }

    #[test]
    fn every_way_of_missing_scrapes_costs_some_replica_some_and_none_all() {
        for holes in ALL {
            let missed = [missed(holes, 0), missed(holes, 1)];
            assert!(missed.iter().any(|count| *count > 0), "{holes:?}: {missed:?}");
            assert!(missed.iter().all(|count| *count < 4 * 721 / 2), "{holes:?}: {missed:?}");
        }
    }

    #[test]
    fn crossing_holes_have_equal_lengths_and_leave_every_scrape_to_one_replica() {
        let outages = Outages { seed: 1, holes: &[Holes::Crossing], replicas: 2, scrapes: 721 };
        for (target, scrape) in [(4, 305), (5, 305)] {
            let misses = [0, 1].map(|replica| outages.misses(replica, target, scrape));
            assert_ne!(misses[0], misses[1]);
        }
    }
}
