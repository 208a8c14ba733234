//! Patterns that need no automaton: lists of words, prefixes, suffixes.
//!
//! In: a pattern or its expression. Out: a test that gives the same answers
//! as the automaton would, or nothing if there is no simpler one.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Literal, Repetition};

/// Words a list may have when they are products of classes and alternatives.
const MAX_WORDS: usize = 1 << 16;
/// Bytes such words may have together.
const MAX_BYTES: usize = 4 << 20;
/// Characters of a class that become words.
const MAX_CHARS: usize = 32;

/// A simple test.
#[derive(Debug)]
pub(super) enum Fast {
    /// One of these, sorted.
    Words(Box<[Box<str>]>),
    /// `prefix.*suffix`, with at least `middle` bytes between.
    Affix {
        /// How it starts.
        prefix: Box<str>,
        /// Bytes between: 0 or 1.
        middle: usize,
        /// How it ends.
        suffix: Box<str>,
    },
    /// `.*text.*`
    Contains(Box<str>),
}

impl Fast {
    /// The test for words separated by `|`, none of which has a character
    /// that means something in a pattern.
    pub(super) fn of_words(pattern: &[u8]) -> Option<Self> {
        let special = |byte: &u8| br"\.+*?()[]{}^$".contains(byte);
        if pattern.iter().any(special) {
            return None;
        }
        let words = pattern.split(|byte| *byte == b'|');
        Some(Self::from_words(words.filter_map(|word| std::str::from_utf8(word).ok())))
    }

    fn from_words<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut words: Vec<Box<str>> = words.map(Into::into).collect();
        words.sort_unstable();
        words.dedup();
        Self::Words(words.into())
    }

    /// The test for an expression without groups.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        if !hir.properties().look_set().is_empty() {
            return None;
        }
        Self::affix(hir).or_else(|| {
            let words = words(hir)?;
            let words = words.iter().map(|word| std::str::from_utf8(word));
            // A class or literal of whole characters makes whole characters.
            Some(Self::from_words(words.collect::<Result<Vec<_>, _>>().ok()?.into_iter()))
        })
    }

    fn affix(hir: &Hir) -> Option<Self> {
        let parts = match hir.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(hir),
        };
        let affix = |prefix: &str, middle, suffix: &str| {
            Some(Self::Affix { prefix: prefix.into(), middle, suffix: suffix.into() })
        };
        match parts {
            [any] => affix("", anything(any)?, ""),
            [first, second] => match (literal(first), literal(second)) {
                (Some(prefix), None) => affix(prefix, anything(second)?, ""),
                (None, Some(suffix)) => affix("", anything(first)?, suffix),
                _ => None,
            },
            [first, second, third] => match (literal(first), literal(second), literal(third)) {
                (Some(prefix), None, Some(suffix)) => affix(prefix, anything(second)?, suffix),
                (None, Some(text), None) if anything(first)? + anything(third)? == 0 => {
                    Some(Self::Contains(text.into()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// True if the whole of `text` passes.
    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Words(words) => match &**words {
                [word] => **word == *text,
                words => words.binary_search_by(|word| (**word).cmp(text)).is_ok(),
            },
            Self::Affix { prefix, middle, suffix } => {
                text.len() >= prefix.len() + middle + suffix.len()
                    && text.starts_with(&**prefix)
                    && text.ends_with(&**suffix)
            }
            Self::Contains(part) => text.contains(&**part),
        }
    }

    /// The words, if that is all there is.
    pub(super) fn words(&self) -> Option<&[Box<str>]> {
        match self {
            Self::Words(words) => Some(words),
            _ => None,
        }
    }
}

fn literal(hir: &Hir) -> Option<&str> {
    match hir.kind() {
        HirKind::Literal(Literal(bytes)) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// How many characters `.*` (0) or `.+` (1) needs, line feeds included.
fn anything(hir: &Hir) -> Option<usize> {
    match hir.kind() {
        HirKind::Repetition(Repetition { min: min @ 0..=1, max: None, sub, .. }) => {
            matches!(sub.kind(), HirKind::Class(Class::Unicode(class)) if is_full(class))
                .then_some(*min as usize)
        }
        _ => None,
    }
}

fn is_full(class: &ClassUnicode) -> bool {
    matches!(class.ranges(), [all] if all.start() == '\0' && all.end() == char::MAX)
}

/// All texts an expression without assertions matches, if there are few.
fn words(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(Literal(bytes)) => Some(vec![bytes.to_vec()]),
        HirKind::Class(Class::Unicode(class)) => chars(class),
        HirKind::Repetition(Repetition { min: 0, max: Some(1), sub, .. }) => {
            let mut words = words(sub)?;
            words.push(Vec::new());
            Some(words)
        }
        HirKind::Concat(parts) => parts.iter().try_fold(vec![Vec::new()], |left, part| {
            let right = words(part)?;
            product(&left, &right)
        }),
        HirKind::Alternation(parts) => parts.iter().try_fold(Vec::new(), |mut all, part| {
            all.extend(words(part)?);
            (all.len() <= MAX_WORDS).then_some(all)
        }),
        _ => None,
    }
}

fn chars(class: &ClassUnicode) -> Option<Vec<Vec<u8>>> {
    let count: usize = class.ranges().iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    if count > MAX_CHARS {
        return None;
    }
    let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    Some(chars.map(|c| c.to_string().into_bytes()).collect())
}

fn product(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let bytes = |words: &[Vec<u8>]| words.iter().map(Vec::len).sum::<usize>();
    let count = left.len().checked_mul(right.len()).filter(|count| *count <= MAX_WORDS)?;
    let size =
        bytes(left).checked_mul(right.len())?.checked_add(bytes(right).checked_mul(left.len())?)?;
    if size > MAX_BYTES {
        return None;
    }
    let mut words = Vec::with_capacity(count);
    for start in left {
        words.extend(right.iter().map(|end| [start.as_slice(), end].concat()));
    }
    Some(words)
}
