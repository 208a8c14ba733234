//! What names are.

use super::Error;
pub(crate) use crate::policy::is_name;

/// The newest version, in place of a digest.
pub(crate) const LATEST: &str = "latest";

/// A name that a policy may have.
///
/// # Errors
/// [`Error::Name`].
pub(crate) fn check(name: &str) -> Result<(), Error> {
    if is_name(name) { Ok(()) } else { Err(Error::Name(name.to_owned())) }
}

/// A name that may be uploaded to.
///
/// # Errors
/// [`Error::Name`], [`Error::Reserved`].
pub(crate) fn check_own(name: &str) -> Result<(), Error> {
    check(name)?;
    if name == guest_merge::NAME {
        return Err(Error::Reserved(name.to_owned()));
    }
    Ok(())
}
