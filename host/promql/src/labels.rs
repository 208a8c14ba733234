//! Label sets: sorted, unique names, hashed once, cheap to clone.

mod natural;
mod xxhash;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

pub use self::natural::natural_cmp;
use crate::quote::{is_legacy_label_name, write_quoted};

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";
/// The label that holds the upper bound of a classic histogram bucket.
pub const BUCKET_LABEL: &str = "le";

/// A label set: names in byte order, each once, none with an empty value
/// (an empty value and an absent label are the same thing in Prometheus).
///
/// Cloning copies a pointer. Equality looks at the hash first. The order is
/// Prometheus's `labels.Compare`: names and values pairwise, then fewer
/// labels first.
#[derive(Clone)]
pub struct Labels(Arc<Inner>);

struct Inner {
    hash: u64,
    /// All names and values, one after the other.
    text: Box<str>,
    /// The exclusive end in `text` of each name and each value, in turn.
    ends: Box<[u32]>,
}

static EMPTY: LazyLock<Labels> = LazyLock::new(|| LabelsBuilder::new().build());

impl Labels {
    /// The label set without labels.
    #[must_use]
    pub fn empty() -> Self {
        EMPTY.clone()
    }

    /// Builds a label set from pairs in any order; of a repeated name the last
    /// value wins, and empty values are left out.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut builder = LabelsBuilder::new();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Builds a label set from pairs whose names ascend strictly, or nothing if
    /// they do not; empty values are left out. Copies the texts once, so this
    /// is the constructor for decoders.
    ///
    /// # Panics
    /// When names and values together exceed 4 GiB.
    pub fn from_sorted<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Option<Self> {
        let ascending = pairs.windows(2).all(|two| two[0].0.as_ref() < two[1].0.as_ref());
        ascending.then(|| assemble(pairs))
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.ends.len() / 2
    }

    /// True without labels.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// Name and value of label `index`, in name order.
    fn pair(&self, index: usize) -> (&str, &str) {
        let Inner { text, ends, .. } = &*self.0;
        let start = if index == 0 { 0 } else { ends[2 * index - 1] as usize };
        let middle = ends[2 * index] as usize;
        (&text[start..middle], &text[middle..ends[2 * index + 1] as usize])
    }

    /// All labels in name order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> + ExactSizeIterator {
        (0..self.len()).map(|index| self.pair(index))
    }

    /// The value of label `name`, if the set has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        // Sets are small: a walk beats a binary search.
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The value of label `name`, or the empty string: what a matcher sees.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The metric name, or the empty string.
    #[must_use]
    pub fn metric_name(&self) -> &str {
        self.value(METRIC_NAME)
    }

    /// A hash of the whole set, the same for equal sets within one process.
    #[must_use]
    pub fn hash64(&self) -> u64 {
        self.0.hash
    }

    /// Prometheus's own hash, `labels.Labels.Hash` of its default build: XXH64
    /// of names and values, each preceded by its length
    /// (model/labels/labels_stringlabels.go). `limit_ratio` selects by it.
    #[must_use]
    pub fn hash_stringlabels(&self) -> u64 {
        let Inner { text, ends, .. } = &*self.0;
        let mut encoded = Vec::with_capacity(text.len() + ends.len());
        for part in self.iter().flat_map(|(name, value)| [name, value]) {
            let [a, b, c, ..] = part.len().to_le_bytes();
            // Prometheus refuses texts whose length takes more than 24 bits.
            if part.len() < 255 {
                encoded.push(a);
            } else {
                encoded.extend_from_slice(&[255, a, b, c]);
            }
            encoded.extend_from_slice(part.as_bytes());
        }
        xxhash::xxh64(&encoded)
    }

    /// The labels whose names `keep` holds for.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        let kept: Vec<(&str, &str)> = self.iter().filter(|(name, _)| keep(name)).collect();
        if kept.is_empty() {
            return Self::empty();
        }
        if kept.len() == self.len() { self.clone() } else { assemble(&kept) }
    }

    /// A builder that starts from these labels.
    #[must_use]
    pub fn to_builder(&self) -> LabelsBuilder {
        let pairs = self.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        LabelsBuilder { pairs: pairs.collect() }
    }

    /// Bytes this set holds on the heap, shared or not.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Inner>() + self.0.text.len() + size_of_val(&*self.0.ends)
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.hash == other.0.hash
                && self.0.ends == other.0.ends
                && self.0.text == other.0.text)
    }
}

impl Eq for Labels {}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Labels {
    /// As Prometheus's `labels.Labels.String`: `{a="b", "c.d"="e"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("{");
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            if is_legacy_label_name(name) {
                out.push_str(name);
            } else {
                write_quoted(&mut out, name.as_bytes());
            }
            out.push('=');
            write_quoted(&mut out, value.as_bytes());
        }
        out.push('}');
        f.write_str(&out)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Collects labels in any order and makes a [`Labels`] of them.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    /// Sorted by name, unique; values may be empty until `build`.
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// A builder without labels.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.find(name) {
            Ok(index) => value.clone_into(&mut self.pairs[index].1),
            Err(index) => self.pairs.insert(index, (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        if let Ok(index) = self.find(name) {
            self.pairs.remove(index);
        }
        self
    }

    /// The value of a label that is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).ok().map(|index| self.pairs[index].1.as_str())
    }

    /// Keeps only the labels for which `keep(name)` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) -> &mut Self {
        self.pairs.retain(|(name, _)| keep(name));
        self
    }

    /// The label set.
    ///
    /// # Panics
    /// When names and values together exceed 4 GiB.
    #[must_use]
    pub fn build(&self) -> Labels {
        assemble(&self.pairs)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.pairs.binary_search_by(|(own, _)| own.as_str().cmp(name))
    }
}

/// The label set of pairs in order of their names.
fn assemble<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> Labels {
    let present = || {
        let texts = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        texts.filter(|(_, value)| !value.is_empty())
    };
    let bytes = present().map(|(name, value)| name.len() + value.len()).sum();
    let mut text = String::with_capacity(bytes);
    let mut ends = Vec::with_capacity(2 * pairs.len());
    for (name, value) in present() {
        for part in [name, value] {
            text.push_str(part);
            ends.push(u32::try_from(text.len()).expect("a label set stays below 4 GiB"));
        }
    }
    let (text, ends) = (text.into_boxed_str(), ends.into_boxed_slice());
    let hash = hash_of(&text, &ends);
    Labels(Arc::new(Inner { hash, text, ends }))
}

/// Seeded once per process, so that nobody can choose colliding label sets.
fn hash_of(text: &str, ends: &[u32]) -> u64 {
    static STATE: LazyLock<foldhash::fast::RandomState> =
        LazyLock::new(foldhash::fast::RandomState::default);
    STATE.hash_one((text, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_insertion_does_not_matter_and_empty_values_are_absent() {
        let one = Labels::from_pairs([("b", "2"), ("a", "1"), ("c", "")]);
        let two = Labels::from_pairs([("a", "x"), ("a", "1"), ("b", "2")]);
        assert_eq!(one, two);
        assert_eq!(one.hash64(), two.hash64());
        assert_eq!(one.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(one.value("c"), "");
    }

    #[test]
    fn sorted_pairs_make_the_same_set_and_unsorted_ones_none() {
        let sorted = Labels::from_sorted(&[("a", "1"), ("b", "2"), ("c", "")]);
        assert_eq!(sorted, Some(Labels::from_pairs([("b", "2"), ("a", "1")])));
        assert_eq!(Labels::from_sorted(&[("b", "2"), ("a", "1")]), None);
        assert_eq!(Labels::from_sorted(&[("a", "2"), ("a", "1")]), None);
    }

    #[test]
    fn filtering_keeps_a_set_a_set() {
        let all = Labels::from_pairs([("a", "1"), ("b", "2")]);
        assert_eq!(all.filtered(|name| name == "b"), Labels::from_pairs([("b", "2")]));
        assert_eq!(all.filtered(|_| true), all);
        assert_eq!(all.filtered(|_| false), Labels::empty());
    }

    #[test]
    fn a_prefix_sorts_before_the_longer_set() {
        let short = Labels::from_pairs([("a", "1")]);
        let long = Labels::from_pairs([("a", "1"), ("b", "0")]);
        let later = Labels::from_pairs([("a", "2")]);
        assert!(Labels::empty() < short && short < long && long < later);
    }

    #[test]
    fn label_sets_print_as_prometheus_prints_them() {
        let labels = Labels::from_pairs([("__name__", "up"), ("a.b", "é\n\""), ("job", "api")]);
        assert_eq!(labels.to_string(), r#"{__name__="up", "a.b"="é\n\"", job="api"}"#);
        assert_eq!(Labels::empty().to_string(), "{}");
    }

    #[test]
    fn the_stable_hash_is_of_lengths_and_texts() {
        assert_eq!(Labels::empty().hash_stringlabels(), 0xef46_db37_51d8_e999);
        let labels = Labels::from_pairs([("b", "2"), ("a", "1")]);
        assert_eq!(labels.hash_stringlabels(), xxhash::xxh64(b"\x01a\x011\x01b\x012"));
        let long = "x".repeat(255);
        let labels = Labels::from_pairs([("a", &long)]);
        let encoded = ["\x01a".as_bytes(), &[255, 255, 0, 0], long.as_bytes()].concat();
        assert_eq!(labels.hash_stringlabels(), xxhash::xxh64(&encoded));
        let short = "x".repeat(254);
        let labels = Labels::from_pairs([("a", &short)]);
        let encoded = ["\x01a".as_bytes(), &[254], short.as_bytes()].concat();
        assert_eq!(labels.hash_stringlabels(), xxhash::xxh64(&encoded));
    }

    #[test]
    fn the_border_between_name_and_value_counts() {
        assert_ne!(Labels::from_pairs([("ab", "c")]), Labels::from_pairs([("a", "bc")]));
    }
}
