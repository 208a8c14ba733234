//! Go's `math` functions.

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    x.ln()
}
