//! Bind, unbind, promote, roll back.

use super::*;

fn digest_of(mark: u8) -> String {
    digest::of(&component(mark))
}

#[test]
fn a_bound_policy_is_what_the_fleet_uses_also_after_a_restart() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    assert_eq!(proxy.group("site-a").active.source, Source::Default);
    let bind = Bind {
        settings: Some(json!({"rule": "first"})),
        limits: LimitsText { deadline: Some("20ms".to_owned()), ..LimitsText::default() },
        fail: Some("closed".to_owned()),
        ..named("median")
    };
    let info = proxy.bind("site-a", &bind);
    assert_eq!(
        what(&info.active),
        ("median", digest_of(b'1').as_str(), Source::Api, State::Running)
    );
    assert_eq!(info.active.settings, json!({"rule": "first"}));
    assert_eq!(info.active.limits.deadline.as_deref(), Some("20ms"));
    assert_eq!(info.active.limits.memory.as_deref(), Some("64MiB"));
    assert_eq!(
        (info.active.fail.as_str(), info.active.bound_by.as_deref()),
        ("closed", Some("ann"))
    );
    assert_eq!(proxy.fleet.active(0), Some(digest_of(b'1')));
    assert_eq!(proxy.group("0"), info);
    let proxy = proxy.restart(GROUPS);
    assert_eq!(proxy.group("site-a"), info);
    assert_eq!(proxy.fleet.active(0), Some(digest_of(b'1')));
}

#[test]
fn a_group_without_a_name_is_addressed_by_its_number() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let info = proxy.bind("1", &named("median"));
    assert_eq!((info.server_group.as_str(), info.ordinal), ("1", 1));
    assert_eq!(info.replicas, ["http://c:80"]);
    assert!(matches!(proxy.registry.group("2"), Err(Error::UnknownGroup(_))));
    assert_eq!(proxy.restart(GROUPS).group("1").active.policy, "median");
}

#[test]
fn a_digest_alone_tells_the_policy() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.put("median", &component(b'2'));
    let digest = Some(digest_of(b'1')[..10].to_owned());
    let info = proxy.bind("site-a", &Bind { digest, ..Bind::default() });
    assert_eq!((info.active.policy.as_str(), info.active.digest), ("median", digest_of(b'1')));
    assert!(proxy.refused("site-a", &Bind::default()).starts_with("name: "));
}

#[test]
fn the_built_in_policy_is_bound_with_the_settings_of_the_group() {
    let proxy = start();
    let bind = Bind { settings: Some(json!({"rule": "max"})), ..named("fill") };
    let info = proxy.bind("1", &bind);
    assert_eq!(info.active.settings, json!({"rule": "max"}));
    let active = proxy.fleet.active.lock().expect("no panic")[1].clone().expect("bound");
    let rule = active.builtin_rule().expect("the built-in rule");
    assert_eq!(rule.rule, policy::Rule::Max);
    assert!(rule.prefer_max, "a key of the group");
}

#[test]
fn a_refused_binding_changes_nothing() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let before = proxy.bind("site-a", &named("median"));
    let with = |settings: Value| Bind { settings: Some(settings), ..named("median") };
    let limits = LimitsText { memory: Some("1TB".to_owned()), ..LimitsText::default() };
    for (bind, expected) in [
        (with(json!({"rule": "worst"})), "worst"),
        (with(json!([1])), "settings: expected an object"),
        (with(json!({"rule": "max"})), "breaks the law"),
        (Bind { limits, ..named("median") }, "limits.memory: found \"1TB\""),
        (Bind { fail: Some("ajar".to_owned()), ..named("median") }, "fail: found \"ajar\""),
        (named("mean"), "there is no policy mean"),
        (named("Mean"), "a policy's name"),
        (
            Bind { digest: Some("12345678".to_owned()), ..named("median") },
            "has no version 12345678",
        ),
    ] {
        let error = proxy.refused("site-a", &bind);
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(proxy.group("site-a"), before);
    assert_eq!(proxy.fleet.active(0), Some(digest_of(b'1')));
}

#[test]
fn a_rollback_returns_to_what_was_active_and_a_second_one_comes_back() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let roll_back = || proxy.registry.rollback("site-a", &Expect::Anything, "bob");
    let none = roll_back().expect_err("nothing was bound").to_string();
    assert_eq!(none, "server group site-a has no previous policy");
    proxy.bind("site-a", &named("median"));
    let info = roll_back().expect("back to the default");
    assert_eq!(info.active.source, Source::Default);
    let previous = info.previous.expect("what was bound");
    assert_eq!(previous.policy.as_deref(), Some("median"));
    assert_eq!(proxy.fleet.active(0).map(|own| own == digest_of(b'1')), Some(false));
    let info = roll_back().expect("and there again");
    assert_eq!(
        (info.active.policy.as_str(), info.active.bound_by.as_deref()),
        ("median", Some("bob"))
    );
    assert_eq!(info.previous.expect("the default").policy, None);
    assert_eq!(proxy.fleet.active(0), Some(digest_of(b'1')));
}

#[test]
fn a_shadow_is_promoted_and_rolled_back() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.bind("site-a", &named("median"));
    let promote = || proxy.registry.promote("site-a", &Expect::Anything, "bob");
    assert!(matches!(promote(), Err(Error::NotBound { what: "shadow", .. })));
    proxy.put("median", &component(b'2'));
    let info = proxy.bind("site-a", &shadow("median"));
    let own = info.shadow.expect("a shadow");
    assert_eq!(
        (own.digest.clone(), own.report),
        (digest_of(b'2'), Some(json!({"of": own.digest})))
    );
    assert_eq!(
        (proxy.fleet.active(0), proxy.fleet.shadow(0)),
        (Some(digest_of(b'1')), Some(digest_of(b'2')))
    );
    let info = promote().expect("promoted");
    assert_eq!((info.active.digest, info.shadow), (digest_of(b'2'), None));
    assert_eq!(info.previous.expect("what was active").digest, Some(digest_of(b'1')));
    assert_eq!((proxy.fleet.active(0), proxy.fleet.shadow(0)), (Some(digest_of(b'2')), None));
    let info = proxy.registry.rollback("site-a", &Expect::Anything, "bob").expect("back");
    assert_eq!(info.active.digest, digest_of(b'1'));
}

#[test]
fn what_is_not_bound_cannot_be_taken_back() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let unbind = |role| proxy.registry.unbind("site-a", role, &Expect::Anything);
    assert!(matches!(unbind(Role::Active), Err(Error::NotBound { .. })));
    assert!(matches!(unbind(Role::Shadow), Err(Error::NotBound { what: "shadow", .. })));
    proxy.bind("site-a", &named("median"));
    let info = unbind(Role::Active).expect("bound");
    assert_eq!((info.active.source, info.active.policy.as_str()), (Source::Default, "fill"));
    assert_ne!(proxy.fleet.active(0), Some(digest_of(b'1')));
}

#[test]
fn revisions_change_with_each_change_and_guard_it() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let first = proxy.group("site-a").revision;
    let other = proxy.group("1").revision;
    let bind = |bind: &Bind, revision: &str| {
        let expect = Expect::Revision(vec![revision.to_owned()]);
        proxy.registry.bind("site-a", bind, &expect, "ann")
    };
    let second = bind(&named("median"), &first).expect("as expected").revision;
    assert_ne!(first, second);
    let late = bind(&shadow("median"), &first).expect_err("changed").to_string();
    assert!(
        late.contains(&format!("server group site-a has changed meanwhile: it is at {second}")),
        "{late}"
    );
    // To bind what is bound is no change.
    assert_eq!(bind(&named("median"), &second).expect("the same").revision, second);
    assert_ne!(bind(&shadow("median"), &second).expect("as expected").revision, second);
    assert_eq!(proxy.group("1").revision, other);
    let expect = Expect::Revision(vec![second]);
    assert!(proxy.registry.promote("site-a", &expect, "ann").is_err());
    assert!(proxy.registry.rollback("site-a", &expect, "ann").is_err());
    assert!(proxy.registry.unbind("site-a", Role::Active, &expect).is_err());
}

#[test]
fn a_binding_whose_component_is_lost_is_stood_in_for_and_repaired_by_an_upload() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.bind("site-a", &Bind { fail: Some("closed".to_owned()), ..named("median") });
    let file = proxy.folder.path().join(format!("policies/components/{}.wasm", digest_of(b'1')));
    std::fs::write(&file, "lost").expect("written");
    let proxy = proxy.restart(GROUPS);
    let info = proxy.group("site-a").active;
    assert_eq!(what(&info), ("median", digest_of(b'1').as_str(), Source::Api, State::Unavailable));
    assert!(info.reason.is_some_and(|reason| reason.contains(&digest_of(b'1'))));
    let binding = proxy.fleet.active.lock().expect("no panic")[0].clone().expect("a stand-in");
    assert!(binding.fails_closed() && binding.name() == "median");
    assert_eq!(proxy.registry.policies().damaged.len(), 1);
    let problem = &proxy.registry.policy("median").expect("known").versions[0].problem;
    assert!(problem.as_deref().is_some_and(|text| text.contains("missing")), "{problem:?}");
    proxy.put("median", &component(b'1'));
    let info = proxy.bind("site-a", &Bind { fail: Some("closed".to_owned()), ..named("median") });
    assert_eq!(info.active.state, State::Running);
}
