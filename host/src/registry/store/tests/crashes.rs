//! A disk that fails at one step, or at all from one step on.

use super::*;

/// A change and the number of steps that any change has at most.
type Change = fn(&mut Store) -> Result<(), Error>;
const MOST_STEPS: usize = 40;

const CHANGES: [Change; 4] = [
    |store| put(store, "a", b"new", 9).map(drop),
    // What is new pushes out what is old.
    |store| put(store, "b", b"a larger one", 9).map(drop),
    |store| bind(store, "site", "a", b"one"),
    |store| {
        store.change(|state| {
            state.forget("a", &digest::of(b"two"));
            Ok(())
        })
    },
];

const LIMITS: StoreLimits = StoreLimits { bytes: 16, versions_each: 9, versions: 9 };

fn prepared(folder: &Path) -> Store {
    let mut store = open(folder, LIMITS).expect("opens");
    put(&mut store, "a", b"one", 1).expect("stored");
    put(&mut store, "a", b"two", 2).expect("stored");
    bind(&mut store, "site", "a", b"two").expect("bound");
    bind(&mut store, "site", "a", b"one").expect("bound");
    bind(&mut store, "site", "a", b"one").expect("bound");
    store
}

/// Everything that is referred to is there and sound, and nothing else is.
pub(super) fn check_files(store: &Store) {
    let referred = store.state().referred();
    for digest in &referred {
        store.bytes(digest).unwrap_or_else(|error| panic!("{error}"));
    }
    let files = store.disk.list(&store.components()).expect("a folder");
    let expected: Vec<String> = referred.iter().map(|digest| format!("{digest}.wasm")).collect();
    assert_eq!(files, expected);
}

#[test]
fn a_change_that_fails_has_changed_nothing() {
    for (number, change) in CHANGES.into_iter().enumerate() {
        let mut failures = 0;
        for step in 0..MOST_STEPS {
            let folder = folder();
            let mut store = prepared(folder.path());
            let before = store.state().clone();
            store.disk.faults.after(step, false);
            let outcome = change(&mut store);
            store.disk.faults.none();
            match outcome {
                Ok(()) => assert_ne!(store.state(), &before, "change {number}, step {step}"),
                Err(error) => {
                    assert!(matches!(error, Error::Store { .. }), "{error}");
                    assert_eq!(store.state(), &before, "change {number}, step {step}");
                    failures += 1;
                }
            }
            // The disk has recovered, and the same process goes on.
            if store.state() == &before {
                change(&mut store).unwrap_or_else(|error| panic!("step {step}: {error}"));
            }
            let state = store.state().clone();
            drop(store);
            let store = open_again(folder.path(), LIMITS);
            assert_eq!(store.state(), &state, "change {number}, step {step}");
            assert_eq!(store.damaged(), []);
            check_files(&store);
        }
        assert!((5..MOST_STEPS - 5).contains(&failures), "change {number}: {failures} failures");
    }
}

#[test]
fn a_process_that_dies_between_steps_has_changed_all_or_nothing() {
    for (number, change) in CHANGES.into_iter().enumerate() {
        for step in 0..MOST_STEPS {
            let folder = folder();
            let mut store = prepared(folder.path());
            let before = store.state().clone();
            store.disk.faults.after(step, true);
            let is_done = change(&mut store).is_ok();
            drop(store);
            let store = open_again(folder.path(), LIMITS);
            let is_changed = store.state() != &before;
            assert!(is_changed || !is_done, "change {number} is lost, step {step}");
            assert_eq!(store.damaged(), []);
            check_files(&store);
        }
    }
}

#[test]
fn a_first_upload_that_dies_leaves_a_store_that_opens() {
    for step in 0..MOST_STEPS {
        let folder = folder();
        let mut store = open_in(folder.path());
        store.disk.faults.after(step, true);
        let is_done = put(&mut store, "a", b"one", 1).is_ok();
        drop(store);
        let mut store = open_in(folder.path());
        assert!(!is_done || store.state().names.contains_key("a"), "lost at step {step}");
        assert_eq!(store.damaged(), []);
        put(&mut store, "a", b"two", 2).expect("stored");
        check_files(&store);
    }
}
