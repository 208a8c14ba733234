//! Regular expressions in Go's dialect (RE2), which PromQL and Prometheus's
//! configuration use, always anchored at both ends.
//!
//! In: a pattern. Out: a matcher, or Go's error text. `parse` reads Go's
//! syntax; regex-automata does the matching, in time linear in the text.
//! Patterns come from outside: what compiling them may cost is limited.

mod class;
mod expand;
mod fast;
mod parse;
mod piece;
mod property;
mod repeat;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::{ClassUnicode, Hir};

use self::expand::Reference;
use self::fast::Fast;
use self::parse::{Flags, Groups};

pub(crate) use self::property::table;

/// Bytes of a compiled pattern.
const MAX_PROGRAM: usize = 16 << 20;
/// Bytes of a compiled pattern times its groups: a search that reports groups
/// remembers all of them for each of the pattern's states.
const MAX_SLOTS: usize = 128 << 20;
/// Bytes of the lazily built automaton of one pattern and thread.
const AUTOMATON_BYTES: usize = 2 << 20;

/// Why a pattern is refused. The text is Go's, down to the excerpt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {kind}: `{excerpt}`")]
pub struct Error {
    kind: ErrorKind,
    excerpt: Box<str>,
}

/// Kinds of errors, with Go's texts (`regexp/syntax`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum ErrorKind {
    #[error("invalid character class range")]
    InvalidCharRange,
    #[error("invalid escape sequence")]
    InvalidEscape,
    #[error("invalid named capture")]
    InvalidNamedCapture,
    #[error("invalid or unsupported Perl syntax")]
    InvalidPerlOp,
    #[error("invalid nested repetition operator")]
    InvalidRepeatOp,
    #[error("invalid repeat count")]
    InvalidRepeatSize,
    #[error("invalid UTF-8")]
    InvalidUtf8,
    #[error("missing closing ]")]
    MissingBracket,
    #[error("missing closing )")]
    MissingParen,
    #[error("missing argument to repetition operator")]
    MissingRepeatArgument,
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    #[error("unexpected )")]
    UnexpectedParen,
    #[error("expression nests too deeply")]
    NestingDepth,
    #[error("expression too large")]
    Large,
}

impl Error {
    fn new(kind: ErrorKind, excerpt: &str) -> Self {
        Self { kind, excerpt: excerpt.into() }
    }
}

/// A pattern that answers yes or no: that of a label matcher. Cloning copies
/// a pointer.
#[derive(Clone)]
pub struct Pattern(Arc<PatternKind>);

enum PatternKind {
    Fast(Fast),
    Regex(meta::Regex),
}

impl Pattern {
    /// Compiles `pattern` so that it must match a whole text, `.` matching
    /// line feeds too (prometheus/model/labels/regexp.go).
    ///
    /// # Errors
    /// When the pattern is malformed or too large.
    pub fn new(pattern: &[u8]) -> Result<Self, Error> {
        // As in Prometheus, plain words are never parsed, so these need not
        // be UTF-8.
        if let Some(fast) = Fast::of_words(pattern) {
            return Ok(Self(Arc::new(PatternKind::Fast(fast))));
        }
        let pattern = utf8(pattern)?;
        let flags = Flags { dot_newline: true, ..Flags::default() };
        let hir = parse::parse(pattern, flags, Groups::Ignore)?.hir;
        if let Some(fast) = Fast::of(&hir) {
            return Ok(Self(Arc::new(PatternKind::Fast(fast))));
        }
        Ok(Self(Arc::new(PatternKind::Regex(compile_whole(pattern, hir)?))))
    }

    /// True if the whole of `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &*self.0 {
            PatternKind::Fast(fast) => fast.is_match(text),
            PatternKind::Regex(regex) => regex.is_match(text),
        }
    }

    /// The texts that match, in byte order, if the pattern is no more than a
    /// list of them. Those that are not UTF-8 match no label and are missing.
    #[must_use]
    pub fn words(&self) -> Option<&[Box<str>]> {
        match &*self.0 {
            PatternKind::Fast(fast) => fast.words(),
            PatternKind::Regex(_) => None,
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            PatternKind::Fast(fast) => fast.fmt(f),
            PatternKind::Regex(_) => f.write_str("Regex"),
        }
    }
}

/// A pattern whose groups are wanted: that of `label_replace` and of
/// relabelling. Cloning copies a pointer.
#[derive(Clone)]
pub struct Regex(Arc<Inner>);

struct Inner {
    regex: meta::Regex,
    /// The names of the groups, in order; the first is group 1.
    names: Vec<Option<Box<str>>>,
}

impl Regex {
    /// Compiles `^(?s:pattern)$`. Like Prometheus it puts the pattern into
    /// that text, so errors show it and `a)|(?:b` is accepted.
    ///
    /// # Errors
    /// When the pattern is malformed or too large.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let wrapped = format!("^(?s:{pattern})$");
        let parsed = parse::parse(&wrapped, Flags::default(), Groups::Capture)?;
        let names = parsed.names;
        let limit = MAX_PROGRAM.min(MAX_SLOTS / (names.len() + 1));
        let regex = compile(&wrapped, &parsed.hir, WhichCaptures::All, limit)?;
        Ok(Self(Arc::new(Inner { regex, names })))
    }

    /// True if the whole of `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.regex.is_match(text)
    }

    /// The groups, if the whole of `text` matches.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'_, 't>> {
        let mut groups = self.0.regex.create_captures();
        self.0.regex.captures(text, &mut groups);
        groups.is_match().then_some(Captures { names: &self.0.names, text, groups })
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex with {} groups", self.0.names.len())
    }
}

/// The groups of one match.
#[derive(Debug)]
pub struct Captures<'r, 't> {
    names: &'r [Option<Box<str>>],
    text: &'t str,
    groups: regex_automata::util::captures::Captures,
}

impl<'t> Captures<'_, 't> {
    /// The text of group `index`, if it took part; 0 is the whole match.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'t str> {
        self.groups.get_group(index).and_then(|span| self.text.get(span.range()))
    }

    /// The text of the first group called `name` that took part.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&'t str> {
        let named = |own: &Option<Box<str>>| own.as_deref() == Some(name);
        let indexes = self.names.iter().enumerate().filter(|(_, own)| named(own));
        indexes.map(|(index, _)| index + 1).find_map(|index| self.get(index))
    }

    /// Appends `template` with `$1`, `$name` and `${name}` replaced by the
    /// groups' texts, as Go's `Regexp.ExpandString`: the longest name wins
    /// (`$1x` is group `1x`), what no group bears is empty, `$$` is `$`.
    pub fn expand(&self, template: &str, out: &mut String) {
        expand::expand(template, out, |reference, out| {
            let group = match reference {
                Reference::Index(index) => self.get(index),
                Reference::Name(name) => self.name(name),
            };
            out.push_str(group.unwrap_or(""));
        });
    }
}

fn utf8(pattern: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(pattern).map_err(|error| {
        let rest = String::from_utf8_lossy(&pattern[error.valid_up_to()..]);
        Error::new(ErrorKind::InvalidUtf8, &rest)
    })
}

/// Compiles an expression that must match a whole text.
fn compile_whole(pattern: &str, hir: Hir) -> Result<meta::Regex, Error> {
    use regex_syntax::hir::Look;
    let hir = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
    compile(pattern, &hir, WhichCaptures::None, MAX_PROGRAM)
}

fn compile(
    pattern: &str,
    hir: &Hir,
    captures: WhichCaptures,
    limit: usize,
) -> Result<meta::Regex, Error> {
    let config = meta::Config::new()
        .nfa_size_limit(Some(limit))
        .hybrid_cache_capacity(AUTOMATON_BYTES)
        .which_captures(captures);
    // Besides its size there is nothing wrong with a parsed expression.
    let built = meta::Builder::new().configure(config).build_from_hir(hir);
    built.map_err(|_| Error::new(ErrorKind::Large, pattern))
}

/// True if `c` is one of `class`.
pub(crate) fn class_contains(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let after = ranges.partition_point(|range| range.start() <= c);
    after > 0 && c <= ranges[after - 1].end()
}
