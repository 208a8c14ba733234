//! What the configuration says, and what becomes of the API's bindings.

use super::*;

/// One group, with a policy of the configuration.
fn with_policy(policy: &str) -> String {
    format!(
        "promxy:\n  server_groups:\n    - name: site-a\n      static_configs: [{{targets: [a]}}]\n      policy: {policy}\n"
    )
}

fn digest_of(mark: u8) -> String {
    digest::of(&component(mark))
}

#[test]
fn the_configuration_wins_and_what_the_api_bound_waits() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.put("other", &component(b'2'));
    let bound = proxy.bind("site-a", &named("median"));
    proxy.read(&with_policy("{name: other, settings: {rule: first}}")).expect("usable");
    let info = proxy.group("site-a");
    assert_eq!(
        what(&info.active),
        ("other", digest_of(b'2').as_str(), Source::Config, State::Running)
    );
    assert_eq!((info.source, info.active.bound_by.as_deref()), (Source::Config, None));
    assert_ne!(info.revision, bound.revision);
    assert_eq!(proxy.fleet.active(0), Some(digest_of(b'2')));
    let expect = &Expect::Anything;
    let refused = [
        proxy.registry.bind("site-a", &named("median"), expect, "ann"),
        proxy.registry.unbind("site-a", Role::Active, expect),
        proxy.registry.promote("site-a", expect, "ann"),
        proxy.registry.rollback("site-a", expect, "ann"),
    ];
    for refused in refused {
        let error = refused.expect_err("configured");
        assert!(matches!(error, Error::Configured { .. }), "{error}");
        let place = "f:5:16: promxy.server_groups[0].policy.name";
        assert!(error.to_string().contains(place), "{error}");
    }
    // A shadow is allowed beside it.
    proxy.bind("site-a", &shadow("median"));
    let in_use = proxy.registry.delete("other", None, expect).expect_err("used").to_string();
    assert!(in_use.contains("server group site-a (active, by the configuration)"), "{in_use}");
    let waits = proxy.registry.delete("median", None, expect).expect_err("used").to_string();
    assert!(waits.contains("site-a (active)") && waits.contains("site-a (shadow)"), "{waits}");
    // Without the key, the API's binding is in force again.
    proxy.read(GROUPS).expect("usable");
    assert_eq!(proxy.group("site-a").active.policy, "median");
}

#[test]
fn a_shadow_of_the_configuration_leaves_the_active_policy_to_the_api() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.read(&with_policy("{name: median, shadow: true}")).expect("usable");
    let info = proxy.bind("site-a", &named("median"));
    assert_eq!(info.shadow.map(|own| own.source), Some(Source::Config));
    for refused in [
        proxy.registry.bind("site-a", &shadow("median"), &Expect::Anything, "ann"),
        proxy.registry.unbind("site-a", Role::Shadow, &Expect::Anything),
        proxy.registry.promote("site-a", &Expect::Anything, "ann"),
    ] {
        assert!(matches!(refused, Err(Error::Configured { .. })));
    }
}

#[test]
fn a_file_of_the_operators_needs_no_store() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("own.wasm");
    std::fs::write(&path, component(b'7')).expect("written");
    let text = with_policy(&format!("{{path: {}, fail: closed}}", path.display()));
    let proxy = start_in(folder, &text);
    let info = proxy.group("site-a");
    assert_eq!(
        what(&info.active),
        ("fill", digest_of(b'7').as_str(), Source::Config, State::Running)
    );
    assert!(!proxy.folder.path().join("policies").exists());
}

#[test]
fn a_policy_that_cannot_be_used_is_told_with_its_place_and_changes_nothing() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let before = proxy.group("site-a");
    for (policy, key, expected) in [
        ("{name: mean}", "name", "there is no policy mean"),
        ("{name: median, digest: '00000000'}", "name", "has no version 00000000"),
        ("{digest: '00000000'}", "digest", "with digest 00000000"),
        ("{path: /nowhere/a.wasm}", "path", "cannot read /nowhere/a.wasm"),
        ("{name: median, settings: {rule: worst}}", "name", "worst"),
        ("{name: median, settings: {rule: max}}", "name", "breaks the law"),
    ] {
        let error = proxy.read(&with_policy(policy)).expect_err("unusable").to_string();
        let place = format!("f:5:16: promxy.server_groups[0].policy.{key}: ");
        assert!(error.starts_with(&place) && error.contains(expected), "{error}");
    }
    assert_eq!(proxy.group("site-a"), before);
}

#[test]
fn what_was_bound_to_a_group_that_vanished_comes_back_with_it() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let bound = proxy.bind("site-a", &named("median"));
    let without = "promxy: {server_groups: [{name: site-b, static_configs: [{targets: [a]}]}]}";
    proxy.read(without).expect("usable");
    assert!(proxy.registry.group("site-a").is_err());
    let in_use = proxy.registry.delete("median", None, &Expect::Anything);
    assert!(in_use.expect_err("kept").to_string().contains("server group site-a (active)"));
    proxy.read(GROUPS).expect("usable");
    assert_eq!(proxy.group("site-a"), bound);
    // Who does not want it back takes it back by its name.
    proxy.read(without).expect("usable");
    proxy.registry.unbind("site-a", Role::Active, &Expect::Anything).expect("bound");
    proxy.registry.delete("median", None, &Expect::Anything).expect("free");
}

#[test]
fn a_binding_that_a_reload_does_not_touch_goes_on() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.bind("site-a", &named("median"));
    let active = || proxy.fleet.active.lock().expect("no panic")[0].clone().expect("bound");
    let before = active();
    proxy.read(GROUPS).expect("usable");
    assert!(Arc::ptr_eq(&before, &active()));
    // Another rule to fall back to makes it another binding.
    let other = GROUPS.replace("[a, b]}]}", "[a, b]}], anti_affinity: 7s}");
    assert_ne!(other, GROUPS);
    proxy.read(&other).expect("usable");
    assert!(!Arc::ptr_eq(&before, &active()));
}

#[test]
fn what_is_bound_while_a_configuration_is_read_is_not_lost() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let prepared = proxy.registry.prepare(&config(GROUPS)).expect("usable");
    proxy.bind("site-a", &named("median"));
    let fleet: Arc<Fleet> = Arc::default();
    let adopted = proxy.registry.adopt(prepared, fleet, || panic!("not to be published"));
    assert!(matches!(adopted, Err(Stale)));
    assert_eq!(proxy.group("site-a").active.policy, "median");
}
