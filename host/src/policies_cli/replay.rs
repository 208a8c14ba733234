//! `promweave policy replay`: what a policy would have made of recorded
//! merges, beside what answered then.

mod sides;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::progress::Progress;
use super::{Error, Verdict};
use crate::cli::policy::Replay;
use crate::policy::compare::{Comparison, compare};
use crate::policy::recording::{self, Entry, Reader};
use crate::policy::{Engine, EngineLimits};
use crate::telemetry::logging::with_causes;
use sides::Side;

/// What came of it.
#[derive(Default)]
struct Replayed {
    comparison: Comparison,
    files: usize,
    entries: u64,
    /// Where a file could not be read on.
    damaged: Vec<String>,
    /// Policies that answered then and are not part of the recording.
    others: Vec<String>,
}

/// Replays, and prints the comparison.
pub(super) fn run(args: &Replay) -> Result<Verdict, Error> {
    let files = recording::files(&args.recording)?;
    let engine = Engine::new(&EngineLimits::default());
    let engine = engine.map_err(|reason| Error::Policy { path: "replay".to_owned(), reason })?;
    let mut active = Side::against(&engine, args)?;
    let mut candidate = Side::subject(&engine, args)?;
    let mut replayed = Replayed { files: files.len(), ..Replayed::default() };
    let progress = Progress::new("replaying");
    let sizes: Vec<u64> =
        files.iter().map(|own| own.metadata().map_or(0, |own| own.len())).collect();
    let (mut before, total) = (0, sizes.iter().sum());
    for (file, size) in files.iter().zip(sizes) {
        let show = |position| progress.show(before + position, total);
        replayed.file(file, args, (&mut active, &mut candidate), &show)?;
        before += size;
    }
    drop(progress);
    print(args, &replayed, (&active, &candidate))?;
    let failed = !replayed.damaged.is_empty() || !replayed.comparison.candidate.faults.is_empty();
    Ok(if failed { Verdict::Bad } else { Verdict::Good })
}

impl Replayed {
    /// Compares on every entry of a file, up to where it is damaged.
    fn file(
        &mut self,
        path: &Path,
        args: &Replay,
        (active, candidate): (&mut Side, &mut Side),
        show: &dyn Fn(u64),
    ) -> Result<(), Error> {
        let mut reader = match Reader::open(path) {
            Ok(reader) => reader,
            // One of many that is none is no reason to give up.
            Err(error) if self.files > 1 => {
                self.damaged.push(with_causes(&error));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        while let Some(entry) = reader.next() {
            match entry {
                Ok(entry) if args.server_group.as_ref().is_none_or(|own| *own == entry.group) => {
                    self.note_other(&entry, args);
                    let (active, candidate) = (active.of(&entry)?, candidate.of(&entry)?);
                    self.comparison.add(compare(&active, &candidate, &entry));
                    self.entries += 1;
                }
                Ok(_) => {}
                Err(error) => self.damaged.push(with_causes(&error)),
            }
            show(reader.position());
        }
        Ok(())
    }

    fn note_other(&mut self, entry: &Entry, args: &Replay) {
        let policy = &entry.policy;
        if args.against.is_some() || sides::is_builtin(policy) {
            return;
        }
        let name = format!("{} {}", policy.name, policy.digest);
        if !self.others.contains(&name) {
            self.others.push(name);
        }
    }
}

fn print(args: &Replay, replayed: &Replayed, sides: (&Side, &Side)) -> Result<(), Error> {
    let text = if args.json {
        format!("{:#}\n", as_json(args, replayed, sides))
    } else {
        as_text(args, replayed, sides)
    };
    io::stdout().write_all(text.as_bytes())?;
    for damage in &replayed.damaged {
        writeln!(io::stderr(), "promweave: {damage}")?;
    }
    Ok(())
}

fn as_json(args: &Replay, replayed: &Replayed, (active, candidate): (&Side, &Side)) -> Value {
    json!({
        "recording": args.recording.display().to_string(),
        "files": replayed.files,
        "entries": replayed.entries,
        "active": active.title(),
        "candidate": candidate.title(),
        "comparison": replayed.comparison,
        "answered_then": replayed.others,
        "damaged": replayed.damaged,
    })
}

fn as_text(args: &Replay, replayed: &Replayed, (active, candidate): (&Side, &Side)) -> String {
    let mut text = String::new();
    let files = if replayed.files == 1 { "file" } else { "files" };
    let lines = [
        ("recording", format!("{}, {} {files}", args.recording.display(), replayed.files)),
        ("active", active.title()),
        ("candidate", candidate.title()),
    ];
    for (key, value) in lines {
        let _ = writeln!(text, "{key:<13}{value}");
    }
    for other in &replayed.others {
        let _ = writeln!(
            text,
            "note         {other} answered then; it is not part of the recording: name it with \
             --against to compare with it"
        );
    }
    text + &replayed.comparison.to_string()
}
