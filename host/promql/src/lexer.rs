//! Splits a query into tokens (prometheus/promql/parser/lex.go).
//!
//! What comes in: the query text. What goes out: one token at a time, or an
//! [`Error`] with Prometheus's text and position, after which no token
//! follows. Which words mean something depends on where they stand: inside
//! braces all are identifiers, inside brackets only the duration functions
//! exist. It does not read values: numbers and strings stay text.

mod scan;
mod token;

pub(crate) use token::{Keyword, Token, TokenKind};

use crate::ast::{BinaryOp, Span};
use token::keyword;

/// Where the lexer stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    pub(crate) span: Span,
    pub(crate) message: String,
}

/// What the characters ahead mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Outside braces; inside brackets once a number has been read.
    Statement,
    /// After `{`.
    Braces,
    /// After `[`, up to the first number.
    Duration,
}

/// The tokens of one query, from left to right.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    /// Start of the token being read.
    start: usize,
    /// The next character.
    position: usize,
    mode: Mode,
    open_parens: usize,
    in_brackets: bool,
    /// A `:` was read in these brackets.
    got_colon: bool,
    /// A number was read in some brackets, maybe not in these: Prometheus
    /// forgets to take it back, which decides between two error texts.
    got_duration: bool,
}

type Step = Result<Option<TokenKind>, Error>;

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            start: 0,
            position: 0,
            mode: Mode::Statement,
            open_parens: 0,
            in_brackets: false,
            got_colon: false,
            got_duration: false,
        }
    }

    /// The next token; at the end of the text, [`TokenKind::Eof`] again and
    /// again. Blanks and comments are skipped.
    pub(crate) fn next_token(&mut self) -> Result<Token, Error> {
        loop {
            self.start = self.position;
            let step = match self.mode {
                Mode::Statement => self.statement(),
                Mode::Braces => self.braces(),
                Mode::Duration => self.duration(),
            };
            if let Some(kind) = step? {
                let span = Span { start: self.start, end: self.position };
                return Ok(Token { kind, span });
            }
        }
    }

    fn statement(&mut self) -> Step {
        let Some(c) = self.next_char() else {
            return self.end();
        };
        let kind = match c {
            ' ' | '\t' | '\n' | '\r' => return Ok(None),
            '#' => return Ok(self.comment()),
            ',' => TokenKind::Comma,
            '@' => TokenKind::At,
            '*' => TokenKind::Binary(BinaryOp::Mul),
            '/' => TokenKind::Binary(BinaryOp::Div),
            '%' => TokenKind::Binary(BinaryOp::Mod),
            '+' => TokenKind::Binary(BinaryOp::Add),
            '-' => TokenKind::Binary(BinaryOp::Sub),
            '^' => TokenKind::Binary(BinaryOp::Pow),
            '=' | '!' | '<' | '>' => return self.comparison(c),
            '"' | '\'' => self.quoted(c)?,
            '`' => self.raw()?,
            '(' => self.open_paren(),
            ')' => self.close_paren()?,
            '{' => {
                self.mode = Mode::Braces;
                TokenKind::LeftBrace
            }
            '[' => self.open_bracket()?,
            ']' if self.in_brackets => self.close_bracket(),
            ']' => return Err(self.unexpected("unexpected right bracket", c)),
            '0'..='9' => self.number_or_duration()?,
            '.' if self.peek_is(|b| b.is_ascii_digit()) => self.number_or_duration()?,
            'a'..='z' | 'A'..='Z' | '_' | ':' if self.in_brackets => self.word_in_brackets(c)?,
            'a'..='z' | 'A'..='Z' | '_' | ':' => self.word(),
            _ => return Err(self.unexpected("unexpected character:", c)),
        };
        Ok(Some(kind))
    }

    /// The end of the text outside braces.
    fn end(&self) -> Step {
        if self.open_parens > 0 {
            Err(self.error("unclosed left parenthesis"))
        } else if self.in_brackets {
            Err(self.error("unclosed left bracket"))
        } else {
            Ok(Some(TokenKind::Eof))
        }
    }

    fn comparison(&mut self, first: char) -> Step {
        let next = self.peek_char();
        let (op, length) = match (first, next) {
            ('=', Some('=')) => (BinaryOp::Eq, 1),
            ('=', Some('~')) => {
                return Err(self.unexpected("unexpected character after '=':", '~'));
            }
            ('=', _) => return Ok(Some(TokenKind::Equal)),
            ('!', Some('=')) => (BinaryOp::NotEq, 1),
            ('!', _) => {
                let found = next.unwrap_or(char::REPLACEMENT_CHARACTER);
                return Err(self.unexpected("unexpected character after '!':", found));
            }
            ('<', Some('=')) => (BinaryOp::LessEq, 1),
            ('<', Some('/')) => (BinaryOp::TrimUpper, 1),
            ('<', _) => (BinaryOp::Less, 0),
            (_, Some('=')) => (BinaryOp::GreaterEq, 1),
            (_, Some('/')) => (BinaryOp::TrimLower, 1),
            _ => (BinaryOp::Greater, 0),
        };
        self.position += length;
        Ok(Some(TokenKind::Binary(op)))
    }

    fn open_paren(&mut self) -> TokenKind {
        self.open_parens += 1;
        TokenKind::LeftParen
    }

    fn close_paren(&mut self) -> Result<TokenKind, Error> {
        match self.open_parens.checked_sub(1) {
            Some(open) => self.open_parens = open,
            None => return Err(self.unexpected_behind("unexpected right parenthesis ')'")),
        }
        Ok(TokenKind::RightParen)
    }

    fn open_bracket(&mut self) -> Result<TokenKind, Error> {
        if self.in_brackets {
            return Err(self.unexpected("unexpected left bracket", '['));
        }
        (self.in_brackets, self.got_colon) = (true, false);
        self.mode = Mode::Duration;
        Ok(TokenKind::LeftBracket)
    }

    fn close_bracket(&mut self) -> TokenKind {
        self.in_brackets = false;
        self.mode = Mode::Statement;
        TokenKind::RightBracket
    }

    /// A word or colon inside brackets after the first number.
    fn word_in_brackets(&mut self, first: char) -> Result<TokenKind, Error> {
        if first == ':' {
            if self.got_colon {
                return Err(self.unexpected("unexpected colon", ':'));
            }
            self.got_colon = true;
            return Ok(TokenKind::Colon);
        }
        self.duration_function(first).ok_or_else(|| {
            let message =
                format!("unexpected character: {}, expected ':'", token::quote_char(first));
            self.error(&message)
        })
    }

    fn braces(&mut self) -> Step {
        let Some(c) = self.next_char() else {
            return Err(self.error("unexpected end of input inside braces"));
        };
        let kind = match c {
            ' ' | '\t' | '\n' | '\r' => return Ok(None),
            '#' => return Ok(self.comment()),
            'a'..='z' | 'A'..='Z' | '_' => {
                self.skip_while(scan::is_word);
                TokenKind::Identifier
            }
            ',' => TokenKind::Comma,
            '"' | '\'' => self.quoted(c)?,
            '`' => self.raw()?,
            '=' if self.accept(b"~") => TokenKind::EqualRegex,
            '=' => TokenKind::Equal,
            '!' if self.accept(b"~") => TokenKind::NotRegex,
            '!' if self.accept(b"=") => TokenKind::Binary(BinaryOp::NotEq),
            '!' => {
                let found = self.peek_char().unwrap_or(char::REPLACEMENT_CHARACTER);
                let message = "unexpected character after '!' inside braces:";
                return Err(self.unexpected(message, found));
            }
            '{' => return Err(self.unexpected("unexpected left brace", c)),
            '}' => {
                self.mode = Mode::Statement;
                TokenKind::RightBrace
            }
            _ => return Err(self.unexpected("unexpected character inside braces:", c)),
        };
        Ok(Some(kind))
    }

    /// Inside brackets, before the first number.
    fn duration(&mut self) -> Step {
        let Some(c) = self.next_char() else {
            return Err(self.error("unexpected end of input in duration expression"));
        };
        let kind = match c {
            ' ' | '\t' | '\n' | '\r' => return Ok(None),
            ']' => self.close_bracket(),
            ':' => self.colon_before_number()?,
            '(' => self.open_paren(),
            ')' => self.close_paren()?,
            '+' => TokenKind::Binary(BinaryOp::Add),
            '-' => TokenKind::Binary(BinaryOp::Sub),
            '*' => TokenKind::Binary(BinaryOp::Mul),
            '/' => TokenKind::Binary(BinaryOp::Div),
            '%' => TokenKind::Binary(BinaryOp::Mod),
            '^' => TokenKind::Binary(BinaryOp::Pow),
            ',' => TokenKind::Comma,
            '0'..='9' => self.first_number()?,
            '.' if self.peek_is(|b| b.is_ascii_digit()) => self.first_number()?,
            _ => match self.duration_function(c) {
                Some(kind) => kind,
                None => {
                    let message = "unexpected character in duration expression:";
                    return Err(self.unexpected(message, c));
                }
            },
        };
        Ok(Some(kind))
    }

    fn colon_before_number(&mut self) -> Result<TokenKind, Error> {
        if !self.got_duration {
            let message = "unexpected colon before duration in duration expression";
            return Err(self.unexpected_behind(message));
        }
        if self.got_colon {
            let message = "unexpected repeated colon in duration expression";
            return Err(self.unexpected_behind(message));
        }
        self.got_colon = true;
        Ok(TokenKind::Colon)
    }

    fn first_number(&mut self) -> Result<TokenKind, Error> {
        self.got_duration = true;
        self.mode = Mode::Statement;
        self.number_or_duration()
    }

    /// `step`, `range`, `min_of` or `max_of`, whose first character is read.
    fn duration_function(&mut self, first: char) -> Option<TokenKind> {
        if !matches!(first.to_ascii_lowercase(), 's' | 'r' | 'm') {
            return None;
        }
        self.skip_while(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        match keyword(&self.text[self.start..self.position]) {
            Some(
                kind @ TokenKind::Keyword(
                    Keyword::Step | Keyword::Range | Keyword::MinOf | Keyword::MaxOf,
                ),
            ) => Some(kind),
            _ => None,
        }
    }

    /// A keyword, an identifier, or a metric identifier (one with a colon).
    fn word(&mut self) -> TokenKind {
        self.skip_while(|byte| scan::is_word(byte) || byte == b':');
        let word = &self.text[self.start..self.position];
        match keyword(word) {
            // A new keyword: without a parenthesis it stays the metric name
            // that it was before.
            Some(TokenKind::Keyword(Keyword::Fill | Keyword::FillLeft | Keyword::FillRight))
                if !self.paren_follows() =>
            {
                TokenKind::Identifier
            }
            Some(kind) => kind,
            None if word.contains(':') => TokenKind::MetricIdentifier,
            None => TokenKind::Identifier,
        }
    }

    fn paren_follows(&self) -> bool {
        let blanks: &[char] = &[' ', '\t', '\n', '\r'];
        self.text[self.position..].trim_start_matches(blanks).starts_with('(')
    }

    fn comment(&mut self) -> Option<TokenKind> {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        None
    }

    /// An error at the token being read.
    fn error(&self, message: &str) -> Error {
        self.error_at(self.start, message)
    }

    /// An error at the token being read, about a character.
    fn unexpected(&self, message: &str, c: char) -> Error {
        self.error(&format!("{message} {}", token::quote_char(c)))
    }

    /// An error right behind the character just read.
    fn unexpected_behind(&self, message: &str) -> Error {
        self.error_at(self.position, message)
    }

    fn error_at(&self, start: usize, message: &str) -> Error {
        let span = Span { start, end: self.text.len() };
        Error { span, message: message.to_owned() }
    }
}
