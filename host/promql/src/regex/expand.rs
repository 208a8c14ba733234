//! Templates with `$1`, `$name`, `${name}`, as Go's `Regexp.Expand`.
//!
//! In: a template. Out: its text with every reference resolved by the caller.
//! Nothing in a template is an error: what is no reference stays as it is.

use std::sync::LazyLock;

use regex_syntax::hir::ClassUnicode;

use super::property::table;

/// What a template refers to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reference<'t> {
    /// A group's number.
    Index(usize),
    /// A group's name.
    Name(&'t str),
}

/// Appends `template` to `out`; `resolve` appends what a reference stands for.
pub(super) fn expand<'t>(
    template: &'t str,
    out: &mut String,
    mut resolve: impl FnMut(Reference<'t>, &mut String),
) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((reference, after)) = reference(rest) {
            resolve(reference, out);
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
}

/// Reads what follows a `$`; the longest name wins, so `$1x` is group `1x`.
fn reference(text: &str) -> Option<(Reference<'_>, &str)> {
    let body = text.strip_prefix('{');
    let start = body.unwrap_or(text);
    let end = start.find(|c| !is_name(c)).unwrap_or(start.len());
    let (name, mut rest) = start.split_at(end);
    if name.is_empty() {
        return None;
    }
    if body.is_some() {
        rest = rest.strip_prefix('}')?;
    }
    Some((index(name).map_or(Reference::Name(name), Reference::Index), rest))
}

/// A number without leading zeros; a huge one is a name, which nothing has.
fn index(name: &str) -> Option<usize> {
    let plain = name.len() <= 9 && name.bytes().all(|b| b.is_ascii_digit());
    if !plain || (name.len() > 1 && name.starts_with('0')) {
        return None;
    }
    name.parse().ok()
}

/// Letters, decimal digits and `_`; names end where these do, even though no
/// group can have one beyond ASCII.
fn is_name(c: char) -> bool {
    static NAME: LazyLock<ClassUnicode> =
        LazyLock::new(|| table(r"[\pL\p{Nd}]").expect("a constant class"));
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    super::class_contains(&NAME, c)
}
