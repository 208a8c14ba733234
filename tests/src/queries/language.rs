//! Random queries over the data of `data::language`, of every part of the
//! language that Prometheus 3.5 has, the same for a seed.
//!
//! They are well-formed for the most part, and wrong in all ways for the rest.

mod broken;
mod calls;
mod histograms;
mod labels;
mod operators;
mod ranges;
mod selectors;

use super::draw::Draw;
use crate::data::language::{END_MS, START_MS};

/// Times beyond the data at which a query may still be asked.
const MARGIN_MS: i64 = 8 * 60_000;

/// A source of queries.
#[derive(Clone, Debug)]
pub struct Language {
    draw: Draw,
}

/// When a query is evaluated, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At one time.
    Instant(i64),
    /// From a start to an end by a step.
    Range(i64, i64, i64),
}

impl Language {
    /// The queries of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { draw: Draw::new(seed) }
    }

    /// The next query.
    #[must_use]
    pub fn query(&mut self) -> String {
        let depth = 1 + self.draw.below(3);
        match self.draw.weighted(&[76, 8, 4, 1, 5, 6]) {
            0 => self.vector(depth),
            1 => self.scalar(depth),
            2 => self.range(depth),
            3 => self
                .draw
                .one_of(&[r#""text""#, "'a\\tb'", "`raw\\t`", r#""\u00e9\xff""#])
                .to_owned(),
            4 => self.broken(depth),
            _ => self.selector(),
        }
    }

    /// When to ask the query.
    #[must_use]
    pub fn when(&mut self) -> When {
        let time = |language: &mut Self| {
            let time = language.draw.between(START_MS - MARGIN_MS, END_MS + MARGIN_MS);
            // Often at a scrape, sometimes not even at a full second.
            if language.draw.once_in(3) { time } else { time - (time - START_MS) % 15_000 }
        };
        let start = time(self);
        if self.draw.once_in(2) {
            return When::Instant(start);
        }
        let steps = [1000, 15_000, 30_000, 60_000, 37_000, 400_000, 61_500];
        let step = steps[self.draw.below(7) as usize];
        When::Range(start, start + self.draw.between(0, 24 * step), step)
    }

    /// An expression that gives an instant vector.
    fn vector(&mut self, depth: u64) -> String {
        if depth == 0 {
            return self.selector();
        }
        let depth = depth - 1;
        match self.draw.weighted(&[20, 20, 12, 9, 24, 5, 3, 3, 2, 2]) {
            0 => self.aggregation(depth),
            1 => self.over_time(depth),
            2 => self.call(depth),
            3 => self.histogram_call(depth),
            4 => self.binary(depth),
            5 => self.relabelled(depth),
            6 => format!("{}({})", self.draw.one_of(&["-", "+", ""]), self.vector(depth)),
            7 => self.info(),
            8 => format!("vector({})", self.scalar(depth)),
            _ => self.selector(),
        }
    }

    /// An expression that gives a number at each time.
    fn scalar(&mut self, depth: u64) -> String {
        const NUMBERS: [&str; 18] = [
            "0", "1", "2", "-1", "0.5", "3.25", "100", "1e3", "NaN", "Inf", "-Inf", "0x1F",
            "1_000", "5m", "1h30m", "-0", ".5", "017",
        ];
        if depth == 0 || self.draw.once_in(2) {
            return self.draw.one_of(&NUMBERS).to_owned();
        }
        let depth = depth - 1;
        match self.draw.weighted(&[4, 2, 6, 4, 2]) {
            0 => "time()".to_owned(),
            1 => "pi()".to_owned(),
            2 => {
                let inner = if self.draw.once_in(2) {
                    self.draw.one_of(&["lonely", "sum(up)", "max(temperature)"]).to_owned()
                } else {
                    self.vector(depth)
                };
                format!("scalar({inner})")
            }
            3 => self.scalar_binary(depth),
            _ => format!("-({})", self.scalar(depth)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(seed: u64) -> Vec<(String, When)> {
        let mut language = Language::new(seed);
        (0..2000).map(|_| (language.query(), language.when())).collect()
    }

    #[test]
    fn a_seed_gives_the_same_queries_again_and_another_seed_others() {
        assert_eq!(list(1), list(1));
        assert_ne!(list(1), list(2));
    }

    #[test]
    fn every_part_of_the_language_occurs() {
        let queries: Vec<String> = list(1).into_iter().map(|(query, _)| query).collect();
        let parts = [
            ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"].as_slice(),
            &["topk", "bottomk", "quantile", "count_values", "limitk", "limit_ratio"],
            &[" by (", " without (", " on (", " ignoring (", " group_left", " group_right"],
            &[" and ", " or ", " unless ", " atan2 ", " bool ", " offset ", " @ ", "@ start()"],
            &["info(", "histogram_quantile(", "histogram_fraction(", "label_replace(", "absent("],
        ];
        for part in parts.into_iter().flatten() {
            assert!(queries.iter().any(|query| query.contains(part)), "{part}");
        }
    }
}
