//! A process that changes the store in a loop and is killed, again and again.
//!
//! The process is this test program, run for one of its tests with a folder
//! to work in. It says what it is about to do and what is done; what is read
//! from it is what a client would know.

use std::collections::BTreeMap;
use std::env;
use std::hint::spin_loop;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::crashes::check_files;
use super::*;

/// How often.
const KILLS: u64 = 120;
/// The folder of the process that is to be killed.
const FOLDER: &str = "PROMWEAVE_TEST_STORE_WORKER";
const SEED: &str = "PROMWEAVE_TEST_STORE_SEED";
/// Changes of a process that nobody kills.
const MOST_CHANGES: usize = 2_000;

/// A small generator of numbers: what matters is that it can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One change, as a line of text and back.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Name, contents.
    Put(u64, u64),
    Forget(u64, u64),
    /// Group, name, contents.
    Bind(u64, u64, u64),
}

impl Change {
    fn random(random: &mut Random) -> Self {
        let (name, contents) = (random.below(3), random.below(12));
        match random.below(4) {
            0 => Self::Forget(name, contents),
            1 => Self::Bind(random.below(2), name, contents),
            _ => Self::Put(name, contents),
        }
    }

    fn line(self) -> String {
        match self {
            Self::Put(name, contents) => format!("put {name} {contents}"),
            Self::Forget(name, contents) => format!("forget {name} {contents}"),
            Self::Bind(group, name, contents) => format!("bind {group} {name} {contents}"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let verb = words.next()?;
        let mut number = || words.next()?.parse().ok();
        Some(match verb {
            "put" => Self::Put(number()?, number()?),
            "forget" => Self::Forget(number()?, number()?),
            "bind" => Self::Bind(number()?, number()?, number()?),
            _ => return None,
        })
    }

    fn run(self, store: &mut Store) {
        let outcome = match self {
            Self::Put(name, contents) => {
                put(store, &format!("n{name}"), &wasm(contents), 1).map(drop)
            }
            Self::Forget(name, contents) => store.change(|state| {
                state.forget(&format!("n{name}"), &digest::of(&wasm(contents)));
                Ok(())
            }),
            Self::Bind(group, name, contents) => {
                bind(store, &format!("g{group}"), &format!("n{name}"), &wasm(contents))
            }
        };
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Up to some 100 KB, so that a write is more than a moment.
fn wasm(contents: u64) -> Vec<u8> {
    let size = 100 + usize::try_from(contents).expect("small") * 9_000;
    (0..size).map(|at| u8::try_from((at as u64 * 31 + contents) % 251).expect("below")).collect()
}

/// What must be in the store, kept apart from the store's own idea of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    names: BTreeMap<String, Vec<String>>,
    active: BTreeMap<String, String>,
    previous: BTreeMap<String, Option<String>>,
}

impl Model {
    fn apply(&mut self, change: Change) {
        let digest_of = |contents| digest::of(&wasm(contents));
        match change {
            Change::Put(name, contents) => {
                let versions = self.names.entry(format!("n{name}")).or_default();
                versions.retain(|own| *own != digest_of(contents));
                versions.push(digest_of(contents));
            }
            Change::Forget(name, contents) => {
                let name = format!("n{name}");
                let versions = self.names.entry(name.clone()).or_default();
                versions.retain(|own| *own != digest_of(contents));
                if versions.is_empty() {
                    self.names.remove(&name);
                }
            }
            Change::Bind(group, _, contents) => {
                let group = format!("g{group}");
                let before = self.active.insert(group.clone(), digest_of(contents));
                self.previous.insert(group, before);
            }
        }
    }

    fn of(state: &State) -> Self {
        let mut model = Self::default();
        for (name, versions) in &state.names {
            let digests = versions.iter().map(|version| version.digest.clone());
            model.names.insert(name.clone(), digests.collect());
        }
        let digest = |held: &Held| held.bind.digest.clone().expect("whole");
        for (group, slots) in &state.groups {
            model.active.insert(group.clone(), digest(slots.active.as_ref().expect("bound")));
            let previous = slots.previous.as_ref().expect("bound");
            model.previous.insert(group.clone(), previous.held.as_ref().map(digest));
        }
        model
    }
}

/// Binding what is not stored would be refused above the store.
fn is_allowed(change: Change, store: &Store) -> bool {
    let is_stored = |name, contents| {
        let versions = store.state().names.get(&format!("n{name}"));
        versions.is_some_and(|all| all.iter().any(|own| own.digest == digest::of(&wasm(contents))))
    };
    match change {
        Change::Put(..) => true,
        Change::Forget(name, contents) => {
            is_stored(name, contents)
                && !store.state().bound().contains(&digest::of(&wasm(contents)))
        }
        Change::Bind(_, name, contents) => is_stored(name, contents),
    }
}

fn work(folder: &Path, seed: u64, changes: usize, mut say: impl FnMut(&str)) {
    let mut random = Random(seed);
    let mut store = open_in(folder);
    for _ in 0..changes {
        let change = Change::random(&mut random);
        if is_allowed(change, &store) {
            say(&format!("begin {}", change.line()));
            change.run(&mut store);
            say("done");
        }
    }
}

/// The process that is killed; run by itself it works undisturbed.
#[test]
fn a_worker_does_what_it_says() {
    if let (Ok(folder), Ok(seed)) = (env::var(FOLDER), env::var(SEED)) {
        let seed = seed.parse().expect("a number");
        work(Path::new(&folder), seed, MOST_CHANGES, |line| {
            let mut out = io::stdout().lock();
            writeln!(out, "worker {line}").expect("somebody listens");
        });
        return;
    }
    let folder = folder();
    let mut model = Model::default();
    let mut lines = Vec::new();
    work(folder.path(), 1, 60, |line| lines.push(line.to_owned()));
    for line in lines.iter().filter_map(|line| line.strip_prefix("begin ")) {
        model.apply(Change::parse(line).expect("a change"));
    }
    let store = open_in(folder.path());
    assert_eq!(Model::of(store.state()), model);
    check_files(&store);
}

/// Runs a worker, kills it at some moment, and gives its lines.
fn killed(folder: &Path, seed: u64, random: &mut Random) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("a test knows its program"))
        .args([
            "--exact",
            "--nocapture",
            "registry::store::tests::killed::a_worker_does_what_it_says",
        ])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("a test program can run itself");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = out.lines().map(|line| line.expect("text"));
    let mut seen = Vec::new();
    let wanted = usize::try_from(1 + random.below(30)).expect("small");
    let pause = Duration::from_micros(random.below(4_000));
    let worker = |line: String| line.split_once("worker ").map(|(_, own)| own.to_owned());
    while seen.len() < wanted {
        match lines.next() {
            Some(line) => seen.extend(worker(line)),
            None => panic!("it ended by itself after {seen:?}"),
        }
    }
    // Somewhere in the next changes: the moment is not to be exact.
    let until = Instant::now() + pause;
    while Instant::now() < until {
        spin_loop();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    seen.extend(lines.filter_map(worker));
    seen
}

#[test]
fn killed_at_any_moment_it_has_all_that_was_acknowledged() {
    let folder = folder();
    let mut random = Random(42);
    let mut model = Model::default();
    let (mut halfway, mut acknowledged) = (0, 0);
    for seed in 0..KILLS {
        let lines = killed(folder.path(), seed, &mut random);
        let mut unknown = None;
        for line in &lines {
            match (line.strip_prefix("begin "), unknown.take()) {
                (Some(change), None) => unknown = Change::parse(change),
                (None, Some(change)) if line == "done" => {
                    model.apply(change);
                    acknowledged += 1;
                }
                // Half a line: the worker was killed while it spoke.
                (_, change) => unknown = change,
            }
        }
        let store = open_in(folder.path());
        let found = Model::of(store.state());
        if let Some(change) = unknown
            && found != model
        {
            model.apply(change);
            halfway += 1;
        }
        assert_eq!(found, model, "after {lines:?}");
        assert_eq!(store.damaged(), []);
        check_files(&store);
    }
    eprintln!("{KILLS} kills, {acknowledged} changes acknowledged, {halfway} more were complete");
    assert!(acknowledged > KILLS, "only {acknowledged} changes");
}
