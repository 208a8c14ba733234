//! The kinds of tokens, the words that are keywords, and how error messages
//! name a token.

use crate::ast::{AggregateOp, BinaryOp, Span};
use crate::quote::quote;

/// A token and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Eof,
    Identifier,
    /// An identifier with a colon.
    MetricIdentifier,
    String,
    Number,
    Duration,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    /// `=`
    Equal,
    /// `=~`
    EqualRegex,
    /// `!~`
    NotRegex,
    /// Also signs, and `!=` between a label and its value.
    Binary(BinaryOp),
    Aggregate(AggregateOp),
    Keyword(Keyword),
}

/// Words with a meaning that are not operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Anchored,
    Bool,
    By,
    End,
    Fill,
    FillLeft,
    FillRight,
    GroupLeft,
    GroupRight,
    Ignoring,
    MaxOf,
    MinOf,
    Offset,
    On,
    Range,
    Smoothed,
    Start,
    Step,
    Without,
}

impl Keyword {
    /// True for the words that are functions if a parenthesis follows.
    pub(crate) const fn is_function(self) -> bool {
        matches!(
            self,
            Self::End | Self::MaxOf | Self::MinOf | Self::Range | Self::Start | Self::Step
        )
    }
}

/// What a word means outside braces, in any case of its letters.
pub(super) fn keyword(word: &str) -> Option<TokenKind> {
    let lower = word.to_ascii_lowercase();
    let keyword = match lower.as_str() {
        "inf" | "nan" => return Some(TokenKind::Number),
        "and" => return Some(TokenKind::Binary(BinaryOp::And)),
        "or" => return Some(TokenKind::Binary(BinaryOp::Or)),
        "unless" => return Some(TokenKind::Binary(BinaryOp::Unless)),
        "atan2" => return Some(TokenKind::Binary(BinaryOp::Atan2)),
        "anchored" => Keyword::Anchored,
        "bool" => Keyword::Bool,
        "by" => Keyword::By,
        "end" => Keyword::End,
        "fill" => Keyword::Fill,
        "fill_left" => Keyword::FillLeft,
        "fill_right" => Keyword::FillRight,
        "group_left" => Keyword::GroupLeft,
        "group_right" => Keyword::GroupRight,
        "ignoring" => Keyword::Ignoring,
        "max_of" => Keyword::MaxOf,
        "min_of" => Keyword::MinOf,
        "offset" => Keyword::Offset,
        "on" => Keyword::On,
        "range" => Keyword::Range,
        "smoothed" => Keyword::Smoothed,
        "start" => Keyword::Start,
        "step" => Keyword::Step,
        "without" => Keyword::Without,
        other => {
            let aggregate = AggregateOp::ALL.iter().find(|op| op.as_str() == other)?;
            return Some(TokenKind::Aggregate(*aggregate));
        }
    };
    Some(TokenKind::Keyword(keyword))
}

impl Token {
    /// The token as the words "unexpected …" of an error name it.
    pub(crate) fn describe(self, query: &str) -> String {
        let text = &query[self.span.start..self.span.end];
        match self.kind {
            TokenKind::Eof => "end of input".to_owned(),
            TokenKind::Identifier => format!("identifier {}", quote(text.as_bytes())),
            TokenKind::MetricIdentifier => {
                format!("metric identifier {}", quote(text.as_bytes()))
            }
            TokenKind::String => format!("string {}", shortened(text)),
            TokenKind::Number => format!("number {}", shortened(text)),
            TokenKind::Duration => format!("duration {}", shortened(text)),
            TokenKind::Binary(_) | TokenKind::At | TokenKind::EqualRegex | TokenKind::NotRegex => {
                format!("<op:{text}>")
            }
            TokenKind::Aggregate(_) => format!("<aggr:{text}>"),
            TokenKind::Keyword(keyword) if !keyword.is_function() => format!("<{text}>"),
            _ => shortened(text),
        }
    }
}

/// A quoted text, cut after ten characters if it has more than ten bytes.
fn shortened(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text.as_bytes());
    }
    let head: String = text.chars().take(10).collect();
    format!("{}...", quote(head.as_bytes()))
}

/// A character in single quotes, as Go's `%q`.
pub(super) fn quote_char(c: char) -> String {
    match c {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => {
            let quoted = quote(c.encode_utf8(&mut [0; 4]).as_bytes());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}

/// A character as Go's `%#U`: `U+0063 'c'`, the character itself only if it is
/// printable.
pub(super) fn describe_char(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    let printable = matches!(c, '"' | '\'' | '\\') || quote_char(c).chars().nth(1) == Some(c);
    if printable { format!("{code} '{c}'") } else { code }
}
