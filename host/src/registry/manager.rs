//! The one place that knows what is stored, what is bound, and what the
//! running fleet uses.
//!
//! A change goes three steps: look whether it is allowed, do the slow work
//! (compile, try, check the laws) without holding anything up, then, behind
//! one lock: look again, make it durable, swap. Queries never wait for it.

mod bindings;
mod groups;
mod prepare;
mod resolve;
mod tell;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use self::groups::Group;
pub use self::groups::check_component;
pub use self::prepare::{Prepared, SetUpError, Stale};
use super::store::{Store, StoreFolder, StoreLimits};
use super::{Bind, Changed, Error, Expect, GroupInfo, Manage, Policies, PolicyInfo, Role};
use crate::policy::{self, Binding, Spec, Version, laws};

/// What makes versions of components.
pub trait Load: Send + Sync + 'static {
    /// Checks and compiles; slow.
    ///
    /// # Errors
    /// When it is no policy.
    fn load(&self, wasm: &[u8]) -> Result<Arc<Version>, policy::Error>;

    /// The policy that is part of the executable.
    fn builtin(&self) -> Arc<Version>;
}

/// What uses bindings: the running server groups, by their numbers.
pub trait Groups: Send + Sync + 'static {
    /// Merges with this from the next query on.
    fn bind(&self, ordinal: usize, binding: Arc<Binding>);

    /// Compares this with what merges; none: nothing.
    fn shadow(&self, ordinal: usize, candidate: Option<Arc<Binding>>);

    /// How the shadow compares so far.
    fn report(&self, ordinal: usize) -> Option<Value>;
}

/// Checks the laws of the contract.
pub type Judge = dyn Fn(&Arc<Version>, &Spec) -> Result<laws::Report, laws::Refusal> + Send + Sync;

/// Stored versions, bindings, and the fleet that uses them.
pub struct Registry {
    loader: Box<dyn Load>,
    judge: Box<Judge>,
    inner: Mutex<Inner>,
}

struct Inner {
    store: Store,
    /// In the order of the configuration.
    groups: Vec<Group>,
    /// None before the first configuration is in force.
    fleet: Option<Arc<dyn Groups>>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").finish_non_exhaustive()
    }
}

impl Registry {
    /// A registry over the store in a folder, which need not exist.
    ///
    /// # Errors
    /// [`Error::Store`] when the folder is there and cannot be used.
    pub fn open(
        folder: impl Into<StoreFolder>,
        limits: StoreLimits,
        loader: Box<dyn Load>,
        judge: Box<Judge>,
    ) -> Result<Self, Error> {
        let describe = |wasm: &[u8]| loader.load(wasm).ok().map(|version| tell::about(&version));
        let store = Store::open(folder.into(), limits, &describe)?;
        let inner = Mutex::new(Inner { store, groups: Vec::new(), fleet: None });
        Ok(Self { loader, judge, inner })
    }

    /// A panic while it was locked has left it whole: a change is made in one
    /// assignment, after all that can fail.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Manage for Registry {
    fn policies(&self) -> Policies {
        let inner = self.lock();
        tell::policies(&inner, &self.loader.builtin())
    }

    fn policy(&self, name: &str) -> Result<PolicyInfo, Error> {
        let inner = self.lock();
        tell::policy(&inner, &self.loader.builtin(), name)
    }

    fn put(&self, name: &str, wasm: &[u8], expect: &Expect, by: &str) -> Result<Changed, Error> {
        self.upload(name, wasm, expect, by)
    }

    fn bytes(&self, name: &str, digest: &str) -> Result<(String, Vec<u8>), Error> {
        if name == guest_merge::NAME {
            return self.builtin_bytes(digest);
        }
        let inner = self.lock();
        let found = inner.store.state().resolve(name, Some(digest))?.digest.clone();
        let bytes = inner.store.bytes(&found)?;
        Ok((found, bytes))
    }

    fn delete(&self, name: &str, digest: Option<&str>, expect: &Expect) -> Result<(), Error> {
        self.remove(name, digest, expect)
    }

    fn groups(&self) -> Vec<GroupInfo> {
        let inner = self.lock();
        inner.groups.iter().map(|group| tell::group(&inner, group)).collect()
    }

    fn group(&self, group: &str) -> Result<GroupInfo, Error> {
        let inner = self.lock();
        let at = inner.find(group)?;
        Ok(tell::group(&inner, &inner.groups[at]))
    }

    fn bind(
        &self,
        group: &str,
        bind: &Bind,
        expect: &Expect,
        by: &str,
    ) -> Result<GroupInfo, Error> {
        self.bind_to(group, bind, expect, by)
    }

    fn unbind(&self, group: &str, role: Role, expect: &Expect) -> Result<GroupInfo, Error> {
        self.unbind_from(group, role, expect)
    }

    fn promote(&self, group: &str, expect: &Expect, by: &str) -> Result<GroupInfo, Error> {
        self.promote_in(group, expect, by)
    }

    fn rollback(&self, group: &str, expect: &Expect, by: &str) -> Result<GroupInfo, Error> {
        self.roll_back(group, expect, by)
    }
}

impl Inner {
    /// The place of a group, by its name or its number.
    fn find(&self, wanted: &str) -> Result<usize, Error> {
        let by_name = self.groups.iter().position(|group| group.key == wanted);
        let by_number = || self.groups.iter().position(|group| group.ordinal.to_string() == wanted);
        by_name.or_else(by_number).ok_or_else(|| Error::UnknownGroup(wanted.to_owned()))
    }

    /// Digests that the configuration names.
    fn pinned(&self) -> BTreeSet<String> {
        let configured = self.groups.iter().filter_map(Group::configured_digest);
        configured.map(str::to_owned).collect()
    }
}

/// Since 1970, in milliseconds.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
