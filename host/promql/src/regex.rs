//! Regular expressions in Go's dialect, anchored at both ends.

use std::fmt;
use std::sync::Arc;

use regex_automata::meta;

/// Why a pattern is refused; the text is Go's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub struct Error(String);

/// A compiled pattern; cloning copies a pointer.
#[derive(Clone)]
pub struct Regex(Arc<meta::Regex>);

impl Regex {
    /// Compiles `^(?s:pattern)$`.
    ///
    /// # Errors
    /// When the pattern does not parse or is too large.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let regex = meta::Regex::new(&format!("^(?s:{pattern})$"));
        Ok(Self(Arc::new(regex.map_err(|error| Error(error.to_string()))?)))
    }

    /// True if the whole of `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The groups of a match of the whole of `text`.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'_, 't>> {
        let mut groups = self.0.create_captures();
        self.0.captures(text, &mut groups);
        groups.is_match().then_some(Captures { regex: self, text, groups })
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Regex")
    }
}

/// The groups of one match.
pub struct Captures<'r, 't> {
    regex: &'r Regex,
    text: &'t str,
    groups: regex_automata::util::captures::Captures,
}

impl<'t> Captures<'_, 't> {
    /// The text of group `index`; 0 is the whole match.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'t str> {
        self.groups.get_group(index).map(|span| &self.text[span.range()])
    }

    /// Appends `template` with `$1`, `$name` and `${name}` replaced by the
    /// groups' texts, as Go's `Regexp.ExpandString`.
    pub fn expand(&self, template: &str, out: &mut String) {
        let _ = &self.regex;
        self.groups.interpolate_string_into(self.text, template, out);
    }
}
