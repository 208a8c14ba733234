//! Guests that are taken, because they keep the laws when tried, and fail at
//! a query.

use serde_json::json;

use e2e::guest::{Guest, answer};
use e2e::operator::refused;

use super::*;

fn plan_is_contained(name: &str, plan: &str, data: &[u32], fault: &str) {
    let Some(scene) = Scene::new() else { return };
    contained(&scene, name, &Guest { plan, data, ..Guest::default() }.component(), fault);
}

#[test]
fn an_endless_loop() {
    plan_is_contained("spin", "(loop $ever (br $ever)) unreachable", &[], "deadline of 50 ms");
}

#[test]
fn an_endless_recursion() {
    plan_is_contained("dive", "(call $recurse (i32.const 0))", &[], "call stack exhausted");
}

#[test]
fn a_memory_bomb() {
    let plan = "(loop $ever (drop (memory.grow (i32.const 16))) (br $ever)) unreachable";
    plan_is_contained("swell", plan, &[], "memory limit");
}

#[test]
fn a_memory_bomb_that_touches_every_page() {
    let plan = "(loop $ever \
        (drop (memory.grow (i32.const 16))) \
        (memory.fill (i32.const 131072) (i32.const 1) \
          (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 131072))) \
        (br $ever)) unreachable";
    plan_is_contained("stuff", plan, &[], "exceeded its");
}

#[test]
fn a_table_bomb() {
    let Some(scene) = Scene::new() else { return };
    let guest = Guest {
        items: "(table $refs 1 funcref)",
        plan: "(loop $ever \
            (drop (table.grow $refs (ref.null func) (i32.const 50000))) (br $ever)) unreachable",
        ..Guest::default()
    };
    contained(&scene, "table", &guest.component(), "table limit");
}

#[test]
fn a_trap() {
    plan_is_contained("trap", "unreachable", &[], "unreachable");
}

#[test]
fn an_answer_of_four_gigabytes_declared_length() {
    let plan = "(call $answer (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 1) \
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    plan_is_contained("giant", plan, &[], "out of bounds");
}

#[test]
fn runs_out_of_range() {
    plan_is_contained("far", &answer(3, 1, 0), &[7, 0, 1, 1], "replica 7 of 2");
    plan_is_contained("long", &answer(3, 1, 0), &[0, 0, 4000, 1], "samples 0 to 4000");
}

#[test]
fn runs_that_overlap() {
    let data = [0, 0, 5, 0, 4, 5, 2];
    plan_is_contained("overlap", &answer(6, 1, 0), &data, "does not ascend");
}

#[test]
fn runs_that_descend() {
    let data = [0, 5, 1, 0, 0, 1, 2];
    plan_is_contained("descend", &answer(6, 1, 0), &data, "does not ascend");
}

#[test]
fn a_wrong_number_of_series() {
    plan_is_contained("few", &answer(3, 9, 0), &[0, 0, 1, 1], "9 ends for");
}

#[test]
fn invented_samples_without_having_said_so() {
    let data = [0, 0, 5, 0, 0, 0, 1];
    plan_is_contained("invent", &answer(0, 1, 1), &data, "invalid plan");
}

#[test]
fn a_trap_at_the_thousandth_call_never_comes_because_instances_end_with_their_merge() {
    let Some(scene) = Scene::new() else { return };
    let when = "(i32.ge_u (global.get $calls) (i32.const 1000))";
    scene.bind("thousand", &Guest { when, ..Guest::default() }.component());
    let first = scene.ask("hostile");
    for _ in 0..1_000 {
        let response = scene.ask("hostile");
        assert_eq!(response.text(), first.text());
    }
    assert!(warnings(&first).is_empty());
    assert_eq!(scene.faults("thousand"), 0);
}

/// The first call in an instance takes the first replica, every later one
/// would trap: had a query another's instance, it would be seen.
#[test]
fn state_is_not_kept_from_one_query_to_the_next() {
    let Some(scene) = Scene::new() else { return };
    let when = "(i32.gt_u (global.get $calls) (i32.const 1))";
    scene.bind("memory", &Guest { when, ..Guest::default() }.component());
    for _ in 0..20 {
        let response = scene.ask("hostile");
        assert!(warnings(&response).is_empty(), "{:?}", warnings(&response));
    }
}

#[test]
fn a_policy_that_fails_again_and_again_is_parked_and_says_so() {
    let Some(scene) = Scene::new() else { return };
    let _ = scene.operator.upload_good("trap", &Guest::default().component());
    scene.operator.bind_good("hostile", &json!({ "name": "trap", "park_after": 3 }));
    for _ in 0..3 {
        assert!(warnings(&scene.ask("hostile"))[0].contains("unreachable"));
    }
    let parked = scene.ask("hostile");
    assert_eq!(result(&parked), result(&scene.ask("neighbour")));
    assert!(warnings(&parked)[0].contains("parked"), "{:?}", warnings(&parked));
    assert_eq!(scene.faults("trap"), 3);
    let group = scene.operator.get("server_groups/hostile/policy");
    assert_eq!(group["active"]["state"], "parked", "{group}");
    scene.operator.bind_good("hostile", &json!({ "name": "trap", "park_after": 3 }));
    assert!(warnings(&scene.ask("hostile"))[0].contains("unreachable"));
}

#[test]
fn a_group_that_fails_closed_answers_with_an_error_that_names_the_policy() {
    let Some(scene) = Scene::new() else { return };
    let digest = scene.operator.upload_good("trap", &Guest::default().component());
    scene.operator.bind_good("hostile", &json!({ "name": "trap", "fail": "closed" }));
    let text = refused(&scene.ask("hostile"), 422);
    assert!(text.contains("hostile") && text.contains(&digest[..12]), "{text}");
    assert_eq!(scene.ask("neighbour").status, 200);
}

#[test]
fn many_queries_of_a_spinning_policy_leave_room_for_the_neighbour() {
    let Some(scene) = Scene::new() else { return };
    let plan = "(loop $ever (br $ever)) unreachable";
    scene.bind("spin", &Guest { plan, ..Guest::default() }.component());
    let expected = result(&scene.ask("neighbour"));
    let beside = Beside::start(scene.proxy.client, expected.clone());
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..4 {
                    assert_eq!(result(&scene.ask("hostile")), expected);
                }
            });
        }
    });
    let (asked, slowest) = beside.stop();
    eprintln!("64 spinning queries; beside them {asked} queries, slowest {slowest:?}");
    assert!(asked > 1);
}
