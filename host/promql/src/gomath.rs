//! Go's `math` functions, to the bit where that is possible.
//!
//! PromQL's results come from Go's implementations, and the last bits of a
//! result depend on the algorithm; glibc's are other ones. These are the
//! algorithms Go documents as its own: FreeBSD's msun for logarithms and their
//! relatives, Moshier's Cephes for trigonometry, Shibata's for `exp`, each
//! with the order of operations that Go's amd64 build uses. `exp` there uses
//! fused multiplication where the processor has it, as nearly all have; so it
//! does here, and may differ by a last bit from a server that has none.
//!
//! In: floats. Out: floats. NaN results have the bits of Go's `math.NaN()`.
//!
//! FreeBSD's msun: Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All
//! rights reserved. Permission to use, copy, modify, and distribute this
//! software is freely granted, provided that this notice is preserved.
//! Cephes: Copyright 1984-2000 by Stephen L. Moshier.

mod arc;
mod bits;
mod exp;
mod hyperbolic;
mod log;
#[cfg(test)]
mod tests;
mod trig;
#[cfg(test)]
mod vectors;

pub use self::arc::{acos, asin, atan, atan2};
pub use self::bits::{NAN, frexp, ldexp, to_i64};
pub use self::exp::{exp, exp2, pow};
pub use self::hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use self::log::{ln, log1p, log2, log10};
pub use self::trig::{cos, sin, tan};

/// Go's `math.Mod`: what remains of `x` after whole multiples of `y`, with the
/// sign of `x`. Exact, so there is only one answer.
#[must_use]
pub fn modulo(x: f64, y: f64) -> f64 {
    let rest = x % y;
    if rest.is_nan() { NAN } else { rest }
}

/// The polynomial with these coefficients, highest power first, by Horner's
/// rule without fusing.
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (index, coefficient) in coefficients.iter().enumerate() {
        sum = if index == 0 { *coefficient } else { sum * x + coefficient };
    }
    sum
}
