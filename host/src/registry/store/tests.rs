//! The store on a real disk, and on one that fails at every step in turn.

mod crashes;
mod killed;
mod recovery;

use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::registry::model::Bind;

/// A disk's failures, by the number of steps that still work.
#[derive(Debug, Default)]
pub(super) struct Faults {
    steps_left: Cell<Option<usize>>,
    /// All later steps fail, too: the process is as good as dead.
    is_crash: Cell<bool>,
}

impl Faults {
    fn after(&self, steps: usize, is_crash: bool) {
        self.steps_left.set(Some(steps));
        self.is_crash.set(is_crash);
    }

    fn none(&self) {
        self.steps_left.set(None);
    }

    pub(super) fn step(&self) -> io::Result<()> {
        match self.steps_left.get() {
            None => Ok(()),
            Some(0) => {
                if !self.is_crash.get() {
                    self.none();
                }
                Err(io::Error::other("injected"))
            }
            Some(left) => {
                self.steps_left.set(Some(left - 1));
                Ok(())
            }
        }
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

fn open_in(folder: &Path) -> Store {
    open_again(folder, StoreLimits::default())
}

/// Opens what was closed just now. Another test's child process may hold the
/// lock for a moment, between its start and the program that it runs.
fn open_again(folder: &Path, limits: StoreLimits) -> Store {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match open(folder, limits) {
            Err(Error::Taken { .. }) if Instant::now() < until => std::thread::yield_now(),
            opened => return opened.expect("the store opens"),
        }
    }
}

fn open(folder: &Path, limits: StoreLimits) -> Result<Store, Error> {
    Store::open(folder.join("policies").into(), limits, &|_| None)
}

fn version_of(wasm: &[u8], uploaded_ms: i64) -> Stored {
    Stored {
        digest: digest::of(wasm),
        size: wasm.len() as u64,
        uploaded_ms,
        by: "test".to_owned(),
        notes: Vec::new(),
        about: About::default(),
    }
}

fn put(
    store: &mut Store,
    name: &str,
    wasm: &[u8],
    at: i64,
) -> Result<Vec<(String, String)>, Error> {
    let version = version_of(wasm, at);
    store.put(&Upload { name, wasm, version }, &BTreeSet::new())
}

fn bind(store: &mut Store, group: &str, name: &str, wasm: &[u8]) -> Result<(), Error> {
    let bind =
        Bind { name: Some(name.to_owned()), digest: Some(digest::of(wasm)), ..Bind::default() };
    store.change(|state| {
        let revision = state.sequence + 1;
        let slots = state.groups.entry(group.to_owned()).or_default();
        let held = Held { bind: bind.clone(), bound_ms: 1, by: "test".to_owned() };
        slots.previous = Some(Previous { held: slots.active.replace(held) });
        slots.revision = revision;
        Ok(())
    })
}

#[test]
fn a_store_that_nothing_was_put_into_makes_no_folder() {
    let folder = folder();
    let mut store = open_in(folder.path());
    let refused = store.change(|_| Err::<(), _>(Error::UnknownGroup("a".to_owned())));
    assert!(matches!(refused, Err(Error::UnknownGroup(_))));
    assert!(!folder.path().join("policies").exists());
    put(&mut store, "a", b"one", 1).expect("stored");
    assert!(folder.path().join("policies/components").is_dir());
}

#[test]
fn what_was_stored_is_there_when_it_is_opened_again() {
    let folder = folder();
    let mut store = open_in(folder.path());
    put(&mut store, "a", b"one", 1).expect("stored");
    put(&mut store, "a", b"two", 2).expect("stored");
    put(&mut store, "b", b"one", 3).expect("stored");
    bind(&mut store, "site", "a", b"one").expect("bound");
    assert_eq!(store.bytes_used(), 6);
    let state = store.state().clone();
    drop(store);
    let store = open_in(folder.path());
    assert_eq!(store.state(), &state);
    assert_eq!(store.bytes(&digest::of(b"two")).expect("there"), b"two");
    assert_eq!(store.damaged(), []);
}

#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let mut store = open_in(folder.path());
    put(&mut store, "a", b"one", 1).expect("stored");
    put(&mut store, "a", b"two", 2).expect("stored");
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    let component = store.component(&digest::of(b"one"));
    for (path, expected) in [
        (store.folder.clone(), 0o700),
        (store.components(), 0o700),
        (component, 0o600),
        (store.state_file(), 0o600),
        (store.folder.join("state.json.previous"), 0o600),
        (store.folder.join("lock"), 0o600),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn a_component_goes_with_the_last_name_that_has_it() {
    let folder = folder();
    let mut store = open_in(folder.path());
    put(&mut store, "a", b"one", 1).expect("stored");
    put(&mut store, "b", b"one", 2).expect("stored");
    let one = digest::of(b"one");
    let mut forget = |name: &str| {
        let forgotten = store.change(|state| {
            state.forget(name, &one);
            Ok(())
        });
        forgotten.expect("forgotten");
        store.component(&one).exists()
    };
    assert!(forget("a"));
    assert!(!forget("b"));
}

#[test]
fn two_processes_cannot_use_one_folder() {
    let folder = folder();
    let mut store = open_in(folder.path());
    // Before there is a folder, the second one does not know of the first.
    let mut second = open_in(folder.path());
    put(&mut store, "a", b"one", 1).expect("stored");
    let opened = open(folder.path(), StoreLimits::default()).expect_err("locked").to_string();
    let written = put(&mut second, "a", b"two", 1).expect_err("locked").to_string();
    for message in [opened, written] {
        assert!(message.contains("policies: in use by another process"), "{message}");
        assert!(message.contains("--policy.dir"), "{message}");
    }
    drop(store);
    // It takes what the first one left, not what it knew itself.
    put(&mut second, "b", b"two", 1).expect("stored");
    assert_eq!(second.state().names.len(), 2);
}

#[test]
fn the_oldest_versions_that_nobody_uses_go_first() {
    let folder = folder();
    let limits = StoreLimits { bytes: 10, ..StoreLimits::default() };
    let mut store = open(folder.path(), limits).expect("opens");
    put(&mut store, "a", b"111", 1).expect("stored");
    put(&mut store, "a", b"222", 2).expect("stored");
    put(&mut store, "b", b"333", 3).expect("stored");
    bind(&mut store, "site", "a", b"111").expect("bound");
    let removed = put(&mut store, "c", b"4444", 4).expect("stored");
    assert_eq!(removed, [("a".to_owned(), digest::of(b"222"))]);
    assert!(!store.component(&digest::of(b"222")).exists());
    // What can be rolled back to stays as well.
    bind(&mut store, "site", "c", b"4444").expect("bound");
    let full = put(&mut store, "d", b"55555", 5).expect_err("all is bound");
    assert!(matches!(full, Error::Full { needed: 5, limit: 10 }), "{full}");
    assert_eq!(store.state().names.len(), 3);
    assert_eq!(store.bytes_used(), 10);
    // As does what the configuration names.
    let pinned = BTreeSet::from([digest::of(b"333")]);
    let upload = Upload { name: "d", wasm: b"6", version: version_of(b"6", 6) };
    assert!(matches!(store.put(&upload, &pinned), Err(Error::Full { .. })));
}

#[test]
fn versions_are_counted_of_each_name_and_of_all() {
    let folder = folder();
    let limits = StoreLimits { bytes: 1_000, versions_each: 2, versions: 3 };
    let mut store = open(folder.path(), limits).expect("opens");
    put(&mut store, "a", b"1", 1).expect("stored");
    for (number, text) in [(2, b"2"), (3, b"3"), (4, b"4")] {
        put(&mut store, "b", text, number).expect("stored");
    }
    let count = |store: &Store, name: &str| store.state().names.get(name).map_or(0, Vec::len);
    // A flood of one name does not wash away the others.
    assert_eq!((count(&store, "a"), count(&store, "b")), (1, 2));
    let removed = put(&mut store, "c", b"5", 5).expect("stored");
    assert_eq!(removed, [("a".to_owned(), digest::of(b"1"))]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").expect("written");
    let inside = folder.path().join("file/policies");
    let error = Store::open(inside.into(), StoreLimits::default(), &|_| None);
    // Whether the system calls it absent or no folder, an upload says why.
    let error = match error {
        Ok(mut store) => put(&mut store, "a", b"one", 1).expect_err("no folder"),
        Err(error) => error,
    };
    assert!(error.to_string().contains("file/policies"), "{error}");
}

#[test]
fn who_has_not_asked_for_a_folder_goes_without_while_another_process_has_it() {
    let folder = folder();
    let mut first = open_in(folder.path());
    first.ensure().expect("it makes the folder");
    let path = folder.path().join("policies");
    let asked = open(folder.path(), StoreLimits::default());
    assert!(matches!(asked, Err(Error::Taken { .. })));
    let place = StoreFolder { path, asked_for: false };
    let mut second =
        Store::open(place, StoreLimits::default(), &|_| None).expect("it goes without");
    assert!(matches!(second.ensure(), Err(Error::Taken { .. })));
    drop(first);
    second.ensure().expect("nobody has it now");
}
