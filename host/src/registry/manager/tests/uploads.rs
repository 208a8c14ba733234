//! Upload, list, delete.

use super::*;

#[test]
fn an_upload_is_listed_with_what_it_says_of_itself() {
    let proxy = start();
    let wasm = component(b'1');
    let changed = proxy.put("median", &wasm);
    assert!(changed.created);
    let info = proxy.registry.policy("median").expect("there");
    assert_eq!(info.versions, [changed.version]);
    let [version] = &info.versions[..] else { panic!("{info:?}") };
    assert_eq!(version.digest, digest::of(&wasm));
    assert_eq!(version.size, wasm.len() as u64);
    assert_eq!(version.described_name, "fill");
    assert_eq!(version.uploaded_by.as_deref(), Some("ann"));
    assert!(version.uploaded.as_deref().is_some_and(|time| time.ends_with('Z')));
    assert!(!version.exports.is_empty() && version.imports.is_empty(), "{version:?}");
    assert!(version.settings_schema.is_object(), "{}", version.settings_schema);
    let (digest, bytes) = proxy.registry.bytes("median", "latest").expect("there");
    assert_eq!((digest, bytes), (version.digest.clone(), wasm));
    // It stays so without being compiled again.
    let info = info.clone();
    let proxy = proxy.restart(GROUPS);
    assert_eq!(proxy.registry.policy("median").expect("there"), info);
}

#[test]
fn the_list_begins_with_the_built_in_policy_and_tells_how_full_it_is() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let list = proxy.registry.policies();
    let names: Vec<_> = list.policies.iter().map(|own| (own.name.as_str(), own.builtin)).collect();
    assert_eq!(names, [("fill", true), ("median", false)]);
    let bound: Vec<_> = list.policies[0].versions[0].bound.iter().collect();
    assert_eq!(bound.len(), 2, "{bound:?}");
    let store = list.store.expect("a store");
    assert_eq!((store.bytes, store.max_bytes), (component(b'1').len() as u64, 1 << 30));
    let (digest, bytes) = proxy.registry.bytes("fill", "latest").expect("there");
    assert_eq!(digest, digest::of(&bytes));
}

#[test]
fn the_newest_version_is_the_one_uploaded_last() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    proxy.put("median", &component(b'2'));
    assert!(!proxy.put("median", &component(b'2')).created);
    assert!(proxy.put("median", &component(b'1')).created);
    let digests: Vec<_> = proxy.registry.policy("median").expect("there").versions;
    let digests: Vec<_> = digests.into_iter().map(|version| version.digest).collect();
    assert_eq!(digests, [digest::of(&component(b'1')), digest::of(&component(b'2'))]);
}

#[test]
fn an_upload_that_expects_something_else_is_refused() {
    let proxy = start();
    let put = |wasm: &[u8], expect: &Expect| {
        let outcome = proxy.registry.put("median", wasm, expect, "bob");
        outcome.map_err(|error| {
            assert!(matches!(error, Error::Precondition { .. }), "{error}");
            error.to_string()
        })
    };
    let (one, two) = (component(b'1'), component(b'2'));
    let of_one = Expect::Revision(vec![digest::of(&one)]);
    assert!(put(&one, &Expect::Something).is_err());
    assert!(put(&one, &of_one).expect_err("nothing there").contains("it is at nothing"));
    assert!(put(&one, &Expect::Nothing).is_ok());
    assert!(put(&two, &Expect::Nothing).is_err());
    assert!(put(&two, &of_one).is_ok());
    let late = put(&component(b'3'), &of_one).expect_err("two came first");
    assert!(late.contains("policy median has changed meanwhile"), "{late}");
}

#[test]
fn two_uploads_at_once_are_both_stored_and_one_of_two_careful_ones() {
    let proxy = start();
    proxy.put("median", &component(b'0'));
    let expect = Expect::Revision(vec![digest::of(&component(b'0'))]);
    let upload = |mark: u8, expect: &Expect| {
        proxy.registry.put("median", &component(mark), expect, "ann").is_ok()
    };
    let both = |expect: &Expect, marks: [u8; 2]| {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| upload(marks[0], expect));
            let own = upload(marks[1], expect);
            usize::from(own) + usize::from(other.join().expect("no panic"))
        })
    };
    assert_eq!(both(&expect, [b'1', b'2']), 1);
    assert_eq!(both(&Expect::Anything, [b'3', b'4']), 2);
    let versions = proxy.registry.policy("median").expect("there").versions;
    assert_eq!(versions.len(), 4);
}

#[test]
fn what_is_no_policy_is_refused_and_not_kept() {
    let proxy = start();
    let put = |name: &str, wasm: &[u8]| {
        let refused = proxy.registry.put(name, wasm, &Expect::Anything, "ann");
        refused.expect_err("refused").to_string()
    };
    assert!(put("Median", b"").contains("a policy's name is"));
    assert!(put("../x", b"").contains("a policy's name is"));
    assert!(put("fill", &component(b'1')).contains("built-in"));
    for wasm in [&b"text"[..], b"\0asm", &component(b'1')[..999]] {
        let refused = proxy.registry.put("median", wasm, &Expect::Anything, "ann");
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
    assert!(!proxy.folder.path().join("policies").exists());
}

#[test]
fn a_digest_may_be_shortened_while_it_is_clear() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let whole = digest::of(&component(b'1'));
    let find = |digest: &str| proxy.registry.bytes("median", digest).map(|(digest, _)| digest);
    assert_eq!(find(&whole[..8]).expect("unique"), whole);
    assert!(matches!(find(&whole[..7]), Err(Error::Ambiguous(_))));
    assert!(matches!(find("0000000000"), Err(Error::UnknownVersion { .. })));
    assert!(matches!(proxy.registry.bytes("mean", "latest"), Err(Error::UnknownPolicy(_))));
}

#[test]
fn what_is_bound_is_not_deleted_and_the_places_are_named() {
    let proxy = start();
    let (one, two) = (component(b'1'), component(b'2'));
    proxy.put("median", &one);
    proxy.bind("site-a", &named("median"));
    proxy.put("median", &two);
    proxy.bind("1", &shadow("median"));
    let delete = |digest: Option<&str>| {
        proxy.registry.delete("median", digest, &Expect::Anything).map_err(|e| e.to_string())
    };
    let bound = "server group site-a (active), server group 1 (shadow)";
    let all = delete(None).expect_err("bound");
    assert!(all.contains("server group site-a (active)"), "{all}");
    assert!(all.contains("server group 1 (shadow)"), "{all} is not {bound}");
    assert!(delete(Some(&digest::of(&two))).expect_err("bound").contains("1 (shadow)"));
    proxy.registry.unbind("1", Role::Shadow, &Expect::Anything).expect("unbound");
    delete(Some("latest")).expect("free");
    proxy.registry.unbind("site-a", Role::Active, &Expect::Anything).expect("unbound");
    assert!(proxy.group("site-a").previous.is_some());
    // Only a rollback would need it, and then there is none.
    delete(None).expect("free");
    assert_eq!(proxy.group("site-a").previous, None);
    assert!(matches!(proxy.registry.policy("median"), Err(Error::UnknownPolicy(_))));
}

#[test]
fn a_delete_that_expects_something_else_is_refused() {
    let proxy = start();
    proxy.put("median", &component(b'1'));
    let other = Expect::Revision(vec!["0".repeat(64)]);
    let refused = proxy.registry.delete("median", None, &other);
    assert!(matches!(refused, Err(Error::Precondition { .. })));
    let own = Expect::Revision(vec![digest::of(&component(b'1'))]);
    proxy.registry.delete("median", Some("latest"), &own).expect("as expected");
}

#[test]
fn an_upload_that_makes_room_says_what_went() {
    let folder = TempDir::new().expect("a temporary folder");
    let size = component(b'1').len() as u64;
    let limits = StoreLimits { bytes: 2 * size, ..StoreLimits::default() };
    let registry = open(folder.path(), limits).expect("opens");
    let put = |name: &str, mark| registry.put(name, &component(mark), &Expect::Anything, "ann");
    put("a", b'1').expect("stored");
    put("a", b'2').expect("stored");
    let changed = put("b", b'3').expect("stored");
    assert_eq!(changed.removed, [("a".to_owned(), digest::of(&component(b'1')))]);
}
