//! Facts are outputs of Go and of a Prometheus server.

use proptest::prelude::*;

use super::*;

fn sample(value: f64) -> String {
    text(|out| write_sample_value(out, value))
}

#[test]
fn sample_values_have_exponents_only_at_the_ends() {
    for (value, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-17.5, "-17.5"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (999_999_999_999_999_900_000.0, "999999999999999900000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1e-6, "0.000001"),
        (1.25e-6, "0.00000125"),
        (9.99e-7, "9.99e-07"),
        (-1e-7, "-1e-07"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (9_007_199_254_740_992.0, "9007199254740992"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (-9_223_372_036_854_775_808.0, "-9223372036854776000"),
        (18_446_744_073_709_552_000.0, "18446744073709552000"),
        (1_191_495_685_982_259.2, "1191495685982259.2"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::from_bits(crate::series::STALE_NAN_BITS), "NaN"),
    ] {
        assert_eq!(sample(value), expected);
    }
}

#[test]
fn scalars_never_have_exponents() {
    for (value, expected) in [
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (-1.5e22, "-15000000000000000000000"),
        (1.25e-10, "0.000000000125"),
        (-0.0, "-0"),
    ] {
        assert_eq!(format_float(value), expected);
    }
    assert_eq!(format_float(5e-324).len(), 326);
    assert_eq!(format_float(f64::MAX).len(), 309);
}

#[test]
fn general_floats_have_exponents_from_a_million_on() {
    for (value, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (100_000.0, "100000"),
        (123_456.5, "123456.5"),
        (1e6, "1e+06"),
        (1_234_567.0, "1.234567e+06"),
        (0.0001, "0.0001"),
        (0.000_01, "1e-05"),
        (1e100, "1e+100"),
        (f64::INFINITY, "+Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(format_general(value), expected);
    }
}

#[test]
fn sample_times_have_no_or_three_decimals_and_scalar_times_none_too_many() {
    for (ms, sample, scalar) in [
        (0, "0", "0"),
        (1_000, "1", "1"),
        (1_435_781_451_120, "1435781451.120", "1435781451.12"),
        (1_005, "1.005", "1.005"),
        (-1, "-0.001", "-0.001"),
        (-61_500, "-61.500", "-61.5"),
        (i64::MAX, "9223372036854775.807", "9223372036854776"),
        (i64::MIN, "-9223372036854775.808", "-9223372036854776"),
    ] {
        assert_eq!(text(|out| write_timestamp(out, ms)), sample);
        assert_eq!(text(|out| write_scalar_timestamp(out, ms)), scalar);
    }
}

#[test]
fn floats_are_read_as_go_reads_them() {
    for (text, value) in [
        ("1", 1.0),
        ("+1.5", 1.5),
        ("-.5e1", -5.0),
        ("1.", 1.0),
        ("1_23.50_0_0e+1_2", 1.235e14),
        ("Inf", f64::INFINITY),
        ("-iNfInItY", f64::NEG_INFINITY),
        ("0x1p-2", 0.25),
        ("0x_1_F.8p0", 31.5),
        ("-0X.8P1", -1.0),
        ("0x1.fffffffffffffp1023", f64::MAX),
        ("0x1p-1074", 5e-324),
        ("0x1p-1075", 0.0),
        ("0x1.8p-1075", 5e-324),
        ("0x0.0000000000000000000000000000000001p0", 2f64.powi(-136)),
        ("0x1.00000000000008p0", 1.0),
        ("0x1.000000000000080000000000000001p0", 1.0 + f64::EPSILON),
        ("0x1.00000000000018p0", 1.0 + 2.0 * f64::EPSILON),
        ("0x1.fffffffffffff8p-1023", 2f64.powi(-1022)),
        ("0x123456789abcdef01p0", 20_988_295_479_420_645_377.0),
        ("1e-400", 0.0),
        ("-0", -0.0),
        ("010", 10.0),
    ] {
        let read = parse_float(text);
        assert_eq!(read.map(f64::to_bits), Ok(value.to_bits()), "of {text}");
    }
    assert!(parse_float("nAn").unwrap().is_nan());
    for text in [
        "", "+", ".", "e1", "1e", "1e+", "1.2.3", " 1", "1 ", "+nan", "infin", "in", "0x", "0x1",
        "0x.p1", "0x1p", "0x1p+", "0xg p1", "_1", "1_", "1__2", "1_.5", "1._5", "0b1", "--1", "1f",
        "1e5.5", "٣",
    ] {
        assert_eq!(parse_float(text), Err(ParseError::Syntax(text.to_owned())), "of {text}");
    }
    for text in ["1e309", "-1e309", "0x1p1024", "0x1.fffffffffffff8p1023"] {
        assert_eq!(parse_float(text), Err(ParseError::Range(text.to_owned())), "of {text}");
    }
    let error = parse_float("a\"").unwrap_err().to_string();
    assert_eq!(error, r#"strconv.ParseFloat: parsing "a\"": invalid syntax"#);
}

#[test]
fn literals_are_integers_of_any_base_first() {
    for (text, value) in [
        ("0x1F", 31.0),
        ("0b101", 5.0),
        ("0o17", 15.0),
        ("017", 15.0),
        ("08", 8.0),
        ("0", 0.0),
        ("1_000", 1000.0),
        ("0x_ff", 255.0),
        ("9223372036854775807", 9_223_372_036_854_775_807.0),
        ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0x1p4", 16.0),
        ("inf", f64::INFINITY),
    ] {
        assert_eq!(parse_literal(text), Ok(value), "of {text}");
    }
    for text in ["0x", "0xffffffffffffffffff", "0b2", "1_", "_1", "1__0"] {
        assert!(parse_literal(text).is_err(), "{text} is accepted");
    }
}

#[test]
fn times_are_seconds_or_rfc_3339() {
    for (text, ms) in [
        ("123", 123_000),
        ("123.123", 123_123),
        ("1543578564.705", 1_543_578_564_705),
        ("1.0006", 1_001),
        ("-1.5", -1_500),
        ("-0.0004", 0),
        ("1e3", 1_000_000),
        ("1582468023986", 1_582_468_023_986_000),
        ("2015-06-03T13:21:58.555Z", 1_433_337_718_555),
        ("2015-06-03T14:21:58.555+01:00", 1_433_337_718_555),
        ("2015-06-03T13:21:58Z", 1_433_337_718_000),
        ("2015-06-03T13:21:58,5559999999999Z", 1_433_337_718_555),
        ("1970-01-01T0:00:00-00:30", 1_800_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("-292273086-05-16T16:47:06Z", MIN_TIME_MS),
        ("292277025-08-18T07:12:54.999999999Z", MAX_TIME_MS),
    ] {
        assert_eq!(parse_time(text), Ok(ms), "of {text}");
    }
    for text in [
        "",
        "abc",
        "30s",
        "2015-06-03",
        "2015-06-03T13:21:58",
        "2015-06-03t13:21:58z",
        "2015-13-03T13:21:58Z",
        "2015-02-29T13:21:58Z",
        "2015-06-03T24:00:00Z",
        "2015-06-03T13:21:60Z",
        "2015-06-03T13:21:58.Z",
        "2015-06-03T13:21:58+0100",
        "2015-06-03T13:21:58+25:00",
        "2015-06-3T13:21:58Z",
        "2015-06-03T13:21:58Zé",
        "é",
    ] {
        let error = parse_time(text).unwrap_err().to_string();
        assert_eq!(error, format!("cannot parse {text:?} to a valid timestamp"));
    }
}

#[test]
fn absurd_times_do_not_panic() {
    for text in ["NaN", "+Inf", "-Inf", "1e300", "-1e300", "9223372036854775807", "1e15"] {
        assert!(parse_time(text).is_ok());
    }
    assert_eq!(parse_time("9.2e15"), Ok(9_200_000_000_000_000_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_printed_reads_back_as_the_same_bits(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        for text in [sample(value), format_float(value), format_general(value)] {
            let read = parse_float(&text).unwrap();
            prop_assert!(read.to_bits() == bits || (value.is_nan() && read.is_nan()), "{}", text);
            let std: f64 = text.parse().unwrap();
            prop_assert!(std.to_bits() == bits || value.is_nan());
        }
    }

    #[test]
    fn short_decimals_print_as_they_are_written(whole in -1_000_000i64..1_000_000, cents in 1u8..100) {
        let text = format!("{whole}.{cents:02}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        prop_assert_eq!(&sample(text.parse().unwrap()), text);
    }

    #[test]
    fn integers_print_as_integers(value in any::<i64>()) {
        let float = value as f64;
        let read: f64 = sample(float).parse().unwrap();
        prop_assert_eq!(read, float);
        prop_assert!(!sample(float).contains(['.', 'e']));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[0-9a-fx_.+eEpPTZ:-]{0,24}") {
        let _ = (parse_float(&text), parse_literal(&text), parse_time(&text));
    }

    #[test]
    fn hexadecimal_floats_are_exact(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let (exponent, mantissa) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
        let (leading, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let text = format!("{sign}0x{leading}.{mantissa:013x}p{exponent}");
        prop_assert_eq!(parse_float(&text).unwrap().to_bits(), bits);
    }
}
