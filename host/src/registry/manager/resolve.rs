//! Which version a name and a digest mean.

use crate::registry::store::{State, Stored};
use crate::registry::{Error, digest, names};

impl State {
    /// The version of a name: the one whose digest begins so, or the newest.
    ///
    /// # Errors
    /// [`Error::UnknownPolicy`], [`Error::UnknownVersion`],
    /// [`Error::Ambiguous`].
    pub(super) fn resolve(&self, name: &str, wanted: Option<&str>) -> Result<&Stored, Error> {
        let versions = self.names.get(name).ok_or_else(|| Error::UnknownPolicy(name.to_owned()))?;
        let Some(wanted) = wanted.filter(|wanted| *wanted != names::LATEST) else {
            return Ok(versions.last().expect("a name has versions"));
        };
        let unknown = || Error::UnknownVersion { name: name.to_owned(), digest: wanted.to_owned() };
        only(versions.iter(), wanted)?.ok_or_else(unknown)
    }

    /// The version with a digest under any name, and the first of its names.
    ///
    /// # Errors
    /// [`Error::UnknownPolicy`], [`Error::Ambiguous`].
    pub(super) fn resolve_digest(&self, wanted: &str) -> Result<(&str, &Stored), Error> {
        let all = self.names.values().flatten();
        let found = only(all, wanted)?;
        let found = found.ok_or_else(|| Error::UnknownPolicy(format!("with digest {wanted}")))?;
        let has = |versions: &[Stored]| versions.iter().any(|own| own.digest == found.digest);
        let name = self.names.iter().find(|(_, versions)| has(versions));
        let (name, _) = name.expect("it was found in one of them");
        Ok((name, found))
    }
}

/// The one digest that begins so.
fn only<'a>(
    versions: impl Iterator<Item = &'a Stored>,
    wanted: &str,
) -> Result<Option<&'a Stored>, Error> {
    if !digest::is_prefix(wanted) {
        return Err(Error::Ambiguous(wanted.to_owned()));
    }
    let mut found = versions.filter(|version| version.digest.starts_with(wanted));
    let first = found.next();
    match found.find(|other| Some(&other.digest) != first.map(|first| &first.digest)) {
        Some(_) => Err(Error::Ambiguous(wanted.to_owned())),
        None => Ok(first),
    }
}
