//! Named sets of characters: POSIX classes, Unicode categories and scripts.
//!
//! In: a name. Out: its members, from regex-syntax's tables, or nothing if Go
//! does not know the name.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::class::dot;

/// The members of `[:name:]`.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('a', 'z'), ('_', '_')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    let ranges = ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high));
    Some(ClassUnicode::new(ranges))
}

/// The long names of general categories, and Go's other names for them.
const CATEGORIES: &[(&str, &str)] = &[
    ("other", "C"),
    ("control", "Cc"),
    ("cntrl", "Cc"),
    ("format", "Cf"),
    ("unassigned", "Cn"),
    ("privateuse", "Co"),
    ("surrogate", "Cs"),
    ("letter", "L"),
    ("casedletter", "LC"),
    ("lowercaseletter", "Ll"),
    ("modifierletter", "Lm"),
    ("otherletter", "Lo"),
    ("titlecaseletter", "Lt"),
    ("uppercaseletter", "Lu"),
    ("mark", "M"),
    ("combiningmark", "M"),
    ("spacingmark", "Mc"),
    ("enclosingmark", "Me"),
    ("nonspacingmark", "Mn"),
    ("number", "N"),
    ("decimalnumber", "Nd"),
    ("digit", "Nd"),
    ("letternumber", "Nl"),
    ("othernumber", "No"),
    ("punctuation", "P"),
    ("punct", "P"),
    ("connectorpunctuation", "Pc"),
    ("dashpunctuation", "Pd"),
    ("closepunctuation", "Pe"),
    ("finalpunctuation", "Pf"),
    ("initialpunctuation", "Pi"),
    ("otherpunctuation", "Po"),
    ("openpunctuation", "Ps"),
    ("symbol", "S"),
    ("currencysymbol", "Sc"),
    ("modifiersymbol", "Sk"),
    ("mathsymbol", "Sm"),
    ("othersymbol", "So"),
    ("separator", "Z"),
    ("lineseparator", "Zl"),
    ("paragraphseparator", "Zp"),
    ("spaceseparator", "Zs"),
];

/// Scripts whose full name has four letters, as all their codes have.
const SHORT_SCRIPTS: &[&str] =
    &["ahom", "cham", "kawi", "lisu", "miao", "modi", "newa", "thai", "toto"];

/// The characters of a category or script; case, spaces, `-` and `_` in the
/// name do not matter. Codes of scripts (`Grek`) and other properties are not
/// names in Go.
pub(super) fn property(name: &str) -> Option<ClassUnicode> {
    let name: String = name.chars().filter(|c| !matches!(c, ' ' | '-' | '_')).collect();
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "any" => return Some(dot(true)),
        "ascii" => return posix("ascii"),
        "assigned" => {
            let mut class = table("\\p{gc=Cn}")?;
            class.negate();
            return Some(class);
        }
        _ => {}
    }
    let category =
        CATEGORIES.iter().find(|(long, short)| *long == name || short.eq_ignore_ascii_case(&name));
    if let Some((_, short)) = category {
        return match *short {
            // Surrogates do not occur in UTF-8.
            "Cs" => Some(ClassUnicode::empty()),
            short => table(&format!("\\p{{gc={short}}}")),
        };
    }
    let letters = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase());
    let full = name.len() != 4 || SHORT_SCRIPTS.contains(&name.as_str());
    // The tables would take `isgreek` for `greek`.
    if letters && full && !name.starts_with("is") {
        table(&format!("\\p{{sc={name}}}"))
    } else {
        None
    }
}

/// The class a pattern of the tables' own syntax stands for.
pub(crate) fn table(pattern: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(pattern).map(Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => Some(class),
        _ => None,
    }
}
