//! Label matchers.
//!
//! In: a label's name, an operator and a value. Out: a condition that label
//! values and label sets are tested against. Patterns are compiled when the
//! matcher is made, never while matching.

use std::fmt;

use crate::Labels;
use crate::labels::METRIC_NAME;
use crate::quote::{self, ByteString};
use crate::regex::{self, Pattern};

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
    pattern: Option<Pattern>,
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
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Pattern::new(value.as_bytes())?),
        };
        Ok(Self { name: name.into(), op, value, pattern })
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
        let negated = matches!(self.op, MatchOp::NotEqual | MatchOp::NotRegex);
        negated
            != match &self.pattern {
                Some(pattern) => pattern.is_match(value),
                None => self.value == *value,
            }
    }

    /// The texts that fulfil an `=` or `=~`, in byte order, if it is no more
    /// than a list of them.
    #[must_use]
    pub fn words(&self) -> Option<Vec<&str>> {
        match (self.op, &self.pattern) {
            (MatchOp::Equal, _) => Some(self.value.as_str().into_iter().collect()),
            (MatchOp::Regex, Some(pattern)) => {
                pattern.words().map(|words| words.iter().map(|word| &**word).collect())
            }
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(op: MatchOp, value: &str) -> Matcher {
        Matcher::new("job", op, value).expect("the pattern is valid")
    }

    #[test]
    fn an_absent_label_has_the_empty_value() {
        let labels = Labels::from_pairs([("job", "api")]);
        assert!(matcher(MatchOp::Equal, "").matches_labels(&Labels::empty()));
        assert!(matcher(MatchOp::NotEqual, "api").matches_labels(&Labels::empty()));
        assert!(matcher(MatchOp::Regex, "a.*").matches_labels(&labels));
        assert!(!matcher(MatchOp::NotRegex, "a.*").matches_labels(&labels));
        assert!(!matcher(MatchOp::Regex, ".+").matches_labels(&Labels::empty()));
    }

    #[test]
    fn matchers_print_as_prometheus_prints_them() {
        assert_eq!(
            matcher(MatchOp::NotRegex, "a\"\n\u{200b}é").to_string(),
            r#"job!~"a\"\n\u200bé""#
        );
        let dotted = Matcher::new("a.b", MatchOp::Equal, vec![0xff, b'x']).unwrap();
        assert_eq!(dotted.to_string(), r#""a.b"="\xffx""#);
        assert_eq!(Matcher::new("", MatchOp::NotEqual, "").unwrap().to_string(), r#"""!="""#);
        assert!(Matcher::new("__name__", MatchOp::Equal, "x").unwrap().is_name());
    }

    #[test]
    fn equality_is_of_what_is_written() {
        assert_eq!(matcher(MatchOp::Regex, "a|b"), matcher(MatchOp::Regex, "a|b"));
        assert_ne!(matcher(MatchOp::Regex, "a|b"), matcher(MatchOp::Regex, "b|a"));
        assert_ne!(matcher(MatchOp::Regex, "a"), matcher(MatchOp::Equal, "a"));
    }

    #[test]
    fn a_bad_pattern_is_refused_with_go_s_text() {
        let error = Matcher::new("a", MatchOp::Regex, "(").unwrap_err();
        assert_eq!(error.to_string(), "error parsing regexp: missing closing ): `(`");
    }

    #[test]
    fn bytes_that_are_not_text_equal_no_label() {
        let odd = Matcher::new("a", MatchOp::Equal, vec![0xff]).unwrap();
        assert!(!odd.matches("\u{fffd}") && odd.words() == Some(Vec::new()));
    }
}
