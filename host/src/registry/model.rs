//! What is told about policies and bindings, and what is asked for: plain
//! types in the shape of the HTTP API's JSON.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Error;

/// Everything that is stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policies {
    /// By name; the built-in one first.
    pub policies: Vec<PolicyInfo>,
    /// Files that were found damaged at start and set aside.
    pub damaged: Vec<Damaged>,
    /// How full it is; none without a store.
    pub store: Option<StoreInfo>,
}

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damaged {
    /// Where it is now.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The store as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoreInfo {
    /// Its folder.
    pub dir: String,
    /// Bytes of components.
    pub bytes: u64,
    /// Most bytes of components.
    pub max_bytes: u64,
}

/// The versions of one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyInfo {
    /// The name it was uploaded under.
    pub name: String,
    /// True for the policy that is part of the executable.
    pub builtin: bool,
    /// Newest first, never empty. The first one's digest is the revision that
    /// [`Expect`] means.
    pub versions: Vec<VersionInfo>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionInfo {
    /// SHA-256 of the uploaded bytes, in hexadecimal.
    pub digest: String,
    /// Number of uploaded bytes.
    pub size: u64,
    /// When, as RFC 3339; none for the built-in policy.
    pub uploaded: Option<String>,
    /// By whom: the name of a token, or an address.
    pub uploaded_by: Option<String>,
    /// Interfaces it imports; the sandbox has them empty.
    pub imports: Vec<String>,
    /// Interfaces it exports.
    pub exports: Vec<String>,
    /// What it calls itself; its own version, for people.
    pub described_name: String,
    /// See `described_name`.
    pub described_version: String,
    /// JSON schema of its settings, as an object where it is valid JSON.
    pub settings_schema: Value,
    /// Where it is used.
    pub bound: Vec<Bound>,
    /// What it did since it was first bound of late: with its last binding, as
    /// active policy or shadow, the counts go.
    pub usage: UsageInfo,
    /// What an operator should know, such as that it needs settings.
    pub notes: Vec<String>,
    /// Why it cannot be used; absent if it can.
    pub problem: Option<String>,
}

/// Where a version is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// Name or number of the server group.
    pub server_group: String,
    /// As what.
    pub role: Role,
    /// Who decided it.
    pub source: Source,
}

/// As what a policy is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It answers.
    Active,
    /// It runs beside, and is compared.
    Shadow,
    /// It answered before; a rollback makes it answer again.
    Previous,
}

/// Who decides which policy a group uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Nobody: the default rule.
    Default,
    /// The configuration file.
    Config,
    /// The HTTP API.
    Api,
}

/// What a version or a binding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct UsageInfo {
    /// Calls of `plan`.
    pub calls: u64,
    /// Samples it decided on.
    pub samples: u64,
    /// Time in the sandbox per sample; none before the first sample.
    pub nanoseconds_per_sample: Option<f64>,
    /// Merges that failed.
    pub faults: u64,
}

/// A server group and what is bound to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupInfo {
    /// Its name; its number if it has none.
    pub server_group: String,
    /// Its number, from 0.
    pub ordinal: usize,
    /// Its replicas, as error messages call them.
    pub replicas: Vec<String>,
    /// Who decided on the active policy.
    pub source: Source,
    /// What answers.
    pub active: BindingInfo,
    /// What is compared with it.
    pub shadow: Option<BindingInfo>,
    /// What a rollback would make active.
    pub previous: Option<Previous>,
    /// Changes with every change of the group's bindings.
    pub revision: String,
}

/// A bound policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BindingInfo {
    /// The name it is stored under.
    pub policy: String,
    /// Its version.
    pub digest: String,
    /// As it was given.
    pub settings: Value,
    /// In force, defaults included.
    pub limits: LimitsText,
    /// `open` or `closed`.
    pub fail: String,
    /// Whether it runs.
    pub state: State,
    /// Why it does not; absent if it runs.
    pub reason: Option<String>,
    /// Who decided.
    pub source: Source,
    /// When, as RFC 3339, and by whom; none if the configuration did.
    pub bound: Option<String>,
    /// See `bound`.
    pub bound_by: Option<String>,
    /// What it did since it was bound.
    pub usage: UsageInfo,
    /// Of a shadow: how its decisions compare with the active policy's.
    pub report: Option<Value>,
}

/// Whether a bound policy runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    Running,
    /// It failed too often in a row; the built-in rule answers, or an error.
    Parked,
    /// It cannot be loaded.
    Unavailable,
}

/// What was active before.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Previous {
    /// The policy; none: what the configuration or the default says.
    pub policy: Option<String>,
    /// Its version.
    pub digest: Option<String>,
}

/// A wish to bind a policy: the JSON of a request, and the configuration's
/// key `policy`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bind {
    /// Of an uploaded policy, or the built-in one. Needed unless a digest
    /// alone tells.
    pub name: Option<String>,
    /// A version; without it the newest of the name.
    pub digest: Option<String>,
    /// An object of the policy's own schema; without it its defaults.
    pub settings: Option<Value>,
    /// What it may use.
    pub limits: LimitsText,
    /// What a fault means: `open`, the built-in rule answers (the default), or
    /// `closed`, the query fails.
    pub fail: Option<String>,
    /// Faults in a row after which it is not asked any more; 0: never.
    pub park_after: Option<u32>,
    /// Run it beside the active policy instead of in its place.
    pub shadow: bool,
}

/// Limits in the words of operators. Absent: the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsText {
    /// Time for one call, such as `50ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Memory of one instance, such as `64MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Bytes that one call may answer, such as `8MiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Elements of tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_elements: Option<u64>,
}

/// What a change expects to find: HTTP's `If-Match` and `If-None-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there.
    #[default]
    Anything,
    /// Something (`If-Match: *`).
    Something,
    /// Nothing (`If-None-Match: *`).
    Nothing,
    /// One of these revisions.
    Revision(Vec<String>),
}

impl Expect {
    /// Whether what is there is what is expected.
    ///
    /// # Errors
    /// [`Error::Precondition`].
    pub(crate) fn check(
        &self,
        what: impl FnOnce() -> String,
        current: Option<&str>,
    ) -> Result<(), Error> {
        let (holds, expected) = match self {
            Self::Anything => return Ok(()),
            Self::Something => (current.is_some(), "anything".to_owned()),
            Self::Nothing => (current.is_none(), "nothing".to_owned()),
            Self::Revision(list) => {
                (list.iter().any(|own| Some(own.as_str()) == current), list.join(" or "))
            }
        };
        if holds {
            return Ok(());
        }
        let current = current.unwrap_or("nothing").to_owned();
        Err(Error::Precondition { what: what(), current, expected })
    }
}

/// The outcome of an upload.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// False if the same bytes were the newest version already.
    pub created: bool,
    /// The version.
    pub version: VersionInfo,
    /// Versions that were removed to make room: names and digests.
    pub removed: Vec<(String, String)>,
}
