//! Reads a query into a type-checked syntax tree, as Prometheus's main branch
//! does (prometheus/promql/parser, as of 3.14).
//!
//! What comes in: the text of a query and the [`Options`] that switch optional
//! parts of the language on. What goes out: an [`Expr`], or the [`ParseError`]
//! that Prometheus would print, with its text and position. Prometheus goes on
//! after an error to collect more, but prints the first one only; this parser
//! stops there. It knows nothing of series and does not evaluate anything, not
//! even duration expressions (see [`crate::durations`]).
//!
//! It is a Pratt parser: one loop over binary operators with a minimum
//! precedence, recursion only into operands and parentheses, bounded by
//! [`MAX_DEPTH`].

mod aggregate;
mod check;
mod duration;
mod error;
mod expr;
mod literal;
mod matching;
mod postfix;
mod selector;
#[cfg(test)]
mod tests;

use crate::ast::{Expr, MAX_DEPTH, Span, VectorSelector};
use crate::lexer::{self, Lexer, Token, TokenKind};
use crate::matcher::Matcher;

pub use error::{ParseError, Position};

/// Optional parts of the language. The default is that of a Prometheus server
/// without feature flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Functions and aggregations marked experimental
    /// (`promql-experimental-functions`); off by default.
    pub experimental_functions: bool,
    /// Arithmetic, `step()`, `range()`, `min_of` and `max_of` where a duration
    /// stands; on by default.
    pub duration_expressions: bool,
    /// `anchored` and `smoothed` (`promql-extended-range-selectors`); off by
    /// default.
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left` and `fill_right` (`promql-binop-fill-modifiers`);
    /// off by default.
    pub fill_modifiers: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            experimental_functions: false,
            duration_expressions: true,
            extended_range_selectors: false,
            fill_modifiers: false,
        }
    }
}

impl Options {
    /// Every part of the language.
    #[must_use]
    pub const fn all() -> Self {
        Self {
            experimental_functions: true,
            duration_expressions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
        }
    }
}

/// Reads and type-checks a query. Takes time linear in its length.
///
/// # Errors
/// Prometheus's error, or one of our own where the query nests more than
/// [`MAX_DEPTH`] levels deep.
pub fn parse(query: &str, options: &Options) -> Result<Expr, ParseError> {
    let parsed = Parser::new(query, *options).whole_query();
    let checked = parsed.and_then(|mut expr| {
        check::check(query, &mut expr)?;
        Ok(*expr)
    });
    checked.map_err(|error| *error)
}

/// Reads one instant vector selector without modifiers, such as a `match[]`
/// parameter, and gives its matchers, the one for a name outside the braces
/// last. Whether any of them excludes the empty value is not checked.
///
/// # Errors
/// Prometheus's error.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let selector = Parser::new(text, Options::default()).whole_selector();
    selector.map(|selector| selector.matchers).map_err(|error| *error)
}

/// What an unexpected token is unexpected in, unless a closer place says so:
/// the text of the error depends on it.
#[derive(Clone, Copy)]
enum Context {
    Query,
    Aggregation,
    Offset,
    At,
    RangeOrSubquery,
    SubqueryStep,
}

impl Context {
    /// The place, and what is expected there.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Query => ("", ""),
            Self::Aggregation => ("aggregation", ""),
            Self::Offset => ("offset", "number, duration, step(), or range()"),
            Self::At => ("@", "timestamp"),
            Self::RangeOrSubquery => {
                ("subquery or range selector", "number, duration, step(), or range()")
            }
            Self::SubqueryStep => {
                ("subquery selector", "number, duration, step(), range(), or \"]\"")
            }
        }
    }
}

/// Inside the parser, errors and expressions are boxed: results are what the
/// stack holds of each level of the query.
type Result<T, E = Box<ParseError>> = std::result::Result<T, E>;

struct Parser<'a> {
    query: &'a str,
    options: Options,
    lexer: Lexer<'a>,
    /// The next token, if it has been read. When it is read decides which of
    /// two errors comes first.
    ahead: Option<Token>,
    /// End of the last token taken.
    end: usize,
    context: Context,
    /// Levels of recursion into the query.
    depth: usize,
    /// Levels of the tree that was read last, as [`MAX_DEPTH`] counts them.
    height: usize,
}

impl<'a> Parser<'a> {
    fn new(query: &'a str, options: Options) -> Self {
        Self {
            query,
            options,
            lexer: Lexer::new(query),
            ahead: None,
            end: 0,
            context: Context::Query,
            depth: 0,
            height: 0,
        }
    }

    fn whole_query(mut self) -> Result<Box<Expr>> {
        if self.peek()?.kind == TokenKind::Eof {
            return Err(self.error(Span::default(), "no expression found in input"));
        }
        let expr = self.expr(0)?;
        self.expect(TokenKind::Eof)?;
        Ok(expr)
    }

    fn whole_selector(mut self) -> Result<VectorSelector> {
        let selector = self.bare_selector()?;
        self.expect(TokenKind::Eof)?;
        Ok(selector)
    }

    /// The next token, left in place.
    fn peek(&mut self) -> Result<Token> {
        if let Some(token) = self.ahead {
            return Ok(token);
        }
        let token = self.lexer.next_token();
        let token = token.map_err(|lexer::Error { span, message }| self.error(span, message))?;
        self.ahead = Some(token);
        Ok(token)
    }

    /// Takes the next token.
    fn take(&mut self) -> Result<Token> {
        let token = self.peek()?;
        self.ahead = None;
        self.end = token.span.end;
        Ok(token)
    }

    /// Takes the next token if it is of this kind.
    fn accept(&mut self, kind: TokenKind) -> Result<Option<Token>> {
        if self.peek()?.kind == kind { self.take().map(Some) } else { Ok(None) }
    }

    /// Takes the next token, which must be of this kind.
    fn expect(&mut self, kind: TokenKind) -> Result<Token> {
        match self.accept(kind)? {
            Some(token) => Ok(token),
            None => Err(self.unexpected()),
        }
    }

    fn text(&self, token: Token) -> &'a str {
        &self.query[token.span.start..token.span.end]
    }

    fn error(&self, span: Span, message: impl Into<String>) -> Box<ParseError> {
        Box::new(ParseError::new(self.query, span, message))
    }

    /// The error about the next token in the current context.
    fn unexpected(&self) -> Box<ParseError> {
        let (place, expected) = self.context.words();
        self.unexpected_in(place, expected)
    }

    /// The error about the next token, which has been looked at.
    fn unexpected_in(&self, place: &str, expected: &str) -> Box<ParseError> {
        let token = self.ahead.expect("a token is looked at before it is refused");
        let mut message = format!("unexpected {}", token.describe(self.query));
        if !place.is_empty() {
            message.push_str(" in ");
            message.push_str(place);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        self.error(token.span, message)
    }

    /// Reads something inside of which errors speak of `context`.
    fn within<T>(
        &mut self,
        context: Context,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.context, context);
        let read = read(self);
        self.context = outer;
        read
    }

    /// Reads something one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        self.check_depth(self.depth)?;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Notes that what is read last lies `below` levels under a new node.
    fn grow(&mut self, below: usize) -> Result<()> {
        self.height = below + 1;
        self.check_depth(self.height)
    }

    fn check_depth(&self, depth: usize) -> Result<()> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let end = self.query.len();
        let span = Span { start: self.end, end };
        let message = format!("expression is nested more than {MAX_DEPTH} levels deep");
        Err(self.error(span, message))
    }
}
