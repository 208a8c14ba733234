//! Loaders: the same bytes are the same version, and what was compiled once
//! is not compiled again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::guests::Guest;
use super::*;

fn loader(folder: &Path) -> Loader {
    let options = LoaderOptions {
        artifacts: Some(folder.to_owned()),
        compiler: Compiler::InProcess,
        limits: CompileLimits::default(),
    };
    Loader::new(engine().clone(), options).expect("it works here")
}

/// The only file of a folder.
fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(folder).expect("a folder").flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].path()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it exists").permissions().mode() & 0o777
}

fn guest(number: u32) -> Vec<u8> {
    Guest { data: vec![number], ..Guest::default() }.component()
}

#[test]
fn the_same_bytes_are_the_same_version_while_it_is_used() {
    let loader = Loader::in_process(engine().clone()).expect("it works here");
    let one = loader.load(&guest(1)).expect("it loads");
    let again = loader.load(&guest(1)).expect("it loads");
    assert!(Arc::ptr_eq(&one, &again));
    assert!(!Arc::ptr_eq(&one, &loader.load(&guest(2)).expect("it loads")));
    assert_eq!(loader.compiled(), 2);
    drop((one, again));
    loader.load(&guest(1)).expect("it loads");
    assert_eq!(loader.compiled(), 3);
}

#[test]
fn the_built_in_component_is_the_built_in_version_wherever_it_comes_from() {
    let loader = Loader::in_process(engine().clone()).expect("it works here");
    let wasm = include_bytes!(concat!(env!("OUT_DIR"), "/builtin.wasm"));
    let loaded = loader.load(wasm).expect("it loads");
    assert!(Arc::ptr_eq(&loaded, &loader.builtin()) && loaded.is_builtin());
    assert_eq!(loader.compiled(), 0);
}

#[test]
fn two_uploads_of_the_same_at_once_are_compiled_once() {
    let loader = Loader::in_process(engine().clone()).expect("it works here");
    let wasm = guest(1);
    let versions: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| loader.load(&wasm))).collect();
        all.into_iter().map(|own| own.join().expect("no panic").expect("it loads")).collect()
    });
    assert!(versions.iter().all(|version| Arc::ptr_eq(version, &versions[0])));
    assert_eq!(loader.compiled(), 1);
}

#[test]
fn a_start_with_a_warm_cache_compiles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("compiled");
    let first = loader(&cache);
    assert!(!cache.exists());
    let version = first.load(&guest(1)).expect("it loads");
    assert_eq!((mode(&cache), mode(&only_file(&cache))), (0o700, 0o600));
    let second = loader(&cache);
    let again = second.load(&guest(1)).expect("it loads");
    assert_eq!(again.digest(), version.digest());
    assert_eq!((first.compiled(), second.compiled()), (1, 0));
}

#[test]
fn what_is_refused_is_not_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("compiled");
    let wasm = Guest { start: "unreachable", ..Guest::default() }.component();
    loader(&cache).load(&wasm).expect_err("it traps at its start");
    assert!(!cache.exists());
}

#[test]
fn damaged_files_are_compiled_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    loader(folder.path()).load(&guest(1)).expect("it loads");
    let file = only_file(folder.path());
    let whole = fs::read(&file).expect("it is there");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..10], &[], &flipped] {
        fs::write(&file, damaged).expect("it is ours");
        let loader = loader(folder.path());
        loader.load(&guest(1)).expect("it loads");
        assert_eq!(loader.compiled(), 1);
        assert_eq!(fs::read(&file).expect("it is there"), whole);
    }
}

#[test]
fn a_file_under_another_name_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = tempfile::tempdir().expect("a folder");
    loader(folder.path()).load(&guest(1)).expect("it loads");
    loader(other.path()).load(&guest(2)).expect("it loads");
    let name = only_file(folder.path());
    fs::copy(only_file(other.path()), &name).expect("it is ours");
    let loader = loader(folder.path());
    let version = loader.load(&guest(1)).expect("it loads");
    assert_eq!(loader.compiled(), 1);
    assert_eq!(
        version.digest(),
        Version::load(engine(), &guest(1), &Limits::default()).expect("it loads").digest()
    );
}

#[test]
fn what_others_may_have_written_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    loader(folder.path()).load(&guest(1)).expect("it loads");
    let file = only_file(folder.path());
    let permit = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    let compiles = || {
        let loader = loader(folder.path());
        loader.load(&guest(1)).expect("it loads");
        loader.compiled()
    };
    permit(&file, 0o620);
    assert_eq!(compiles(), 1);
    assert_eq!((compiles(), mode(&file)), (0, 0o600));
    permit(folder.path(), 0o777);
    assert_eq!((compiles(), compiles()), (1, 1));
    permit(folder.path(), 0o700);
    assert_eq!(compiles(), 0);
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("it is ours");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("it is ours");
    assert_eq!((compiles(), compiles()), (1, 0));
}

#[test]
fn the_cache_has_a_bound() {
    let folder = tempfile::tempdir().expect("a folder");
    loader(folder.path()).load(&guest(0)).expect("it loads");
    let size = fs::metadata(only_file(folder.path())).expect("it is there").len();
    let options = LoaderOptions {
        artifacts: Some(folder.path().to_owned()),
        compiler: Compiler::InProcess,
        limits: CompileLimits { cache_bytes: 2 * size + size / 2, ..CompileLimits::default() },
    };
    let loader = Loader::new(engine().clone(), options).expect("it works here");
    for number in 1..5 {
        loader.load(&guest(number)).expect("it loads");
        loader.load(&guest(0)).expect("it loads");
    }
    // Used again and again, the first is still there.
    assert_eq!(loader.compiled(), 4);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
}

#[test]
fn too_many_bytes_are_refused_unseen() {
    let options = LoaderOptions {
        artifacts: None,
        compiler: Compiler::InProcess,
        limits: CompileLimits { wasm_bytes: 100, ..CompileLimits::default() },
    };
    let loader = Loader::new(engine().clone(), options).expect("it works here");
    let error = loader.load(&[0; 101]).expect_err("it is too large").to_string();
    assert_eq!(error, "it has 101 bytes; a policy may have 100");
}
