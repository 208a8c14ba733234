//! Sine, cosine and tangent after Cephes' `sin.c` and `tan.c`; large arguments
//! are reduced after Payne and Hanek (Ng, "Argument reduction for huge
//! arguments: good to the last bit", 1992).

#![expect(clippy::excessive_precision, reason = "constants are written as published")]

use std::f64::consts::FRAC_PI_4;

use super::{NAN, polynomial};

/// `π/4` in three parts; the first two have trailing zeros, so that their
/// products with the number of octants are exact.
const PI4_A: f64 = 7.853_981_256_484_985_351_56e-1;
const PI4_B: f64 = 3.774_894_707_930_798_176_68e-8;
const PI4_C: f64 = 2.695_151_429_079_059_526_45e-15;
/// `4/π`
const OCTANTS: f64 = 1.273_239_544_735_162_686_15;
/// From here on the three parts are not enough.
const LARGE: f64 = 536_870_912.0;

const SIN: [f64; 6] = [
    1.589_623_015_765_465_680_60e-10,
    -2.505_074_776_285_780_728_66e-8,
    2.755_731_362_138_572_452_13e-6,
    -1.984_126_982_958_953_859_96e-4,
    8.333_333_333_322_118_588_78e-3,
    -1.666_666_666_666_663_072_95e-1,
];
const COS: [f64; 6] = [
    -1.135_853_652_138_768_173_00e-11,
    2.087_570_084_197_473_167_78e-9,
    -2.755_731_417_929_673_881_12e-7,
    2.480_158_728_885_170_453_48e-5,
    -1.388_888_888_887_305_641_16e-3,
    4.166_666_666_666_659_292_18e-2,
];
const TAN_P: [f64; 3] = [
    -1.309_369_391_813_837_776_46e4,
    1.153_516_648_385_874_161_40e6,
    -1.795_652_519_764_848_779_88e7,
];
const TAN_Q: [f64; 5] = [
    1.0,
    1.368_129_634_706_929_546_78e4,
    -1.320_892_344_402_109_674_47e6,
    2.500_838_018_233_579_158_39e7,
    -5.386_957_559_294_546_298_81e7,
];

/// The sine of an angle in radians.
#[must_use]
pub fn sin(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let (octant, z) = reduce(x.abs());
    let value = if matches!(octant & 3, 1 | 2) { cosine_of(z) } else { sine_of(z) };
    if (x < 0.0) != (octant > 3) { -value } else { value }
}

/// The cosine of an angle in radians.
#[must_use]
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return NAN;
    }
    let (octant, z) = reduce(x.abs());
    let quarter = octant & 3;
    let value = if matches!(quarter, 1 | 2) { sine_of(z) } else { cosine_of(z) };
    if (octant > 3) != (quarter > 1) { -value } else { value }
}

/// The tangent of an angle in radians.
#[must_use]
pub fn tan(x: f64) -> f64 {
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return NAN;
    }
    let (octant, z) = reduce(x.abs());
    let zz = z * z;
    let mut value = z;
    if zz > 1e-14 {
        value = z + z * (zz * polynomial(zz, &TAN_P) / polynomial(zz, &TAN_Q));
    }
    if octant & 2 == 2 {
        value = -1.0 / value;
    }
    if x < 0.0 { -value } else { value }
}

/// The sine of a small angle.
fn sine_of(z: f64) -> f64 {
    let zz = z * z;
    z + z * zz * polynomial(zz, &SIN)
}

/// The cosine of a small angle.
fn cosine_of(z: f64) -> f64 {
    let zz = z * z;
    1.0 - 0.5 * zz + zz * zz * polynomial(zz, &COS)
}

/// The even octant nearest to a positive angle, modulo eight, and the angle
/// that remains.
fn reduce(x: f64) -> (u64, f64) {
    if x >= LARGE {
        return reduce_large(x);
    }
    let mut octant = (x * OCTANTS) as u64;
    octant += octant & 1;
    let y = octant as f64;
    (octant & 7, ((x - y * PI4_A) - y * PI4_B) - y * PI4_C)
}

/// The same for angles from [`LARGE`] on, by multiplying with enough bits of
/// `4/π`.
fn reduce_large(x: f64) -> (u64, f64) {
    let bits = x.to_bits();
    // x = mantissa × 2^exponent
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1075;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let place = (exponent + 61) as usize;
    let (digit, shift) = (place / 64, place % 64);
    let window = |index: usize| {
        let wide = u128::from(FOUR_OVER_PI[index]) << 64 | u128::from(FOUR_OVER_PI[index + 1]);
        (wide << shift >> 64) as u64
    };
    let product = |index: usize| u128::from(window(digit + index)) * u128::from(mantissa);
    // Whole turns beyond the leading bits, and bits below these, do not matter.
    let sum = (product(0) << 64).wrapping_add(product(1)).wrapping_add(product(2) >> 64);
    let mut octant = (sum >> 125) as u64;
    let (high, low) = ((sum << 3 >> 64) as u64, sum as u64);
    // The remaining fraction as a float. Below the bits of `high` Go puts the
    // uppermost of `low` once more, instead of those that follow.
    let zeros = high.leading_zeros() + 1;
    let below = low.checked_shr(64u32.wrapping_sub(zeros)).unwrap_or(0);
    let fraction = (high.checked_shl(zeros).unwrap_or(0) | below) >> 12;
    let mut z = f64::from_bits(fraction | u64::from(1023 - zeros) << 52);
    if octant & 1 == 1 {
        octant = (octant + 1) & 7;
        z -= 1.0;
    }
    (octant, z * FRAC_PI_4)
}

/// The binary digits of `4/π`, 64 to a word, the first before the point.
const FOUR_OVER_PI: [u64; 20] = [
    0x0000_0000_0000_0001,
    0x45f3_06dc_9c88_2a53,
    0xf84e_afa3_ea69_bb81,
    0xb6c5_2b32_7887_2083,
    0xfca2_c757_bd77_8ac3,
    0x6e48_dc74_849b_a5c0,
    0x0c92_5dd4_13a3_2439,
    0xfc3b_d639_6253_4e7d,
    0xd104_6bea_5d76_8909,
    0xd338_e04d_68be_fc82,
    0x7323_ac73_06a6_73e9,
    0x3908_bf17_7bf2_5076,
    0x3ff1_2fff_bc0b_301f,
    0xde5e_2316_b414_da3e,
    0xda6c_fd9e_4f96_136e,
    0x9e8c_7ecd_3cbf_d45a,
    0xea4f_758f_d7cb_e2f6,
    0x7a0e_73ef_14a5_25d4,
    0xd7f6_bf62_3f1a_ba10,
    0xac06_608d_f8f6_d757,
];
