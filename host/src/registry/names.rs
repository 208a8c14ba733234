//! What names are.

use super::Error;

/// The newest version, in place of a digest.
pub(super) const LATEST: &str = "latest";

/// Whether this may be the name of a policy.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// A name that may be uploaded to.
///
/// # Errors
/// [`Error::Name`], [`Error::Reserved`].
pub(super) fn check_own(name: &str) -> Result<(), Error> {
    if !is_name(name) {
        return Err(Error::Name(name.to_owned()));
    }
    if name == guest_merge::NAME {
        return Err(Error::Reserved(name.to_owned()));
    }
    Ok(())
}
