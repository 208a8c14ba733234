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
pub(crate) fn exp(x: f64) -> f64 {
    x.exp()
}
pub(crate) fn log2(x: f64) -> f64 {
    x.log2()
}
pub(crate) fn log10(x: f64) -> f64 {
    x.log10()
}
pub(crate) fn sin(x: f64) -> f64 {
    x.sin()
}
pub(crate) fn cos(x: f64) -> f64 {
    x.cos()
}
pub(crate) fn tan(x: f64) -> f64 {
    x.tan()
}
pub(crate) fn asin(x: f64) -> f64 {
    x.asin()
}
pub(crate) fn acos(x: f64) -> f64 {
    x.acos()
}
pub(crate) fn atan(x: f64) -> f64 {
    x.atan()
}
pub(crate) fn sinh(x: f64) -> f64 {
    x.sinh()
}
pub(crate) fn cosh(x: f64) -> f64 {
    x.cosh()
}
pub(crate) fn tanh(x: f64) -> f64 {
    x.tanh()
}
pub(crate) fn asinh(x: f64) -> f64 {
    x.asinh()
}
pub(crate) fn acosh(x: f64) -> f64 {
    x.acosh()
}
pub(crate) fn atanh(x: f64) -> f64 {
    x.atanh()
}
pub(crate) fn exp2(x: f64) -> f64 {
    x.exp2()
}
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    x.powf(y)
}
pub(crate) fn atan2(y: f64, x: f64) -> f64 {
    y.atan2(x)
}
pub(crate) fn modulo(x: f64, y: f64) -> f64 {
    x % y
}
