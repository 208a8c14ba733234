//! Random queries about what push-down touches, over the data of
//! `data::generate` and `data::local`; the same for a seed.
//!
//! Every answer is determined by the data: values that depend on the order of
//! additions in their last digits are never compared with anything or rounded,
//! only summed further and scaled, and asked for with a tolerance; selections
//! among equals (`topk` of counts) are compared by their values alone.

mod aggregates;
mod operators;
mod words;

use crate::compare::{Numbers, Order};
use crate::data::hash;
use words::{
    COMPARISONS, FRACTION_FUNCTIONS, FRACTION_RANGES, FRACTIONS, GROUPINGS, INTEGER_RANGES,
    INTEGERS, MATCHERS, OFFSETS, RANGES,
};

/// A query, and how exactly its answer is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The text.
    pub query: String,
    /// Whether the order of additions shows.
    pub numbers: Numbers,
    /// Whether it is open which series are selected.
    pub order: Order,
}

/// A source of random queries.
#[derive(Clone, Debug)]
pub struct Spread {
    seed: u64,
    drawn: u64,
    /// Moment for `@`, in seconds.
    at: i64,
    /// Whether native histograms may be asked for.
    histograms: bool,
}

impl Spread {
    /// Queries of this seed; fixed times in them are around `at` seconds.
    #[must_use]
    pub const fn new(seed: u64, at: i64, histograms: bool) -> Self {
        Self { seed, drawn: 0, at, histograms }
    }

    /// The next query.
    #[must_use]
    pub fn query(&mut self) -> Drawn {
        let exact = |query| Drawn { query, numbers: Numbers::Exact, order: Order::Free };
        let close = |query| Drawn { query, numbers: Numbers::Close, order: Order::Free };
        match self.below(24) {
            0..=2 => close(self.summed()),
            3 | 4 => exact(self.aggregated()),
            5 => exact(self.compared()),
            6 => exact(self.counted_values()),
            7 => self.selected(),
            8 => close(self.quantile()),
            9 | 10 => exact(self.between_groups()),
            11 => close(self.scalars()),
            12 => exact(self.absent()),
            13 => exact(self.relabelled()),
            14 => exact(self.timed()),
            15 | 16 => exact(self.subquery()),
            17 => close(self.pinned()),
            18 => exact(self.nested()),
            19 => exact(self.set_operation()),
            20 => close(self.classic_histogram()),
            21 if self.histograms => close(self.native_histogram()),
            22 => exact(self.selector_alone()),
            _ => exact(self.of_series()),
        }
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        hash(&[self.seed, self.drawn]) % bound
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, options: &[T]) -> T {
        let index = self.below(options.len() as u64);
        options[usize::try_from(index).expect("an index is small")]
    }

    fn matched(&mut self, metric: &str) -> String {
        match self.below(6) {
            0..3 => metric.to_owned(),
            3 | 4 => format!("{metric}{{{}}}", self.one_of(MATCHERS)),
            _ => format!("{metric}{{{}, {}}}", self.one_of(MATCHERS), self.one_of(MATCHERS)),
        }
    }

    fn modifier(&mut self) -> String {
        match self.below(12) {
            0 | 1 => format!(" offset {}", self.one_of(OFFSETS)),
            2 => format!(" @ {}", self.moment()),
            3 => self.one_of(&[" @ start()", " @ end()"]).to_owned(),
            4 => format!(" @ end() offset {}", self.one_of(OFFSETS)),
            5 => format!(" offset {} @ {}", self.one_of(OFFSETS), self.moment()),
            _ => String::new(),
        }
    }

    /// An offset or nothing, where `@` would make an answer of one point.
    fn offset(&mut self) -> String {
        match self.below(3) {
            0 => format!(" offset {}", self.one_of(OFFSETS)),
            _ => String::new(),
        }
    }

    fn moment(&mut self) -> i64 {
        self.at + i64::try_from(self.below(6000)).expect("small") - 3000
    }

    /// A selector of integers, as an instant vector.
    fn integers(&mut self) -> String {
        let metric = self.one_of(INTEGERS);
        format!("{}{}", self.matched(metric), self.modifier())
    }

    /// A selector of fractions, as an instant vector.
    fn fractions(&mut self) -> String {
        let metric = self.one_of(FRACTIONS);
        format!("{}{}", self.matched(metric), self.modifier())
    }

    fn range_of(&mut self, metrics: &[&'static str]) -> String {
        let metric = self.one_of(metrics);
        format!("{}[{}]{}", self.matched(metric), self.one_of(RANGES), self.modifier())
    }

    fn grouping(&mut self) -> &'static str {
        self.one_of(GROUPINGS)
    }

    /// Integers, one per series.
    fn integers_of_series(&mut self) -> String {
        match self.below(3) {
            0 => self.integers(),
            1 => {
                let function = self.one_of(INTEGER_RANGES);
                format!("{function}({})", self.range_of(INTEGERS))
            }
            _ => {
                let comparison = self.one_of(COMPARISONS);
                let limit = self.one_of(&["0", "1", "100", "2000"]);
                format!("({} {comparison} {limit})", self.integers())
            }
        }
    }

    /// Fractions, one per series.
    fn fractions_of_series(&mut self) -> String {
        match self.below(5) {
            0 => self.fractions(),
            1 | 2 => self.rate(),
            3 => {
                let function = self.one_of(FRACTION_RANGES);
                format!("{function}({})", self.range_of(FRACTIONS))
            }
            _ => {
                let function = self.one_of(FRACTION_FUNCTIONS);
                format!("{function}({})", self.fractions())
            }
        }
    }

    fn rate(&mut self) -> String {
        let function = self.one_of(&["rate", "rate", "rate", "increase", "irate"]);
        let counters = ["http_requests_total", "cpu_seconds_total", "flapping_total"];
        format!("{function}({})", self.range_of(&counters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_queries_again_and_another_seed_others() {
        let list = |seed| {
            let mut spread = Spread::new(seed, 0, true);
            (0..20).map(|_| spread.query()).collect::<Vec<_>>()
        };
        assert_eq!(list(1), list(1));
        assert_ne!(list(1), list(2));
    }

    #[test]
    fn native_histograms_are_left_out_where_nothing_carries_them() {
        let mut spread = Spread::new(1, 0, false);
        let queries: Vec<String> = (0..500).map(|_| spread.query().query).collect();
        assert!(!queries.iter().any(|query| query.contains("response_size_bytes")));
    }
}
