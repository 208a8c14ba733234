//! Special cases are Go's documentation. Other results are compared with the
//! standard library's, within the error Go's algorithms have; the exact bits
//! are in `vectors`.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use proptest::prelude::*;

use super::*;

const INF: f64 = f64::INFINITY;

type Function = fn(f64) -> f64;

/// Name, function, and pairs of argument and result.
type Row = (&'static str, Function, &'static [(f64, f64)]);

#[track_caller]
fn same(actual: f64, expected: f64, what: &str) {
    let equal = actual.to_bits() == expected.to_bits() || (actual.is_nan() && expected.is_nan());
    assert!(equal, "{what} is {actual:e}, not {expected:e}");
}

#[test]
fn special_arguments_have_go_s_results() {
    let cases: &[Row] = &[
        ("ln", ln, &[(5e-324, -709.0895657128241), (f64::MIN_POSITIVE, -708.3964185322641)]),
        ("ln", ln, &[(INF, INF), (0.0, -INF), (-0.0, -INF), (-1.0, NAN), (1.0, 0.0)]),
        ("log2", log2, &[(INF, INF), (0.0, -INF), (-1.0, NAN), (8.0, 3.0), (5e-324, -1074.0)]),
        ("log10", log10, &[(INF, INF), (0.0, -INF), (-1.0, NAN), (1.0, 0.0), (100.0, 2.0)]),
        ("log1p", log1p, &[(INF, INF), (-0.0, -0.0), (-1.0, -INF), (-1.5, NAN), (-INF, NAN)]),
        ("exp", exp, &[(INF, INF), (-INF, 0.0), (0.0, 1.0), (710.0, INF), (-746.0, 0.0)]),
        ("exp", exp, &[(-1e300, 0.0), (1e300, INF), (-0.0, 1.0), (f64::MIN, 0.0)]),
        (
            "exp2",
            exp2,
            &[(INF, INF), (-INF, 0.0), (10.0, 1024.0), (1024.0, INF), (-1074.0, 5e-324)],
        ),
        ("sin", sin, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)]),
        ("cos", cos, &[(0.0, 1.0), (INF, NAN), (-INF, NAN)]),
        ("tan", tan, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN)]),
        (
            "asin",
            asin,
            &[(-0.0, -0.0), (1.0, FRAC_PI_2), (-1.0, -FRAC_PI_2), (1.1, NAN), (-1.1, NAN)],
        ),
        ("acos", acos, &[(1.0, 0.0), (-1.0, PI), (1.1, NAN), (INF, NAN)]),
        ("atan", atan, &[(-0.0, -0.0), (INF, FRAC_PI_2), (-INF, -FRAC_PI_2), (1.0, FRAC_PI_4)]),
        ("sinh", sinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)]),
        ("cosh", cosh, &[(0.0, 1.0), (INF, INF), (-INF, INF)]),
        ("tanh", tanh, &[(-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (50.0, 1.0)]),
        ("asinh", asinh, &[(-0.0, -0.0), (INF, INF), (-INF, -INF), (1e-10, 1e-10)]),
        ("acosh", acosh, &[(1.0, 0.0), (INF, INF), (0.5, NAN), (-INF, NAN)]),
        ("atanh", atanh, &[(-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-1.5, NAN)]),
    ];
    for (name, function, pairs) in cases {
        assert!(function(NAN).is_nan(), "{name} of NaN");
        for (x, expected) in *pairs {
            same(function(*x), *expected, &format!("{name}({x})"));
        }
    }
}

#[test]
fn special_powers_are_go_s() {
    for (x, y, expected) in [
        (NAN, 0.0, 1.0),
        (1.0, NAN, 1.0),
        (NAN, 1.0, NAN),
        (2.0, NAN, NAN),
        (-0.0, -3.0, -INF),
        (0.0, -3.0, INF),
        (-0.0, -2.0, INF),
        (-0.0, -INF, INF),
        (-0.0, 3.0, -0.0),
        (-0.0, 2.5, 0.0),
        (-1.0, INF, 1.0),
        (0.5, INF, 0.0),
        (0.5, -INF, INF),
        (-2.0, INF, INF),
        (INF, -1.0, 0.0),
        (-INF, 3.0, -INF),
        (-INF, 2.0, INF),
        (-INF, -3.0, -0.0),
        (-8.0, 1.0 / 3.0, NAN),
        (-2.0, 3.0, -8.0),
        (2.0, 0.5, std::f64::consts::SQRT_2),
        (-4.0, 0.5, NAN),
        (-1.0, 1e300, 1.0),
        (2.0, 1e300, INF),
        (0.5, 1e300, 0.0),
        (2.0, -1074.0, 5e-324),
        (2.0, -1075.0, 0.0),
        (2.0, 1023.0, 2f64.powi(1023)),
        (2.0, 1024.0, INF),
        (10.0, 22.0, 1e22),
        (f64::MAX, 9e15, INF),
        (3.0, 30.0, 205_891_132_094_649.0),
    ] {
        same(pow(x, y), expected, &format!("{x}^{y}"));
    }
}

#[test]
fn angles_of_points_are_go_s() {
    for (y, x, expected) in [
        (NAN, 1.0, NAN),
        (1.0, NAN, NAN),
        (0.0, 1.0, 0.0),
        (-0.0, 0.0, -0.0),
        (0.0, -0.0, PI),
        (-0.0, -1.0, -PI),
        (1.0, 0.0, FRAC_PI_2),
        (-1.0, -0.0, -FRAC_PI_2),
        (INF, INF, FRAC_PI_4),
        (-INF, -INF, -3.0 * FRAC_PI_4),
        (1.0, INF, 0.0),
        (-1.0, INF, -0.0),
        (-1.0, -INF, -PI),
        (INF, 1.0, FRAC_PI_2),
        (1.0, 1.0, FRAC_PI_4),
    ] {
        same(atan2(y, x), expected, &format!("atan2({y}, {x})"));
    }
}

#[test]
fn remainders_have_the_sign_of_the_dividend() {
    for (x, y, expected) in [
        (5.0, 3.0, 2.0),
        (-5.0, 3.0, -2.0),
        (5.0, -3.0, 2.0),
        (-4.0, 2.0, -0.0),
        (1.0, INF, 1.0),
        (INF, 1.0, NAN),
        (1.0, 0.0, NAN),
        (1e308, 3e-308, 1e308 % 3e-308),
    ] {
        same(modulo(x, y), expected, &format!("{x} % {y}"));
    }
    assert_eq!(modulo(1.0, 0.0).to_bits(), crate::series::NORMAL_NAN_BITS);
}

#[test]
fn conversions_to_integers_cut_and_overflow_to_the_smallest() {
    for (x, expected) in [
        (1.9, 1),
        (-1.9, -1),
        (9.3e18, i64::MIN),
        (-9.3e18, i64::MIN),
        (NAN, i64::MIN),
        (INF, i64::MIN),
        (-9_223_372_036_854_775_808.0, i64::MIN),
        (9_223_372_036_854_774_784.0, 9_223_372_036_854_774_784),
    ] {
        assert_eq!(to_i64(x), expected, "of {x}");
    }
}

/// Distance in units in the last place; close to zero, in units of the
/// smallest normal number's.
fn distance(a: f64, b: f64) -> u64 {
    let place = |x: f64| {
        let bits = x.to_bits() as i64;
        if bits < 0 { i64::MIN - bits } else { bits }
    };
    if a.is_nan() || b.is_nan() {
        return u64::from(a.is_nan() != b.is_nan());
    }
    place(a).abs_diff(place(b))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn results_are_accurate(
        size in -30f64..30.0,
        fraction in -1f64..1.0,
        angle in -1e6f64..1e6,
        huge in prop::num::f64::NORMAL,
    ) {
        let positive = size.exp();
        let inner = 0.999 * fraction;
        let cases: [(&str, f64, f64, f64, u64); 25] = [
            ("ln", positive, ln(positive), positive.ln(), 1),
            ("log10", positive, log10(positive), positive.log10(), 2),
            ("log1p", positive, log1p(positive), positive.ln_1p(), 2),
            ("log1p", fraction, log1p(fraction), fraction.ln_1p(), 2),
            ("exp", size, exp(size), size.exp(), 2),
            ("exp", 20.0 * size, exp(20.0 * size), (20.0 * size).exp(), 2),
            ("exp2", size, exp2(size), size.exp2(), 2),
            ("sin", fraction, sin(fraction), fraction.sin(), 2),
            ("cos", fraction, cos(fraction), fraction.cos(), 2),
            ("tan", fraction, tan(fraction), fraction.tan(), 3),
            // Near 1 the published method loses digits; Go has the same loss.
            ("asin", inner, asin(inner), inner.asin(), 40),
            ("atan", size, atan(size), size.atan(), 3),
            ("sinh", size, sinh(size), size.sinh(), 4),
            ("sinh", fraction, sinh(fraction), fraction.sinh(), 6),
            ("cosh", size, cosh(size), size.cosh(), 3),
            ("tanh", size, tanh(size), size.tanh(), 4),
            ("asinh", size, asinh(size), size.signum() * textbook_asinh(size.abs()), 4),
            ("acosh", 1.0 + positive, acosh(1.0 + positive), textbook_acosh(1.0 + positive), 8),
            ("atanh", fraction, atanh(fraction), textbook_atanh(fraction), 8),
            ("pow", positive, pow(positive, fraction), positive.powf(fraction), 20),
            ("pow", positive, pow(positive, 3.0), positive.powi(2) * positive, 4),
            ("pow", positive, pow(positive, size / 3.0), positive.powf(size / 3.0), 300),
            ("atan2", size, atan2(size, fraction), size.atan2(fraction), 4),
            ("ldexp", huge, ldexp(frexp(huge).0, frexp(huge).1), huge, 0),
            ("mod", angle, modulo(angle, size), angle % size, 0),
        ];
        for (name, x, actual, expected, limit) in cases {
            let distance = distance(actual, expected);
            prop_assert!(distance <= limit, "{name}({x:e}) = {actual:e}, {expected:e}: {distance} ulp");
        }
        for x in [angle, huge] {
            prop_assert!((sin(x) - x.sin()).abs() < 3e-16, "sin({x:e})");
            prop_assert!((cos(x) - x.cos()).abs() < 3e-16, "cos({x:e})");
            let tangent = x.tan();
            prop_assert!((tan(x) - tangent).abs() <= 4e-16 * (1.0 + tangent * tangent), "tan({x:e})");
        }
        prop_assert!((log2(positive) - positive.log2()).abs() <= 3e-16 * positive.log2().abs().max(1.0));
        prop_assert!((acos(inner) - inner.acos()).abs() < 2e-15);
    }

    #[test]
    fn powers_of_two_have_exact_logarithms(exponent in -1074i32..1024) {
        let power = ldexp(1.0, exponent);
        prop_assert_eq!(log2(power), f64::from(exponent));
        prop_assert_eq!(exp2(f64::from(exponent)), power);
        prop_assert_eq!(pow(2.0, f64::from(exponent)), power);
    }

    #[test]
    fn no_argument_panics(bits in any::<u64>(), other in any::<u64>()) {
        let (x, y) = (f64::from_bits(bits), f64::from_bits(other));
        let functions: [Function; 19] = [
            ln, log2, log10, log1p, exp, exp2, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh,
            asinh, acosh, atanh, |x| to_i64(x) as f64,
        ];
        for function in functions {
            let _ = function(x);
        }
        let _ = (pow(x, y), atan2(x, y), modulo(x, y), ldexp(x, other as i32));
    }
}

/// A textbook form that is accurate for positive arguments.
fn textbook_asinh(x: f64) -> f64 {
    (x + x * x / (1.0 + (x * x + 1.0).sqrt())).ln_1p()
}

/// A textbook form that is accurate from 1 on.
fn textbook_acosh(x: f64) -> f64 {
    let t = x - 1.0;
    (t + (2.0 * t + t * t).sqrt()).ln_1p()
}

/// A textbook form, mirrored so that it is accurate for negative arguments.
fn textbook_atanh(x: f64) -> f64 {
    let size = x.abs();
    (0.5 * (2.0 * size / (1.0 - size)).ln_1p()).copysign(x)
}
