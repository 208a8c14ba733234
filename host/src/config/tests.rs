//! The whole way from text to configuration, on any input.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../config.yaml");

fn parse_text(text: &str) -> Result<Config, Error> {
    parse(text, "config.yaml", Path::new(""))
}

/// Every line of a refusal starts with the file, a line and a column.
fn assert_located(error: &Error) {
    let Error::Invalid(mistakes) = error else { panic!("{error}") };
    for mistake in mistakes.listed() {
        assert!(mistake.place.line > 0 && mistake.place.column > 0, "{mistake:?}");
        assert!(!mistake.text.contains(char::is_control), "{mistake:?}");
    }
    for line in error.to_string().lines() {
        assert!(line.starts_with("config.yaml:"), "{line}");
    }
}

/// Whatever the input, it loads or is refused with a place.
fn survives(bytes: &[u8]) {
    match parse_bytes(bytes, "config.yaml", Path::new("")) {
        Ok(config) => {
            let yaml = config.to_yaml();
            let again = parse_text(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
            assert_eq!(again.to_yaml(), yaml);
        }
        Err(error) => assert_located(&error),
    }
}

/// Pieces of YAML and of our keys, in any order.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "promxy:",
        "server_groups:",
        "static_configs:",
        "targets:",
        "labels:",
        "http_client:",
        "tls_config:",
        "basic_auth:",
        "timeout:",
        "remote_read:",
        "http_headers:",
        "a",
        "1",
        "-1",
        "10s",
        "true",
        "null",
        "host:9090",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "- ",
        "? ",
        "\n",
        "\n  ",
        "\n    ",
        "\n      - ",
        "\t",
        "&a ",
        "*a",
        "<<:",
        "|",
        ">",
        "'",
        "\"",
        "#",
        "!!str ",
        "---",
        "...",
        "%YAML 1.1",
        "\u{feff}",
        "ü",
        "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives(&bytes);
    }

    #[test]
    fn random_yaml_never_panics(text in yaml_like()) {
        survives(text.as_bytes());
    }

    #[test]
    fn a_mutated_example_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6),
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (at, kind, byte) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => bytes.truncate(at.max(1)),
                _ => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len() - 1).max(at))),
            }
        }
        survives(&bytes);
    }

    #[test]
    fn lines_in_any_order_never_panic(order in Just(
        EXAMPLE.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>()
    ).prop_shuffle()) {
        survives(order.join("\n").as_bytes());
    }
}

#[test]
fn the_place_of_a_byte_that_is_not_utf8_is_found() {
    let error = parse_bytes(b"promxy:\n  \xc3\xa4 \xff", "f", Path::new("")).expect_err("no UTF-8");
    assert_eq!(error.to_string(), "f:2:5: found the byte 0xff, expected UTF-8");
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let error = parse_text(&" ".repeat(MAX_BYTES + 1)).expect_err("too large");
    assert_eq!(
        error.to_string(),
        "config.yaml:1:1: found more than 8388608 bytes, expected a smaller file"
    );
}

#[test]
fn load_names_a_file_that_is_not_there() {
    let error = load(Path::new("no/such.yaml")).expect_err("no file");
    assert_eq!(error.to_string(), "cannot read the configuration file no/such.yaml");
}

#[test]
fn a_very_bad_file_lists_its_first_mistakes_and_counts_the_rest() {
    let text: String = (0..50).map(|n| format!("key{n}: 1\n")).collect();
    let message = parse_text(&text).expect_err("unknown keys").to_string();
    assert_eq!(message.lines().count(), 21);
    assert!(message.ends_with("\nconfig.yaml: and 30 more"), "{message}");
}

#[test]
fn relative_files_count_from_the_base() {
    let text = "promxy: {server_groups: [{http_client: {bearer_token_file: t, tls_config: {ca_file: /c}}}]}";
    let config = parse(text, "f", Path::new("etc")).expect("loads");
    let client = &config.server_groups[0].client;
    let credentials = Source::File(PathBuf::from("etc/t"));
    let (scheme, file_key) = ("Bearer".to_owned(), "bearer_token_file");
    assert_eq!(client.auth, Some(Auth::Token { scheme, credentials, file_key }));
    assert_eq!(client.tls.ca, Some(Source::File(PathBuf::from("/c"))));
}

fn group(text: &str) -> ServerGroup {
    let text = format!("promxy: {{server_groups: [{{{text}}}]}}");
    parse_text(&text).unwrap_or_else(|error| panic!("{error}")).server_groups.remove(0)
}

#[test]
fn the_policy_settings_follow_promxys_keys() {
    for (keys, distance, dynamic, max) in [
        ("", 10_000, true, false),
        ("anti_affinity: 500ms", 500, false, false),
        ("anti_affinity: 30s, anti_affinity_dynamic: true, prefer_max: true", 30_000, true, true),
        ("anti_affinity_dynamic: false", 10_000, false, false),
    ] {
        let settings = format!(
            r#"{{"anti_affinity":{distance},"anti_affinity_dynamic":{dynamic},"prefer_max":{max},"rule":"fill"}}"#
        );
        assert_eq!(merged_settings(&policy_settings(&group(keys)), None), settings, "{keys}");
    }
}

#[test]
fn labels_of_the_group_win_over_labels_of_the_target() {
    let group = group(
        "static_configs: [{targets: [a], labels: {x: target, y: target}}], labels: {x: group, z: 1}",
    );
    let labels = group.series_labels(&group.targets[0]);
    let expected = promql::Labels::from_pairs([("x", "group"), ("y", "target"), ("z", "1")]);
    assert_eq!(labels, expected);
}

#[test]
fn an_endpoint_is_the_url_of_the_replica_and_the_path() {
    let group = group("scheme: https, path_prefix: prom/, static_configs: [{targets: [Host]}]");
    let target = &group.targets[0];
    assert_eq!(
        (target.address.as_str(), target.url.as_str()),
        ("host:443", "https://host:443/prom")
    );
    let endpoint = target.endpoint(&group.remote_read_path).expect("a path");
    assert_eq!(endpoint.to_string(), "https://host:443/prom/api/v1/read");
}

#[test]
fn no_secret_is_printed() {
    let config = parse_text(
        "promxy: {server_groups: [
           {http_client: {basic_auth: {username: u, password: hunter2}, tls_config: {cert: c, key: hunter2}}},
           {http_client: {bearer_token: hunter2}},
           {http_headers: {Authorization: hunter2, X-Api-Key: hunter2}, query_params: {token: hunter2}}]}",
    )
    .expect("loads");
    let yaml = config.to_yaml();
    assert!(!yaml.contains("hunter2"), "{yaml}");
    assert_eq!(yaml.matches(MASK).count(), 6, "{yaml}");
    // A query parameter is text, masked by its name only where it is shown.
    let group = &config.server_groups[2];
    assert_eq!(format!("{config:?}").matches("hunter2").count(), group.client.query_params.len());
}

#[test]
fn no_secret_is_repeated_in_a_mistake() {
    for keys in [
        "http_client: {bearer_token: \"hunter2\\n\"}",
        "http_client: {basic_auth: {password: {hunter2: 1}}}",
        "http_client: {authorization: {credentials: [hunter2]}}",
        "http_client: {authorization: {credentials: \"hunter2\\u0001\"}}",
        "http_headers: {X-Token: \"hunter2\\n\"}",
        "static_configs: [{targets: ['http://u:hunter2@a/b']}]",
        "static_configs: [{targets: ['u:hunter2@a/b']}]",
    ] {
        let text = format!("promxy: {{server_groups: [{{{keys}}}]}}");
        let error = parse_text(&text).expect_err(keys).to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
