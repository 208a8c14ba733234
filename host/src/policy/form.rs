//! What some bytes are that somebody says are a policy.
//!
//! In come the bytes of an upload, out comes a component: they themselves, or,
//! for a core module that carries its component's type, what that is wrapped
//! into. Everything else is named. Hostile bytes may make this slow: it runs
//! where they are compiled.

use std::borrow::Cow;

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::{Error, text};

/// What all WebAssembly begins with.
const MAGIC: &[u8] = b"\0asm";
/// How a core module goes on.
const MODULE: &[u8] = &[1, 0, 0, 0];
/// How a component goes on.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
/// Beginning of the names of custom sections with a component's type.
const TYPE_SECTION: &str = "component-type";
/// Bytes of an error's text that are passed on.
const MOST_TEXT: usize = 1000;

/// What else is sent by mistake, by its first bytes.
const MISTAKES: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "this is compressed (gzip): upload the component itself"),
    (b"\x28\xb5\x2f\xfd", "this is compressed (zstd): upload the component itself"),
    (b"\xfd7zXZ", "this is compressed (xz): upload the component itself"),
    (b"BZh", "this is compressed (bzip2): upload the component itself"),
    (b"PK\x03\x04", "this is an archive (zip): upload the component itself"),
    (b"!<arch>", "this is a library of object files: upload the component that is linked of it"),
    (b"\x7fELF", "this is a program or machine code: upload the component it was made from"),
    (b"(module", TEXT),
    (b"(component", TEXT),
];
const TEXT: &str = "this is WebAssembly as text: make it a binary first, with `wasm-tools parse`";

/// Refuses at a glance what cannot be a policy; cheap, whatever the bytes.
///
/// # Errors
/// [`Error::NotAComponent`], with what it is and what to do.
pub(super) fn glance(wasm: &[u8]) -> Result<(), Error> {
    let refuse = |text: &str| Err(Error::NotAComponent(text.to_owned()));
    if wasm.is_empty() {
        return refuse("there are no bytes");
    }
    match wasm.strip_prefix(MAGIC) {
        Some(rest) if rest.starts_with(MODULE) || rest.starts_with(COMPONENT) => Ok(()),
        Some(rest) if rest.len() < MODULE.len() => refuse("the bytes end within the header"),
        Some(_) => refuse("this is WebAssembly of a version that is not known here"),
        None if wasmtime::Engine::detect_precompiled(wasm).is_some() => {
            refuse("this is machine code of some wasmtime: upload the component it was made from")
        }
        None => {
            let start = wasm.trim_ascii_start();
            let mistake = MISTAKES.iter().find(|(first, _)| start.starts_with(first));
            refuse(mistake.map_or("this is no WebAssembly", |(_, text)| text))
        }
    }
}

/// Whether some bytes begin as a core module does.
pub(crate) fn is_module(wasm: &[u8]) -> bool {
    wasm.strip_prefix(MAGIC).is_some_and(|rest| rest.starts_with(MODULE))
}

/// The component that some bytes are, or are wrapped into.
///
/// # Errors
/// [`Error::NotAComponent`], with what is missing and what to do.
pub(super) fn component_of(wasm: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    glance(wasm)?;
    let sections = look(wasm)?;
    if !sections.is_module {
        return Ok(Cow::Borrowed(wasm));
    }
    if !sections.has_type {
        return Err(Error::NotAComponent(format!(
            "this is a core module without an embedded component type: build it with bindings of \
             the contract (wit-bindgen embeds it), or embed it with `wasm-tools component embed`; \
             it exports {}",
            listed(&sections.exports)
        )));
    }
    let encoder = ComponentEncoder::default().validate(false).module(wasm);
    let component = encoder.and_then(|mut encoder| encoder.encode());
    component.map(Cow::Owned).map_err(|error| {
        let adapter = "wasi_snapshot_preview1";
        let error = cut(&format!("{error:#}"));
        let hint = if sections.imports.iter().any(|module| module == adapter) {
            format!(
                "; it imports {adapter}: build it for wasm32-wasip2, or wrap it with that adapter"
            )
        } else {
            String::new()
        };
        Error::NotAComponent(format!(
            "this core module cannot be wrapped into a component: {error}{hint}"
        ))
    })
}

/// What a core module says of itself; of a component, that it is one.
#[derive(Default)]
struct Sections {
    is_module: bool,
    has_type: bool,
    exports: Vec<String>,
    /// Modules that are imported from.
    imports: Vec<String>,
}

/// Reads to the end, modules within a component too, without validating.
fn look(wasm: &[u8]) -> Result<Sections, Error> {
    let is_module = wasm[MAGIC.len()..].starts_with(MODULE);
    let mut sections = Sections { is_module, ..Sections::default() };
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| unreadable(&error, wasm.len()))?;
        if is_module {
            sections.note(&payload);
        }
    }
    Ok(sections)
}

impl Sections {
    fn note(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::CustomSection(section) => {
                self.has_type |= section.name().starts_with(TYPE_SECTION);
            }
            Payload::ExportSection(exports) => {
                let names = exports.clone().into_iter().flatten();
                self.exports.extend(names.map(|export| export.name.to_owned()).take(20));
            }
            Payload::ImportSection(imports) => {
                let imports = imports.clone().into_imports().flatten();
                self.imports.extend(imports.map(|import| import.module.to_owned()).take(1000));
            }
            _ => {}
        }
    }
}

fn unreadable(error: &wasmparser::BinaryReaderError, size: usize) -> Error {
    Error::NotAComponent(if error.message().contains("unexpected end") {
        format!("it ends in the middle, after {size} bytes: was the upload cut off?")
    } else {
        format!("this is damaged WebAssembly: {error}")
    })
}

/// A tool's message of several lines, made one and cut.
pub(super) fn cut(message: &str) -> String {
    text::line(&message.replace('\n', " "), MOST_TEXT)
}

/// Names for an error's text.
pub(super) fn listed(names: &[String]) -> String {
    const MOST: usize = 10;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let shown = names.iter().take(MOST).map(|name| text::line(name, 100));
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        list.push_str(&format!(" and {} more", names.len() - MOST));
    }
    list
}
