//! Warnings and infos of an evaluation, with Prometheus's texts and positions.
//!
//! In: notes with the place in the query they are about. Out: texts, each
//! once. Whether a note is due is the evaluation's business
//! (prometheus/util/annotations/annotations.go).

mod note;

use std::collections::HashMap;

pub(crate) use note::{Monotonicity, Note, Operation, general};

/// How serious a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The result may be wrong.
    Warning,
    /// The result may surprise.
    Info,
}

/// The notes of one evaluation, each text once, in the order they first
/// arose.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    items: Vec<Item>,
    by_text: HashMap<String, usize>,
    last: Option<usize>,
}

#[derive(Clone, Debug)]
struct Item {
    note: Note,
    text: String,
    position: usize,
}

impl Annotations {
    /// True without notes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The texts of warnings and of infos. `query` is what was parsed: it
    /// turns positions into `line:column`. Of each kind at most `limit` (0:
    /// all) are given, and then how many are not.
    #[must_use]
    pub fn texts(&self, query: &str, limit: usize) -> (Vec<String>, Vec<String>) {
        (self.level(Level::Warning, query, limit), self.level(Level::Info, query, limit))
    }

    fn level(&self, level: Level, query: &str, limit: usize) -> Vec<String> {
        let of_level = || self.items.iter().filter(|item| item.note.level() == level);
        let limit = if limit == 0 { usize::MAX } else { limit };
        let mut texts: Vec<String> =
            of_level().take(limit).map(|item| item.full_text(query)).collect();
        let omitted = of_level().count() - texts.len();
        if omitted > 0 {
            let name = if level == Level::Warning { "warning" } else { "info" };
            texts.push(format!("{omitted} more {name} annotations omitted"));
        }
        texts
    }

    /// Adds the notes that arose after these.
    pub(crate) fn append(&mut self, later: Self) {
        for Item { note, position, .. } in later.items {
            self.add(note, position);
        }
    }

    /// Adds a note about the expression that starts at byte `position`. Of
    /// equal texts the last position counts.
    pub(crate) fn add(&mut self, note: Note, position: usize) {
        if let Some(last) = self.last.filter(|last| self.items[*last].note == note) {
            self.items[last].merge(note, position);
            return;
        }
        let text = note.text();
        match self.by_text.get(&text) {
            Some(index) => {
                self.last = Some(*index);
                self.items[*index].merge(note, position);
            }
            None => {
                self.last = Some(self.items.len());
                self.by_text.insert(text.clone(), self.items.len());
                self.items.push(Item { note, text, position });
            }
        }
    }
}

impl Item {
    fn merge(&mut self, note: Note, position: usize) {
        if !self.note.absorb(&note) {
            self.note = note;
            self.position = position;
        }
    }

    fn full_text(&self, query: &str) -> String {
        let place = position_text(query, self.position);
        format!("{}{} ({place})", self.text, self.note.details())
    }
}

fn position_text(query: &str, position: usize) -> String {
    if query.is_empty() && position == 0 {
        return "unknown position".to_owned();
    }
    place(query, position).unwrap_or_else(|| "invalid position".to_owned())
}

/// A byte of a query as notes name it: `line:column`, both from 1; columns
/// count bytes. None if it is beyond the query.
#[must_use]
pub fn place(query: &str, position: usize) -> Option<String> {
    let before = query.as_bytes().get(..position)?;
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    Some(format!("{line}:{column}"))
}

/// A note's text without the place at its end, and that: line and column. None
/// if it names no place.
#[must_use]
pub fn split_place(text: &str) -> Option<(&str, (usize, usize))> {
    let open = text.rfind(" (")?;
    let (line, column) = text[open + 2..].strip_suffix(')')?.split_once(':')?;
    Some((&text[..open], (line.parse().ok()?, column.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_appear_once_with_the_last_position() {
        let mut all = Annotations::default();
        all.add(Note::PossibleNonCounter("x".into()), 5);
        all.add(Note::InvalidQuantile(2.0), 1);
        all.add(Note::PossibleNonCounter("x".into()), 7);
        let (warnings, infos) = all.texts("rate(\nx[5m])", 10);
        assert_eq!(warnings.len(), 1);
        assert_eq!(
            infos,
            ["PromQL info: metric might not be a counter, name does not end in \
                 _total/_sum/_count/_bucket: \"x\" (2:2)"]
        );
    }

    #[test]
    fn a_limit_says_how_many_were_left_out() {
        let mut all = Annotations::default();
        for name in ["a", "b", "c"] {
            all.add(Note::PossibleNonCounter(name.into()), 0);
        }
        let (_, infos) = all.texts("x", 1);
        assert_eq!(infos.len(), 2);
        assert_eq!(infos[1], "2 more info annotations omitted");
    }
}
