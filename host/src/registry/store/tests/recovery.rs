//! Files that are damaged, missing or left over.

use std::fs;

use super::crashes::check_files;
use super::*;

fn filled(folder: &Path) -> PathBuf {
    let mut store = open_in(folder);
    put(&mut store, "a", b"one", 1).expect("stored");
    put(&mut store, "a", b"two", 2).expect("stored");
    bind(&mut store, "site", "a", b"one").expect("bound");
    store.folder.clone()
}

fn damage(path: &Path) {
    assert!(path.exists(), "{}", path.display());
    fs::write(path, b"{ not what it was").expect("written");
}

#[test]
fn a_damaged_component_is_set_aside_and_can_be_uploaded_again() {
    let folder = folder();
    let own = filled(folder.path());
    let one = digest::of(b"one");
    damage(&own.join(format!("components/{one}.wasm")));
    let mut store = open_in(folder.path());
    let [damaged] = store.damaged() else { panic!("{:?}", store.damaged()) };
    assert_eq!(damaged.file, own.join(format!("damaged/{one}.wasm")).display().to_string());
    assert!(damaged.reason.contains("contents"), "{}", damaged.reason);
    // The version and its binding are still known.
    let version = store.state().names["a"].iter().find(|own| own.digest == one).cloned();
    let version = version.expect("still named");
    assert!(!store.has(&version) && store.bytes(&one).is_err());
    assert!(store.state().groups["site"].active.is_some());
    put(&mut store, "a", b"one", 3).expect("stored");
    assert!(store.has(&version));
    check_files(&store);
}

#[test]
fn a_damage_after_the_start_is_found_when_the_bytes_are_wanted() {
    let folder = folder();
    filled(folder.path());
    let store = open_in(folder.path());
    fs::write(store.component(&digest::of(b"one")), b"eno").expect("written");
    let error = store.bytes(&digest::of(b"one")).expect_err("damaged").to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn the_state_before_is_used_if_the_last_one_is_damaged() {
    let folder = folder();
    let own = filled(folder.path());
    damage(&own.join("state.json"));
    let store = open_in(folder.path());
    assert_eq!(store.damaged().len(), 1);
    assert_eq!(store.state().names["a"].len(), 2);
    // The binding was the last change.
    assert!(store.state().groups.is_empty());
    assert!(store.state().sequence > 1_000_000);
    check_files(&store);
    let state = store.state().clone();
    drop(store);
    let store = open_in(folder.path());
    assert_eq!((store.state(), store.damaged().len()), (&state, 0));
}

#[test]
fn components_without_any_state_get_their_own_names() {
    let folder = folder();
    let own = filled(folder.path());
    damage(&own.join("state.json"));
    damage(&own.join("state.json.previous"));
    let describe = |wasm: &[u8]| {
        let name = if wasm == b"one" { "its-own".to_owned() } else { "Not A Name".to_owned() };
        Some(About { name, ..About::default() })
    };
    let store = Store::open(own.into(), StoreLimits::default(), &describe).expect("opens");
    assert_eq!(store.damaged().len(), 2);
    let names: Vec<_> = store.state().names.keys().cloned().collect();
    assert_eq!(names, ["its-own", "recovered"]);
    assert_eq!(store.state().names["its-own"][0].digest, digest::of(b"one"));
    check_files(&store);
}

#[test]
fn a_state_file_that_was_deleted_costs_no_component() {
    let folder = folder();
    let own = filled(folder.path());
    fs::remove_file(own.join("state.json")).expect("removed");
    fs::remove_file(own.join("state.json.previous")).expect("removed");
    let store = open_in(folder.path());
    assert_eq!(store.state().names["recovered"].len(), 2);
    check_files(&store);
}

#[test]
fn what_a_write_left_over_and_what_nobody_knows_goes() {
    let folder = folder();
    let own = filled(folder.path());
    let orphan = digest::of(b"orphan");
    fs::write(own.join(format!("components/{orphan}.wasm")), "orphan").expect("written");
    fs::write(own.join(format!("components/{orphan}.wasm.new")), "orp").expect("written");
    fs::write(own.join("state.json.new"), "{").expect("written");
    fs::write(own.join("components/README"), "not ours").expect("written");
    let store = open_in(folder.path());
    check_files(&store);
    assert!(!own.join("state.json.new").exists());
    // A stranger's file is not thrown away.
    assert!(own.join("damaged/README").exists());
}

#[test]
fn a_second_damaged_file_of_a_name_is_kept_beside_the_first() {
    let folder = folder();
    let own = filled(folder.path());
    for expected in ["state.json", "state.json.1", "state.json.2"] {
        damage(&own.join("state.json"));
        let store = open_in(folder.path());
        assert_eq!(
            store.damaged()[0].file,
            own.join("damaged").join(expected).display().to_string()
        );
    }
}

#[test]
fn a_state_of_a_newer_version_is_not_touched() {
    let folder = folder();
    let own = filled(folder.path());
    let newer = br#"{"format": 2, "everything": "is different"}"#;
    fs::write(own.join("state.json"), newer).expect("written");
    let error = open(folder.path(), StoreLimits::default()).expect_err("newer").to_string();
    assert!(error.contains("format 2") && error.contains("state.json"), "{error}");
    assert_eq!(fs::read(own.join("state.json")).expect("there"), newer);
    assert!(own.join(format!("components/{}.wasm", digest::of(b"one"))).exists());
}

#[test]
fn a_state_that_names_files_elsewhere_is_damaged() {
    let folder = folder();
    let own = filled(folder.path());
    let text = fs::read_to_string(own.join("state.json")).expect("there");
    let bad = text.replace(&digest::of(b"two"), "../../etc/passwd");
    assert_ne!(bad, text);
    fs::write(own.join("state.json"), bad).expect("written");
    let store = open_in(folder.path());
    assert!(store.damaged()[0].reason.contains("no digest"), "{:?}", store.damaged());
}
