//! Finished parts of a pattern, and how they join to larger ones.
//!
//! In: expressions with their sizes. Out: one expression with its size; the
//! limits themselves are checked by the parser.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Literal};

/// A finished part, with what the limits ask about it.
pub(super) struct Piece {
    /// What it matches.
    pub(super) hir: Hir,
    /// How deep it nests; a character is 1.
    pub(super) height: u32,
    /// Product of the counts of nested `{n,m}`.
    pub(super) repeats: u32,
}

impl Piece {
    /// A part without parts.
    pub(super) fn leaf(hir: Hir) -> Self {
        Self { hir, height: 1, repeats: 1 }
    }
}

/// The pieces in sequence.
pub(super) fn concat(pieces: Vec<Piece>) -> Piece {
    // A sequence within a sequence dissolves in it.
    join(pieces, |hir| matches!(hir.kind(), HirKind::Concat(_)), Hir::concat)
}

/// The first of the pieces that matches.
pub(super) fn alternation(pieces: Vec<Piece>) -> Piece {
    let pieces = merge_chars(pieces);
    join(pieces, |hir| matches!(hir.kind(), HirKind::Alternation(_)), Hir::alternation)
}

/// Makes one piece of many; a single one stays as it is.
fn join(mut pieces: Vec<Piece>, dissolves: fn(&Hir) -> bool, make: fn(Vec<Hir>) -> Hir) -> Piece {
    if pieces.len() == 1 {
        return pieces.pop().expect("there is one");
    }
    let height_of = |piece: &Piece| piece.height - u32::from(dissolves(&piece.hir));
    let height = 1 + pieces.iter().map(height_of).max().unwrap_or(0);
    let repeats = pieces.iter().map(|piece| piece.repeats).max().unwrap_or(1);
    let hir = make(pieces.into_iter().map(|piece| piece.hir).collect());
    Piece { hir, height, repeats }
}

/// Joins neighbours that match a single character into one class. `Hir` would
/// do that too, but one by one, in quadratic time.
fn merge_chars(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    let mut run: Vec<ClassUnicodeRange> = Vec::new();
    for piece in pieces {
        if let Some(ranges) = chars(&piece.hir) {
            run.extend(ranges);
            continue;
        }
        flush_chars(&mut run, &mut merged);
        merged.push(piece);
    }
    flush_chars(&mut run, &mut merged);
    merged
}

fn flush_chars(run: &mut Vec<ClassUnicodeRange>, merged: &mut Vec<Piece>) {
    if !run.is_empty() {
        let class = ClassUnicode::new(std::mem::take(run));
        merged.push(Piece::leaf(Hir::class(Class::Unicode(class))));
    }
}

/// The characters an expression matches, if it matches just one at a time.
fn chars(hir: &Hir) -> Option<Vec<ClassUnicodeRange>> {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) if !class.ranges().is_empty() => {
            Some(class.ranges().to_vec())
        }
        HirKind::Literal(Literal(bytes)) if bytes.len() <= 4 => {
            let mut chars = std::str::from_utf8(bytes).ok()?.chars();
            let c = chars.next()?;
            chars.next().is_none().then(|| vec![ClassUnicodeRange::new(c, c)])
        }
        _ => None,
    }
}
