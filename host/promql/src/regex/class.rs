//! Character classes of Go's syntax: brackets, `\d`, `[:alpha:]`, `\p{Greek}`,
//! and single-character escapes.
//!
//! In: text at the start of such an item. Out: the set of characters, folded
//! if `(?i)` holds, and the text after it.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::parse::{Flags, consumed};
use super::property::{posix, property};
use super::{Error, ErrorKind};

/// Ranges all classes of one pattern may have together (8 MiB); a letter
/// class has about 660.
const MAX_RANGES: usize = 1 << 20;
/// Code points that one pattern may fold together; folding walks through each.
const MAX_FOLDED: u32 = 1 << 22;
/// The first and the last code point that folding concerns.
const FOLDABLE: (u32, u32) = (0x41, 0x1_e943);

/// What is left of a pattern's allowance for classes.
pub(super) struct Ranges {
    pattern: Box<str>,
    ranges: usize,
    folded: u32,
}

impl Ranges {
    /// The whole allowance.
    pub(super) fn new(pattern: &str) -> Self {
        Self { pattern: pattern.into(), ranges: MAX_RANGES, folded: MAX_FOLDED }
    }

    fn too_large(&self) -> Error {
        Error::new(ErrorKind::Large, &self.pattern)
    }

    /// Adds `part` to `class`, and accounts for it.
    fn union(&mut self, class: &mut Set, part: &ClassUnicode) -> Result<(), Error> {
        let count = part.ranges().len();
        self.ranges = self.ranges.checked_sub(count).ok_or_else(|| self.too_large())?;
        class.0.extend_from_slice(part.ranges());
        Ok(())
    }

    /// Adds what differs from members of `class` only in case.
    fn fold(&mut self, class: &mut ClassUnicode) -> Result<(), Error> {
        let (first, last) = FOLDABLE;
        let mut foldable = ClassUnicode::empty();
        for range in class.ranges() {
            let (low, high) = (range.start() as u32, range.end() as u32);
            if low <= first && high >= last {
                // Everything that could be added is there.
                return Ok(());
            }
            let (low, high) = (low.max(first), high.min(last));
            if low <= high {
                let cost = high - low + 1;
                self.folded = self.folded.checked_sub(cost).ok_or_else(|| self.too_large())?;
                push_range(&mut foldable, low, high);
            }
        }
        foldable.case_fold_simple();
        class.union(&foldable);
        Ok(())
    }
}

/// Ranges in the order they were read: brackets may list very many, and a
/// sorted set would be sorted again after each.
struct Set(Vec<ClassUnicodeRange>);

/// The characters from `low` to `high`, surrogates left out.
fn push_range(class: &mut ClassUnicode, low: u32, high: u32) {
    for (low, high) in [(low, high.min(0xd7ff)), (low.max(0xe000), high)] {
        if let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            && low <= high
        {
            class.push(ClassUnicodeRange::new(low, high));
        }
    }
}

fn range(low: u32, high: u32) -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    push_range(&mut class, low, high);
    class
}

/// What `.` matches.
pub(super) fn dot(newline: bool) -> ClassUnicode {
    let mut class = if newline { ClassUnicode::empty() } else { range(0x0a, 0x0a) };
    class.negate();
    class
}

/// `c` and what differs from it only in case.
pub(super) fn folded_char(c: char, ranges: &mut Ranges) -> Result<ClassUnicode, Error> {
    let mut class = range(c as u32, c as u32);
    ranges.fold(&mut class)?;
    Ok(class)
}

/// Reads `[…]`.
pub(super) fn bracket<'p>(
    text: &'p str,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<(ClassUnicode, &'p str), Error> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    rest = &rest[usize::from(negated)..];
    let mut set = Set(Vec::new());
    let mut first = true;
    // A bracket that comes first is a member.
    while first || !rest.starts_with(']') {
        first = false;
        let (part, after) = match named(rest, flags, ranges)? {
            Some(part) => part,
            None => span(rest, text, flags, ranges)?,
        };
        ranges.union(&mut set, &part)?;
        rest = after;
    }
    let mut class = ClassUnicode::new(set.0);
    if negated {
        class.negate();
    }
    Ok((class, &rest[1..]))
}

/// Reads `[:alpha:]`, `\p{Greek}` or `\d` inside brackets.
fn named<'p>(
    text: &'p str,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<Option<(ClassUnicode, &'p str)>, Error> {
    if text.starts_with("[:")
        && let Some(end) = text[2..].find(":]")
    {
        let (name, rest) = text.split_at(end + 4);
        let negated = name.starts_with("[:^");
        let plain = name[2 + usize::from(negated)..].strip_suffix(":]").unwrap_or("");
        let class = posix(plain).ok_or_else(|| Error::new(ErrorKind::InvalidCharRange, name))?;
        return Ok(Some((finished(class, negated, flags, ranges)?, rest)));
    }
    escape(text, flags, ranges)
}

/// Reads `a` or `a-z` inside the brackets `whole` starts with.
fn span<'p>(
    text: &'p str,
    whole: &str,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<(ClassUnicode, &'p str), Error> {
    let (low, mut rest) = member(text, whole)?;
    let mut high = low;
    let after_dash = rest.strip_prefix('-').filter(|after| !after.starts_with(']'));
    if let Some(after) = after_dash.filter(|after| !after.is_empty()) {
        (high, rest) = member(after, whole)?;
        if high < low {
            return Err(Error::new(ErrorKind::InvalidCharRange, consumed(text, rest)));
        }
    }
    Ok((finished(range(low, high), false, flags, ranges)?, rest))
}

/// Reads one character of brackets.
fn member<'p>(text: &'p str, whole: &str) -> Result<(u32, &'p str), Error> {
    match text.chars().next() {
        None => Err(Error::new(ErrorKind::MissingBracket, whole)),
        Some('\\') => char_escape(text),
        Some(c) => Ok((c as u32, &text[c.len_utf8()..])),
    }
}

/// Folds, then negates: the order matters.
fn finished(
    mut class: ClassUnicode,
    negated: bool,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<ClassUnicode, Error> {
    if flags.fold {
        ranges.fold(&mut class)?;
    }
    if negated {
        class.negate();
    }
    Ok(class)
}

/// Reads `\d`, `\pL` and the like; nothing if it is another escape.
pub(super) fn escape<'p>(
    text: &'p str,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<Option<(ClassUnicode, &'p str)>, Error> {
    let Some(kind) = text.strip_prefix('\\').and_then(|rest| rest.chars().next()) else {
        return Ok(None);
    };
    let class = match kind.to_ascii_lowercase() {
        'd' => posix("digit"),
        's' => Some(ClassUnicode::new(['\t', '\n', '\x0c', '\r', ' '].map(one))),
        'w' => posix("word"),
        'p' => return unicode(text, flags, ranges).map(Some),
        _ => None,
    };
    let Some(class) = class else { return Ok(None) };
    let class = finished(class, kind.is_ascii_uppercase(), flags, ranges)?;
    Ok(Some((class, &text[2..])))
}

fn one(c: char) -> ClassUnicodeRange {
    ClassUnicodeRange::new(c, c)
}

/// Reads `\pL`, `\p{Greek}`, `\P{^Greek}`.
fn unicode<'p>(
    text: &'p str,
    flags: Flags,
    ranges: &mut Ranges,
) -> Result<(ClassUnicode, &'p str), Error> {
    let invalid = |expr| Error::new(ErrorKind::InvalidCharRange, expr);
    let end = match text[2..].chars().next() {
        Some('{') => text.find('}').ok_or_else(|| invalid(text))? + 1,
        Some(c) => 2 + c.len_utf8(),
        None => 2,
    };
    let (item, rest) = text.split_at(end);
    let name = &item[2..];
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    let (inverted, name) = match name.strip_prefix('^') {
        Some(name) => (true, name),
        None => (false, name),
    };
    let class = property(name).ok_or_else(|| invalid(item))?;
    let negated = item.starts_with("\\P") != inverted;
    Ok((finished(class, negated, flags, ranges)?, rest))
}

/// Reads the escape of a single character as its code point.
pub(super) fn char_escape(text: &str) -> Result<(u32, &str), Error> {
    let mut chars = text[1..].chars();
    let Some(c) = chars.next() else {
        return Err(Error::new(ErrorKind::TrailingBackslash, ""));
    };
    let rest = chars.as_str();
    let code = match c {
        '0' => return Ok(octal(&text[1..])),
        '1'..='7' if rest.starts_with(|next: char| next.is_digit(8)) => {
            return Ok(octal(&text[1..]));
        }
        'x' => return hexadecimal(text, rest),
        'a' => 0x07,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => c as u32,
        _ => return Err(Error::new(ErrorKind::InvalidEscape, consumed(text, rest))),
    };
    Ok((code, rest))
}

/// Reads up to three octal digits.
fn octal(text: &str) -> (u32, &str) {
    let length = text.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let (digits, rest) = text.split_at(length);
    (digits.bytes().fold(0, |code, digit| code * 8 + u32::from(digit - b'0')), rest)
}

/// Reads what follows `\x`: two digits, or any number in braces.
fn hexadecimal<'p>(text: &'p str, rest: &'p str) -> Result<(u32, &'p str), Error> {
    let invalid = |rest| Error::new(ErrorKind::InvalidEscape, consumed(text, rest));
    let mut chars = rest.chars();
    if !rest.starts_with('{') {
        let digits = [chars.next(), chars.next()].map(|c| c.and_then(|c| c.to_digit(16)));
        return match digits {
            [Some(high), Some(low)] => Ok((16 * high + low, chars.as_str())),
            _ => Err(invalid(chars.as_str())),
        };
    }
    chars.next();
    let (mut code, mut count) = (0, 0);
    loop {
        let c = chars.next();
        match c.and_then(|c| c.to_digit(16)) {
            Some(digit) => (code, count) = (16 * code + digit, count + 1),
            None if c == Some('}') && count > 0 => return Ok((code, chars.as_str())),
            None => return Err(invalid(chars.as_str())),
        }
        if code > char::MAX as u32 {
            return Err(invalid(chars.as_str()));
        }
    }
}
