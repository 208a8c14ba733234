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
/// Interfaces that language runtimes bring along; the sandbox has them empty.
const EMPTY_INTERFACES: [&str; 6] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];
/// Interfaces that are named.
const MOST_NAMED: usize = 50;
/// Bytes of a policy's own version.
const MOST_VERSION: usize = 100;
/// Bytes of a schema of settings.
const MOST_SCHEMA: usize = 256 << 10;

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
        if EMPTY_INTERFACES.iter().any(|known| name.starts_with(known)) {
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

/// Checks what a policy says of itself: the name goes into logs, warnings and
/// metrics, so it must be one; the other texts are shown to operators.
///
/// # Errors
/// [`Error::Interface`], with what is wrong.
pub(super) fn description(description: Description) -> Result<Description, Error> {
    let Description { name, version, settings_schema } = &description;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
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
