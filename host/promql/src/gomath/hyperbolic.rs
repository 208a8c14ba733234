//! Hyperbolic functions (Hart and Cheney for small sines, Cephes' `tanh.c`)
//! and their inverses (FreeBSD's `s_asinh.c`, `e_acosh.c`, `e_atanh.c`).

#![expect(clippy::excessive_precision, reason = "constants are written as published")]

use std::f64::consts::LN_2;

use super::{NAN, exp, ln, log1p, polynomial};

/// Above this the smaller exponential does not matter.
const ONE_SIDED: f64 = 21.0;
/// 2^28: squares of numbers above hide a one.
const LARGE: f64 = 268_435_456.0;
/// 2^-28: numbers below are their own inverse functions.
const NEAR_ZERO: f64 = 1.0 / LARGE;

/// The hyperbolic sine.
#[must_use]
pub fn sinh(x: f64) -> f64 {
    const P: [f64; 4] = [
        -2.630_563_213_397_497_062_819_489e1,
        -2.894_211_355_989_563_807_284_660_366e3,
        -8.991_272_022_039_509_355_398_013_511e4,
        -6.307_673_640_497_716_991_184_787_251e5,
    ];
    const Q: [f64; 4] = [
        1.0,
        -1.736_789_535_582_336_995_334_509_11e2,
        1.521_517_378_790_019_070_696_485_176e4,
        -6.307_673_640_497_716_991_212_077_277e5,
    ];
    let size = if x < 0.0 { -x } else { x };
    let value = if size > ONE_SIDED {
        exp(size) / 2.0
    } else if size > 0.5 {
        let growing = exp(size);
        (growing - 1.0 / growing) / 2.0
    } else {
        let square = size * size;
        polynomial(square, &P) * size / polynomial(square, &Q)
    };
    if x < 0.0 { -value } else { value }
}

/// The hyperbolic cosine.
#[must_use]
pub fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size > ONE_SIDED {
        return exp(size) / 2.0;
    }
    let growing = exp(size);
    (growing + 1.0 / growing) / 2.0
}

/// The hyperbolic tangent.
#[must_use]
pub fn tanh(x: f64) -> f64 {
    const P: [f64; 3] = [
        -9.643_991_794_250_522_386_28e-1,
        -9.928_772_310_019_185_865_64e1,
        -1.614_687_684_417_084_479_52e3,
    ];
    const Q: [f64; 4] = [
        1.0,
        1.128_116_784_916_329_314_02e2,
        2.235_488_390_601_004_485_83e3,
        4.844_063_053_251_254_860_48e3,
    ];
    /// ln 2^127, halved: beyond it the result is ±1.
    const ONE_FROM: f64 = 0.5 * 8.802_969_193_111_305_429_598_8e1;
    let size = x.abs();
    if size > ONE_FROM {
        return 1f64.copysign(x);
    }
    if size >= 0.625 {
        return (1.0 - 2.0 / (exp(2.0 * size) + 1.0)).copysign(x);
    }
    if x == 0.0 {
        return x;
    }
    let square = x * x;
    x + x * square * polynomial(square, &P) / polynomial(square, &Q)
}

/// The inverse of [`sinh`].
#[must_use]
pub fn asinh(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    let size = x.abs();
    let value = if size > LARGE {
        ln(size) + LN_2
    } else if size > 2.0 {
        ln(2.0 * size + 1.0 / ((size * size + 1.0).sqrt() + size))
    } else if size < NEAR_ZERO {
        size
    } else {
        log1p(size + size * size / (1.0 + (1.0 + size * size).sqrt()))
    };
    value.copysign(x)
}

/// The inverse of [`cosh`]; NaN below 1.
#[must_use]
pub fn acosh(x: f64) -> f64 {
    if x < 1.0 || x.is_nan() {
        return NAN;
    }
    if x == 1.0 {
        return 0.0;
    }
    if x >= LARGE {
        return ln(x) + LN_2;
    }
    if x > 2.0 {
        return ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()));
    }
    let t = x - 1.0;
    log1p(t + (2.0 * t + t * t).sqrt())
}

/// The inverse of [`tanh`]; NaN beyond ±1.
#[must_use]
pub fn atanh(x: f64) -> f64 {
    let size = x.abs();
    if size > 1.0 || size.is_nan() {
        return NAN;
    }
    let value = if size == 1.0 {
        f64::INFINITY
    } else if size < NEAR_ZERO {
        size
    } else if size < 0.5 {
        let double = size + size;
        0.5 * log1p(double + double * size / (1.0 - size))
    } else {
        0.5 * log1p((size + size) / (1.0 - size))
    };
    value.copysign(x)
}
