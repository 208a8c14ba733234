//! Which series a selector has in a group: their label sets as hashes.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use promql::Labels;

use crate::gather::scope::with_group_labels;

/// The label sets of a selector over a window, as hashes of 128 bits, with
/// the group's labels attached: 16 bytes a series. That two different sets
/// are taken for the same takes a collision of 128 bits, seeded per process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted, each once.
    hashes: Vec<u128>,
    /// Label sets as the servers have them.
    native: usize,
    /// Their label names, sorted.
    names: Vec<String>,
}

impl Listing {
    /// The listing of these label sets of a server (repeats count once), in a
    /// group with these labels.
    #[must_use]
    pub fn new(series: &[Labels], group: &Labels) -> Self {
        let native = sorted(series.iter().map(hash).collect());
        let hashes = if group.is_empty() {
            native.clone()
        } else {
            sorted(series.iter().map(|own| hash(&with_group_labels(own, group))).collect())
        };
        let mut names: Vec<&str> =
            series.iter().flat_map(|own| own.iter().map(|(name, _)| name)).collect();
        names.sort_unstable();
        names.dedup();
        let names = names.into_iter().map(str::to_owned).collect();
        Self { hashes, native: native.len(), names }
    }

    /// Number of series that the servers have.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.native
    }

    /// True without series.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.native == 0
    }

    /// One number for the set.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.hashes.iter().fold(0, |sum, hash| sum.wrapping_add(*hash))
    }

    /// True if the group's labels make no two series one.
    #[must_use]
    pub fn keeps_all(&self) -> bool {
        self.hashes.len() == self.native
    }

    /// True if some series carries a label that one of the group's hides.
    #[must_use]
    pub fn hides(&self, group: &Labels) -> bool {
        group
            .iter()
            .any(|(name, _)| self.names.binary_search_by(|own| own.as_str().cmp(name)).is_ok())
    }

    /// True if no series, with its group's labels, is in both.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let (few, many) =
            if self.hashes.len() < other.hashes.len() { (self, other) } else { (other, self) };
        few.hashes.iter().all(|hash| many.hashes.binary_search(hash).is_err())
    }

    /// True if every series is in the other, too.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.hashes.len() <= other.hashes.len()
            && self.hashes.iter().all(|hash| other.hashes.binary_search(hash).is_ok())
    }

    /// The series of all of them.
    #[must_use]
    pub fn union<'a>(listings: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        let mut merged = 0;
        for listing in listings {
            whole.hashes.extend_from_slice(&listing.hashes);
            whole.names.extend_from_slice(&listing.names);
            merged = merged.max(listing.native - listing.hashes.len());
        }
        whole.hashes = sorted(whole.hashes);
        whole.names.sort_unstable();
        whole.names.dedup();
        whole.native = whole.hashes.len() + merged;
        whole
    }

    /// Bytes held on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + size_of::<String>()).sum();
        self.hashes.len() * size_of::<u128>() + names + size_of::<Self>()
    }
}

fn sorted(mut hashes: Vec<u128>) -> Vec<u128> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes.shrink_to_fit();
    hashes
}

/// The label set's own hash and another one.
fn hash(labels: &Labels) -> u128 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    let mut hasher = STATE.build_hasher();
    for part in labels.iter().flat_map(|(name, value)| [name, value]) {
        hasher.write_usize(part.len());
        hasher.write(part.as_bytes());
    }
    u128::from(labels.hash64()) << 64 | u128::from(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[&str]) -> Vec<Labels> {
        values.iter().map(|value| Labels::from_pairs([("__name__", "x"), ("a", value)])).collect()
    }

    #[test]
    fn listings_are_sets() {
        let none = Labels::empty();
        let one = Listing::new(&series(&["1", "2", "2"]), &none);
        let same = Listing::new(&series(&["2", "1"]), &none);
        let more = Listing::new(&series(&["1", "2", "3"]), &none);
        assert_eq!(one, same);
        assert_eq!((one.len(), more.len()), (2, 3));
        assert!(one.is_within(&more) && !more.is_within(&one));
        assert!(!one.is_disjoint(&more));
        assert!(one.is_disjoint(&Listing::new(&series(&["4"]), &none)));
        assert_eq!(Listing::union([&one, &more]), more);
    }

    #[test]
    fn the_groups_labels_tell_equal_series_apart() {
        let (east, west) = (Labels::from_pairs([("dc", "e")]), Labels::from_pairs([("dc", "w")]));
        let series = series(&["1"]);
        let (one, other) = (Listing::new(&series, &east), Listing::new(&series, &west));
        assert!(one.is_disjoint(&other) && !one.is_disjoint(&one));
        assert!(!one.hides(&east));
    }

    #[test]
    fn a_hidden_label_is_seen_and_what_it_makes_one() {
        let group = Labels::from_pairs([("a", "g")]);
        let listing = Listing::new(&series(&["1", "2"]), &group);
        assert!(listing.hides(&group) && !listing.keeps_all());
        assert_eq!(listing.len(), 2);
        assert!(!Listing::union([&listing, &listing]).keeps_all());
    }
}
