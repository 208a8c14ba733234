//! Configuration files, whole: good ones against a snapshot of the resolved
//! value and of the effective configuration, bad ones against the message.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect, expect_file};
use promweave::config::{self, Config};

/// The files of `tests/config` whose names end so, by name.
fn cases(ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let files = std::fs::read_dir(folder).expect("the folder is part of the crate");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("an entry").path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "no file ends with {ending}");
    files
}

fn parse(file: &Path) -> Result<Config, config::Error> {
    let text = std::fs::read_to_string(file).expect("a text file");
    let name = file.file_name().expect("a file").to_string_lossy();
    config::parse(&text, &name, Path::new(""))
}

#[test]
fn good_files_resolve_to_their_snapshots() {
    for file in cases(".good.yaml") {
        let config = parse(&file).unwrap_or_else(|error| panic!("{error}"));
        expect_file![file.with_extension("resolved")].assert_eq(&format!("{config:#?}\n"));
        expect_file![file.with_extension("effective")].assert_eq(&config.to_yaml());
    }
}

#[test]
fn bad_files_are_refused_with_exactly_their_message() {
    for file in cases(".bad.yaml") {
        let Err(error) = parse(&file) else { panic!("{} loads", file.display()) };
        expect_file![file.with_extension("message")].assert_eq(&format!("{error}\n"));
    }
}

/// Small files with one mistake each: text and message.
#[test]
fn each_mistake_has_its_place_and_says_what_is_allowed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let text = std::fs::read_to_string(folder.join("mistakes.txt")).expect("a text file");
    let mut with_messages = String::new();
    for case in text.split_terminator("\n====\n") {
        let yaml = case.split("\n----\n").next().expect("a split has a first part");
        let message = match config::parse(yaml, "f", Path::new("")) {
            Ok(_) => "loads".to_owned(),
            Err(error) => error.to_string(),
        };
        write!(with_messages, "{yaml}\n----\n{message}\n====\n").expect("a string takes all");
    }
    expect_file![folder.join("mistakes.txt")].assert_eq(&with_messages);
    assert!(!with_messages.contains("\nloads\n"), "a case loads");
}

/// The texts of a YAML tree, as another reader sees them; any other scalar
/// would be a text that lacks quotes.
fn texts(value: &serde_yaml::Value) -> Vec<&str> {
    match value {
        serde_yaml::Value::Mapping(map) => map.values().flat_map(texts).collect(),
        serde_yaml::Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

#[test]
fn the_effective_configuration_means_the_same_to_another_yaml_reader() {
    let odd = [
        "1",
        "true",
        "~",
        "null",
        "1e3",
        "0x1",
        " a ",
        "- b",
        "#c",
        "d: e",
        "\u{85}f\n\t\"\\",
        "ü",
    ];
    let labels: Vec<String> =
        odd.iter().enumerate().map(|(n, text)| format!("l{n:02}: {text:?}")).collect();
    let text = format!("global: {{external_labels: {{{}}}}}", labels.join(", "))
        .replace("\\u{85}", "\\x85");
    let config = config::parse(&text, "f", Path::new("")).unwrap_or_else(|error| panic!("{error}"));
    let yaml = config.to_yaml();
    let tree: serde_yaml::Value = serde_yaml::from_str(&yaml).expect("YAML");
    assert_eq!(texts(&tree["global"]["external_labels"]), odd, "{yaml}");
}

#[test]
fn the_documented_example_loads_without_notes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.yaml");
    let config = config::load(&path).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.notes, Vec::<String>::new());
    assert_eq!(config.server_groups.len(), 3);
    expect_file!["config/example.effective"].assert_eq(&config.to_yaml());
}

/// promxy's own examples: they load, or the keys that stand in the way are
/// named.
#[test]
fn promxys_examples_load_or_name_what_is_missing() {
    let Ok(shared) = std::env::var("PROMWEAVE_SHARED") else {
        eprintln!("SKIPPED promxys_examples: PROMWEAVE_SHARED is not set");
        return;
    };
    let check = |name: &str, expect: Expect| {
        let file = Path::new(&shared).join("promxy-config").join(name);
        expect.assert_eq(&match parse(&file) {
            Ok(config) => format!("loads: {} server groups", config.server_groups.len()),
            Err(error) => error.to_string(),
        });
    };
    check("local_test.conf", expect!["loads: 2 server groups"]);
    check("multi_tenant.conf", expect!["loads: 7 server groups"]);
    check(
        "demo.conf",
        expect![
            "demo.conf:11:1: rule_files: not supported yet, expected no such key or an empty value (rules are not evaluated here)"
        ],
    );
    check(
        "config.yaml",
        expect![[r#"
        config.yaml:12:1: rule_files: not supported yet, expected no such key or an empty value (rules are not evaluated here)
        config.yaml:16:1: alerting: not supported yet, expected no such key or an empty value (rules are not evaluated here)
        config.yaml:26:1: remote_write: not supported yet, expected no such key or an empty value (rules are not evaluated here)
        config.yaml:78:7: promxy.server_groups[0].native_histogram: not supported yet, expected no such key or an empty value
        config.yaml:115:7: promxy.server_groups[0].relative_time_range: not supported yet, expected no such key or an empty value
        config.yaml:127:7: promxy.server_groups[0].absolute_time_range: not supported yet, expected no such key or an empty value
        config.yaml:137:7: promxy.server_groups[0].relabel_configs: not supported yet, expected no such key or an empty value (set labels in `static_configs`)
        config.yaml:152:7: promxy.server_groups[0].metrics_relabel_configs: not supported yet, expected no such key or an empty value
        config.yaml:196:7: promxy.server_groups[0].label_filter: not supported yet, expected no such key or an empty value
        config.yaml:225:7: promxy.server_groups[0].inject_matchers: not supported yet, expected no such key or an empty value"#]],
    );
    check(
        "alert_example.rule",
        expect![[
            r#"alert_example.rule:2:1: groups: unknown key "groups"; known here: global, promxy"#
        ]],
    );
}
