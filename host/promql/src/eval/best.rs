//! The best value of windows that slide forward, without looking at a value
//! more than twice.
//!
//! A window is cut in two at a place behind which values arrive: of what lies
//! before it, the best from every place on is known, of what lies behind it,
//! the best so far. Once the front is used up, it is made anew of all values
//! then in the window. Nothing branches on values, unlike in a queue of
//! candidates, whose length nobody can foresee.

use std::ops::Range;

/// Finds the value that no other beats: the first of equal ones; NaN only if
/// there is nothing else, and then the last.
pub(super) struct Best<'v, B> {
    values: &'v [f64],
    /// True if the first argument is beaten by the second.
    beaten: B,
    /// The best of the values from `start + index` up to the cut.
    front: Vec<f64>,
    start: usize,
    /// The best behind the cut, up to `end`.
    back: f64,
    end: usize,
}

impl<'v, B: Fn(f64, f64) -> bool> Best<'v, B> {
    pub(super) fn new(values: &'v [f64], beaten: B) -> Self {
        Self { values, beaten, front: Vec::new(), start: 0, back: f64::NAN, end: 0 }
    }

    /// The best of a window, which is not empty; neither of its ends lies
    /// before that of an earlier one.
    pub(super) fn of(&mut self, window: &Range<usize>) -> f64 {
        if window.start >= self.cut() {
            self.begin(window);
        }
        for value in &self.values[self.end..window.end] {
            let is_first = self.end == self.cut();
            self.back = if is_first { *value } else { self.better(self.back, *value) };
            self.end += 1;
        }
        let front = self.front[window.start - self.start];
        if self.end == self.cut() { front } else { self.better(front, self.back) }
    }

    fn cut(&self) -> usize {
        self.start + self.front.len()
    }

    /// Cuts behind the window.
    fn begin(&mut self, window: &Range<usize>) {
        (self.start, self.end) = (window.start, window.end);
        self.front.clear();
        self.front.extend_from_slice(&self.values[window.clone()]);
        let mut best = self.values[window.end - 1];
        for own in self.front.iter_mut().rev() {
            best = better(&self.beaten, *own, best);
            *own = best;
        }
    }

    fn better(&self, earlier: f64, later: f64) -> f64 {
        better(&self.beaten, earlier, later)
    }
}

/// Of two values in order; where both are NaN, the later.
fn better(beaten: impl Fn(f64, f64) -> bool, earlier: f64, later: f64) -> f64 {
    if beaten(earlier, later) | earlier.is_nan() { later } else { earlier }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_gives_what_a_look_at_all_of_it_gives() {
        let values: Vec<f64> = [3, 1, 4, 1, 5, 9, 2, 6, 0, 9, 7, 7, 0, 0, 8]
            .map(|number| if number == 0 { f64::NAN } else { f64::from(number) })
            .into();
        for width in 1..8 {
            for stride in 1..4 {
                let mut best = Best::new(&values, |a, b| a < b);
                for end in (1..=values.len()).step_by(stride) {
                    let window = end.saturating_sub(width)..end;
                    let all = values[window.clone()].iter().copied();
                    let expected = all.fold(f64::NAN, f64::max);
                    let found = best.of(&window);
                    assert_eq!(found.to_bits(), expected.to_bits(), "{window:?} of {values:?}");
                }
            }
        }
    }

    #[test]
    fn zeros_are_equal_and_the_first_counts() {
        let mut best = Best::new(&[-0.0, 0.0, -0.0], |a, b| a < b);
        assert!(best.of(&(0..2)).is_sign_negative());
        assert!(best.of(&(1..3)).is_sign_positive());
    }
}
