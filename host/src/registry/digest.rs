//! Digests as the store names things by: SHA-256 in hexadecimal.

pub(super) use crate::policy::digest_of as of;

/// Digits of a whole digest.
pub(super) const LENGTH: usize = 64;
/// Digits below which a shortened digest is not taken.
pub(super) const SHORTEST: usize = 8;

/// Whether this is a digest, or the beginning of one that is long enough.
pub(crate) fn is_prefix(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (SHORTEST..=LENGTH).contains(&text.len()) && text.bytes().all(is_digit)
}

/// Whether this is a whole digest.
pub(super) fn is_whole(text: &str) -> bool {
    text.len() == LENGTH && is_prefix(text)
}
