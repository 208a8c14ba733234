//! What the store knows, and its file: JSON with the number of its format.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::registry::model::Bind;
use crate::registry::{digest, names};

/// The format that is written. A file with a larger number is not touched.
const FORMAT: u32 = 1;

/// Names, versions and bindings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct State {
    /// [`FORMAT`].
    format: u32,
    /// Number of changes so far; revisions are taken from it, so that none
    /// comes twice.
    pub(in crate::registry) sequence: u64,
    /// Versions by name, oldest first, never empty.
    pub(in crate::registry) names: BTreeMap<String, Vec<Stored>>,
    /// Bindings by the key of the server group.
    pub(in crate::registry) groups: BTreeMap<String, Slots>,
}

/// A stored version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct Stored {
    pub(in crate::registry) digest: String,
    pub(in crate::registry) size: u64,
    /// Since 1970, in milliseconds.
    pub(in crate::registry) uploaded_ms: i64,
    pub(in crate::registry) by: String,
    /// What an operator should know.
    pub(in crate::registry) notes: Vec<String>,
    /// Kept, so that a list need not compile what is in it.
    pub(in crate::registry) about: About,
}

/// What a component says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct About {
    pub(in crate::registry) name: String,
    pub(in crate::registry) version: String,
    pub(in crate::registry) settings_schema: Value,
    pub(in crate::registry) imports: Vec<String>,
    pub(in crate::registry) exports: Vec<String>,
}

/// What the API bound to a server group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct Slots {
    /// The change that this is the outcome of.
    pub(in crate::registry) revision: u64,
    pub(in crate::registry) active: Option<Held>,
    pub(in crate::registry) shadow: Option<Held>,
    pub(in crate::registry) previous: Option<Previous>,
}

/// What was active before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct Previous {
    /// None: nothing of the API's.
    pub(in crate::registry) held: Option<Held>,
}

/// A binding by the API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::registry) struct Held {
    /// With name and whole digest.
    pub(in crate::registry) bind: Bind,
    /// Since 1970, in milliseconds.
    pub(in crate::registry) bound_ms: i64,
    pub(in crate::registry) by: String,
}

impl Default for State {
    fn default() -> Self {
        Self { format: FORMAT, sequence: 0, names: BTreeMap::new(), groups: BTreeMap::new() }
    }
}

/// Why there is no state in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is of a later format, whose number this is.
    Newer(u64),
    /// It is none; the text says why.
    Damaged(String),
}

impl State {
    /// The file's contents.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("plain data has a JSON form");
        text.push(b'\n');
        text
    }

    /// The state that a file's contents are.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, Unreadable> {
        let damaged = |error: serde_json::Error| Unreadable::Damaged(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(damaged)?;
        match value["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(Unreadable::Newer(format)),
            None => return Err(Unreadable::Damaged("no number under \"format\"".to_owned())),
        }
        let state: Self = serde_json::from_value(value).map_err(damaged)?;
        state.check().map_err(Unreadable::Damaged)?;
        Ok(state)
    }

    /// File names are made of digests, so they must be some.
    fn check(&self) -> Result<(), String> {
        for (name, versions) in &self.names {
            if !names::is_name(name) || versions.is_empty() {
                return Err(format!("{name:?} is no name with versions"));
            }
        }
        let held = self.groups.values().flat_map(Slots::held);
        let bound = held.map(|held| held.bind.digest.as_deref().unwrap_or_default());
        let stored = self.names.values().flatten().map(|version| version.digest.as_str());
        match stored.chain(bound).find(|text| !digest::is_whole(text)) {
            Some(text) => Err(format!("{text:?} is no digest")),
            None => Ok(()),
        }
    }

    /// Adds the newest version of a name.
    pub(super) fn add(&mut self, name: &str, version: Stored) {
        let versions = self.names.entry(name.to_owned()).or_default();
        versions.retain(|own| own.digest != version.digest);
        versions.push(version);
    }

    /// Takes a version from a name.
    pub(in crate::registry) fn forget(&mut self, name: &str, digest: &str) {
        if let Some(versions) = self.names.get_mut(name) {
            versions.retain(|own| own.digest != digest);
            if versions.is_empty() {
                self.names.remove(name);
            }
        }
    }

    /// Sizes of all components by digest.
    pub(in crate::registry) fn components(&self) -> BTreeMap<&str, u64> {
        let versions = self.names.values().flatten();
        versions.map(|version| (version.digest.as_str(), version.size)).collect()
    }

    /// Digests that are bound by the API, or can be rolled back to.
    pub(in crate::registry) fn bound(&self) -> BTreeSet<String> {
        let held = self.groups.values().flat_map(Slots::held);
        held.filter_map(|held| held.bind.digest.clone()).collect()
    }

    /// Digests whose components must be there.
    pub(super) fn referred(&self) -> BTreeSet<String> {
        let versions = self.names.values().flatten();
        let stored = versions.map(|version| version.digest.clone());
        stored.chain(self.bound()).collect()
    }

    /// Whether a component must be there.
    pub(super) fn refers_to(&self, digest: &str) -> bool {
        self.referred().contains(digest)
    }
}

impl Slots {
    /// All bindings of the group.
    pub(in crate::registry) fn held(&self) -> impl Iterator<Item = &Held> {
        let previous = self.previous.as_ref().and_then(|previous| previous.held.as_ref());
        self.active.iter().chain(&self.shadow).chain(previous)
    }

    /// Whether nothing is bound and nothing was.
    pub(in crate::registry) const fn is_empty(&self) -> bool {
        self.active.is_none() && self.shadow.is_none() && self.previous.is_none()
    }
}
