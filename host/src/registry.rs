//! Policies as things that operators handle: stored versions by name, and
//! which of them a server group uses.
//!
//! In come uploads and bindings, out go what is stored and what is in force.
//! HTTP is `admin`'s business, running a policy is `policy`'s; this stage
//! decides what is allowed, and keeps what was decided.

pub(crate) mod digest;
mod error;
pub(crate) mod limits;
mod manager;
mod model;
pub(crate) mod names;
mod spec;
mod store;

pub use error::Error;
pub use manager::{Groups, Judge, Load, Prepared, Registry, SetUpError, Stale, check_component};
pub use model::{
    Bind, BindingInfo, Bound, Changed, Damaged, Expect, GroupInfo, LimitsText, Policies,
    PolicyInfo, Previous, Role, Source, State, StoreInfo, UsageInfo, VersionInfo,
};
pub use store::{StoreFolder, StoreLimits};

/// What operators can do. Calls block (files, compilation) and are complete
/// and durable when they return; each is atomic.
pub trait Manage: Send + Sync + 'static {
    /// Everything that is stored.
    fn policies(&self) -> Policies;

    /// The versions of one name, newest first.
    ///
    /// # Errors
    /// [`Error::UnknownPolicy`].
    fn policy(&self, name: &str) -> Result<PolicyInfo, Error>;

    /// Checks, compiles and stores a component as the newest version of
    /// `name`. The bytes are those of the upload. `by` is who does it.
    ///
    /// # Errors
    /// Every reason not to: the name, the component, a law, the store.
    fn put(&self, name: &str, wasm: &[u8], expect: &Expect, by: &str) -> Result<Changed, Error>;

    /// The bytes of a version, as they were uploaded. The digest may be
    /// shortened to eight digits or more where that is unique.
    ///
    /// # Errors
    /// [`Error::UnknownPolicy`], [`Error::UnknownVersion`], [`Error::Store`].
    fn bytes(&self, name: &str, digest: &str) -> Result<(String, Vec<u8>), Error>;

    /// Forgets one version, or all versions of a name.
    ///
    /// # Errors
    /// [`Error::InUse`] names where it is bound.
    fn delete(&self, name: &str, digest: Option<&str>, expect: &Expect) -> Result<(), Error>;

    /// All server groups, in the order of the configuration.
    fn groups(&self) -> Vec<GroupInfo>;

    /// One server group, by its name or its number.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`].
    fn group(&self, group: &str) -> Result<GroupInfo, Error>;

    /// Binds a policy to a group, as the active one or as a shadow.
    ///
    /// # Errors
    /// Every reason not to; nothing has changed then.
    fn bind(&self, group: &str, bind: &Bind, expect: &Expect, by: &str)
    -> Result<GroupInfo, Error>;

    /// Takes back what [`Manage::bind`] did: the active policy (the group then
    /// uses the configuration's, or the default), or the shadow.
    ///
    /// # Errors
    /// [`Error::NotBound`], [`Error::Configured`].
    fn unbind(&self, group: &str, role: Role, expect: &Expect) -> Result<GroupInfo, Error>;

    /// Makes the shadow the active policy; what was active can be rolled back
    /// to.
    ///
    /// # Errors
    /// [`Error::NotBound`], [`Error::Configured`].
    fn promote(&self, group: &str, expect: &Expect, by: &str) -> Result<GroupInfo, Error>;

    /// Makes the previous policy active again; doing it twice returns.
    ///
    /// # Errors
    /// [`Error::NotBound`], [`Error::Configured`].
    fn rollback(&self, group: &str, expect: &Expect, by: &str) -> Result<GroupInfo, Error>;
}
