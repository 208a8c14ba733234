//! Mistakes and notes, each with its place in the file.
//!
//! A mistake is collected and reading goes on, so that one start names all of
//! them. Nothing here knows what a key means.

use std::fmt::{self, Write as _};

use super::yaml::Cursor;

/// Mistakes that are kept; the rest is counted.
const MAX_MISTAKES: usize = 20;

/// Characters of a found text that are repeated in a message.
const MAX_QUOTED: usize = 60;

/// A line and a column, both from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

/// The first character of a file.
pub(super) const START: Place = Place { line: 1, column: 1 };

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Where.
    pub place: Place,
    /// The path of the key, such as `promxy.server_groups[0].timeout`; empty
    /// where the whole file is meant.
    pub key: String,
    /// What was found, and what is allowed; one line.
    pub text: String,
}

/// Everything that is wrong with a file, in the order of the file; never
/// empty. Prints as lines of `file:line:column: key: what`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes {
    file: String,
    listed: Vec<Mistake>,
    unlisted: usize,
}

impl Mistakes {
    /// The mistakes, of a very bad file only the first ones.
    #[must_use]
    pub fn listed(&self) -> &[Mistake] {
        &self.listed
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.listed.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write_line(f, &self.file, mistake)?;
        }
        match self.unlisted {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} more", self.file),
        }
    }
}

impl std::error::Error for Mistakes {}

fn write_line(f: &mut impl fmt::Write, file: &str, mistake: &Mistake) -> fmt::Result {
    let Place { line, column } = mistake.place;
    write!(f, "{file}:{line}:{column}: ")?;
    if !mistake.key.is_empty() {
        write!(f, "{}: ", mistake.key)?;
    }
    f.write_str(&mistake.text)
}

/// Collects what is found while a file is read.
#[derive(Debug)]
pub(super) struct Report {
    file: String,
    mistakes: Vec<Mistake>,
    unlisted: usize,
    notes: Vec<Mistake>,
}

impl Report {
    pub(super) fn new(file: &str) -> Self {
        // A message is one line whatever the file is called.
        let file = file.replace(|c: char| c.is_control(), "?");
        Self { file, mistakes: Vec::new(), unlisted: 0, notes: Vec::new() }
    }

    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.mistake_with(|| mistake);
    }

    /// As [`Self::mistake`], for one that is costly to put into words.
    pub(super) fn mistake_with(&mut self, mistake: impl FnOnce() -> Mistake) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(mistake());
        } else {
            self.unlisted += 1;
        }
    }

    /// Where a value stands: `file:line:column: key`.
    pub(super) fn place(&self, at: &Cursor<'_>) -> String {
        let Mistake { place, key, .. } = at.key_mistake(String::new());
        format!("{}:{}:{}: {key}", self.file, place.line, place.column)
    }

    pub(super) fn note(&mut self, at: &Cursor<'_>, text: impl Into<String>) {
        self.notes.push(at.mistake(text));
    }

    /// The value, or `None` and a mistake more.
    pub(super) fn take<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistake(mistake)).ok()
    }

    /// The value of `key` in the mapping `at`, if it is set and right.
    pub(super) fn read<'a, T>(
        &mut self,
        at: &Cursor<'a>,
        key: &str,
        parse: impl FnOnce(&Cursor<'a>) -> Result<T, Mistake>,
    ) -> Option<T> {
        let value = at.get(key)?;
        self.take(parse(&value))
    }

    /// The notes as lines, if there was no mistake.
    pub(super) fn finish(mut self) -> Result<Vec<String>, Mistakes> {
        if self.mistakes.is_empty() {
            self.notes.sort();
            return Ok(self.notes.iter().map(|note| line(&self.file, note)).collect());
        }
        self.mistakes.sort();
        Err(Mistakes { file: self.file, listed: self.mistakes, unlisted: self.unlisted })
    }
}

fn line(file: &str, mistake: &Mistake) -> String {
    let mut line = String::new();
    write_line(&mut line, file, mistake).expect("a string takes everything");
    line
}

/// A found text for a message: quoted, on one line, cut if long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}
