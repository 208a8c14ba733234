//! YAML text to a tree in which everything knows its place.
//!
//! Comes in: text. Goes out: a tree of mappings, lists and scalars as they
//! were written (a scalar is text; what it means is decided by the reader of
//! the key), aliases and merge keys resolved. What is refused here: anything
//! that is not YAML, more than one document, duplicate keys, and trees that
//! are too deep or, through aliases, too large.

mod build;
mod cursor;

use std::rc::Rc;

use saphyr_parser::Parser;

pub(super) use cursor::Cursor;

use super::report::{Mistake, Place, Report, START, quoted};
use build::Builder;

/// Levels of nesting, aliases followed. Far above any configuration, and low
/// enough for recursive walks.
const MAX_DEPTH: usize = 64;

/// Nodes that aliases may add. A file of nested aliases ("billion laughs")
/// passes this with its first few lines.
const MAX_ALIASED_NODES: usize = 100_000;

/// A piece of the file.
#[derive(Debug)]
pub(super) struct Node {
    place: Place,
    value: Value,
    /// Nodes in this subtree, aliases followed.
    nodes: usize,
    /// Levels in this subtree, aliases followed.
    depth: usize,
}

#[derive(Debug)]
enum Value {
    Null,
    Scalar {
        text: String,
        /// Neither quoted nor a block: `true` and `1` may be more than text.
        plain: bool,
    },
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    /// Of the key.
    place: Place,
    node: Rc<Node>,
}

impl Node {
    fn new(place: Place, value: Value) -> Self {
        let children: &mut dyn Iterator<Item = &Rc<Self>> = match &value {
            Value::Null | Value::Scalar { .. } => &mut std::iter::empty(),
            Value::List(items) => &mut items.iter(),
            Value::Map(entries) => &mut entries.iter().map(|entry| &entry.node),
        };
        let (mut nodes, mut depth) = (1_usize, 0);
        for child in children {
            nodes = nodes.saturating_add(child.nodes);
            depth = depth.max(child.depth);
        }
        Self { place, value, nodes, depth: depth + 1 }
    }
}

/// The tree of a file with one document, or `None` with the reasons in the
/// report. Duplicate keys are reported too, but do not hide the tree.
pub(super) fn parse(text: &str, report: &mut Report) -> Option<Rc<Node>> {
    let root = parse_or_empty(text, report)?;
    report.take(root.ok_or_else(|| {
        Mistake {
            place: START,
            key: String::new(),
            text: "found an empty file, expected at least `promxy:` with `server_groups:` in it"
                .to_owned(),
        }
    }))
}

/// As [`parse`], with nothing for a file without content.
pub(super) fn parse_or_empty(text: &str, report: &mut Report) -> Option<Option<Rc<Node>>> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => builder.accept(event, span.start, report),
            Err(error) => {
                let place = place_of(*error.marker());
                Err(Mistake { place, key: builder.path(), text: explain(error.info()) })
            }
        };
        report.take(step)?;
    }
    Some(builder.finish().filter(|root| !matches!(root.value, Value::Null)))
}

fn place_of(marker: saphyr_parser::Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

/// What the parser calls the usual mistakes, and what to do about them.
const EXPLAINED: &[(&str, &str)] = &[
    ("tabs disallowed", "found a tab in the indentation, expected spaces"),
    ("must be followed by a valid YAML whitespace", "found a tab after `:`, expected a space"),
    (
        "while scanning a quoted scalar, found unexpected end of stream",
        "found a quotation mark that is never closed",
    ),
    (
        "invalid indentation in quoted scalar",
        "found a quotation mark that is not closed before the indentation ends",
    ),
    (
        "mapping values are not allowed in this context",
        "found a `:` inside a value, expected it after a key (quote the value if the `:` is part of it)",
    ),
    (
        "did not find expected key",
        "found something that is neither a key of the mapping above nor one of an outer mapping (check the indentation)",
    ),
    (
        "did not find expected '-' indicator",
        "found a key among list items, expected `- ` (check the indentation)",
    ),
    ("expected ',' or ']'", "found no `]` that closes the list in brackets before this"),
    ("expected ',' or '}'", "found no `}` that closes the mapping in braces before this"),
    ("illegal placement of ':'", "found a `:` where no key is (is a bracket above not closed?)"),
    ("found unknown anchor", "found an alias (`*name`) without an anchor (`&name`) above it"),
    ("recursion limit exceeded", TOO_DEEP),
];

const TOO_DEEP: &str = "found more than 64 levels of nesting";

fn explain(info: &str) -> String {
    let known = EXPLAINED.iter().find(|(theirs, _)| info.contains(theirs));
    match known {
        Some((_, ours)) => (*ours).to_owned(),
        None => format!("not valid YAML: {}", info.replace(char::is_control, "?")),
    }
}

/// A key as part of a path: `.key`, or `["odd key"]`.
fn push_key(path: &mut String, key: &str) {
    let simple = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if key.is_empty() || key.len() > 64 || !key.chars().all(simple) {
        path.push('[');
        path.push_str(&quoted(key));
        path.push(']');
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

#[cfg(test)]
mod tests;
