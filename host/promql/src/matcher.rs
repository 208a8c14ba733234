//! Label matchers.
//!
//! In: a label's name, an operator and a value. Out: a condition that label
//! values and label sets are tested against. Patterns are compiled when the
//! matcher is made, never while matching.

use std::fmt;

use crate::Labels;
use crate::labels::METRIC_NAME;
use crate::quote::{self, ByteString};
use crate::regex::{self, Regex};

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends
    Regex,
    /// `!~`, anchored at both ends
    NotRegex,
}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        })
    }
}

/// Why a matcher could not be made: its pattern is not a regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] regex::Error);

/// One condition on a label. An absent label has the empty value.
#[derive(Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: ByteString,
    regex: Option<Regex>,
}

impl Matcher {
    /// A matcher; the pattern of [`MatchOp::Regex`] and [`MatchOp::NotRegex`]
    /// is compiled here, as `^(?s:value)$`.
    ///
    /// # Errors
    /// When the pattern does not parse or is too large.
    pub fn new(
        name: impl Into<String>,
        op: MatchOp,
        value: impl Into<ByteString>,
    ) -> Result<Self, Error> {
        let value = value.into();
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Regex::new(&value.to_str_lossy())?),
        };
        Ok(Self { name: name.into(), op, value, regex })
    }

    /// The label's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    #[must_use]
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What it compares with.
    #[must_use]
    pub fn value(&self) -> &ByteString {
        &self.value
    }

    /// True if it is about the metric's name.
    #[must_use]
    pub fn is_name(&self) -> bool {
        self.name == METRIC_NAME
    }

    /// True if a label with this value fulfils the condition.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => self.value == *value,
            (MatchOp::NotEqual, _) => self.value != *value,
            (MatchOp::Regex, regex) => regex.as_ref().is_some_and(|regex| regex.is_match(value)),
            (MatchOp::NotRegex, regex) => regex.as_ref().is_none_or(|regex| !regex.is_match(value)),
        }
    }

    /// True if the label set's own label fulfils the condition.
    #[must_use]
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.value(&self.name))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl fmt::Display for Matcher {
    /// As Prometheus's `labels.Matcher.String`: `name=~"value"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if quote::is_legacy_label_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quote::quote(self.name.as_bytes()))?;
        }
        write!(f, "{}{}", self.op, self.value)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
