//! What a configuration makes of what is stored: at start and at each reload.
//!
//! Everything is made beside what runs, so that a configuration that cannot be
//! used changes nothing, and then taken over at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::groups::{Configured, Group, InForce, Rule, keys, whole};
use super::{Groups, Inner, Registry};
use crate::config::{Config, GroupPolicy, ServerGroup};
use crate::policy::Binding;
use crate::registry::store::{Held, Slots};
use crate::registry::{Error, Role, Source, digest};

/// Why a policy that the configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {cause}")]
pub struct SetUpError {
    /// File, line and key.
    pub place: String,
    /// What is wrong.
    pub cause: String,
}

/// Bindings for the groups of a configuration.
#[derive(Debug)]
pub struct Prepared {
    groups: Vec<Group>,
    /// What the API had bound when they were made.
    seen: BTreeMap<String, Slots>,
}

/// Somebody bound something while the bindings were made: prepare again.
#[derive(Debug)]
pub struct Stale;

impl Prepared {
    /// What merges in a group, by its number.
    ///
    /// # Panics
    /// When the configuration has no such group.
    #[must_use]
    pub fn binding(&self, ordinal: usize) -> Arc<Binding> {
        Arc::clone(&self.groups[ordinal].active.binding)
    }
}

impl Registry {
    /// Makes the bindings of all groups: what the configuration says, else
    /// what the API bound, else the default rule. What the API bound and
    /// cannot be loaded is stood in for, with an error in the log.
    ///
    /// # Errors
    /// When a policy that the configuration names cannot be used.
    pub fn prepare(&self, config: &Config) -> Result<Prepared, SetUpError> {
        let (seen, running) = {
            let inner = self.lock();
            (inner.store.state().groups.clone(), inner.groups.clone())
        };
        let mut groups = Vec::with_capacity(config.server_groups.len());
        for (group, key) in config.server_groups.iter().zip(keys(&config.server_groups)) {
            let old = running.iter().find(|own| own.key == key);
            let bound = seen.get(&key).cloned().unwrap_or_default();
            groups.push(self.prepare_group(group, key, &bound, old)?);
        }
        Ok(Prepared { groups, seen })
    }

    fn prepare_group(
        &self,
        group: &ServerGroup,
        key: String,
        bound: &Slots,
        old: Option<&Group>,
    ) -> Result<Group, SetUpError> {
        let rule = Rule::of(group);
        let old = old.filter(|old| old.rule == rule);
        let (old_active, old_shadow) =
            (old.map(|old| &old.active), old.and_then(|old| old.shadow.as_ref()));
        let title = group.title();
        let (mut active, mut shadow, mut configured) = (None, None, None);
        if let Some(policy) = &group.policy {
            let role = if policy.bind.shadow { Role::Shadow } else { Role::Active };
            let old = if policy.bind.shadow { old_shadow } else { old_active };
            let own = self.configured(policy, &rule, old)?;
            configured = Some(Configured {
                place: policy.place.clone(),
                role,
                revision: digest::of(format!("{:?}", own.bind).as_bytes())[..8].to_owned(),
                stored: is_stored(policy, &own).then(|| own.digest().to_owned()),
            });
            *(if policy.bind.shadow { &mut shadow } else { &mut active }) = Some(own);
        }
        let active = match (active, &bound.active) {
            (Some(active), held) => {
                warn_of_hidden(&title, held.as_ref());
                active
            }
            (None, Some(held)) => self.held(&title, held, &rule, old_active),
            (None, None) => InForce::default_rule(&self.loader.builtin(), &rule)
                .map_err(|error| builtin_is_broken(&error))?,
        };
        let shadow = match (shadow, &bound.shadow) {
            (Some(shadow), held) => {
                warn_of_hidden(&title, held.as_ref());
                Some(shadow)
            }
            (None, Some(held)) => Some(self.held(&title, held, &rule, old_shadow)),
            (None, None) => None,
        };
        let replicas = group.targets.iter().map(|target| target.url.clone()).collect();
        let ordinal = group.ordinal;
        Ok(Group { key, title, ordinal, replicas, rule, configured, active, shadow })
    }

    /// What the configuration says.
    fn configured(
        &self,
        policy: &GroupPolicy,
        rule: &Rule,
        old: Option<&InForce>,
    ) -> Result<InForce, SetUpError> {
        let at = |cause: String| SetUpError { place: policy.place.clone(), cause };
        let refused = |error: Error| at(error.to_string());
        let builtin = self.loader.builtin();
        let (version, name, digest) = match &policy.path {
            Some(path) => {
                let wasm = std::fs::read(path)
                    .map_err(|error| at(format!("cannot read {}: {error}", path.display())))?;
                let version = self.loader.load(&wasm).map_err(|error| refused(error.into()))?;
                let description = (version.description().name.clone(), version.digest().to_owned());
                (version, description.0, description.1)
            }
            None => {
                let (name, digest) =
                    self.lock().named(&policy.bind, &builtin).map_err(|error| {
                        at(format!("{error}; policies are uploaded through the admin address"))
                    })?;
                let bind = whole(&policy.bind, &name, &digest);
                (self.version(&bind).map_err(refused)?, name, digest)
            }
        };
        let bind = whole(&policy.bind, &name, &digest);
        if let Some(old) = old.filter(|old| old.source == Source::Config && old.works_as(&bind)) {
            return Ok(old.clone());
        }
        let own = InForce::new(&version, bind, rule, Source::Config).map_err(refused)?;
        own.check_laws(&*self.judge, &version).map_err(refused)?;
        Ok(own)
    }

    /// What the API bound, as it runs already if it does, or a stand-in.
    fn held(&self, title: &str, held: &Held, rule: &Rule, old: Option<&InForce>) -> InForce {
        if let Some(old) = old.filter(|old| old.source == Source::Api && old.is(&held.bind)) {
            return old.clone();
        }
        self.hold(held, rule).unwrap_or_else(|problem| {
            let (policy, digest) = (&held.bind.name, &held.bind.digest);
            tracing::error!(server_group = title, ?policy, ?digest, %problem, "a policy that was bound through the API cannot be used");
            InForce::unavailable(held, rule, &problem)
        })
    }

    /// Takes over: `fleet` has the prepared bindings. `publish` makes it the
    /// one that queries use; what is bound from then on is bound to it.
    ///
    /// # Errors
    /// When something was bound meanwhile; nothing has changed then.
    pub fn adopt(
        &self,
        prepared: Prepared,
        fleet: Arc<dyn Groups>,
        publish: impl FnOnce(),
    ) -> Result<(), Stale> {
        let mut inner = self.lock();
        if !inner.is_current(&prepared) {
            return Err(Stale);
        }
        for group in &prepared.groups {
            fleet.shadow(group.ordinal, group.candidate());
        }
        for key in inner.store.state().groups.keys() {
            if prepared.groups.iter().all(|group| group.key != *key) {
                tracing::warn!(
                    server_group = key,
                    "is not in the configuration any more: what was bound to it is kept"
                );
            }
        }
        inner.groups = prepared.groups;
        inner.fleet = Some(fleet);
        publish();
        Ok(())
    }
}

impl Group {
    /// What runs beside the active policy.
    fn candidate(&self) -> Option<Arc<Binding>> {
        let shadow = self.shadow.as_ref().filter(|shadow| shadow.problem.is_none());
        shadow.map(|shadow| Arc::clone(&shadow.binding))
    }
}

impl Inner {
    /// Whether what was looked at while preparing is still so.
    fn is_current(&self, prepared: &Prepared) -> bool {
        let state = self.store.state();
        let stored = state.components();
        prepared.groups.iter().all(|group| {
            let is_stored = group.configured_digest().is_none_or(|own| stored.contains_key(own));
            is_stored && prepared.seen.get(&group.key) == state.groups.get(&group.key)
        })
    }
}

/// Whether what the configuration names is a version of the store.
fn is_stored(policy: &GroupPolicy, own: &InForce) -> bool {
    policy.path.is_none() && own.policy() != guest_merge::NAME
}

fn builtin_is_broken(error: &Error) -> SetUpError {
    SetUpError { place: "the built-in merge policy".to_owned(), cause: error.to_string() }
}

/// The configuration wins, but not without a word.
fn warn_of_hidden(title: &str, held: Option<&Held>) {
    if let Some(held) = held {
        let (policy, digest) = (&held.bind.name, &held.bind.digest);
        tracing::warn!(
            server_group = title,
            ?policy,
            ?digest,
            "the configuration decides: what was bound through the API waits until it does not"
        );
    }
}
