//! A bound policy over many merges: what it did, when it is parked, and what
//! its faults mean.

use super::guests::{Guest, TRIGGER_MS};
use super::*;

/// A guest that traps at batches after [`TRIGGER_MS`].
fn version() -> Arc<Version> {
    let version = Version::load(engine(), &Guest::default().component(), &Limits::default());
    Arc::new(version.expect("it loads"))
}

fn bind(version: &Arc<Version>, spec: Spec) -> Binding {
    Binding::component(Arc::clone(version), spec, Settings::default()).expect("honest in the trial")
}

/// Two replicas of a series with two samples each.
fn replica(start_ms: i64) -> SeriesBatch {
    batch(&[("a", &[(start_ms / 1000, 1.0), (start_ms / 1000 + 15, 2.0)])])
}

fn fails(binding: &Binding) -> Merged {
    let one = replica(TRIGGER_MS);
    merge(binding, &[&one, &one], &Options::everything(0))
}

fn succeeds(binding: &Binding) -> Merged {
    let one = replica(0);
    let merged = merge(binding, &[&one, &one], &Options::everything(0));
    assert_eq!(merged.fault, None);
    merged
}

#[test]
fn what_a_binding_did_is_counted_and_so_is_what_its_version_did() {
    let version = version();
    let [one, two] = [Spec::default(), Spec::default()].map(|spec| bind(&version, spec));
    assert_eq!((one.usage().calls(), version.usage().calls()), (0, 0));
    succeeds(&one);
    succeeds(&one);
    fails(&two);
    let of = |usage: &Usage| (usage.calls(), usage.samples(), usage.faults());
    assert_eq!(of(one.usage()), (2, 8, 0));
    assert_eq!(of(two.usage()), (1, 4, 1));
    assert_eq!(of(version.usage()), (3, 12, 1));
    let nanoseconds = one.usage().nanoseconds() + two.usage().nanoseconds();
    assert!(nanoseconds > 0);
    assert_eq!(version.usage().nanoseconds(), nanoseconds);
}

#[test]
fn the_native_rule_is_counted_like_any_policy() {
    let binding = Binding::native(Settings::default());
    succeeds(&binding);
    assert_eq!((binding.usage().calls(), binding.usage().samples()), (1, 4));
    assert!(binding.spec().is_none() && !binding.is_parked());
}

#[test]
fn after_so_many_faults_in_a_row_it_is_parked_and_not_asked_any_more() {
    let version = version();
    let spec = Spec { park_after: 3, ..Spec::default() };
    let binding = bind(&version, spec.clone());
    assert_eq!(binding.spec(), Some(&spec));
    for _ in 0..2 {
        assert_eq!(fails(&binding).fault.map(|fault| fault.name()), Some("trap"));
        assert_eq!(fails(&binding).fault.map(|fault| fault.name()), Some("trap"));
        succeeds(&binding);
    }
    for _ in 0..3 {
        assert!(!binding.is_parked());
        fails(&binding);
    }
    assert!(binding.is_parked());
    let calls = binding.usage().calls();
    let merged = fails(&binding);
    assert_eq!(merged.fault, Some(Fault::Parked(3)));
    let digest = &version.digest()[..12];
    assert_eq!(
        merged.warnings,
        [format!(
            "merge policy hostile ({digest}) is parked after 3 faults in a row: bind it again to \
             try it again; the built-in rule merged instead"
        )]
    );
    assert_eq!(merged.series, replica(TRIGGER_MS));
    assert_eq!((binding.usage().calls(), binding.usage().faults()), (calls, 7));
    succeeds(&bind(&version, spec));
}

#[test]
fn a_binding_that_fails_closed_gives_no_series_but_the_reason() {
    let version = version();
    let spec = Spec { fail: Fail::Closed, park_after: 2, ..Spec::default() };
    let binding = bind(&version, spec);
    let digest = &version.digest()[..12];
    for expected in ["trapped: wasm trap: wasm `unreachable` instruction executed"; 2]
        .into_iter()
        .chain(["is parked after 2 faults in a row: bind it again to try it again"])
    {
        let merged = fails(&binding);
        assert!(merged.refused && merged.series.is_empty() && merged.runs.is_empty());
        assert_eq!(
            merged.warnings,
            [format!(
                "merge policy hostile ({digest}) {expected}; it is bound to fail the query then"
            )]
        );
    }
}

#[test]
fn a_stale_marker_does_not_bring_back_what_was_refused() {
    let spec = Spec { fail: Fail::Closed, ..Spec::default() };
    let binding = bind(&version(), spec);
    let mut one = replica(TRIGGER_MS);
    one.push_float(TRIGGER_MS + 30_000, f64::from_bits(promql::series::STALE_NAN_BITS));
    one.finish_series(Labels::from_pairs([("__name__", "b")]));
    let merged = merge(&binding, &[&one, &one], &Options::everything(0));
    assert!(merged.refused && merged.series.is_empty());
}

#[test]
fn what_one_merge_leaves_in_a_policy_the_next_does_not_find() {
    // At its second call within an instance it traps.
    let guest =
        Guest { trigger: "(i32.gt_u (global.get $calls) (i32.const 3))", ..Guest::default() };
    let version = Version::load(engine(), &guest.component(), &Limits::default()).expect("loads");
    // The trial made three calls, in an instance of its own.
    let binding = bind(&Arc::new(version), Spec::default());
    for _ in 0..10 {
        succeeds(&binding);
    }
    assert_eq!(binding.usage().calls(), 10);
}

#[test]
fn a_policy_has_no_more_time_than_its_query() {
    let plan = "(loop $ever (br $ever)) unreachable";
    let version = Version::load(
        engine(),
        &Guest { plan, ..Guest::default() }.component(),
        &Limits::default(),
    );
    let limits = Limits { deadline_ms: 3_600_000, ..Limits::default() };
    let spec = Spec { limits, park_after: 1, ..Spec::default() };
    let binding = bind(&Arc::new(version.expect("it loads")), spec);
    let deadline = Instant::now() + std::time::Duration::from_millis(40);
    let options = Options { deadline: Some(deadline), ..Options::everything(0) };
    let one = replica(TRIGGER_MS);
    let merged = merge(&binding, &[&one, &one], &options);
    assert_eq!(merged.fault, Some(Fault::Late));
    assert_eq!(merged.series, one);
    // The query's time is no fault of the policy.
    assert!(!binding.is_parked());
}

#[test]
fn a_policy_that_finds_no_sandbox_is_replaced_and_not_blamed() {
    let limits = EngineLimits { sandboxes: 1, ..EngineLimits::default() };
    let engine = Engine::new(&limits).expect("wasm runs here");
    let version = Version::builtin(&engine).expect("the build made it");
    let spec = Spec { park_after: 1, ..Spec::default() };
    let binding = bind(&Arc::new(version), spec);
    let taken = Arc::new(Version::builtin(&engine).expect("the build made it"));
    let held = taken.start(&Limits::default(), 0).expect("it is free");
    let deadline = Instant::now() + std::time::Duration::from_millis(20);
    let options = Options { deadline: Some(deadline), ..Options::everything(0) };
    let one = replica(0);
    let merged = merge(&binding, &[&one, &one], &options);
    assert_eq!(merged.fault, Some(Fault::Busy));
    assert_eq!(merged.series, one);
    assert_eq!((binding.usage().faults(), binding.is_parked()), (0, false));
    drop(held);
    assert_eq!(merge(&binding, &[&one, &one], &Options::everything(0)).fault, None);
}
