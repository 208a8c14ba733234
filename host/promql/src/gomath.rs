//! Go's `math` functions.

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    x.ln()
}

/// Go's conversion of a float to an `int64` on amd64: cut towards zero; what
/// does not fit, and NaN, is the smallest integer.
#[must_use]
pub fn to_i64(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) { x as i64 } else { i64::MIN }
}
