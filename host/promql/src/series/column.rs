//! A column of many series, in pieces that do not move when it grows.
//!
//! In: the values of one series after the other. Out: places, by which they
//! are found again; the values of a series lie side by side. Pieces that are
//! sealed are shared: another column takes values over without copying them.

use std::ops::Range;
use std::sync::Arc;

/// Values in a piece, more only where a single series has more: a megabyte of
/// numbers. Growing one allocation instead would copy everything several
/// times, or make the system map it anew.
const PIECE: usize = 1 << 17;

#[derive(Clone, Debug)]
pub(super) struct Column<T> {
    /// Pieces that nothing is added to any more.
    sealed: Vec<Arc<Vec<T>>>,
    /// The piece that grows, after all of them.
    tail: Vec<T>,
    /// Where in it the series being built begins.
    begin: usize,
}

/// Where the values of a series lie.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    piece: usize,
    start: usize,
    end: usize,
}

impl Place {
    /// A part of it, by positions within it.
    pub(super) const fn part(self, within: &Range<usize>) -> Self {
        Self { start: self.start + within.start, end: self.start + within.end, ..self }
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { sealed: Vec::new(), tail: Vec::new(), begin: 0 }
    }
}

impl<T: Copy> Column<T> {
    /// A column with room for so many values, as far as they fit one piece.
    pub(super) fn with_capacity(values: usize) -> Self {
        Self { tail: Vec::with_capacity(values.min(PIECE)), ..Self::default() }
    }

    /// Bytes of all pieces.
    pub(super) fn heap_bytes(&self) -> usize {
        let sealed: usize = self.sealed.iter().map(|piece| piece.capacity()).sum();
        (sealed + self.tail.capacity()) * size_of::<T>()
    }

    /// Adds a value to the series being built.
    pub(super) fn push(&mut self, value: T) {
        self.make_room(1);
        self.tail.push(value);
    }

    /// Adds values to the series being built.
    pub(super) fn extend(&mut self, values: &[T]) {
        self.make_room(values.len());
        self.tail.extend_from_slice(values);
    }

    /// The values of the series being built.
    pub(super) fn pending(&self) -> &[T] {
        &self.tail[self.begin..]
    }

    /// Forgets the series being built.
    pub(super) fn abandon(&mut self) {
        self.tail.truncate(self.begin);
    }

    /// Ends the series being built.
    pub(super) fn finish(&mut self) -> Place {
        let start = std::mem::replace(&mut self.begin, self.tail.len());
        Place { piece: self.sealed.len(), start, end: self.tail.len() }
    }

    /// The values of a finished series.
    pub(super) fn get(&self, place: Place) -> &[T] {
        let piece = self.sealed.get(place.piece).map_or(&self.tail, |sealed| &**sealed);
        &piece[place.start..place.end]
    }

    /// Lets others share all that is there. No series is being built.
    pub(super) fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.sealed.push(Arc::new(std::mem::take(&mut self.tail)));
            self.begin = 0;
        }
    }

    /// The place in this column of values that stay where they are in
    /// another; none where that is not sealed. No series is being built.
    pub(super) fn share(&mut self, other: &Self, place: Place) -> Option<Place> {
        let piece = other.sealed.get(place.piece)?;
        // Neighbours mostly come from the same piece, or from two in turns.
        let known = self.sealed.iter().rposition(|own| Arc::ptr_eq(own, piece));
        let own = known.unwrap_or_else(|| {
            self.seal();
            self.sealed.push(Arc::clone(piece));
            self.sealed.len() - 1
        });
        Some(Place { piece: own, ..place })
    }

    /// Begins another piece if so many values more do not fit this one, and
    /// none of the series being built is in it.
    fn make_room(&mut self, values: usize) {
        let length = self.tail.len();
        if length == self.begin && length > 0 && length + values > PIECE {
            self.seal();
            self.tail.reserve_exact(PIECE.max(values));
        } else if length == 0 {
            let whole = if self.sealed.is_empty() { values } else { PIECE.max(values) };
            self.tail.reserve_exact(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_lie_side_by_side_and_whole_in_pieces() {
        let mut column = Column::default();
        let lengths = [3, PIECE - 4, 2, 0, 2 * PIECE, 1];
        let places = lengths.map(|length| {
            (0..length).for_each(|value| column.push(value));
            column.finish()
        });
        for (place, length) in places.into_iter().zip(lengths) {
            assert!(column.get(place).iter().copied().eq(0..length), "of {length}");
        }
    }

    #[test]
    fn what_is_abandoned_is_gone() {
        let mut column = Column::default();
        column.extend(&[1, 2]);
        let first = column.finish();
        column.extend(&[3]);
        assert_eq!(column.pending(), [3]);
        column.abandon();
        column.extend(&[4]);
        let second = column.finish();
        assert_eq!((column.get(first), column.get(second)), (&[1, 2][..], &[4][..]));
    }

    #[test]
    fn sealed_values_are_shared_and_others_are_not() {
        let (mut source, mut column) = (Column::default(), Column::default());
        source.extend(&[1, 2, 3]);
        let place = source.finish();
        assert!(column.share(&source, place).is_none());
        source.seal();
        source.extend(&[9]);
        let unsealed = source.finish();
        column.extend(&[7]);
        let own = column.finish();
        let shared = column.share(&source, place.part(&(1..3))).expect("is sealed");
        assert!(column.share(&source, unsealed).is_none());
        column.extend(&[8]);
        let more = column.finish();
        let again = column.share(&source, place).expect("is sealed");
        let found = [own, shared, more, again].map(|place| column.get(place));
        assert_eq!(found, [&[7][..], &[2, 3], &[8], &[1, 2, 3]]);
        assert!(std::ptr::eq(column.get(again), source.get(place)));
        assert_eq!(column.sealed.len(), 2);
    }
}
