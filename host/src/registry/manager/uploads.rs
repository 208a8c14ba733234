//! Upload and delete.

use std::sync::Arc;

use super::groups::{InForce, Rule};
use super::{Inner, Registry, now_ms, tell};
use crate::policy::{self, Version};
use crate::registry::store::{State, Stored, Upload};
use crate::registry::{Bind, Changed, Error, Expect, Source, digest, names};

impl Registry {
    pub(super) fn upload(
        &self,
        name: &str,
        wasm: &[u8],
        expect: &Expect,
        by: &str,
    ) -> Result<Changed, Error> {
        names::check_own(name)?;
        self.lock().expected(name, expect)?;
        let version = self.loader.load(wasm)?;
        let notes = self.try_out(&version)?;
        let stored = Stored {
            digest: version.digest().to_owned(),
            size: wasm.len() as u64,
            uploaded_ms: now_ms(),
            by: by.to_owned(),
            notes,
            about: tell::about(&version),
        };

        let mut inner = self.lock();
        inner.expected(name, expect)?;
        let created = !inner.is_newest(name, &stored);
        let pinned = inner.pinned();
        let newest = stored.digest.clone();
        let removed = if created {
            inner.store.put(&Upload { name, wasm, version: stored }, &pinned)?
        } else {
            Vec::new()
        };
        for (name, digest) in &removed {
            tracing::info!(name, digest, "a policy that nobody uses was removed to make room");
        }
        let stored = inner.store.state().resolve(name, Some(&newest))?;
        Ok(Changed { created, version: tell::version(&inner, name, stored), removed })
    }

    /// What an operator should know of a component that keeps the laws under
    /// its default settings, or cannot be used without some.
    fn try_out(&self, version: &Arc<Version>) -> Result<Vec<String>, Error> {
        let own = InForce::new(version, Bind::default(), &Rule::default(), Source::Api);
        match own {
            Ok(own) => own.check_laws(&*self.judge, version),
            Err(Error::Refused(policy::Error::Settings(text))) => {
                Ok(vec![format!("needs settings: {text}")])
            }
            Err(error) => Err(error),
        }
    }

    /// The component that is part of the executable, as it could be uploaded.
    pub(super) fn builtin_bytes(&self, wanted: &str) -> Result<(String, Vec<u8>), Error> {
        let builtin = self.loader.builtin();
        let is_meant = wanted == names::LATEST
            || (digest::is_prefix(wanted) && builtin.digest().starts_with(wanted));
        if !is_meant {
            let name = guest_merge::NAME.to_owned();
            return Err(Error::UnknownVersion { name, digest: wanted.to_owned() });
        }
        Ok((builtin.digest().to_owned(), Version::builtin_wasm().to_vec()))
    }

    pub(super) fn remove(
        &self,
        name: &str,
        wanted: Option<&str>,
        expect: &Expect,
    ) -> Result<(), Error> {
        names::check_own(name)?;
        let mut inner = self.lock();
        let digests: Vec<String> = match wanted {
            Some(_) => vec![inner.store.state().resolve(name, wanted)?.digest.clone()],
            None => {
                inner.store.state().resolve(name, None)?;
                let versions = &inner.store.state().names[name];
                versions.iter().rev().map(|version| version.digest.clone()).collect()
            }
        };
        expect.check(|| format!("policy {name}"), digests.first().map(String::as_str))?;
        inner.refuse_if_used(name, &digests)?;
        inner.store.change(|state| {
            for digest in &digests {
                state.forget(name, digest);
                forget_previous(state, name, digest);
            }
            Ok(())
        })
    }
}

impl Inner {
    fn expected(&self, name: &str, expect: &Expect) -> Result<(), Error> {
        let newest = self.store.state().resolve(name, None).ok();
        let newest = newest.map(|version| version.digest.as_str());
        expect.check(|| format!("policy {name}"), newest)
    }

    /// Whether a version is the newest already, and its file is there.
    fn is_newest(&self, name: &str, version: &Stored) -> bool {
        let newest = self.store.state().resolve(name, None);
        newest.is_ok_and(|newest| newest.digest == version.digest && self.store.has(newest))
    }

    /// A version that only a rollback would need may go.
    fn refuse_if_used(&self, name: &str, digests: &[String]) -> Result<(), Error> {
        let used: Vec<String> = digests
            .iter()
            .flat_map(|digest| tell::bound(self, name, digest))
            .filter(tell::is_in_use)
            .map(|bound| tell::place(&bound))
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        Err(Error::InUse { name: name.to_owned(), places: used.join(", ") })
    }
}

/// What is deleted cannot be rolled back to.
fn forget_previous(state: &mut State, name: &str, digest: &str) {
    let revision = state.sequence + 1;
    for slots in state.groups.values_mut() {
        let held = slots.previous.as_ref().and_then(|previous| previous.held.as_ref());
        let is_this = held.is_some_and(|held| {
            held.bind.name.as_deref() == Some(name) && held.bind.digest.as_deref() == Some(digest)
        });
        if is_this {
            slots.previous = None;
            slots.revision = revision;
        }
    }
    state.groups.retain(|_, slots| !slots.is_empty());
}
