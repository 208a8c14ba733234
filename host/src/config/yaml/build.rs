//! Events to a tree: one open frame per list or mapping, no recursion.
//!
//! An alias shares the node of its anchor; the size of what is shared is
//! added up, so that a bomb is refused before anybody walks it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use saphyr_parser::{Event, Marker, ScalarStyle, Tag};

use super::{
    Entry, MAX_ALIASED_NODES, MAX_DEPTH, Mistake, Node, Place, Report, TOO_DEEP, Value, place_of,
    push_key, quoted,
};

/// The handle of `!!str` and its like, as the parser spells it out.
const CORE_TAGS: &str = "tag:yaml.org,2002:";

/// The tree so far.
#[derive(Default)]
pub(super) struct Builder {
    frames: Vec<Frame>,
    /// Finished nodes that have an anchor.
    anchors: HashMap<usize, Rc<Node>>,
    aliased: usize,
    documents: usize,
    root: Option<Rc<Node>>,
}

struct Frame {
    place: Place,
    anchor: usize,
    open: Open,
}

enum Open {
    List(Vec<Rc<Node>>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    /// Each key's position in `entries`.
    index: HashMap<String, usize>,
    /// A key whose value has not come yet.
    key: Option<(Key, Place)>,
    merged: Vec<Rc<Node>>,
}

enum Key {
    Name(String),
    /// `<<`: the entries of the value are those of this mapping, unless it
    /// has its own.
    Merge,
}

impl Builder {
    /// Takes the next event of the parser.
    pub(super) fn accept(
        &mut self,
        event: Event<'_>,
        marker: Marker,
        report: &mut Report,
    ) -> Result<(), Mistake> {
        let place = place_of(marker);
        match event {
            Event::DocumentStart(_) => self.document(place),
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !self.is_text(tag.as_deref(), place)?;
                self.scalar(Scalar { text: text.into_owned(), plain, anchor, place }, report)
            }
            Event::Alias(anchor) => self.alias(anchor, place, report),
            Event::SequenceStart(anchor, tag) => {
                self.is_text(tag.as_deref(), place)?;
                self.open(Frame { place, anchor, open: Open::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.is_text(tag.as_deref(), place)?;
                self.open(Frame { place, anchor, open: Open::Map(OpenMap::default()) })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(report),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// The finished tree; `None` for a file without content.
    pub(super) fn finish(self) -> Option<Rc<Node>> {
        self.root
    }

    /// Where in the tree the parser is.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match &frame.open {
                Open::List(items) => {
                    write!(path, "[{}]", items.len()).expect("a string takes everything");
                }
                Open::Map(map) => match &map.key {
                    Some((Key::Name(name), _)) => push_key(&mut path, name),
                    Some((Key::Merge, _)) => push_key(&mut path, "<<"),
                    None => {}
                },
            }
        }
        path
    }

    fn mistake(&self, place: Place, text: impl Into<String>) -> Mistake {
        Mistake { place, key: self.path(), text: text.into() }
    }

    fn document(&mut self, place: Place) -> Result<(), Mistake> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(self.mistake(place, "found a second document, expected only one in a file"));
        }
        Ok(())
    }

    /// Whether a tag makes a scalar text (`!!str`, `!`). Of the others only
    /// those of YAML itself are let through: they say what is known anyway.
    fn is_text(&self, tag: Option<&Tag>, place: Place) -> Result<bool, Mistake> {
        let Some(Tag { handle, suffix }) = tag else {
            return Ok(false);
        };
        match (handle.as_str(), suffix.as_str()) {
            (CORE_TAGS, "str") | ("" | "!", "" | "!") => Ok(true),
            (CORE_TAGS, "map" | "seq" | "int" | "float" | "bool" | "null") => Ok(false),
            _ => {
                let tag = quoted(&format!("{handle}{suffix}"));
                Err(self
                    .mistake(place, format!("found the tag {tag}, expected a value without a tag")))
            }
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), Mistake> {
        let refused = match self.frames.last() {
            _ if self.frames.len() >= MAX_DEPTH => Some(TOO_DEEP),
            Some(Frame { open: Open::Map(OpenMap { key: None, .. }), .. }) => Some(KEY_IS_TEXT),
            _ => None,
        };
        if let Some(text) = refused {
            return Err(self.mistake(frame.place, text));
        }
        self.frames.push(frame);
        Ok(())
    }

    fn close(&mut self, report: &mut Report) -> Result<(), Mistake> {
        let Frame { place, anchor, open } =
            self.frames.pop().expect("the parser closes only what it opened");
        let value = match open {
            Open::List(items) => Value::List(items),
            Open::Map(map) => Value::Map(map.finish()),
        };
        self.node(Node::new(place, value), anchor, report)
    }

    fn scalar(&mut self, scalar: Scalar, report: &mut Report) -> Result<(), Mistake> {
        if let Some(Frame { open: Open::Map(map), .. }) = self.frames.last_mut()
            && map.key.is_none()
        {
            let merge = scalar.plain && scalar.text == "<<";
            let key = if merge { Key::Merge } else { Key::Name(scalar.text) };
            map.key = Some((key, scalar.place));
            return Ok(());
        }
        let Scalar { text, plain, anchor, place } = scalar;
        let null = plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        let value = if null { Value::Null } else { Value::Scalar { text, plain } };
        self.node(Node::new(place, value), anchor, report)
    }

    fn alias(&mut self, anchor: usize, place: Place, report: &mut Report) -> Result<(), Mistake> {
        let Some(node) = self.anchors.get(&anchor).map(Rc::clone) else {
            return Err(self.mistake(place, "found an alias inside of its own anchor"));
        };
        self.aliased = self.aliased.saturating_add(node.nodes);
        if self.aliased > MAX_ALIASED_NODES {
            let text = format!("found aliases that add more than {MAX_ALIASED_NODES} values");
            return Err(self.mistake(place, text));
        }
        self.attach(node, place, report)
    }

    fn node(&mut self, node: Node, anchor: usize, report: &mut Report) -> Result<(), Mistake> {
        let (node, place) = (Rc::new(node), self.place_in_work());
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        let place = place.unwrap_or(node.place);
        self.attach(node, place, report)
    }

    /// The place of the key that waits for a value: where to point if the
    /// value cannot be there.
    fn place_in_work(&self) -> Option<Place> {
        match &self.frames.last()?.open {
            Open::Map(map) => map.key.as_ref().map(|(_, place)| *place),
            Open::List(_) => None,
        }
    }

    fn attach(&mut self, node: Rc<Node>, place: Place, report: &mut Report) -> Result<(), Mistake> {
        if self.frames.len() + node.depth > MAX_DEPTH + 1 {
            return Err(self.mistake(place, TOO_DEEP));
        }
        let path = self.path_if_duplicate();
        match self.frames.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(map)) => match map.key.take() {
                None => return Err(self.mistake(place, KEY_IS_TEXT)),
                Some((Key::Merge, _)) => self.merge(node, place)?,
                Some((Key::Name(key), place)) => {
                    if let Err(first) = map.insert(Entry { key, place, node }) {
                        let text =
                            format!("found the key a second time, the first is in line {first}");
                        report.mistake(Mistake { place, key: path, text });
                    }
                }
            },
        }
        Ok(())
    }

    /// The path for a duplicate's mistake; building it for every value of a
    /// large file would cost more than reading the file.
    fn path_if_duplicate(&self) -> String {
        let duplicate = self.frames.last().is_some_and(|frame| match &frame.open {
            Open::Map(OpenMap { key: Some((Key::Name(name), _)), index, .. }) => {
                index.contains_key(name)
            }
            _ => false,
        });
        if duplicate { self.path() } else { String::new() }
    }

    /// Notes what `<<` brings: a mapping, or a list of mappings.
    fn merge(&mut self, node: Rc<Node>, place: Place) -> Result<(), Mistake> {
        let maps = match &node.value {
            Value::Map(_) => vec![node],
            Value::List(items) => items.clone(),
            Value::Null | Value::Scalar { .. } => Vec::new(),
        };
        if maps.is_empty() || !maps.iter().all(|map| matches!(map.value, Value::Map(_))) {
            return Err(self.mistake(place, "found `<<` without a mapping to merge"));
        }
        if let Some(Frame { open: Open::Map(map), .. }) = self.frames.last_mut() {
            map.merged.extend(maps);
        }
        Ok(())
    }
}

const KEY_IS_TEXT: &str = "found a list, a mapping or an alias as a key, expected text";

struct Scalar {
    text: String,
    plain: bool,
    anchor: usize,
    place: Place,
}

impl OpenMap {
    /// Adds an entry, or gives the line of the one with the same key.
    fn insert(&mut self, entry: Entry) -> Result<(), usize> {
        if let Some(&first) = self.index.get(&entry.key) {
            return Err(self.entries[first].place.line);
        }
        self.index.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
        Ok(())
    }

    /// All entries: its own, then those merged, of which the first wins.
    fn finish(mut self) -> Vec<Entry> {
        for node in std::mem::take(&mut self.merged) {
            let Value::Map(entries) = &node.value else {
                continue;
            };
            for entry in entries {
                // A refusal means that an own or earlier key wins.
                let _won = self.insert(entry.clone()).is_ok();
            }
        }
        self.entries
    }
}
