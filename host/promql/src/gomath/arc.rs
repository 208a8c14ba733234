//! Inverse trigonometric functions, all through the arctangent of Cephes'
//! `atan.c`.

#![expect(clippy::excessive_precision, reason = "constants are written as published")]

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::{NAN, polynomial};

/// What `π/2` loses as a float.
const MORE_BITS: f64 = 6.123_233_995_736_765_886_130e-17;
/// `tan 3π/8`
const TAN_3_PI_8: f64 = 2.414_213_562_373_095_048_80;

const P: [f64; 5] = [
    -8.750_608_600_031_904_122_785e-1,
    -1.615_753_718_733_365_076_637e1,
    -7.500_855_792_314_704_667_340e1,
    -1.228_866_684_490_136_173_410e2,
    -6.485_021_904_942_025_371_773e1,
];
const Q: [f64; 6] = [
    1.0,
    2.485_846_490_142_306_297_962e1,
    1.650_270_098_316_988_542_046e2,
    4.328_810_604_912_902_668_951e2,
    4.853_903_996_359_136_964_868e2,
    1.945_506_571_482_613_964_425e2,
];

/// The arctangent of a number from 0 to 0.66.
fn atan_of_small(x: f64) -> f64 {
    let z = x * x;
    let z = z * polynomial(z, &P) / polynomial(z, &Q);
    x * z + x
}

/// The arctangent of a positive number.
fn atan_of_positive(x: f64) -> f64 {
    if x <= 0.66 {
        return atan_of_small(x);
    }
    if x > TAN_3_PI_8 {
        return FRAC_PI_2 - atan_of_small(1.0 / x) + MORE_BITS;
    }
    FRAC_PI_4 + atan_of_small((x - 1.0) / (x + 1.0)) + 0.5 * MORE_BITS
}

/// The arctangent, in radians.
#[must_use]
pub fn atan(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    if x > 0.0 { atan_of_positive(x) } else { -atan_of_positive(-x) }
}

/// The arcsine, in radians; NaN beyond ±1.
#[must_use]
pub fn asin(x: f64) -> f64 {
    if x == 0.0 {
        return x;
    }
    let size = x.abs();
    if size > 1.0 || size.is_nan() {
        return NAN;
    }
    let other = (1.0 - size * size).sqrt();
    let angle = if size > 0.7 {
        FRAC_PI_2 - atan_of_positive(other / size)
    } else {
        atan_of_positive(size / other)
    };
    if x < 0.0 { -angle } else { angle }
}

/// The arccosine, in radians; NaN beyond ±1.
#[must_use]
pub fn acos(x: f64) -> f64 {
    FRAC_PI_2 - asin(x)
}

/// The angle of the point (`x`, `y`), in radians.
#[must_use]
pub fn atan2(y: f64, x: f64) -> f64 {
    if y.is_nan() || x.is_nan() {
        return NAN;
    }
    let to_the_left = x.is_sign_negative();
    if y == 0.0 {
        return if to_the_left { PI } else { 0.0 }.copysign(y);
    }
    if x == 0.0 {
        return FRAC_PI_2.copysign(y);
    }
    if x.is_infinite() {
        let angle = match (to_the_left, y.is_infinite()) {
            (false, false) => 0.0,
            (false, true) => FRAC_PI_4,
            (true, false) => PI,
            (true, true) => 3.0 * FRAC_PI_4,
        };
        return angle.copysign(y);
    }
    if y.is_infinite() {
        return FRAC_PI_2.copysign(y);
    }
    let angle = atan(y / x);
    match (x < 0.0, angle <= 0.0) {
        (false, _) => angle,
        (true, true) => angle + PI,
        (true, false) => angle - PI,
    }
}
