//! Mathematical functions as Go computes them, by the names PromQL uses.

pub(crate) use crate::gomath::*;

/// Go's `math.Max`: NaN unless one is `+Inf`, and 0 is above -0.
pub(crate) fn max(x: f64, y: f64) -> f64 {
    if x == f64::INFINITY || y == f64::INFINITY {
        return f64::INFINITY;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 && y == 0.0 {
        return if x.is_sign_negative() { y } else { x };
    }
    if x > y { x } else { y }
}

/// Go's `math.Min`: NaN unless one is `-Inf`, and -0 is below 0.
pub(crate) fn min(x: f64, y: f64) -> f64 {
    -max(-x, -y)
}
