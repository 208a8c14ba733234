//! A column of many series, in pieces that do not move when it grows.
//!
//! In: the values of one series after the other. Out: places, by which they
//! are found again; the values of a series lie side by side.

/// Values in a piece, more only where a single series has more: a megabyte of
/// numbers. Growing one allocation instead would copy everything several
/// times, or make the system map it anew.
const PIECE: usize = 1 << 17;

#[derive(Clone, Debug)]
pub(super) struct Column<T> {
    pieces: Vec<Vec<T>>,
    /// Where in the last piece the series being built begins.
    begin: usize,
}

/// Where the values of a series lie.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    piece: usize,
    start: usize,
    end: usize,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { pieces: Vec::new(), begin: 0 }
    }
}

impl<T: Copy> Column<T> {
    /// A column with room for so many values, as far as they fit one piece.
    pub(super) fn with_capacity(values: usize) -> Self {
        Self { pieces: vec![Vec::with_capacity(values.min(PIECE))], begin: 0 }
    }

    /// Bytes of all pieces.
    pub(super) fn heap_bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.capacity() * size_of::<T>()).sum()
    }

    /// Adds a value to the series being built.
    pub(super) fn push(&mut self, value: T) {
        self.piece(1).push(value);
    }

    /// Adds values to the series being built.
    pub(super) fn extend(&mut self, values: &[T]) {
        self.piece(values.len()).extend_from_slice(values);
    }

    /// The values of the series being built.
    pub(super) fn pending(&self) -> &[T] {
        self.pieces.last().map_or(&[], |piece| &piece[self.begin..])
    }

    /// Forgets the series being built.
    pub(super) fn abandon(&mut self) {
        if let Some(piece) = self.pieces.last_mut() {
            piece.truncate(self.begin);
        }
    }

    /// Ends the series being built.
    pub(super) fn finish(&mut self) -> Place {
        let Some(piece) = self.pieces.last() else { return Place::default() };
        let start = std::mem::replace(&mut self.begin, piece.len());
        Place { piece: self.pieces.len() - 1, start, end: piece.len() }
    }

    /// The values of a finished series.
    pub(super) fn get(&self, place: Place) -> &[T] {
        self.pieces.get(place.piece).map_or(&[], |piece| &piece[place.start..place.end])
    }

    /// The piece that takes so many values more: a new one, if none of the
    /// series being built is there yet and they do not fit.
    fn piece(&mut self, values: usize) -> &mut Vec<T> {
        let full = self.pieces.last().is_none_or(|last| {
            last.len() == self.begin && self.begin > 0 && self.begin + values > PIECE
        });
        if full {
            let whole = if self.pieces.is_empty() { values } else { PIECE.max(values) };
            self.pieces.push(Vec::with_capacity(whole));
            self.begin = 0;
        }
        self.pieces.last_mut().expect("one was pushed where there was none")
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
}
