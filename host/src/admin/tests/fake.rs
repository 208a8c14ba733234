//! Policies and one server group, in memory.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};

use super::super::*;
use crate::policy::laws::Violation;
use crate::registry::{
    Bind, BindingInfo, Changed, LimitsText, Policies, PolicyInfo, Previous, Source, State,
    UsageInfo, VersionInfo,
};

/// What is managed.
pub(super) struct Fake {
    kept: Mutex<Kept>,
    /// Uploads of "wait" wait until this is true.
    gate: (Mutex<bool>, Condvar),
}

#[derive(Default)]
struct Kept {
    /// By name, newest first.
    policies: BTreeMap<String, Vec<(VersionInfo, Vec<u8>)>>,
    active: Option<String>,
    shadow: Option<String>,
    previous: Option<String>,
    changes: usize,
}

impl Fake {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::default(), gate: (Mutex::new(false), Condvar::new()) }
    }

    pub(super) fn is_untouched(&self) -> bool {
        let kept = self.kept.lock().expect("no panic");
        kept.changes == 0 && kept.policies.is_empty()
    }

    pub(super) fn versions(&self, name: &str) -> usize {
        self.kept.lock().expect("no panic").policies.get(name).map_or(0, Vec::len)
    }

    pub(super) fn open_gate(&self) {
        *self.gate.0.lock().expect("no panic") = true;
        self.gate.1.notify_all();
    }

    fn change(
        &self,
        expect: &Expect,
        change: impl FnOnce(&mut Kept) -> Result<(), registry::Error>,
    ) -> Result<GroupInfo, registry::Error> {
        let mut kept = self.kept.lock().expect("no panic");
        meet("server group a/b", Some(&kept.changes.to_string()), expect)?;
        change(&mut kept)?;
        kept.changes += 1;
        Ok(group(&kept))
    }
}

fn meet(what: &str, current: Option<&str>, expect: &Expect) -> Result<(), registry::Error> {
    let met = match expect {
        Expect::Anything => true,
        Expect::Something => current.is_some(),
        Expect::Nothing => current.is_none(),
        Expect::Revision(list) => current.is_some_and(|own| list.iter().any(|tag| tag == own)),
    };
    let failed = || registry::Error::Precondition {
        what: what.to_owned(),
        current: current.unwrap_or("nothing").to_owned(),
        expected: format!("{expect:?}"),
    };
    if met { Ok(()) } else { Err(failed()) }
}

fn version(bytes: &[u8], by: &str) -> VersionInfo {
    use sha2::Digest as _;
    VersionInfo {
        digest: format!("{:x}", sha2::Sha256::digest(bytes)),
        size: bytes.len() as u64,
        uploaded: None,
        uploaded_by: Some(by.to_owned()),
        imports: vec![],
        exports: vec![],
        described_name: String::new(),
        described_version: String::new(),
        settings_schema: serde_json::Value::Null,
        bound: vec![],
        usage: UsageInfo::default(),
        notes: vec![],
        problem: None,
    }
}

fn binding(policy: &str) -> BindingInfo {
    BindingInfo {
        policy: policy.to_owned(),
        digest: format!("digest of {policy}"),
        settings: json!({}),
        limits: LimitsText::default(),
        fail: "open".to_owned(),
        state: State::Running,
        reason: None,
        source: Source::Api,
        bound: None,
        bound_by: None,
        usage: UsageInfo::default(),
        report: None,
    }
}

fn group(kept: &Kept) -> GroupInfo {
    GroupInfo {
        server_group: "a/b".to_owned(),
        ordinal: 0,
        replicas: vec![],
        source: if kept.active.is_some() { Source::Api } else { Source::Default },
        active: binding(kept.active.as_deref().unwrap_or("fill")),
        shadow: kept.shadow.as_deref().map(binding),
        previous: kept
            .previous
            .clone()
            .map(|policy| Previous { policy: Some(policy), digest: None }),
        revision: kept.changes.to_string(),
    }
}

fn not_bound(what: &'static str) -> registry::Error {
    registry::Error::NotBound { group: "a/b".to_owned(), what }
}

impl Manage for Fake {
    fn policies(&self) -> Policies {
        let names: Vec<String> =
            self.kept.lock().expect("no panic").policies.keys().cloned().collect();
        let policies = names.iter().filter_map(|name| self.policy(name).ok()).collect();
        Policies { policies, damaged: vec![], store: None }
    }

    fn policy(&self, name: &str) -> Result<PolicyInfo, registry::Error> {
        let kept = self.kept.lock().expect("no panic");
        let versions = kept.policies.get(name);
        let versions = versions.ok_or_else(|| registry::Error::UnknownPolicy(name.to_owned()))?;
        let versions = versions.iter().map(|(version, _)| version.clone()).collect();
        Ok(PolicyInfo { name: name.to_owned(), builtin: false, versions })
    }

    fn put(
        &self,
        name: &str,
        wasm: &[u8],
        expect: &Expect,
        by: &str,
    ) -> Result<Changed, registry::Error> {
        match wasm {
            b"panic" => panic!("on purpose"),
            b"breaks a law" => {
                let violation = Violation {
                    law: "idempotent",
                    demands: "the same again",
                    input: "1".to_owned(),
                    answer: "2".to_owned(),
                };
                return Err(registry::Error::Law(Box::new(violation)));
            }
            b"wait" => {
                let open = self.gate.0.lock().expect("no panic");
                drop(self.gate.1.wait_while(open, |open| !*open).expect("no panic"));
            }
            _ => {}
        }
        let mut kept = self.kept.lock().expect("no panic");
        let versions = kept.policies.get(name).map_or(&[][..], Vec::as_slice);
        let current = versions.first().map(|(version, _)| version.digest.clone());
        meet("policy", current.as_deref(), expect)?;
        let version = version(wasm, by);
        let created = current.as_ref() != Some(&version.digest);
        if created {
            let versions = kept.policies.entry(name.to_owned()).or_default();
            versions.insert(0, (version.clone(), wasm.to_vec()));
        }
        Ok(Changed { created, version, removed: vec![] })
    }

    fn bytes(&self, name: &str, digest: &str) -> Result<(String, Vec<u8>), registry::Error> {
        let kept = self.kept.lock().expect("no panic");
        let versions = kept.policies.get(name).map_or(&[][..], Vec::as_slice);
        let found = versions.iter().find(|(version, _)| version.digest.starts_with(digest));
        let (version, bytes) = found.ok_or_else(|| registry::Error::UnknownVersion {
            name: name.to_owned(),
            digest: digest.to_owned(),
        })?;
        Ok((version.digest.clone(), bytes.clone()))
    }

    fn delete(&self, name: &str, digest: Option<&str>, _: &Expect) -> Result<(), registry::Error> {
        let mut kept = self.kept.lock().expect("no panic");
        let versions = kept.policies.entry(name.to_owned()).or_default();
        versions.retain(|(version, _)| digest.is_some_and(|digest| digest != version.digest));
        if versions.is_empty() {
            kept.policies.remove(name);
        }
        Ok(())
    }

    fn groups(&self) -> Vec<GroupInfo> {
        vec![group(&self.kept.lock().expect("no panic"))]
    }

    fn group(&self, name: &str) -> Result<GroupInfo, registry::Error> {
        match name {
            "a/b" | "0" => Ok(group(&self.kept.lock().expect("no panic"))),
            other => Err(registry::Error::UnknownGroup(other.to_owned())),
        }
    }

    fn bind(
        &self,
        _: &str,
        bind: &Bind,
        expect: &Expect,
        _: &str,
    ) -> Result<GroupInfo, registry::Error> {
        self.change(expect, |kept| {
            let name = bind.name.clone();
            if bind.shadow {
                kept.shadow = name;
            } else {
                kept.previous = std::mem::replace(&mut kept.active, name);
            }
            Ok(())
        })
    }

    fn unbind(&self, _: &str, role: Role, expect: &Expect) -> Result<GroupInfo, registry::Error> {
        self.change(expect, |kept| match role {
            Role::Shadow => kept.shadow.take().map(drop).ok_or_else(|| not_bound("shadow")),
            _ => kept.active.take().map(drop).ok_or_else(|| not_bound("policy")),
        })
    }

    fn promote(&self, _: &str, expect: &Expect, _: &str) -> Result<GroupInfo, registry::Error> {
        self.change(expect, |kept| {
            let shadow = kept.shadow.take().ok_or_else(|| not_bound("shadow"))?;
            kept.previous = kept.active.replace(shadow);
            Ok(())
        })
    }

    fn rollback(&self, _: &str, expect: &Expect, _: &str) -> Result<GroupInfo, registry::Error> {
        self.change(expect, |kept| {
            let previous = kept.previous.take().ok_or_else(|| not_bound("previous policy"))?;
            kept.previous = kept.active.replace(previous);
            Ok(())
        })
    }
}
