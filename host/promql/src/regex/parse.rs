//! Parser of Go's regular expression syntax (`regexp/syntax` with the flags
//! `Perl`).
//!
//! In: a pattern. Out: the equivalent [`Hir`], the names of its groups, or
//! Go's error. Nothing is compiled here. The parser keeps its own stack, so
//! that no pattern can exhaust the thread's.

use regex_syntax::hir::{Capture, Class, Hir, Look, Repetition};

use super::class::{self, Ranges};
use super::piece::{Piece, alternation, concat};
use super::repeat::{MAX_REPEAT, Repeat, counts};
use super::{Error, ErrorKind};

/// How deep expressions may nest, as in Go. Compiling recurses: at this depth
/// it takes less than half a megabyte of the thread's stack.
pub(super) const MAX_HEIGHT: u32 = 1000;
/// Open parentheses at one time.
const MAX_OPEN: usize = 1000;
/// Parts one pattern may have (each takes about 150 bytes); a run of plain
/// characters is one.
const MAX_PIECES: usize = 1 << 18;

/// What a pattern means.
pub(super) struct Parsed {
    /// The expression.
    pub(super) hir: Hir,
    /// The names of the groups, in order; the first is group 1.
    pub(super) names: Vec<Option<Box<str>>>,
}

/// Whether parentheses capture.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// They do.
    Capture,
    /// They only group: what matches stays the same.
    Ignore,
}

/// Flags that `(?flags)` changes.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    /// `i`
    pub(super) fold: bool,
    /// `m`
    pub(super) multi_line: bool,
    /// `s`
    pub(super) dot_newline: bool,
    /// `U`
    pub(super) ungreedy: bool,
}

/// An open parenthesis, or the whole pattern.
struct Level {
    /// The flags to return to at the closing parenthesis.
    flags: Flags,
    /// The index of the group, if it captures.
    capture: Option<u32>,
    /// Finished alternatives.
    branches: Vec<Piece>,
    /// The alternative being read, but for its last plain characters.
    items: Vec<Piece>,
    /// Plain characters read since.
    literal: String,
}

struct Parser<'p> {
    pattern: &'p str,
    groups: Groups,
    flags: Flags,
    /// Never empty; the first is the whole pattern.
    levels: Vec<Level>,
    names: Vec<Option<Box<str>>>,
    ranges: Ranges,
    pieces: usize,
}

/// Parses `pattern`; `flags` hold at its start.
///
/// # Errors
/// With Go's text, when it is not a pattern or exceeds a limit.
pub(super) fn parse(pattern: &str, flags: Flags, groups: Groups) -> Result<Parsed, Error> {
    let whole = Level::new(flags, None);
    let ranges = Ranges::new(pattern);
    let levels = vec![whole];
    let mut parser =
        Parser { pattern, groups, flags, levels, names: Vec::new(), ranges, pieces: 0 };
    let mut rest = pattern;
    let mut last_repeat = None;
    while let Some(c) = rest.chars().next() {
        (rest, last_repeat) = match c {
            '*' | '+' | '?' | '{' => parser.repetition_or_brace(rest, last_repeat)?,
            _ => (parser.item(c, rest)?, None),
        };
    }
    if parser.levels.len() > 1 {
        return Err(Error::new(ErrorKind::MissingParen, pattern));
    }
    let hir = parser.close_level()?.1.hir;
    Ok(Parsed { hir, names: parser.names })
}

impl Level {
    fn new(flags: Flags, capture: Option<u32>) -> Self {
        let (branches, items) = (Vec::new(), Vec::new());
        Self { flags, capture, branches, items, literal: String::new() }
    }

    /// Turns the plain characters read into a piece.
    fn flush(&mut self) {
        if !self.literal.is_empty() {
            let text = std::mem::take(&mut self.literal);
            self.items.push(Piece::leaf(Hir::literal(text.into_bytes())));
        }
    }

    /// Takes what a repetition is about: the last character or part.
    fn pop(&mut self) -> Option<Piece> {
        let Some(c) = self.literal.pop() else { return self.items.pop() };
        self.flush();
        Some(Piece::leaf(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes())))
    }
}

impl Parser<'_> {
    /// Reads what starts with `c` and is no repetition; returns the rest.
    fn item<'p>(&mut self, c: char, text: &'p str) -> Result<&'p str, Error> {
        let rest = &text[c.len_utf8()..];
        match c {
            '(' if rest.starts_with('?') => return self.perl_group(text),
            '(' => self.open_group(None)?,
            '|' => self.finish_branch()?,
            ')' => self.close_group()?,
            '^' if self.flags.multi_line => self.push(Hir::look(Look::StartLF))?,
            '^' => self.push(Hir::look(Look::Start))?,
            '$' if self.flags.multi_line => self.push(Hir::look(Look::EndLF))?,
            '$' => self.push(Hir::look(Look::End))?,
            '.' => self.push(Hir::class(Class::Unicode(class::dot(self.flags.dot_newline))))?,
            '[' => {
                let (class, rest) = class::bracket(text, self.flags, &mut self.ranges)?;
                self.push(Hir::class(Class::Unicode(class)))?;
                return Ok(rest);
            }
            '\\' => return self.escape(text),
            _ => self.literal(c)?,
        }
        Ok(rest)
    }

    fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("the whole pattern is a level")
    }

    fn push(&mut self, hir: Hir) -> Result<(), Error> {
        self.count_piece()?;
        let level = self.level();
        level.flush();
        level.items.push(Piece::leaf(hir));
        Ok(())
    }

    fn count_piece(&mut self) -> Result<(), Error> {
        self.pieces += 1;
        if self.pieces > MAX_PIECES {
            return Err(Error::new(ErrorKind::Large, self.pattern));
        }
        Ok(())
    }

    fn literal(&mut self, c: char) -> Result<(), Error> {
        if self.flags.fold {
            let class = class::folded_char(c, &mut self.ranges)?;
            return self.push(Hir::class(Class::Unicode(class)));
        }
        self.level().literal.push(c);
        Ok(())
    }

    /// Pushes the character an escape names; a surrogate matches nothing,
    /// since it does not occur in UTF-8.
    fn code_point(&mut self, code: u32) -> Result<(), Error> {
        match char::from_u32(code) {
            Some(c) => self.literal(c),
            None => self.push(Hir::fail()),
        }
    }

    /// Reads what starts with a backslash.
    fn escape<'p>(&mut self, text: &'p str) -> Result<&'p str, Error> {
        let mut chars = text.chars();
        let kind = chars.nth(1);
        let rest = chars.as_str();
        match kind {
            Some('A') => self.push(Hir::look(Look::Start))?,
            Some('z') => self.push(Hir::look(Look::End))?,
            Some('b') => self.push(Hir::look(Look::WordAscii))?,
            Some('B') => self.push(Hir::look(Look::WordAsciiNegate))?,
            Some('C') => return Err(Error::new(ErrorKind::InvalidEscape, &text[..2])),
            Some('Q') => {
                let (literal, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
                literal.chars().try_for_each(|c| self.literal(c))?;
                return Ok(rest);
            }
            _ => return self.class_escape_or_char(text),
        }
        Ok(rest)
    }

    fn class_escape_or_char<'p>(&mut self, text: &'p str) -> Result<&'p str, Error> {
        if let Some((class, rest)) = class::escape(text, self.flags, &mut self.ranges)? {
            self.push(Hir::class(Class::Unicode(class)))?;
            return Ok(rest);
        }
        let (code, rest) = class::char_escape(text)?;
        self.code_point(code)?;
        Ok(rest)
    }

    /// Reads `*`, `+`, `?` or `{n,m}`, or a literal brace. `last` is the text
    /// from the operator just before this one, if there was one; the second
    /// result is that for the next.
    fn repetition_or_brace<'p>(
        &mut self,
        text: &'p str,
        last: Option<&'p str>,
    ) -> Result<(&'p str, Option<&'p str>), Error> {
        let (min, max, rest) = match text.as_bytes()[0] {
            b'*' => (0, None, &text[1..]),
            b'+' => (1, None, &text[1..]),
            b'?' => (0, Some(1), &text[1..]),
            _ => match counts(text)? {
                Some(counts) => counts,
                None => {
                    self.literal('{')?;
                    return Ok((&text[1..], None));
                }
            },
        };
        let (lazy, rest) = match rest.strip_prefix('?') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if let Some(last) = last {
            return Err(Error::new(ErrorKind::InvalidRepeatOp, consumed(last, rest)));
        }
        let greedy = lazy == self.flags.ungreedy;
        self.repeat(Repeat { min, max, greedy, counted: text.starts_with('{') }).map_err(
            |kind| match kind {
                ErrorKind::NestingDepth => Error::new(kind, self.pattern),
                _ => Error::new(kind, consumed(text, rest)),
            },
        )?;
        Ok((rest, Some(text)))
    }

    fn repeat(&mut self, repeat: Repeat) -> Result<(), ErrorKind> {
        let level = self.levels.last_mut().expect("the whole pattern is a level");
        let Piece { hir, height, repeats } = level.pop().ok_or(ErrorKind::MissingRepeatArgument)?;
        let repeats = repeats.saturating_mul(repeat.factor());
        if repeat.copies() && repeats > MAX_REPEAT {
            return Err(ErrorKind::InvalidRepeatSize);
        }
        let height = checked_height(height + 1)?;
        let Repeat { min, max, greedy, .. } = repeat;
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(hir) });
        level.items.push(Piece { hir, height, repeats });
        Ok(())
    }

    /// Reads `(?…`: a named group, or flags with or without a group.
    fn perl_group<'p>(&mut self, text: &'p str) -> Result<&'p str, Error> {
        if text.starts_with("(?P<") && text.len() > 4 {
            return self.named_group(text, 4);
        }
        if text.starts_with("(?<") && text.len() > 3 {
            return self.named_group(text, 3);
        }
        let mut flags = self.flags;
        let (mut value, mut complete) = (true, true);
        for (at, c) in text.char_indices().skip(2) {
            let rest = &text[at + c.len_utf8()..];
            match c {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.ungreedy = value,
                '-' if value => (value, complete) = (false, false),
                ':' | ')' if complete => {
                    if c == ':' {
                        self.open_level(None)?;
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => return Err(Error::new(ErrorKind::InvalidPerlOp, consumed(text, rest))),
            }
            // After `-` at least one flag must follow.
            complete |= c != '-';
        }
        Err(Error::new(ErrorKind::InvalidPerlOp, text))
    }

    fn named_group<'p>(&mut self, text: &'p str, name_at: usize) -> Result<&'p str, Error> {
        let invalid = |expr| Error::new(ErrorKind::InvalidNamedCapture, expr);
        let end = text.find('>').ok_or_else(|| invalid(text))?;
        let name = text.get(name_at..end).unwrap_or("");
        if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
            return Err(invalid(&text[..=end]));
        }
        self.open_group(Some(name.into()))?;
        Ok(&text[end + 1..])
    }

    fn open_group(&mut self, name: Option<Box<str>>) -> Result<(), Error> {
        self.names.push(name);
        let index = u32::try_from(self.names.len()).expect("a pattern is shorter than 4 GiB");
        self.open_level((self.groups == Groups::Capture).then_some(index))
    }

    fn open_level(&mut self, capture: Option<u32>) -> Result<(), Error> {
        self.count_piece()?;
        if self.levels.len() > MAX_OPEN {
            return Err(Error::new(ErrorKind::NestingDepth, self.pattern));
        }
        let level = Level::new(self.flags, capture);
        self.level().flush();
        self.levels.push(level);
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), Error> {
        if self.levels.len() == 1 {
            return Err(Error::new(ErrorKind::UnexpectedParen, self.pattern));
        }
        let (level, mut piece) = self.close_level()?;
        self.flags = level.flags;
        if let Some(index) = level.capture {
            let sub = Box::new(piece.hir);
            piece.hir = Hir::capture(Capture { index, name: None, sub });
            piece.height = self.checked(piece.height + 1)?;
        }
        self.level().items.push(piece);
        Ok(())
    }

    /// Ends the alternative being read.
    fn finish_branch(&mut self) -> Result<(), Error> {
        self.count_piece()?;
        let level = self.level();
        level.flush();
        let branch = concat(std::mem::take(&mut level.items));
        let height = branch.height;
        level.branches.push(branch);
        self.checked(height).map(drop)
    }

    /// Takes the innermost level and what it stands for.
    fn close_level(&mut self) -> Result<(Level, Piece), Error> {
        self.finish_branch()?;
        let mut level = self.levels.pop().expect("the whole pattern is a level");
        let piece = alternation(std::mem::take(&mut level.branches));
        self.checked(piece.height)?;
        Ok((level, piece))
    }

    fn checked(&self, height: u32) -> Result<u32, Error> {
        checked_height(height).map_err(|kind| Error::new(kind, self.pattern))
    }
}

const fn checked_height(height: u32) -> Result<u32, ErrorKind> {
    if height > MAX_HEIGHT { Err(ErrorKind::NestingDepth) } else { Ok(height) }
}

/// The part of `text` before its suffix `rest`.
pub(super) fn consumed<'p>(text: &'p str, rest: &str) -> &'p str {
    &text[..text.len() - rest.len()]
}
