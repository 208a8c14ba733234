//! Label matchers.

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

/// One condition on a label. An absent label has the empty value.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
}
