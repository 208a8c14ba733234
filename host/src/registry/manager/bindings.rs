//! Bind, unbind, promote, roll back.
//!
//! The state on disk is changed first; then the fleet is told. What a group
//! uses is therefore never newer than what a restart would find.

use std::sync::Arc;

use super::groups::{Group, InForce, Rule, whole};
use super::{Inner, Registry, now_ms, tell};
use crate::policy::Version;
use crate::registry::store::{Held, Previous, Slots, State};
use crate::registry::{Bind, Error, Expect, GroupInfo, Role, Source, digest, names, spec};

impl Registry {
    pub(super) fn bind_to(
        &self,
        group: &str,
        bind: &Bind,
        expect: &Expect,
        by: &str,
    ) -> Result<GroupInfo, Error> {
        let role = if bind.shadow { Role::Shadow } else { Role::Active };
        let (wanted, mut rule) = {
            let inner = self.lock();
            let group = &inner.groups[inner.allowed(group, role, expect)?];
            (inner.whole(bind, &self.loader.builtin())?, group.rule.clone())
        };
        let version = self.version(&wanted)?;
        let mut new = InForce::new(&version, wanted.clone(), &rule, Source::Api)?;
        new.check_laws(&*self.judge, &version)?;
        let held = Held { bind: wanted, bound_ms: now_ms(), by: by.to_owned() };

        let mut inner = self.lock();
        let at = inner.allowed(group, role, expect)?;
        // Meanwhile it may have been deleted, or the configuration read again.
        inner.whole(&new.bind, &self.loader.builtin())?;
        if inner.groups[at].rule != rule {
            rule = inner.groups[at].rule.clone();
            new = InForce::new(&version, new.bind, &rule, Source::Api)?;
        }
        if !inner.groups[at].has(role, &new.bind) {
            inner.change(at, |slots| {
                slots.set(role, held.clone());
                Ok(())
            })?;
            inner.install(at, role, Some(new.since(&held)));
        }
        Ok(tell::group(&inner, &inner.groups[at]))
    }

    pub(super) fn unbind_from(
        &self,
        group: &str,
        role: Role,
        expect: &Expect,
    ) -> Result<GroupInfo, Error> {
        let builtin = self.loader.builtin();
        let mut inner = self.lock();
        if inner.find(group).is_err() && inner.store.state().groups.contains_key(group) {
            return inner.forget_group(group, role, expect, &builtin);
        }
        let at = inner.allowed(group, role, expect)?;
        let default = InForce::default_rule(&builtin, &inner.groups[at].rule)?;
        inner.change(at, |slots| slots.take(role))?;
        inner.install(at, role, (role == Role::Active).then_some(default));
        Ok(tell::group(&inner, &inner.groups[at]))
    }

    pub(super) fn promote_in(
        &self,
        group: &str,
        expect: &Expect,
        by: &str,
    ) -> Result<GroupInfo, Error> {
        loop {
            let (revision, version, bind, rule) = {
                let inner = self.lock();
                let at = inner.allowed(group, Role::Active, expect)?;
                let (version, bind) = inner.candidate(at)?;
                let own = &inner.groups[at];
                (own.revision(inner.slots(own)), version, bind, own.rule.clone())
            };
            // What it counted as a shadow is not what it counts as active.
            let new = InForce::new(&version, bind.clone(), &rule, Source::Api)?;
            let held = Held { bind, bound_ms: now_ms(), by: by.to_owned() };
            let mut inner = self.lock();
            let at = inner.allowed(group, Role::Active, expect)?;
            if !inner.is_still(at, &revision, &rule) {
                continue; // somebody was faster: promote what is there now
            }
            inner.change(at, |slots| {
                slots.shadow = None;
                slots.set(Role::Active, held.clone());
                Ok(())
            })?;
            inner.install(at, Role::Shadow, None);
            inner.install(at, Role::Active, Some(new.since(&held)));
            return Ok(tell::group(&inner, &inner.groups[at]));
        }
    }

    pub(super) fn roll_back(
        &self,
        group: &str,
        expect: &Expect,
        by: &str,
    ) -> Result<GroupInfo, Error> {
        loop {
            let (revision, previous, rule) = {
                let inner = self.lock();
                let group = &inner.groups[inner.allowed(group, Role::Active, expect)?];
                let slots = inner.slots(group);
                let previous = slots.and_then(|slots| slots.previous.clone());
                let previous = previous.ok_or_else(|| Error::NotBound {
                    group: group.title.clone(),
                    what: "previous policy",
                })?;
                (group.revision(slots), previous, group.rule.clone())
            };
            let (held, new) = self.again(previous, &rule, by)?;
            let mut inner = self.lock();
            let at = inner.allowed(group, Role::Active, expect)?;
            if !inner.is_still(at, &revision, &rule) {
                continue; // somebody was faster: roll back what is there now
            }
            inner.change(at, |slots| {
                let before = slots.active.take();
                slots.active.clone_from(&held);
                slots.previous = Some(Previous { held: before });
                Ok(())
            })?;
            inner.install(at, Role::Active, Some(new));
            return Ok(tell::group(&inner, &inner.groups[at]));
        }
    }

    /// What was active before, to be bound once more.
    fn again(
        &self,
        previous: Previous,
        rule: &Rule,
        by: &str,
    ) -> Result<(Option<Held>, InForce), Error> {
        let held = previous.held.map(|held| Held { bound_ms: now_ms(), by: by.to_owned(), ..held });
        let new = match &held {
            Some(held) => self.hold(held, rule)?,
            None => InForce::default_rule(&self.loader.builtin(), rule)?,
        };
        Ok((held, new))
    }
}

impl Slots {
    /// Binds; what was active can be rolled back to.
    fn set(&mut self, role: Role, held: Held) {
        match role {
            Role::Shadow => self.shadow = Some(held),
            Role::Active | Role::Previous => {
                self.previous = Some(Previous { held: self.active.replace(held) });
            }
        }
    }

    /// Takes back what was bound, or says what there is none of.
    fn take(&mut self, role: Role) -> Result<(), &'static str> {
        match role {
            Role::Shadow => self.shadow.take().map(drop).ok_or("shadow"),
            Role::Previous => self.previous.take().map(drop).ok_or("previous policy"),
            Role::Active => {
                let before = self.active.take().ok_or("policy bound through the API")?;
                self.previous = Some(Previous { held: Some(before) });
                Ok(())
            }
        }
    }
}

impl Group {
    /// Whether this is bound already.
    fn has(&self, role: Role, bind: &Bind) -> bool {
        let bound = if role == Role::Shadow { self.shadow.as_ref() } else { Some(&self.active) };
        bound.is_some_and(|own| own.source == Source::Api && own.works_as(bind))
    }
}

impl Inner {
    /// What the API bound to a group.
    pub(super) fn slots(&self, group: &Group) -> Option<&Slots> {
        self.store.state().groups.get(&group.key)
    }

    /// The place of a group that may be changed so, as it is.
    fn allowed(&self, group: &str, role: Role, expect: &Expect) -> Result<usize, Error> {
        let at = self.find(group)?;
        let group = &self.groups[at];
        group.may_change(role)?;
        let revision = group.revision(self.slots(group));
        expect.check(|| format!("server group {}", group.title), Some(&revision))?;
        Ok(at)
    }

    /// The shadow of a group that may be promoted.
    fn candidate(&self, at: usize) -> Result<(Arc<Version>, Bind), Error> {
        let group = &self.groups[at];
        group.may_change(Role::Shadow)?;
        let missing = |what| Error::NotBound { group: group.title.clone(), what };
        let shadow = group.shadow.as_ref().ok_or_else(|| missing("shadow"))?;
        let version = shadow.binding.version().ok_or_else(|| missing("shadow that can run"))?;
        Ok((Arc::clone(version), shadow.bind.clone()))
    }

    /// Whether a group is as it was when somebody looked.
    fn is_still(&self, at: usize, revision: &str, rule: &Rule) -> bool {
        let group = &self.groups[at];
        group.revision(self.slots(group)) == revision && group.rule == *rule
    }

    /// The same wish with name and whole digest, for either role.
    fn whole(&self, bind: &Bind, builtin: &Version) -> Result<Bind, Error> {
        let (name, digest) = self.named(bind, builtin)?;
        Ok(whole(bind, &name, &digest))
    }

    /// Name and digest of the version that is meant.
    pub(super) fn named(&self, bind: &Bind, builtin: &Version) -> Result<(String, String), Error> {
        let state = self.store.state();
        let wanted = bind.digest.as_deref();
        let Some(name) = &bind.name else {
            let wanted =
                wanted.ok_or_else(|| spec::key("name", "missing, and no digest either"))?;
            if digest::is_prefix(wanted) && builtin.digest().starts_with(wanted) {
                return Ok((guest_merge::NAME.to_owned(), builtin.digest().to_owned()));
            }
            let (name, version) = state.resolve_digest(wanted)?;
            return Ok((name.to_owned(), version.digest.clone()));
        };
        if name == guest_merge::NAME {
            check_builtin_digest(wanted, builtin)?;
            return Ok((name.clone(), builtin.digest().to_owned()));
        }
        names::check(name)?;
        Ok((name.clone(), state.resolve(name, wanted)?.digest.clone()))
    }

    /// Changes the bindings of the group at `at`, durably.
    fn change(
        &mut self,
        at: usize,
        edit: impl Fn(&mut Slots) -> Result<(), &'static str>,
    ) -> Result<(), Error> {
        let Group { key, title, .. } = &self.groups[at];
        self.store.change(|state: &mut State| {
            let revision = state.sequence + 1;
            let slots = state.groups.entry(key.clone()).or_default();
            edit(slots).map_err(|what| Error::NotBound { group: title.clone(), what })?;
            slots.revision = revision;
            Ok(())
        })
    }

    /// Gives a binding to the fleet.
    fn install(&mut self, at: usize, role: Role, new: Option<InForce>) {
        let group = &mut self.groups[at];
        let binding = new.as_ref().map(|new| Arc::clone(&new.binding));
        match (role, new, binding) {
            (Role::Shadow, new, binding) => {
                group.shadow = new;
                if let Some(fleet) = &self.fleet {
                    fleet.shadow(group.ordinal, binding);
                }
            }
            (_, Some(new), Some(binding)) => {
                group.active = new;
                if let Some(fleet) = &self.fleet {
                    fleet.bind(group.ordinal, binding);
                }
            }
            _ => {}
        }
    }

    /// Takes back the bindings of a group that the configuration does not
    /// have any more.
    fn forget_group(
        &mut self,
        key: &str,
        role: Role,
        expect: &Expect,
        builtin: &Arc<Version>,
    ) -> Result<GroupInfo, Error> {
        let rule = Rule::default();
        let gone = Group {
            key: key.to_owned(),
            title: key.to_owned(),
            ordinal: self.groups.len(),
            replicas: Vec::new(),
            configured: None,
            active: InForce::default_rule(builtin, &rule)?,
            rule,
            shadow: None,
        };
        let revision = gone.revision(self.slots(&gone));
        expect.check(|| format!("server group {key}"), Some(&revision))?;
        self.store.change(|state| {
            let slots = state.groups.entry(key.to_owned()).or_default();
            let missing = |what| Error::NotBound { group: key.to_owned(), what };
            slots.take(role).map_err(missing)?;
            slots.previous = None;
            if slots.is_empty() {
                state.groups.remove(key);
            }
            Ok(())
        })?;
        Ok(tell::group(self, &gone))
    }
}

fn check_builtin_digest(wanted: Option<&str>, builtin: &Version) -> Result<(), Error> {
    match wanted.filter(|wanted| *wanted != names::LATEST) {
        Some(wanted) if !builtin.digest().starts_with(wanted) => Err(Error::UnknownVersion {
            name: guest_merge::NAME.to_owned(),
            digest: wanted.to_owned(),
        }),
        _ => Ok(()),
    }
}
