//! Whether a compiled component fits the contract: what it imports, exports,
//! and says of itself.

use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::engine::Engine;
use super::version::Description;
use super::{Error, form, text};

/// The interface that every policy exports.
const CONTRACT: &str = "promweave:merge/policy@1.0.0";
/// Its functions.
const FUNCTIONS: [&str; 3] = ["describe", "configure", "plan"];
/// Interfaces that language runtimes bring along, by their beginnings; the
/// sandbox has them empty: what there is instead of an outside.
const WORLD: [(&str, &str); 6] = [
    ("wasi:cli/", "no arguments, no environment, no input; what it writes ends in the log, cut"),
    ("wasi:clocks/", "clocks that stand at the query's evaluation time; waiting ends the call"),
    ("wasi:filesystem/", "no files"),
    ("wasi:io/", "streams without an outside"),
    ("wasi:random/", "numbers that are the same every time"),
    ("wasi:sockets/", "no network"),
];
/// Interfaces that are named.
const MOST_NAMED: usize = 50;
/// Bytes of a policy's own version.
const MOST_VERSION: usize = 100;
/// Bytes of a schema of settings.
const MOST_SCHEMA: usize = 256 << 10;

/// What there is instead of an interface, if policies may import it.
pub(crate) fn instead_of(import: &str) -> Option<&'static str> {
    let known = WORLD.iter().find(|(beginning, _)| import.starts_with(beginning));
    known.map(|(_, instead)| *instead)
}

/// Names of the imported interfaces.
///
/// # Errors
/// [`Error::Imports`], with every one that is not met, and its functions.
pub(super) fn imports(engine: &Engine, component: &Component) -> Result<Vec<String>, Error> {
    let mut imports = Vec::new();
    let mut refused = Vec::new();
    for (name, item) in component.component_type().imports(engine.wasm()) {
        let functions = match item.ty {
            ComponentItem::Type(_) => continue,
            ComponentItem::ComponentInstance(instance) => {
                let is_type = |item: &ComponentItem| matches!(item, ComponentItem::Type(_));
                let exports = instance.exports(engine.wasm());
                let things: Vec<_> = exports
                    .filter(|(_, item)| !is_type(&item.ty))
                    .map(|(name, _)| name.to_owned())
                    .collect();
                if things.is_empty() {
                    continue; // an interface of types only
                }
                things
            }
            _ => Vec::new(),
        };
        if instead_of(name).is_some() {
            imports.push(name.to_owned());
        } else if functions.is_empty() {
            refused.push(name.to_owned());
        } else {
            refused.push(format!("{name} ({})", form::listed(&functions)));
        }
    }
    if refused.is_empty() {
        return Ok(imports);
    }
    let more = refused.len().saturating_sub(MOST_NAMED);
    refused.truncate(MOST_NAMED);
    if more > 0 {
        refused.push(format!("and {more} more"));
    }
    Err(Error::Imports(refused.join("; ")))
}

/// Names of what is exported.
///
/// # Errors
/// [`Error::Interface`] without the contract; it says what there is instead.
pub(super) fn exports(engine: &Engine, component: &Component) -> Result<Vec<String>, Error> {
    let ty = component.component_type();
    let exports = ty.exports(engine.wasm()).map(|(name, _)| text::line(name, 200));
    let exports: Vec<String> = exports.take(MOST_NAMED).collect();
    let Some(contract) = component.get_export_index(None, CONTRACT) else {
        let named = exports.iter().find(|name| name.starts_with("promweave:merge/policy"));
        let version = named.map_or("", |_| " (the host has version 1.0)");
        return Err(Error::Interface(format!(
            "it does not export {CONTRACT}; it exports {}{version}",
            form::listed(&exports)
        )));
    };
    for function in FUNCTIONS {
        if component.get_export_index(Some(&contract), function).is_none() {
            return Err(Error::Interface(format!(
                "its {CONTRACT} does not export the function {function}"
            )));
        }
    }
    Ok(exports)
}

/// Whether this may be the name of a policy.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Checks what a policy says of itself: the name goes into logs, warnings and
/// metrics, so it must be one; the other texts are shown to operators.
///
/// # Errors
/// [`Error::Interface`], with what is wrong.
pub(super) fn description(description: Description) -> Result<Description, Error> {
    let Description { name, version, settings_schema } = &description;
    if !is_name(name) {
        let shown = text::line(name, 100);
        return Err(Error::Interface(format!(
            "its name must be 1 to 64 of a-z, 0-9 and -, not {shown:?}"
        )));
    }
    if version.len() > MOST_VERSION || version.chars().any(text::is_hidden) {
        return Err(Error::Interface(format!(
            "its version must be at most {MOST_VERSION} bytes of plain text, not {:?}",
            text::line(version, MOST_VERSION)
        )));
    }
    let is_odd = |c: char| text::is_hidden(c) && !c.is_ascii_whitespace();
    if settings_schema.len() > MOST_SCHEMA || settings_schema.chars().any(is_odd) {
        return Err(Error::Interface(format!(
            "the schema of its settings must be at most {MOST_SCHEMA} bytes of plain text; it has \
             {}",
            settings_schema.len()
        )));
    }
    Ok(description)
}
