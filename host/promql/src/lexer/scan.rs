//! The longer tokens: numbers, durations and strings.

use super::{Error, Lexer, TokenKind, token};
use crate::quote::quote;

/// Letters, digits and the underscore.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const DECIMAL: &[u8] = b"0123456789";
const HEXADECIMAL: &[u8] = b"0123456789abcdefABCDEF";

/// How an attempt to read a number ended.
enum Number {
    Read,
    /// The characters up to the lexer's position are no number.
    Broken,
}

impl Lexer<'_> {
    pub(super) fn next_char(&mut self) -> Option<char> {
        let c = self.peek_char()?;
        self.position += c.len_utf8();
        Some(c)
    }

    pub(super) fn peek_char(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn peek_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    pub(super) fn peek_is(&self, wanted: impl Fn(u8) -> bool) -> bool {
        self.peek_byte().is_some_and(wanted)
    }

    /// Reads one byte of an ASCII set, if it is there.
    pub(super) fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.peek_is(|byte| set.contains(&byte));
        self.position += usize::from(found);
        found
    }

    /// Reads bytes while they are wanted. Stops between characters only, if
    /// `wanted` takes all bytes above ASCII or none.
    pub(super) fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek_is(&wanted) {
            self.position += 1;
        }
    }

    /// A number or a duration, of which the first byte has been read.
    pub(super) fn number_or_duration(&mut self) -> Result<TokenKind, Error> {
        self.position = self.start;
        if let Number::Read = self.number() {
            return Ok(TokenKind::Number);
        }
        if self.rest_of_duration() {
            return Ok(TokenKind::Duration);
        }
        let text = quote(&self.text.as_bytes()[self.start..self.position]);
        Err(self.error(&format!("bad number or duration syntax: {text}")))
    }

    /// Reads what may be a number; whether it is one, its value decides.
    fn number(&mut self) -> Number {
        let mut digits = DECIMAL;
        if self.accept(b"0") && self.accept(b"xX") {
            self.accept(b"_");
            digits = HEXADECIMAL;
        }
        self.accept(b".");
        self.accept(digits);
        let (mut dot, mut exponent) = (false, false);
        while self.peek_is(|byte| digits.contains(&byte) || b"._eE".contains(&byte)) {
            if dot && self.accept(b".") || exponent && self.accept(b"eE") {
                return Number::Broken;
            }
            if self.accept(b".") {
                dot = true;
                // There are no hexadecimal fractions.
                if self.accept(b"_.") || digits.len() > DECIMAL.len() {
                    return Number::Broken;
                }
            } else if self.accept(b"eE") {
                exponent = true;
                self.accept(b"+-");
                if self.accept(b"._eE") || self.peek_byte().is_none() {
                    return Number::Broken;
                }
            } else if self.accept(b"_") {
                if self.accept(b"._eE") || self.peek_byte().is_none() {
                    return Number::Broken;
                }
            } else {
                self.skip_while(|byte| digits.contains(&byte));
            }
        }
        if self.position == self.start || self.peek_is(is_word) {
            return Number::Broken;
        }
        Number::Read
    }

    /// The units, and further numbers with units, after the first number.
    /// Reads one character too many if it fails, for the error's text.
    fn rest_of_duration(&mut self) -> bool {
        if !self.accept(b"smhdwy") {
            return false;
        }
        // The second letter of `ms`. What is no unit the value will tell.
        self.accept(b"s");
        while self.accept(DECIMAL) {
            self.skip_while(|byte| byte.is_ascii_digit());
            if !self.accept(b"smhdw") {
                return false;
            }
            self.accept(b"s");
        }
        let ended = !self.peek_is(is_word);
        self.position += usize::from(!ended);
        ended
    }

    /// A string in `quote`, of which the opening one has been read.
    pub(super) fn quoted(&mut self, quote: char) -> Result<TokenKind, Error> {
        loop {
            match self.next_char() {
                Some('\\') => self.escape(quote)?,
                Some(char::REPLACEMENT_CHARACTER) => {
                    return Err(self.error("invalid UTF-8 rune"));
                }
                None | Some('\n') => return Err(self.error("unterminated quoted string")),
                Some(c) if c == quote => return Ok(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    /// A string in backquotes, of which the opening one has been read.
    pub(super) fn raw(&mut self) -> Result<TokenKind, Error> {
        loop {
            match self.next_char() {
                Some(char::REPLACEMENT_CHARACTER) => {
                    return Err(self.error("invalid UTF-8 rune"));
                }
                None => return Err(self.error("unterminated raw string")),
                Some('`') => return Ok(TokenKind::String),
                Some(_) => {}
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, quote: char) -> Result<(), Error> {
        let Some(c) = self.next_char() else {
            return Err(self.error("escape sequence not terminated"));
        };
        match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => Ok(()),
            _ if c == quote => Ok(()),
            '0'..='7' => {
                self.position -= 1;
                self.code(3, 8, 255)
            }
            'x' => self.code(2, 16, 255),
            'u' => self.code(4, 16, u32::from(char::MAX)),
            'U' => self.code(8, 16, u32::from(char::MAX)),
            _ => {
                let message = format!("unknown escape sequence {}", token::describe_char(c));
                Err(self.error(&message))
            }
        }
    }

    fn code(&mut self, digits: u32, radix: u32, max: u32) -> Result<(), Error> {
        let mut code = 0u32;
        for _ in 0..digits {
            let Some(c) = self.next_char() else {
                return Err(self.error("escape sequence not terminated"));
            };
            let Some(digit) = c.to_digit(radix) else {
                let c = token::describe_char(c);
                return Err(self.error(&format!("illegal character {c} in escape sequence")));
            };
            code = code.wrapping_mul(radix).wrapping_add(digit);
        }
        if code > max || (0xd800..0xe000).contains(&code) {
            return Err(self.error("escape sequence is an invalid Unicode code point"));
        }
        Ok(())
    }
}
