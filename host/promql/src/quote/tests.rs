//! Facts from Go's strconv and from Prometheus's tests.

use proptest::prelude::*;

use super::*;

#[test]
fn quotes_are_go_s() {
    for (bytes, quoted) in [
        (&b""[..], r#""""#),
        (b"a\"\\'", r#""a\"\\'""#),
        (b"\x07\x08\x0c\n\r\t\x0b", r#""\a\b\f\n\r\t\v""#),
        (b"\x00\x1b\x7f", r#""\x00\x1b\x7f""#),
        (b"\xff\xc3", r#""\xff\xc3""#),
        ("é☺\u{ad}\u{a0}\u{200b}\u{fffd}".as_bytes(), "\"é☺\\u00ad\\u00a0\\u200b\u{fffd}\""),
        ("\u{10ffff}\u{1f600}\u{e000}".as_bytes(), "\"\\U0010ffff\u{1f600}\\ue000\""),
    ] {
        assert_eq!(quote(bytes), quoted);
    }
}

#[test]
fn literals_are_unquoted_as_in_promql() {
    for (literal, bytes) in [
        (r#""a""#, &b"a"[..]),
        (r"'a\'b'", b"a'b"),
        (r"`a\n`", b"a\\n"),
        ("`a\n`", b"a\n"),
        (r#""\xff\101\u00e9\U0001F600""#, b"\xffA\xc3\xa9\xf0\x9f\x98\x80"),
        (r#""\a\b\f\n\r\t\v\\\"'""#, b"\x07\x08\x0c\n\r\t\x0b\\\"'"),
        (r#""\ud800""#, "\u{fffd}".as_bytes()),
        (r#""é""#, "é".as_bytes()),
    ] {
        assert_eq!(unquote(literal).unwrap().as_bytes(), bytes, "of {literal}");
    }
    for refused in [
        "",
        "\"",
        "a",
        "\"a'",
        "\"a\nb\"",
        "\"\"\"",
        r#""\'""#,
        r#"'\"'"#,
        r#""\x4""#,
        r#""\400""#,
        r#""\08""#,
        r#""\U00110000""#,
        r#""\q""#,
        r#""\""#,
        "`a`b`",
        "éé",
    ] {
        assert_eq!(unquote(refused), Err(UnquoteError), "of {refused}");
    }
}

#[test]
fn names_without_quotes_are_recognised() {
    assert!(is_legacy_label_name("_a1") && !is_legacy_label_name("a:b"));
    assert!(is_legacy_metric_name("a:b") && !is_legacy_metric_name("1a"));
    assert!(!is_legacy_label_name("") && !is_legacy_label_name("a.b"));
}

#[test]
fn names_are_escaped_as_in_the_exposition() {
    for (name, escaped) in [
        ("", ""),
        ("plain:name_1", "plain:name_1"),
        ("mysystem.prod.west.cpu.load", "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load"),
        ("http.status:sum", "U__http_2e_status:sum"),
        ("label with 😱_", "U__label_20_with_20__1f631___"),
        ("0a", "U___30_a"),
    ] {
        assert_eq!(escape_name(name), escaped);
        assert_eq!(unescape_name(escaped), name);
    }
    for kept in ["U_a", "U__a_", "U__a_zz_", "U__a_1234567_", "U__a_d800_", "U__a_+1_", "U__a_2e"] {
        assert_eq!(unescape_name(kept), kept);
    }
}

proptest! {
    #[test]
    fn what_is_quoted_unquotes_to_itself(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
        let unquoted = unquote(&quote(&bytes)).unwrap();
        prop_assert_eq!(unquoted.as_bytes(), &bytes);
    }

    #[test]
    fn what_is_escaped_unescapes_to_itself(name in "[a_.é0😱:]{0,8}") {
        prop_assume!(!name.starts_with("U__"));
        let escaped = escape_name(&name).into_owned();
        prop_assert_eq!(unescape_name(&escaped), name);
    }
}
