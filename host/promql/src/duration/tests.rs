//! Facts from Prometheus's and Go's tests and documentation.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = NANOS_PER_SECOND;
const DAY: i64 = 86_400 * SECOND;

#[test]
fn prometheus_durations_are_read_and_printed() {
    for (text, nanos, printed) in [
        ("0", 0, "0s"),
        ("0w", 0, "0s"),
        ("0s", 0, "0s"),
        ("324ms", 324_000_000, "324ms"),
        ("3s", 3 * SECOND, "3s"),
        ("5m", 300 * SECOND, "5m"),
        ("1h", 3_600 * SECOND, "1h"),
        ("4d", 4 * DAY, "4d"),
        ("4d1h", 4 * DAY + 3_600 * SECOND, "4d1h"),
        ("14d", 14 * DAY, "2w"),
        ("3w", 21 * DAY, "3w"),
        ("3w2d1h", 23 * DAY + 3_600 * SECOND, "23d1h"),
        ("10y", 3_650 * DAY, "10y"),
        ("1y1d", 366 * DAY, "366d"),
        ("1y2w", 379 * DAY, "379d"),
        ("90d", 90 * DAY, "90d"),
        ("1m90s", 150 * SECOND, "2m30s"),
        ("0s1ms", 1_000_000, "1ms"),
        ("292y", 292 * 365 * DAY, "292y"),
    ] {
        assert_eq!(parse(text), Ok(nanos), "of {text}");
        assert_eq!(format(nanos), printed);
    }
    assert_eq!(parse_signed("-1h30m"), Ok(-5_400 * SECOND));
    assert_eq!(format(-5_400 * SECOND), "-1h30m");
    assert_eq!(format(999_999), "0s");
    assert_eq!(format_ms(i64::MIN), "-106751991167d7h12m55s808ms");
}

#[test]
fn errors_of_prometheus_durations_have_its_texts() {
    for (text, error) in [
        ("", "empty duration string"),
        ("1", r#"not a valid duration string: "1""#),
        ("s", r#"not a valid duration string: "s""#),
        ("-1s", r#"not a valid duration string: "-1s""#),
        ("1y1m1d", r#"not a valid duration string: "1y1m1d""#),
        ("1s1s", r#"not a valid duration string: "1s1s""#),
        ("1.5d", r#"unknown unit "." in duration "1.5d""#),
        ("1us", r#"unknown unit "us" in duration "1us""#),
        ("1s ", r#"unknown unit "s " in duration "1s ""#),
        ("99999999999999999999s", r#"not a valid duration string: "99999999999999999999s""#),
        ("294y", "duration out of range"),
        ("200y10400w", "duration out of range"),
        ("9223372036855s", "duration out of range"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), error);
    }
}

#[test]
fn parameters_are_seconds_or_durations() {
    for (text, nanos) in
        [("123", 123 * SECOND), ("123.333", 123_333_000_000), ("15s", 15 * SECOND), ("-1", -SECOND)]
    {
        assert_eq!(parse_parameter(text), Ok(nanos));
    }
    assert_eq!(
        parse_parameter("abc").unwrap_err().to_string(),
        r#"cannot parse "abc" to a valid duration"#
    );
    assert_eq!(
        parse_parameter("148966367200.372").unwrap_err().to_string(),
        r#"cannot parse "148966367200.372" to a valid duration. It overflows int64"#
    );
    assert_eq!(parse_parameter("nan"), Ok(i64::MIN));
}

#[test]
fn go_durations_are_read() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("5s", 5 * SECOND),
        ("+5s", 5 * SECOND),
        ("-5s", -5 * SECOND),
        ("5.0s", 5 * SECOND),
        ("5.6s", 5_600_000_000),
        ("5.s", 5 * SECOND),
        (".5s", 500_000_000),
        ("1.004s", 1_004_000_000),
        ("100.00100s", 100_001_000_000),
        ("10ns", 10),
        ("11us", 11_000),
        ("12\u{b5}s", 12_000),
        ("12\u{3bc}s", 12_000),
        ("3h30m", 12_600 * SECOND),
        ("10.5s4m", 250_500_000_000),
        ("-2m3.4s", -123_400_000_000),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006),
        ("39h9m14.425s", 140_954_425_000_000),
        ("52763797000ns", 52_763_797_000),
        ("0.3333333333333333333h", 1_200 * SECOND),
        ("9007199254740993ns", 9_007_199_254_740_993),
        ("9223372036854775807ns", i64::MAX),
        ("9223372036854775.807us", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("0.100000000000000000000h", 360 * SECOND),
        ("0.830103483285477580700h", 2_988_372_539_827),
    ] {
        assert_eq!(parse_go(text), Ok(nanos), "of {text}");
    }
}

#[test]
fn errors_of_go_durations_have_its_texts() {
    for (text, error) in [
        ("", r#"time: invalid duration """#),
        ("3", r#"time: missing unit in duration "3""#),
        ("-", r#"time: invalid duration "-""#),
        ("s", r#"time: invalid duration "s""#),
        (".", r#"time: invalid duration ".""#),
        (".s", r#"time: invalid duration ".s""#),
        ("1d", r#"time: unknown unit "d" in duration "1d""#),
        ("1s é", r#"time: unknown unit "s \xc3\xa9" in duration "1s \xc3\xa9""#),
        ("3000000h", r#"time: invalid duration "3000000h""#),
        ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
        ("9223372036854775.808us", r#"time: invalid duration "9223372036854775.808us""#),
        ("-9223372036854775809ns", r#"time: invalid duration "-9223372036854775809ns""#),
        ("9223372036854ms775us808ns", r#"time: invalid duration "9223372036854ms775us808ns""#),
    ] {
        assert_eq!(parse_go(text).unwrap_err().to_string(), error);
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(ms in 0i64..9_000_000_000_000) {
        prop_assert_eq!(parse(&format_ms(ms)), Ok(ms * NANOS_PER_MILLI));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "[0-9.+ a-z\u{b5}-]{0,16}") {
        let _ = (parse(&text), parse_signed(&text), parse_parameter(&text), parse_go(&text));
    }
}
