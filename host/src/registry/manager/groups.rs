//! A server group as the registry sees it, and what is bound to it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Judge, Load, Registry};
use crate::config::{self, ServerGroup};
use crate::policy::laws::Refusal;
use crate::policy::{self, Binding, Fail, Limits, Missing, Settings, Spec, Version};
use crate::registry::store::{Held, Slots};
use crate::registry::{Bind, Error, Role, Source, spec};

/// A server group of the configuration in force.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Under what the store keeps its bindings.
    pub(super) key: String,
    /// How it is called.
    pub(super) title: String,
    pub(super) ordinal: usize,
    pub(super) replicas: Vec<String>,
    pub(super) rule: Rule,
    /// What the configuration says, if it does.
    pub(super) configured: Option<Configured>,
    pub(super) active: InForce,
    pub(super) shadow: Option<InForce>,
}

/// That the configuration decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configured {
    /// File, line and key.
    pub(super) place: String,
    /// On what: the active policy or the shadow.
    pub(super) role: Role,
    /// Changes with what it says.
    pub(super) revision: String,
    /// The digest, if it is a version of the store.
    pub(super) stored: Option<String>,
}

/// The settings of the built-in rule that the group's own keys ask for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    keys: Map<String, Value>,
    pub(super) fallback: Settings,
}

/// A binding that the fleet has.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    /// With name and whole digest.
    pub(super) bind: Bind,
    pub(super) limits: Limits,
    pub(super) fail: Fail,
    pub(super) binding: Arc<Binding>,
    /// Why it does not run, and something else answers.
    pub(super) problem: Option<String>,
    pub(super) source: Source,
    /// When and by whom, if it was not the configuration.
    pub(super) bound: Option<(i64, String)>,
}

impl Rule {
    /// The group's.
    pub(super) fn of(group: &ServerGroup) -> Self {
        let keys = config::policy_settings(group);
        let text = config::merged_settings(&keys, None);
        let fallback = Settings::from_json(&text).expect("the configuration is checked");
        Self { keys, fallback }
    }
}

impl Default for Rule {
    fn default() -> Self {
        Self { keys: Map::new(), fallback: Settings::default() }
    }
}

/// Whether these bytes are a policy that takes the settings of `bind` and keeps
/// the laws; for a look at a configuration without a store.
///
/// # Errors
/// What is wrong with the component, its settings or its limits.
pub fn check_component(
    loader: &dyn Load,
    judge: &Judge,
    wasm: &[u8],
    bind: &Bind,
) -> Result<(), Error> {
    let version = loader.load(wasm)?;
    let own = InForce::new(&version, bind.clone(), &Rule::default(), Source::Config)?;
    own.check_laws(judge, &version).map(drop)
}

/// Time for a call of the built-in policy, unless somebody sets another: it
/// ends by itself, and a machine that is busy is no fault of it.
const BUILTIN_DEADLINE_MS: u64 = 2_000;

/// A component bound as `bind` says.
fn component(version: &Arc<Version>, bind: &Bind, rule: &Rule) -> Result<(Spec, Binding), Error> {
    let explicit = spec::settings(bind)?;
    let (settings, fallback) = if version.is_builtin() {
        let settings = config::merged_settings(&rule.keys, bind.settings.as_ref());
        let own = Settings::from_json(&settings).map_err(policy::Error::Settings)?;
        (settings, own)
    } else {
        (explicit, rule.fallback.clone())
    };
    let mut spec = spec::of(bind, settings)?;
    if version.is_builtin() && bind.limits.deadline.is_none() {
        spec.limits.deadline_ms = BUILTIN_DEADLINE_MS;
    }
    let binding = Binding::component(Arc::clone(version), spec.clone(), fallback)?;
    Ok((spec, binding))
}

impl InForce {
    /// The default rule, which the group has if nobody says anything else.
    pub(super) fn default_rule(builtin: &Arc<Version>, rule: &Rule) -> Result<Self, Error> {
        let bind = Bind {
            name: Some(guest_merge::NAME.to_owned()),
            digest: Some(builtin.digest().to_owned()),
            ..Bind::default()
        };
        Self::new(builtin, bind, rule, Source::Default)
    }

    /// A version bound as `bind` says, which has name and whole digest.
    pub(super) fn new(
        version: &Arc<Version>,
        bind: Bind,
        rule: &Rule,
        source: Source,
    ) -> Result<Self, Error> {
        let (spec, binding) = component(version, &bind, rule)?;
        Ok(Self {
            bind,
            limits: spec.limits,
            fail: spec.fail,
            binding: Arc::new(binding),
            problem: None,
            source,
            bound: None,
        })
    }

    /// In place of a binding that cannot be made, and why.
    pub(super) fn unavailable(held: &Held, rule: &Rule, problem: &Error) -> Self {
        let Held { bind, bound_ms, by } = held.clone();
        let spec = spec::of(&bind, String::new()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let missing = Missing {
            name: text(&bind.name),
            digest: text(&bind.digest),
            reason: problem.to_string(),
        };
        Self {
            limits: spec.limits,
            fail: spec.fail,
            binding: Arc::new(Binding::missing(missing, spec, rule.fallback.clone())),
            problem: Some(problem.to_string()),
            source: Source::Api,
            bound: Some((bound_ms, by)),
            bind,
        }
    }

    /// By whom and when.
    pub(super) fn since(self, held: &Held) -> Self {
        Self { bound: Some((held.bound_ms, held.by.clone())), ..self }
    }

    /// Refuses a policy that breaks a law under these settings; gives what is
    /// worth knowing of one that keeps them.
    pub(super) fn check_laws(
        &self,
        judge: &Judge,
        version: &Arc<Version>,
    ) -> Result<Vec<String>, Error> {
        let spec = self.binding.spec().expect("a component has a way it is used");
        match judge(version, spec) {
            Ok(report) => Ok(report.remarks),
            Err(Refusal::Law(violation)) => Err(Error::Law(violation)),
            Err(Refusal::Policy(error)) => Err(error.into()),
        }
    }

    /// Whether it is what `bind` asks for.
    pub(super) fn is(&self, bind: &Bind) -> bool {
        self.problem.is_none() && self.bind == *bind
    }

    /// The same, and it is still asked.
    pub(super) fn works_as(&self, bind: &Bind) -> bool {
        self.is(bind) && !self.binding.is_parked()
    }

    pub(super) fn digest(&self) -> &str {
        self.bind.digest.as_deref().unwrap_or_default()
    }

    pub(super) fn policy(&self) -> &str {
        self.bind.name.as_deref().unwrap_or_default()
    }
}

impl Group {
    /// The digest of a stored version that the configuration names.
    pub(super) fn configured_digest(&self) -> Option<&str> {
        self.configured.as_ref()?.stored.as_deref()
    }

    /// Refuses to change what the configuration decides.
    pub(super) fn may_change(&self, role: Role) -> Result<(), Error> {
        match &self.configured {
            Some(configured) if configured.role == role => Err(Error::Configured {
                group: self.title.clone(),
                place: configured.place.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// What changes with every change of its bindings.
    pub(super) fn revision(&self, slots: Option<&Slots>) -> String {
        let own = slots.map_or(0, |slots| slots.revision);
        match &self.configured {
            None => own.to_string(),
            Some(configured) => format!("{own}-{}", configured.revision),
        }
    }
}

impl Registry {
    /// What was bound through the API, or why it cannot be.
    pub(super) fn hold(&self, held: &Held, rule: &Rule) -> Result<InForce, Error> {
        let version = self.version(&held.bind)?;
        Ok(InForce::new(&version, held.bind.clone(), rule, Source::Api)?.since(held))
    }

    /// The version of a binding that has name and digest.
    pub(super) fn version(&self, bind: &Bind) -> Result<Arc<Version>, Error> {
        if bind.name.as_deref() == Some(guest_merge::NAME) {
            return Ok(self.loader.builtin());
        }
        let digest = bind.digest.as_deref().unwrap_or_default();
        let wasm = self.lock().store.bytes(digest)?;
        Ok(self.loader.load(&wasm)?)
    }
}

/// A wish with name and digest, for either role.
pub(super) fn whole(bind: &Bind, name: &str, digest: &str) -> Bind {
    let (name, digest) = (Some(name.to_owned()), Some(digest.to_owned()));
    Bind { name, digest, shadow: false, ..bind.clone() }
}

/// Under what the store keeps a group's bindings: its name, or, of a group
/// without one or with that of an earlier group, its number.
pub(super) fn keys(groups: &[ServerGroup]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::with_capacity(groups.len());
    for group in groups {
        let is_taken = group.name.is_empty() || keys.contains(&group.name);
        keys.push(if is_taken { format!("#{}", group.ordinal) } else { group.name.clone() });
    }
    keys
}
