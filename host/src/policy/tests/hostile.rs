//! Whatever a guest does, the query is answered by the built-in rule, with a
//! warning, and nobody else notices.

use super::guests::{Guest, TRIGGER_MS, answer};
use super::*;

fn bind(guest: &Guest<'_>, limits: Limits) -> Binding {
    let version = Version::load(engine(), &guest.component(), &limits).expect("it loads");
    Binding::component(Arc::new(version), Spec::with_limits(limits), Settings::default())
        .expect("it is honest in the trial")
}

fn bound(plan: &str) -> Binding {
    bind(&Guest { plan, ..Guest::default() }, Limits::default())
}

fn bound_with(plan: &str, data: &[u32]) -> Binding {
    let guest = Guest { plan, data: data.to_vec(), ..Guest::default() };
    bind(&guest, Limits::default())
}

/// Two replicas of one series with three samples each, at which guests
/// misbehave.
fn replicas() -> [SeriesBatch; 2] {
    let start = TRIGGER_MS / 1000;
    let samples = |own: [i64; 3]| own.map(|tick| (start + 15 * tick, tick as f64));
    [batch(&[("a", &samples([0, 1, 3]))]), batch(&[("a", &samples([0, 1, 2]))])]
}

/// Merges under a guest that misbehaves; returns its fault.
#[track_caller]
fn fault(binding: &Binding) -> Fault {
    let [one, two] = replicas();
    let options = Options::everything(TRIGGER_MS);
    let merged = merge(binding, &[&one, &two], &options);
    let fault = merged.fault.expect("the guest is at fault");
    let expected = merge(&Binding::native(Settings::default()), &[&one, &two], &options);
    assert_eq!(merged.series, expected.series);
    assert_eq!(merged.runs, expected.runs);
    let digest = &binding.version().expect("it is a component").digest()[..12];
    assert_eq!(
        merged.warnings,
        [format!("merge policy hostile ({digest}) {fault}; the built-in rule merged instead")]
    );
    fault
}

#[track_caller]
fn is_bad_plan(binding: &Binding, text: &str) {
    assert_eq!(fault(binding), Fault::Plan(text.to_owned()));
}

#[test]
fn an_honest_guest_is_no_fault() {
    let samples: &[(i64, f64)] = &[(0, 1.0)];
    let one = batch(&[("a", samples)]);
    let merged = merge(&bound("unreachable"), &[&one, &one], &Options::everything(0));
    assert_eq!(merged.fault, None);
    assert!(merged.series.is_empty());
}

#[test]
fn a_trap_is_a_fault() {
    let trap = Fault::Trap("wasm trap: wasm `unreachable` instruction executed".to_owned());
    assert_eq!(fault(&bound("unreachable")), trap);
    assert_eq!(fault(&bound("unreachable")).name(), "trap");
}

#[test]
fn endless_recursion_is_a_fault() {
    let exhausted = Fault::Trap("wasm trap: call stack exhausted".to_owned());
    assert_eq!(fault(&bound("(call $recurse (i32.const 0))")), exhausted);
}

#[test]
fn an_endless_loop_is_stopped_at_the_deadline() {
    let limits = Limits { deadline_ms: 20, ..Limits::default() };
    let guest = Guest { plan: "(loop $ever (br $ever)) unreachable", ..Guest::default() };
    let binding = bind(&guest, limits);
    let start = Instant::now();
    assert_eq!(fault(&binding), Fault::Deadline(20));
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn allocating_without_end_is_stopped_at_the_limit() {
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let plan = "(loop $ever (drop (memory.grow (i32.const 16))) (br $ever)) unreachable";
    let guest = Guest { plan, ..Guest::default() };
    assert_eq!(fault(&bind(&guest, limits)), Fault::Memory(8 << 20));
}

#[test]
fn tables_without_end_are_stopped_at_the_limit() {
    let limits = Limits { table_elements: 1000, ..Limits::default() };
    let plan = "(loop $ever (drop (table.grow (ref.null func) (i32.const 100))) (br $ever)) \
                unreachable";
    let guest = Guest { plan, imports: "(table 1 funcref)", ..Guest::default() };
    let trap = "exceeded its table limit of 1000 elements".to_owned();
    assert_eq!(fault(&bind(&guest, limits)), Fault::Trap(trap));
}

#[test]
fn a_refusal_is_a_fault_with_the_guests_words() {
    // The error case: tag 1, then the address and length of the text.
    let plan = "(i32.store (i32.const 256) (i32.const 1)) \
                (i32.store (i32.const 260) (i32.const 16)) \
                (i32.store (i32.const 264) (i32.const 7)) (i32.const 256)";
    assert_eq!(fault(&bound(plan)), Fault::Refused("hostile".to_owned()));
}

#[test]
fn replicas_and_samples_out_of_range_are_bad_plans() {
    let one = answer(3, 1, 0);
    is_bad_plan(&bound_with(&one, &[7, 0, 1, 1]), "replica 7 of 2");
    is_bad_plan(&bound_with(&one, &[0, 1, 3, 1]), "samples 1 to 4 of 3 of replica 0");
    is_bad_plan(
        &bound_with(&one, &[1, u32::MAX, u32::MAX, 1]),
        "samples 4294967295 to 8589934590 of 3 of replica 1",
    );
    is_bad_plan(&bound_with(&one, &[0, 1, 0, 1]), "an empty run");
}

#[test]
fn runs_that_overlap_or_go_back_are_bad_plans() {
    let two = answer(6, 1, 0);
    let text = "time does not ascend from run to run";
    is_bad_plan(&bound_with(&two, &[0, 0, 2, 0, 1, 1, 2]), text);
    is_bad_plan(&bound_with(&two, &[0, 1, 1, 0, 0, 1, 2]), text);
    is_bad_plan(&bound_with(&two, &[0, 0, 1, 1, 0, 1, 2]), text);
}

#[test]
fn ends_that_do_not_fit_are_bad_plans() {
    is_bad_plan(&bound_with(&answer(3, 2, 0), &[0, 0, 1, 1, 1]), "2 ends for 1 series");
    is_bad_plan(&bound_with(&answer(3, 0, 0), &[0, 0, 1]), "0 ends for 1 series");
    let text = "ends do not cover the runs";
    is_bad_plan(&bound_with(&answer(3, 1, 0), &[0, 0, 1, 9]), text);
    is_bad_plan(&bound_with(&answer(3, 1, 0), &[0, 0, 1, 0]), text);
    is_bad_plan(&bound_with(&answer(2, 1, 0), &[0, 0, 0]), text);
}

#[test]
fn inventing_samples_without_having_said_so_is_a_bad_plan() {
    // No runs, one end, padding; a time, a value, an end.
    let data = [0, 0, 5, 0, 0, 0, 1];
    is_bad_plan(&bound_with(&answer(0, 1, 1), &data), "synthesised samples without having said so");
}

#[test]
fn a_list_outside_of_memory_is_a_fault() {
    let plan = "(call $answer (i32.const -16) (i32.const 12) (i32.const 0) (i32.const 0) \
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) \
                (i32.const 0))";
    let Fault::Trap(text) = fault(&bound(plan)) else { panic!("it is no trap") };
    assert!(text.contains("out of bounds"), "{text}");
}

#[test]
fn a_result_too_large_to_copy_is_a_fault() {
    let limits = Limits { copied_bytes: 1 << 20, ..Limits::default() };
    let plan = "(drop (memory.grow (i32.const 100))) \
                (call $answer (i32.const 0) (i32.const 1000000) (i32.const 0) (i32.const 0) \
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) \
                (i32.const 0))";
    let guest = Guest { plan, ..Guest::default() };
    let Fault::Trap(text) = fault(&bind(&guest, limits)) else { panic!("it is no trap") };
    assert!(text.contains("fuel"), "{text}");
}

#[test]
fn a_trap_at_a_later_call_discards_the_earlier_answers() {
    // The trial makes three calls on an instance of its own; in a merge the
    // second chunk traps.
    let guest = Guest {
        trigger: "(i32.and (i32.gt_u (global.get $calls) (i32.const 1)) \
                  (i64.ge_s (call $first_time (local.get 5) (local.get 6)) \
                  (i64.const 1000000000000)))",
        ..Guest::default()
    };
    let binding = bind(&guest, Limits::default());
    let mut one = SeriesBatch::new();
    for series in 0..2 {
        for index in 0..30_000 {
            one.push_float(TRIGGER_MS + 15_000 * index + series, 1.0);
        }
        one.finish_series(Labels::from_pairs([("a", series.to_string())]));
    }
    let merged = merge(&binding, &[&one, &one], &Options::everything(0));
    assert!(matches!(merged.fault, Some(Fault::Trap(_))), "{:?}", merged.fault);
    assert_eq!(merged.series, one);
}

#[test]
fn a_text_of_a_guest_does_not_reach_a_terminal_as_more_than_text() {
    // An escape, a line's end, and what turns the direction of writing.
    let plan = "(i32.store (i32.const 256) (i32.const 1)) \
                (i32.store (i32.const 260) (i32.const 1024)) \
                (i32.store (i32.const 264) (i32.const 12)) (i32.const 256)";
    let words = [*b"no\x1b[", *b"31m\r", *b"\xe2\x80\xaeX"].map(u32::from_le_bytes);
    let refused = Fault::Refused("no\u{fffd}[31m\u{fffd}\u{fffd}X".to_owned());
    assert_eq!(fault(&bound_with(plan, &words)), refused);
}

#[test]
fn a_neighbour_is_unharmed_while_guests_trap_and_spin() {
    let limits = Limits { deadline_ms: 20, ..Limits::default() };
    let spin = Guest { plan: "(loop $ever (br $ever)) unreachable", ..Guest::default() };
    let hostile = [bind(&spin, limits), bound("unreachable")];
    let good = builtin("");
    let [one, two] = replicas();
    let options = Options::everything(TRIGGER_MS);
    let expected = merge(&good, &[&one, &two], &options);
    std::thread::scope(|scope| {
        for binding in &hostile {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        assert!(merge(binding, &[&one, &two], &options).fault.is_some());
                    }
                });
            }
        }
        for _ in 0..200 {
            let merged = merge(&good, &[&one, &two], &options);
            assert_eq!(merged.fault, None);
            assert_eq!(merged.series, expected.series);
        }
    });
}

#[test]
fn more_merges_than_sandboxes_wait_for_their_turn() {
    let limits = EngineLimits { sandboxes: 1, ..EngineLimits::default() };
    let engine = Engine::new(&limits).expect("wasm runs here");
    let version = Arc::new(Version::builtin(&engine).expect("the build made it"));
    let binding = Binding::component(version, Spec::default(), Settings::default());
    let binding = binding.expect("it passes its trial");
    let [one, two] = replicas();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let merged = merge(&binding, &[&one, &two], &Options::everything(0));
                assert_eq!(merged.fault, None);
            });
        }
    });
}
