//! Counted repetitions.
//!
//! In: text from `{` on. Out: the counts, and what they multiply to.

use super::parse::consumed;
use super::{Error, ErrorKind};

/// Largest count in `x{n,m}`, and largest product of nested counts.
pub(super) const MAX_REPEAT: u32 = 1000;

/// A repetition operator.
#[derive(Clone, Copy)]
pub(super) struct Repeat {
    /// Fewest repetitions.
    pub(super) min: u32,
    /// Most repetitions, if that is limited.
    pub(super) max: Option<u32>,
    /// As many as possible first.
    pub(super) greedy: bool,
    /// Written with braces.
    pub(super) counted: bool,
}

impl Repeat {
    /// True if it stands for several copies of its argument.
    pub(super) fn copies(self) -> bool {
        self.counted && (self.min >= 2 || self.max.is_some_and(|max| max >= 2))
    }

    /// How often it copies its argument: the largest count named.
    pub(super) fn factor(self) -> u32 {
        match (self.counted, self.max) {
            (false, _) => 1,
            (true, Some(max)) => max,
            (true, None) => self.min.max(1),
        }
    }
}

/// Reads `{n}`, `{n,}` or `{n,m}`; nothing if the brace is a literal.
#[expect(clippy::type_complexity, reason = "the counts and what follows them")]
pub(super) fn counts(text: &str) -> Result<Option<(u32, Option<u32>, &str)>, Error> {
    let Some((min, rest)) = text.strip_prefix('{').and_then(count) else { return Ok(None) };
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => match count(rest) {
            Some((max, rest)) => (Some(max), rest),
            None => return Ok(None),
        },
    };
    let Some(rest) = rest.strip_prefix('}') else { return Ok(None) };
    if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || min > max) {
        return Err(Error::new(ErrorKind::InvalidRepeatSize, consumed(text, rest)));
    }
    Ok(Some((min, max, rest)))
}

/// Reads a decimal number without leading zeros; a huge one saturates.
fn count(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
