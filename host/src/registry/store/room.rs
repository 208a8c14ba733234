//! Room for a new version: the oldest versions that nobody uses go.

use std::collections::BTreeSet;

use super::state::State;
use super::{Error, StoreLimits};

/// Removes versions from `state`, which has the new one already, until it is
/// within the limits.
///
/// # Errors
/// [`Error::Full`] when all that is left is bound.
pub(super) fn make(
    state: &mut State,
    limits: &StoreLimits,
    newest: (&str, &str),
    pinned: &BTreeSet<String>,
) -> Result<Vec<(String, String)>, Error> {
    let mut stays = state.bound();
    stays.extend(pinned.iter().cloned());
    stays.insert(newest.1.to_owned());
    let mut removed = Vec::new();
    while let Some(excess) = excess(state, limits, newest.0) {
        let only = (excess == Excess::OfName).then_some(newest.0);
        let Some((name, digest)) = oldest(state, only, &stays) else {
            return Err(full(state, limits, newest.1));
        };
        state.forget(&name, &digest);
        removed.push((name, digest));
    }
    Ok(removed)
}

#[derive(PartialEq, Eq)]
enum Excess {
    /// Too many versions of the name.
    OfName,
    /// Too much of everything.
    OfAll,
}

fn excess(state: &State, limits: &StoreLimits, name: &str) -> Option<Excess> {
    let bytes: u64 = state.components().values().sum();
    let versions: usize = state.names.values().map(Vec::len).sum();
    if state.names.get(name).map_or(0, Vec::len) > limits.versions_each {
        Some(Excess::OfName)
    } else if bytes > limits.bytes || versions > limits.versions {
        Some(Excess::OfAll)
    } else {
        None
    }
}

/// The oldest version that may go. Of equal age, the first name's.
fn oldest(state: &State, only: Option<&str>, stays: &BTreeSet<String>) -> Option<(String, String)> {
    let names = state.names.iter().filter(|(name, _)| only.is_none_or(|only| only == *name));
    let all = names.flat_map(|(name, versions)| versions.iter().map(move |own| (name, own)));
    let free = all.filter(|(_, version)| !stays.contains(&version.digest));
    let (name, version) = free.min_by_key(|(_, version)| version.uploaded_ms)?;
    Some((name.clone(), version.digest.clone()))
}

fn full(state: &State, limits: &StoreLimits, digest: &str) -> Error {
    let needed = state.components().get(digest).copied().unwrap_or_default();
    Error::Full { needed, limit: limits.bytes }
}
