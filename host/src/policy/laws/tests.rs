//! Every law has a guest that breaks it, and the smallest input shows how.

mod lawful;

use std::sync::Arc;

use super::*;
use crate::policy::Settings;
use crate::policy::tests::engine;
use lawful::Lawful;

fn version(guest: &Lawful<'_>) -> Arc<Version> {
    let version = Version::load(engine(), &guest.component(), &Limits::default());
    Arc::new(version.expect("it loads"))
}

/// Enough to find everything, and as long as it takes.
const BUDGET: Budget = Budget {
    generated: 96,
    windows: 2,
    questions: 2000,
    patience: Duration::from_secs(3600),
    life: Duration::from_secs(3600),
    hard: Duration::from_secs(3600),
    shrinking: Duration::from_secs(3600),
};

fn tried_with(guest: &Lawful<'_>, budget: Budget) -> Result<Report, Refusal> {
    let (version, spec) = (version(guest), Spec::default());
    Kit { budget, ..Kit::new(&version, &spec, Effort::Upload) }.check()
}

fn tried(guest: &Lawful<'_>) -> Result<Report, Refusal> {
    tried_with(guest, BUDGET)
}

/// Law, smallest input, and answer.
#[track_caller]
fn breaks(guest: &Lawful<'_>, law: Law, input: &str, answer: &str) {
    match tried(guest) {
        Err(Refusal::Law(violation)) => {
            let found = (violation.law, &*violation.input, &*violation.answer);
            assert_eq!(found, (law.name(), input, answer));
        }
        other => panic!("not broken: {other:?}"),
    }
}

#[test]
fn a_lawful_guest_keeps_all_laws() {
    let report = tried(&Lawful::default()).expect("it keeps them");
    let names: Vec<_> = report.held.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Law::ALL.map(Law::name));
    assert!(report.held.iter().all(|(_, count)| *count > 0), "{:?}", report.held);
}

#[test]
fn the_built_in_policy_keeps_all_laws_under_every_setting() {
    let version = Arc::new(Version::builtin(engine()).expect("the build made it"));
    for settings in SETTINGS {
        assert!(Settings::from_json(settings).is_ok(), "{settings}");
        let spec = Spec::with_settings(settings);
        let kit = Kit { budget: BUDGET, ..Kit::new(&version, &spec, Effort::Upload) };
        let report = kit.check();
        if let Err(error) = report {
            panic!("{settings}: {error}");
        }
    }
}

#[test]
fn a_schema_that_is_no_object_is_found() {
    let guest = Lawful { schema: "[]", ..Lawful::default() };
    breaks(&guest, Law::SettingsSchema, "describe", "\"[]\": no object");
}

#[test]
fn terms_that_change_are_found() {
    let configured =
        "(i32.store8 (i32.const 168) (i64.gt_u (call $seconds) (i64.const 1000000000)))";
    let guest = Lawful { configured, has_clock: true, ..Lawful::default() };
    breaks(
        &guest,
        Law::SameTerms,
        "no settings",
        "Terms { needs_samples: false, may_synthesise: false, span: Some(Span { before_ms: 0, after_ms: 0 }), keeps_lone_replica: false, no_false_resets: false } at first and Terms { needs_samples: false, may_synthesise: false, span: Some(Span { before_ms: 0, after_ms: 0 }), keeps_lone_replica: true, no_false_resets: false } later",
    );
}

#[test]
fn a_trap_is_found() {
    let before = "(if (i32.gt_u (local.get $series) (i32.const 2)) (then unreachable))";
    let guest = Lawful { before, ..Lawful::default() };
    breaks(
        &guest,
        Law::Answers,
        "series 0: replica 0 at no time; series 1: replica 0 at no time; series 2: replica 0 at no time",
        "nothing: it trapped: wasm trap: wasm `unreachable` instruction executed",
    );
}

#[test]
fn a_trap_at_many_samples_is_found() {
    let before = "(if (i32.gt_u (local.get $samples) (i32.const 30000)) (then unreachable))";
    let guest = Lawful { before, ..Lawful::default() };
    let budget = Budget { shrinking: Duration::ZERO, ..BUDGET };
    let Err(Refusal::Law(violation)) = tried_with(&guest, budget) else { panic!("not broken") };
    assert_eq!(violation.law, "answers");
}

#[test]
fn a_loop_without_end_is_found() {
    let before = "(if (i32.eq (local.get $n) (i32.const 3)) (then (loop $ever (br $ever))))";
    let guest = Lawful { before, ..Lawful::default() };
    breaks(
        &guest,
        Law::Answers,
        "replica 0 at no time, replica 1 at no time, replica 2 at no time",
        "nothing: it exceeded its deadline of 100 ms",
    );
}

#[test]
fn too_much_memory_is_found() {
    let before = "(if (i64.lt_s (call $start (i32.const 0) (i32.const 0)) (i64.const 0)) \
                  (then (drop (memory.grow (i32.const 2000)))))";
    let guest = Lawful { before, ..Lawful::default() };
    breaks(
        &guest,
        Law::Answers,
        "replica 0 at [-1] ms",
        "nothing: it exceeded its memory limit of 67108864 bytes",
    );
}

#[test]
fn being_slow_at_everything_is_found() {
    let budget = Budget { hard: Duration::ZERO, ..BUDGET };
    let Err(Refusal::Law(violation)) = tried_with(&Lawful::default(), budget) else {
        panic!("not broken")
    };
    assert_eq!(violation.law, "in-time");
}

#[test]
fn an_empty_run_is_found() {
    let after = "(if (i32.gt_u (local.get $triples) (i32.const 1)) \
                 (then (i32.store offset=8 (local.get $runs) (i32.const 0))))";
    breaks(
        &Lawful { after, ..Lawful::default() },
        Law::ValidPlan,
        "replica 0 at [0, 1] ms",
        "no valid plan (an empty run): runs [[0, 0, 0], [0, 1, 1]], ends [2]",
    );
}

/// Makes up a sample at a time for the first series, if it has samples.
const MAKES_UP: &str = "(if (i32.gt_u (local.get $triples) (i32.const 0)) (then \
    (i64.store (i32.const 1024) (i64.const 5)) (i64.store (i32.const 1032) (i64.const 0)) \
    (i32.store (i32.const 280) (i32.const 1)) (i32.store (i32.const 288) (i32.const 1)) \
    (local.set $k (i32.const 0)) (loop $fill \
      (i32.store (i32.add (i32.const 1040) (i32.mul (local.get $k) (i32.const 4))) (i32.const 1)) \
      (local.set $k (i32.add (local.get $k) (i32.const 1))) \
      (br_if $fill (i32.lt_u (local.get $k) (local.get $series)))) \
    (i32.store (i32.const 296) (local.get $series))))";

#[test]
fn undeclared_inventions_are_found() {
    let guest = Lawful { after: MAKES_UP, ..Lawful::default() };
    breaks(
        &guest,
        Law::NothingInvented,
        "replica 0 at [0] ms",
        "no valid plan (synthesised samples without having said so): runs [[0, 0, 1]], ends [1], synthesised times [5]",
    );
}

#[test]
fn declared_inventions_must_not_add_to_what_all_replicas_say() {
    let guest = Lawful { after: MAKES_UP, terms: [0, 1, 0, 0, 0], ..Lawful::default() };
    breaks(
        &guest,
        Law::Idempotent,
        "replica 0 at [0] ms",
        "[0] ms of replica 0, [5=0.0] ms of its own making; expected [0] ms of replica 0",
    );
}

#[test]
fn state_kept_between_calls_is_found() {
    let first = "(i32.and (global.get $calls) (i32.const 1))";
    breaks(
        &Lawful { first, ..Lawful::default() },
        Law::Repeatable,
        "first replica 0 at no time; then replica 0 at [0] ms, replica 1 at [0] ms",
        "[0] ms of replica 0 on a fresh instance, and [0] ms of replica 1 then",
    );
}

#[test]
fn a_trap_at_the_thousandth_call_is_found() {
    let before = "(if (i32.ge_u (global.get $calls) (i32.const 999)) (then unreachable))";
    breaks(
        &Lawful { before, ..Lawful::default() },
        Law::Repeatable,
        "first 999 times replica 0 at no time; then replica 0 at no time",
        "nothing on a fresh instance, and then nothing: it trapped: wasm trap: wasm `unreachable` instruction executed",
    );
}

#[test]
fn a_look_at_the_clock_is_found() {
    let first = "(i64.gt_u (call $seconds) (i64.const 1000000))";
    let guest = Lawful { first, has_clock: true, ..Lawful::default() };
    breaks(
        &guest,
        Law::Timeless,
        "replica 0 at [0] ms, replica 1 at [0] ms",
        "[0] ms of replica 0 with the clock at 1000, and [0] ms of replica 1 with the clock at 2592001000",
    );
}

#[test]
fn a_look_at_other_series_is_found() {
    let guest = Lawful { first: "(local.get $s)", ..Lawful::default() };
    breaks(
        &guest,
        Law::SeriesApart,
        "series 0: replica 0 at no time, replica 1 at no time; series 1: replica 0 at [0] ms, replica 1 at [0] ms",
        "for series 1 beside the others [0] ms of replica 1, and alone [0] ms of replica 0",
    );
}

#[test]
fn a_lone_replica_that_is_not_kept_is_found() {
    let skips = "(i32.and (i32.gt_u (local.get $n) (i32.const 1)) (i32.and \
                 (i32.eqz (call $count (local.get $s) (i32.const 1))) \
                 (i64.eq (local.get $t) (call $last (local.get $s) (i32.const 0)))))";
    breaks(
        &Lawful { skips, ..Lawful::default() },
        Law::LoneReplica,
        "replica 0 at [0] ms, replica 1 at no time",
        "nothing; expected [0] ms of replica 0",
    );
    // Who has not promised it need not keep it.
    let terms = [0, 0, 0, 0, 0];
    assert!(tried(&Lawful { skips, terms, ..Lawful::default() }).is_ok());
}

#[test]
fn a_loss_although_all_replicas_agree_is_found() {
    let skips = "(i32.and (i32.gt_u (local.get $n) (i32.const 1)) (i32.and \
                 (i32.ne (call $count (local.get $s) (i32.const 1)) (i32.const 0)) \
                 (i64.eq (local.get $t) (call $start (local.get $s) (i32.const 0)))))";
    breaks(
        &Lawful { skips, ..Lawful::default() },
        Law::Idempotent,
        "replica 0 at [0] ms, replica 1 at [0] ms",
        "nothing; expected [0] ms of replica 0",
    );
}

#[test]
fn values_are_shown_to_those_who_see_them() {
    // It drops what is no number.
    let value = "(f64.load (i32.add (global.get $values) (i32.mul (i32.const 8) \
                 (i32.add (call $begin (local.get $s) (local.get $chosen)) (local.get $index)))))";
    let skips = format!("(f64.ne {value} {value})");
    let guest = Lawful { skips: &skips, terms: [1, 0, 1, 1, 0], ..Lawful::default() };
    breaks(
        &guest,
        Law::Idempotent,
        "replica 0 at [0=NaN(0x7ff80000deadbeef)] ms",
        "nothing; expected [0=NaN(0x7ff80000deadbeef)] ms of replica 0",
    );
}

/// An i32 about the first two replicas, where there are two.
fn of_two(condition: &str) -> String {
    let two = "(i32.gt_u (local.get $n) (i32.const 1))";
    format!("(if (result i32) {two} (then {condition}) (else (i32.const 0)))")
}

#[test]
fn a_look_into_the_future_is_found() {
    let first = of_two(
        "(i64.gt_s (call $last (local.get $s) (i32.const 1)) \
                   (call $last (local.get $s) (i32.const 0)))",
    );
    breaks(
        &Lawful { first: &first, ..Lawful::default() },
        Law::NoTimeTravel,
        "replica 0 at [0] ms, replica 1 at [0, 2] ms; once whole, and once cut to times up to 0",
        "of what lies 0 ms or more after the start of the part and 0 ms or more before its end, [0] ms of replica 1 when given the whole, and [0] ms of replica 0 when given the part",
    );
    // Who declares no span may look at everything.
    let terms = [0, 0, 0, 1, 0];
    let report =
        tried(&Lawful { first: &first, terms, ..Lawful::default() }).expect("it is lawful");
    assert!(report.held.iter().all(|(name, _)| *name != "no-time-travel"), "{:?}", report.held);
    assert!(report.remarks.iter().any(|text| text.starts_with("it declares no span")));
}

#[test]
fn a_look_too_far_back_is_found() {
    let first = of_two(
        "(i64.lt_s (call $start (local.get $s) (i32.const 1)) \
                   (call $start (local.get $s) (i32.const 0)))",
    );
    breaks(
        &Lawful { first: &first, ..Lawful::default() },
        Law::SubWindows,
        "replica 0 at [0] ms, replica 1 at [-1000, 0] ms; once whole, and once cut to times from 0 on",
        "of what lies 0 ms or more after the start of the part and 0 ms or more before its end, [0] ms of replica 1 when given the whole, and [0] ms of replica 0 when given the part",
    );
}

#[test]
fn settings_are_refused_in_the_policys_words() {
    let version = Arc::new(Version::builtin(engine()).expect("the build made it"));
    let spec = Spec::with_settings(r#"{"rule":"none"}"#);
    let error = check(&version, &spec, Effort::Upload).expect_err("there is no such rule");
    assert!(matches!(error, Refusal::Policy(Error::Settings(_))), "{error:?}");
}

#[test]
fn holes_that_stay_and_the_order_of_replicas_are_remarked_on() {
    let version = Arc::new(Version::builtin(engine()).expect("the build made it"));
    let spec = Spec::with_settings(r#"{"rule":"first"}"#);
    let kit = Kit { budget: BUDGET, ..Kit::new(&version, &spec, Effort::Upload) };
    let remarks = kit.check().expect("it is lawful").remarks;
    let has = |text: &str| remarks.iter().any(|remark| remark.starts_with(text));
    assert!(has("it leaves holes: of "), "{remarks:?}");
    assert!(has("the order of the replicas matters: "), "{remarks:?}");
    let remarks = tried(&Lawful::default()).expect("it is lawful").remarks;
    assert!(!remarks.iter().any(|remark| remark.starts_with("it leaves holes")), "{remarks:?}");
    assert!(remarks.iter().any(|remark| remark.starts_with("it takes settings that are no JSON")));
}

#[test]
fn recorded_answers_are_batches_to_try() {
    let (version, spec) = (version(&Lawful::default()), Spec::default());
    let kit = || Kit { budget: BUDGET, ..Kit::new(&version, &spec, Effort::Upload) };
    let answers = |kit: Kit<'_>| -> u64 {
        let held = kit.check().expect("it is lawful").held;
        held.iter().find(|(name, _)| *name == "answers").expect("it was tried").1
    };
    let mut recorded = SeriesBatch::new();
    for series in ["a", "b"] {
        for at in 0..3000 {
            recorded.push_float(at * 15_000, 1.0);
        }
        recorded.finish_series(promql::Labels::from_pairs([("__name__", series)]));
    }
    let with = kit().with_recorded(&[&recorded, &recorded]);
    assert_eq!(answers(with), answers(kit()) + 2);
}

#[test]
fn differences_from_the_built_in_rule_have_small_examples() {
    let (version, spec) = (version(&Lawful::default()), Spec::default());
    let kit = Kit { budget: BUDGET, ..Kit::new(&version, &spec, Effort::Upload) };
    let found = kit.differences().expect("it answers");
    assert!(found.series_that_differ > 0 && found.samples_of_both > 0, "{found:?}");
    assert_eq!(found.samples_of_builtin_only, 0, "{found:?}");
    let expected = Difference {
        what: "it takes more samples",
        input: "replica 0 at [1] ms, replica 1 at [0] ms".to_owned(),
        builtin: "[1] ms of replica 0".to_owned(),
        policy: "[0] ms of replica 1, [1] ms of replica 0".to_owned(),
    };
    assert_eq!(found.examples, [expected]);
}

#[test]
fn the_built_in_rule_does_not_differ_from_itself() {
    let version = Arc::new(Version::builtin(engine()).expect("the build made it"));
    let spec = Spec::default();
    let kit = Kit { budget: BUDGET, ..Kit::new(&version, &spec, Effort::Upload) };
    let found = kit.differences().expect("it answers");
    assert!(found.batches > 100, "{found:?}");
    assert_eq!((found.series_that_differ, found.examples.len()), (0, 0), "{found:?}");
}

#[test]
fn generated_batches_keep_the_contract_and_are_the_same_every_time() {
    let batches = || -> Vec<case::Case> {
        let span = Some(guest_merge::Span { before_ms: 300_000, after_ms: 300_000 });
        let mut generator = generate::Generator::new(1, span);
        (0..500).map(|_| generator.case()).collect()
    };
    let all = batches();
    for timeline in all.iter().flat_map(case::Case::timelines) {
        assert!(timeline.is_sorted_by(|one, two| one.time < two.time), "{timeline:?}");
        let is_stale = |sample: &case::Sample| sample.bits == promql::series::STALE_NAN_BITS;
        assert!(!timeline.iter().any(is_stale), "{timeline:?}");
    }
    assert!(all == batches(), "another seed, another batch");
}

#[test]
fn samples_made_up_by_a_policy_that_wants_seams_repaired_do_no_harm() {
    let guest = Lawful { after: MAKES_UP, terms: [0, 1, 0, 0, 1], ..Lawful::default() };
    let binding =
        crate::policy::Binding::component(version(&guest), Spec::default(), Settings::default());
    let binding = binding.expect("its plans are valid");
    let mut batch = SeriesBatch::new();
    batch.push_float(1000, 2.0);
    batch.push_float(16_000, 1.0);
    batch.finish_series(promql::Labels::from_pairs([("__name__", "a_total")]));
    let merged =
        crate::policy::merge(&binding, &[&batch, &batch], &crate::policy::Options::everything(0));
    assert_eq!(merged.fault, None);
    assert_eq!(merged.series.series(0).float_times, [5, 1000, 16_000]);
}

const SETTINGS: [&str; 16] = [
    "",
    r#"{"anti_affinity":10000}"#,
    r#"{"anti_affinity":0}"#,
    r#"{"anti_affinity":86400000}"#,
    r#"{"spacing_window":1}"#,
    r#"{"spacing_window":60000}"#,
    r#"{"prefer_max":true}"#,
    r#"{"prefer_max":true,"anti_affinity":4000}"#,
    r#"{"rule":"promxy"}"#,
    r#"{"rule":"promxy","anti_affinity_dynamic":true}"#,
    r#"{"rule":"promxy","prefer_max":true}"#,
    r#"{"rule":"promxy","prefer_max":true,"anti_affinity_dynamic":true}"#,
    r#"{"rule":"penalty"}"#,
    r#"{"rule":"max"}"#,
    r#"{"rule":"max","anti_affinity":5000}"#,
    r#"{"rule":"first"}"#,
];
