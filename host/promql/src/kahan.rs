//! Compensated summation: Kahan's, as improved by Neumaier.

/// Adds `value` to the running `sum`, keeping what rounding loses in
/// `compensation` (prometheus/util/kahansum). The total is
/// `sum + compensation`; an infinite sum has no compensation.
#[inline]
pub(crate) fn add(value: f64, sum: &mut f64, compensation: &mut f64) {
    let total = *sum + value;
    if total.is_infinite() {
        *compensation = 0.0;
    } else if sum.abs() >= value.abs() {
        *compensation += (*sum - total) + value;
    } else {
        *compensation += (value - total) + *sum;
    }
    *sum = total;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_large_ones() {
        let (mut sum, mut compensation) = (0.0, 0.0);
        for value in [1.0, 1e100, 1.0, -1e100] {
            add(value, &mut sum, &mut compensation);
        }
        assert_eq!(sum + compensation, 2.0);
    }

    #[test]
    fn an_infinite_sum_is_not_spoilt_by_its_compensation() {
        let (mut sum, mut compensation) = (f64::MAX, 1.0);
        add(f64::MAX, &mut sum, &mut compensation);
        assert_eq!((sum, compensation), (f64::INFINITY, 0.0));
    }
}
