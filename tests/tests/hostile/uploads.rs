//! Components that are refused, or taken without harm, when they are uploaded.

use e2e::operator::{good, refused};

use super::*;

/// Uploads beside the neighbour's queries; returns the answer.
fn upload(scene: &Scene, name: &str, wasm: &[u8]) -> Response {
    let beside = Beside::start(scene.proxy.client, result(&scene.ask("neighbour")));
    let start = Instant::now();
    let response = scene.operator.upload(name, wasm);
    let took = start.elapsed();
    let (asked, slowest) = beside.stop();
    eprintln!(
        "{name}: {} bytes, status {} after {took:?}; beside it {asked} queries, slowest {slowest:?}",
        wasm.len(),
        response.status
    );
    response
}

#[track_caller]
fn is_refused(scene: &Scene, wasm: &[u8], texts: &[&str]) {
    let text = refused(&upload(scene, "refused", wasm), 422);
    for part in texts {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn what_is_no_policy_is_refused_with_what_it_is() {
    let Some(scene) = Scene::new() else { return };
    let empty = refused(&scene.operator.upload("refused", b""), 400);
    assert!(empty.contains("empty"), "{empty}");
    is_refused(&scene, b"<html>", &["no WebAssembly"]);
    is_refused(&scene, &Guest::default().module(), &["core module"]);
    let mut cut = Guest::default().component();
    cut.truncate(cut.len() / 2);
    is_refused(&scene, &cut, &["ends in the middle"]);
    let start = Guest { start: "unreachable", ..Guest::default() };
    is_refused(&scene, &start.component(), &["unreachable"]);
    let endless = Guest { start: "(loop $ever (br $ever))", ..Guest::default() };
    is_refused(&scene, &endless.component(), &["deadline"]);
    let list = scene.operator.get("policies");
    let names: Vec<&Value> = list["policies"].as_array().into_iter().flatten().collect();
    assert_eq!(names.len(), 1, "nothing refused is stored: {list}");
}

#[test]
fn imports_outside_of_the_world_are_each_named() {
    let Some(scene) = Scene::new() else { return };
    let guest = Guest {
        packages: &[
            "package evil:net@1.0.0; interface dial { dial: func(to: string); }",
            "package evil:disk@1.0.0; interface files { read: func() -> u32; }",
        ],
        world_imports: "  import evil:net/dial@1.0.0;\n  import evil:disk/files@1.0.0;",
        imports: r#"(import "evil:net/dial@1.0.0" "dial" (func (param i32 i32)))
            (import "evil:disk/files@1.0.0" "read" (func (result i32)))"#,
        ..Guest::default()
    };
    let texts = ["evil:net/dial@1.0.0 (dial)", "evil:disk/files@1.0.0 (read)"];
    is_refused(&scene, &guest.component(), &texts);
}

#[test]
fn a_core_module_with_its_type_embedded_is_taken_as_a_component() {
    let Some(scene) = Scene::new() else { return };
    let wasm = Guest { when: "(i32.const 0)", ..Guest::default() }.module_with_type();
    let digest = scene.bind("module", &wasm);
    assert!(warnings(&scene.ask("hostile")).is_empty());
    let target = format!("/api/v1/policies/module/{digest}");
    assert_eq!(scene.proxy.admin.get(&target, &[]).body, wasm, "the bytes come back as they were");
}

#[test]
fn ten_thousand_functions_and_fifty_megabytes_hold_nobody_up() {
    let Some(scene) = Scene::new() else { return };
    let body = "(func (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3)))\n";
    let functions = body.repeat(10_000);
    let many = Guest { items: &functions, when: "(i32.const 0)", ..Guest::default() };
    let response = upload(&scene, "many", &many.component());
    assert!(good(&response)["version"]["digest"].is_string());
    let mut large = many.component();
    let section = vec![0_u8; 50 << 20];
    large.push(0);
    let mut length = section.len() + 2;
    while length > 127 {
        large.push((length & 127) as u8 | 128);
        length >>= 7;
    }
    large.push(length as u8);
    large.extend([1, b'x']);
    large.extend(section);
    let response = upload(&scene, "large", &large);
    assert!([201, 422].contains(&response.status), "{}", response.text());
    let before = scene.proxy.resident_bytes();
    eprintln!("resident memory afterwards: {} MiB", before >> 20);
}

#[test]
fn types_nested_without_end_crash_nothing() {
    let Some(scene) = Scene::new() else { return };
    let mut text = String::from("(component\n  (type $t0 (list u8))\n");
    for depth in 1..20_000 {
        text.push_str(&format!("  (type $t{depth} (list $t{}))\n", depth - 1));
    }
    text.push_str(")\n");
    let wasm = wat::parse_str(&text).expect("the text is valid");
    let response = upload(&scene, "nested", &wasm);
    assert_eq!(response.status, 422, "{}", response.text());
    let mut pairs = String::from("(component\n  (type $t0 (tuple u8 u8))\n");
    for depth in 1..64 {
        let inner = depth - 1;
        pairs.push_str(&format!("  (type $t{depth} (tuple $t{inner} $t{inner}))\n"));
    }
    pairs.push_str(")\n");
    let wasm = wat::parse_str(&pairs).expect("the text is valid");
    assert_eq!(upload(&scene, "pairs", &wasm).status, 422);
}

#[test]
fn a_name_section_that_promises_more_than_there_is_crashes_nothing() {
    let Some(scene) = Scene::new() else { return };
    let mut wasm = Guest { when: "(i32.const 0)", ..Guest::default() }.component();
    // A component's name section: a subsection of 2^31 names in six bytes.
    let names = [1_u8, 5, 0xff, 0xff, 0xff, 0xff, 0x07];
    let name = b"component-name";
    wasm.extend([0, (1 + name.len() + names.len()) as u8, name.len() as u8]);
    wasm.extend(name);
    wasm.extend(names);
    let response = upload(&scene, "names", &wasm);
    assert!([201, 422].contains(&response.status), "{}", response.text());
}

#[test]
fn two_uploads_of_one_name_at_once_are_both_kept() {
    let Some(scene) = Scene::new() else { return };
    let wasm = Guest { when: "(i32.const 0)", ..Guest::default() }.component();
    let digests: Vec<String> = thread::scope(|scope| {
        let tasks = ["a", "b", "c", "d"].map(|mark| {
            let (operator, wasm) = (scene.operator, marked(&wasm, mark));
            scope.spawn(move || {
                loop {
                    let response = operator.upload("twice", &wasm);
                    // Only so many at a time.
                    if response.status != 503 {
                        let version = &good(&response)["version"];
                        return version["digest"].as_str().expect("a digest").to_owned();
                    }
                }
            })
        });
        tasks.into_iter().map(|task| task.join().expect("it was taken")).collect()
    });
    let policy = scene.operator.get("policies/twice");
    let versions = policy["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), digests.len(), "{policy}");
    for digest in digests {
        assert!(versions.iter().any(|version| version["digest"] == digest.as_str()), "{policy}");
    }
}

#[test]
fn a_thousand_uploads_in_a_loop_do_not_pile_up() {
    let Some(scene) = Scene::new() else { return };
    let wasm = Guest { when: "(i32.const 0)", ..Guest::default() }.component();
    let beside = Beside::start(scene.proxy.client, result(&scene.ask("neighbour")));
    let mut halfway = 0;
    for index in 0..1_000 {
        if index == 500 {
            halfway = scene.proxy.resident_bytes();
        }
        let _ = scene.operator.upload_good("loop", &marked(&wasm, &(index % 7).to_string()));
    }
    let end = scene.proxy.resident_bytes();
    let (asked, slowest) = beside.stop();
    eprintln!(
        "1,000 uploads: {} KiB after half, {} KiB after all; {asked} queries, slowest {slowest:?}",
        halfway >> 10,
        end >> 10
    );
    assert!(end < halfway + (16 << 20), "memory grew from {halfway} to {end}");
    let versions = scene.operator.get("policies/loop")["versions"].clone();
    assert!(versions.as_array().is_some_and(|versions| versions.len() <= 7), "{versions}");
}
