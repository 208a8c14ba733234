//! Bearer tokens: a file of `name:token`, and the comparison.
//!
//! Only digests are kept, and a candidate's digest is compared with all of
//! them, so that the time it takes tells nothing.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::server::watched::{Reading, Watched};

/// Shorter ones can be guessed.
const MIN_LENGTH: usize = 16;
/// Largest file.
const MAX_BYTES: u64 = 1 << 20;

/// Tokens by name.
#[derive(Debug)]
pub struct Tokens(Vec<(String, [u8; 32])>);

impl Tokens {
    /// The tokens of a file, always those that it holds now.
    ///
    /// # Errors
    /// When it cannot be read, or a line is wrong.
    pub fn watch(path: &Path) -> Result<Watched<Self>, String> {
        let own = path.to_owned();
        let tokens =
            Watched::new(move || Reading { files: vec![own.clone()], value: Self::load(&own) })?;
        if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
            tracing::warn!(
                file = %path.display(),
                "the token file can be read by others on this machine: chmod 600 it"
            );
        }
        Ok(tokens)
    }

    fn load(path: &Path) -> Result<Self, String> {
        let at = |cause: &dyn std::fmt::Display| format!("{}: {cause}", path.display());
        let meta = fs::metadata(path).map_err(|error| at(&error))?;
        if meta.len() > MAX_BYTES {
            return Err(at(&format!("more than {MAX_BYTES} bytes")));
        }
        let text = fs::read_to_string(path).map_err(|error| at(&error))?;
        Self::parse(&text).map_err(|(line, cause)| format!("{}:{line}: {cause}", path.display()))
    }

    /// Reads lines of `name:token`; an error has its line and never a token.
    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut tokens = Vec::new();
        let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, token) =
                line.split_once(':').ok_or((number, "expected name:token, found no colon"))?;
            let (name, token) = (name.trim(), token.trim());
            check(name, token).map_err(|cause| (number, cause))?;
            let digest = digest(token);
            if !names.insert(name.to_owned()) {
                return Err((number, "the name is that of a token above"));
            }
            if !digests.insert(digest) {
                return Err((number, "the token is one of those above"));
            }
            tokens.push((name.to_owned(), digest));
        }
        if tokens.is_empty() { Err((1, "it holds no token")) } else { Ok(Self(tokens)) }
    }

    /// The name of a token. Every token is compared, whichever fits.
    #[must_use]
    pub fn name_of(&self, candidate: &str) -> Option<&str> {
        let candidate = digest(candidate);
        let (mut found, mut index) = (Choice::from(0), 0);
        for (position, (_, own)) in (0_u64..).zip(&self.0) {
            let equal = own.ct_eq(&candidate);
            index.conditional_assign(&position, equal);
            found |= equal;
        }
        let index = usize::try_from(index).ok()?;
        bool::from(found).then(|| self.0[index].0.as_str())
    }
}

/// A name fits into a log line, a token into a header.
fn check(name: &str, token: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err("a token's name is 1 to 64 letters, digits and -_.@");
    }
    if token.len() < MIN_LENGTH {
        return Err("a token has 16 characters or more, such as `openssl rand -hex 32` prints");
    }
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("a token has no spaces and only ASCII");
    }
    Ok(())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef-one";
    const TWO: &str = "0123456789abcdef-two";

    #[test]
    fn every_token_has_its_name_and_others_have_none() {
        let text = format!("# operators\n\n alice : {ONE}\r\nci:{TWO}\n");
        let tokens = Tokens::parse(&text).expect("good lines");
        assert_eq!(tokens.name_of(ONE), Some("alice"));
        assert_eq!(tokens.name_of(TWO), Some("ci"));
        for other in ["", "0123456789abcdef-on", "0123456789abcdef-one ", "alice"] {
            assert_eq!(tokens.name_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_bad_line_is_named_and_not_repeated() {
        let table = [
            ("", 1, "it holds no token"),
            ("# only\n", 1, "it holds no token"),
            ("a\n", 1, "expected name:token, found no colon"),
            ("\na b:0123456789abcdef", 2, "a token's name is 1 to 64 letters, digits and -_.@"),
            (
                "a:short",
                1,
                "a token has 16 characters or more, such as `openssl rand -hex 32` prints",
            ),
            ("a:0123456789 abcdef", 1, "a token has no spaces and only ASCII"),
            ("a:0123456789abcdef\na:0123456789abcdeg", 2, "the name is that of a token above"),
            ("a:0123456789abcdef\nb:0123456789abcdef", 2, "the token is one of those above"),
        ];
        for (text, line, cause) in table {
            assert_eq!(Tokens::parse(text).map(|_| ()), Err((line, cause)), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_token() {
        let tokens = Tokens::parse(&format!("alice:{ONE}")).expect("a good line");
        assert!(!format!("{tokens:?}").contains(ONE));
    }
}
