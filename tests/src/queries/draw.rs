//! Draws from a seed: the only randomness of generated queries and data.

use crate::data::hash;

/// A sequence of draws, the same for a seed.
#[derive(Clone, Debug)]
pub struct Draw {
    seed: u64,
    drawn: u64,
}

impl Draw {
    /// The draws of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number from 0 up to `bound`, without it.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        hash(&[self.seed, self.drawn]) % bound
    }

    /// A whole number in `[low, high]`.
    ///
    /// # Panics
    /// When the span of both does not fit an `i64`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).expect("the bounds are in order") + 1;
        low + i64::try_from(self.below(span)).expect("below an i64's range")
    }

    /// True in one of `turns` cases.
    pub fn once_in(&mut self, turns: u64) -> bool {
        self.below(turns) == 0
    }

    /// One of several texts.
    ///
    /// # Panics
    /// Without any.
    pub fn one_of<'a>(&mut self, options: &[&'a str]) -> &'a str {
        let index = self.below(options.len() as u64);
        options[usize::try_from(index).expect("an index is small")]
    }

    /// The place of one of several weights, as often as it weighs.
    ///
    /// # Panics
    /// When all are 0.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_say_how_often_a_place_is_drawn() {
        let mut draw = Draw::new(1);
        let mut counts = [0; 3];
        (0..1000).for_each(|_| counts[draw.weighted(&[1, 0, 9])] += 1);
        assert!(counts[0] > 50 && counts[0] < 150, "{counts:?}");
        assert_eq!(counts[1], 0);
    }

    #[test]
    fn bounds_are_drawn_too() {
        let mut draw = Draw::new(2);
        let drawn: Vec<i64> = (0..200).map(|_| draw.between(-2, 2)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&-2), Some(&2)));
    }
}
