//! Go's `sort.Sort`, step for step: in which order it leaves equal items shows
//! in the order of `sort` and `topk`, and in the sign of a zero quantile.
//!
//! Pattern-defeating quicksort (Orson Peters, 2021), with the thresholds and
//! the choice of pivots of Go's standard library.

/// Up to so many items are sorted by insertion.
const INSERTION: usize = 12;
/// From so many items on a pivot is the median of three medians.
const NINTHER: usize = 50;

/// Sorts; `less` need not be a proper order.
pub(super) fn sort<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    let limit = usize::BITS - items.len().leading_zeros();
    let end = items.len();
    Sorter { items, less }.quick(0, end, limit);
}

struct Sorter<'i, T, L> {
    items: &'i mut [T],
    less: L,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    Unknown,
    Increasing,
    Decreasing,
}

impl<T, L: Fn(&T, &T) -> bool> Sorter<'_, T, L> {
    fn less(&self, a: usize, b: usize) -> bool {
        (self.less)(&self.items[a], &self.items[b])
    }

    /// Sorts `a..b`; after `limit` bad pivots by a heap.
    fn quick(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let (mut balanced, mut partitioned) = (true, true);
        while b - a > INSERTION {
            if limit == 0 {
                return self.by_heap(a, b);
            }
            if !balanced {
                self.break_patterns(a, b);
                limit -= 1;
            }
            let (mut pivot, mut hint) = self.pivot(a, b);
            if hint == Hint::Decreasing {
                self.items[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                hint = Hint::Increasing;
            }
            let maybe_sorted = balanced && partitioned && hint == Hint::Increasing;
            if maybe_sorted && self.almost_sorted(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let length = b - a;
            let middle;
            (middle, partitioned) = self.partition(a, b, pivot);
            let (left, right) = (middle - a, b - middle);
            balanced = left.min(right) >= length / 8;
            if left < right {
                self.quick(a, middle, limit);
                a = middle + 1;
            } else {
                self.quick(middle + 1, b, limit);
                b = middle;
            }
        }
        self.by_insertion(a, b);
    }

    fn by_insertion(&mut self, a: usize, b: usize) {
        for end in a + 1..b {
            let mut place = end;
            while place > a && self.less(place, place - 1) {
                self.items.swap(place, place - 1);
                place -= 1;
            }
        }
    }

    fn by_heap(&mut self, a: usize, b: usize) {
        let count = b - a;
        for root in (0..=(count - 1) / 2).rev() {
            self.sift_down(root, count, a);
        }
        for last in (0..count).rev() {
            self.items.swap(a, a + last);
            self.sift_down(0, last, a);
        }
    }

    fn sift_down(&mut self, mut root: usize, end: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Splits into what is less than the pivot and what is not; says where
    /// the pivot went and whether all was in place already.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut in_place = true;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            self.items.swap(i, j);
            in_place = false;
            i += 1;
            j -= 1;
        }
        self.items.swap(j, a);
        (j, in_place)
    }

    /// Splits into what is equal to the pivot, the least, and what is greater.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// Puts a few items right; true if all are in order then.
    fn almost_sorted(&mut self, a: usize, b: usize) -> bool {
        const STEPS: usize = 5;
        let mut i = a + 1;
        for _ in 0..STEPS {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < NINTHER {
                return false;
            }
            self.items.swap(i, i - 1);
            if i - a >= 2 {
                let mut j = i - 1;
                while j >= 1 && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j -= 1;
                }
            }
            if b - i >= 2 {
                let mut j = i + 1;
                while j < b && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j += 1;
                }
            }
        }
        false
    }

    /// Scatters three items, by a generator that starts from the length.
    fn break_patterns(&mut self, a: usize, b: usize) {
        let length = b - a;
        let mask = (1u64 << (usize::BITS - length.leading_zeros())) - 1;
        let mut random = length as u64;
        let middle = a + length / 4 * 2 - 1;
        for place in middle..middle + 3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut other = (random & mask) as usize;
            if other >= length {
                other -= length;
            }
            self.items.swap(place, a + other);
        }
    }

    fn pivot(&self, a: usize, b: usize) -> (usize, Hint) {
        const MOST_SWAPS: usize = 12;
        let length = b - a;
        let mut swaps = 0;
        let mut quarters = [1, 2, 3].map(|quarter| a + length / 4 * quarter);
        if length >= NINTHER {
            quarters = quarters.map(|at| self.median([at - 1, at, at + 1], &mut swaps));
        }
        let middle = self.median(quarters, &mut swaps);
        let hint = match swaps {
            0 => Hint::Increasing,
            MOST_SWAPS => Hint::Decreasing,
            _ => Hint::Unknown,
        };
        (middle, hint)
    }

    fn median(&self, [mut a, mut b, mut c]: [usize; 3], swaps: &mut usize) -> usize {
        let mut order = |one: &mut usize, two: &mut usize| {
            if self.less(*two, *one) {
                *swaps += 1;
                std::mem::swap(one, two);
            }
        };
        order(&mut a, &mut b);
        order(&mut b, &mut c);
        order(&mut a, &mut b);
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(count: u64, values: u64) -> Vec<(u64, u64)> {
        let value = |index: u64| index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (0..count).map(|index| (value(index) % values, index)).collect()
    }

    #[test]
    fn all_is_sorted_whatever_the_pattern() {
        for count in [0, 1, 2, 12, 13, 49, 50, 51, 500, 5000] {
            for values in [1, 2, 7, 1000, u64::MAX] {
                let mut up = mixed(count, values);
                up.sort_unstable();
                let down: Vec<_> = up.iter().rev().copied().collect();
                for mut items in [mixed(count, values), up, down] {
                    sort(&mut items, |a, b| a.0 < b.0);
                    assert!(items.is_sorted_by_key(|item| item.0), "{count} of {values}");
                    assert_eq!(items.len() as u64, count);
                }
            }
        }
    }

    #[test]
    fn few_equal_items_stay_in_order_and_many_do_not() {
        let places = |count| {
            let mut items = mixed(count, 2);
            sort(&mut items, |a, b| a.0 < b.0);
            let zeros = items.iter().filter(|item| item.0 == 0);
            zeros.map(|item| item.1).collect::<Vec<u64>>()
        };
        assert!(places(12).is_sorted());
        assert!(!places(100).is_sorted());
    }

    #[test]
    fn what_is_no_order_ends_all_the_same() {
        let mut items: Vec<u64> = (0..1000).collect();
        sort(&mut items, |_, _| true);
        items.sort_unstable();
        assert!(items.into_iter().eq(0..1000));
    }
}
