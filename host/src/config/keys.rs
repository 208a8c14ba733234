//! Every key there is, and what becomes of it.
//!
//! Comes in: the tree of the file. Goes out: a mistake for each key that is
//! unknown, misplaced, or promxy's and not supported yet; a note for each key
//! that is read and ignored. Values are not looked at, except for whether
//! they are empty.

mod check;
mod table;

pub(crate) use check::nearest;
pub(super) use check::{check, check_web};

/// A mapping of the file.
#[derive(Debug)]
struct Section {
    /// How it is called in messages; empty for the file itself.
    path: &'static str,
    keys: &'static [Key],
}

/// A name and what it stands for.
type Key = (&'static str, Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Read by the resolver.
    Value,
    /// A mapping with keys of its own.
    Map(&'static Section),
    /// A list of such mappings.
    List(&'static Section),
    /// Accepted, because promxy accepts and ignores it too; why.
    Ignored(&'static str),
    /// Refused unless empty: ignoring it would give other answers than
    /// promxy. What to do without it, or an empty text.
    NotYet(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_names_every_supported_key() {
        let example = include_str!("../../../config.yaml");
        let words = example.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let supported = |(_, kind): &&Key| !matches!(kind, Kind::Ignored(_) | Kind::NotYet(_));
        let keys = table::SECTIONS.iter().flat_map(|section| section.keys).filter(supported);
        let missing: Vec<&str> =
            keys.map(|(name, _)| *name).filter(|name| !words.clone().any(|w| w == *name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn no_section_has_a_key_twice() {
        for section in table::SECTIONS {
            let mut names: Vec<&str> = section.keys.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
            assert_eq!(twice, None, "{}", section.path);
        }
    }
}
