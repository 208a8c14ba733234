//! The timestamps of a range query: all series share them, so their text is
//! compared, not parsed.

/// The texts `[time,"` of the first series' samples, in order, and which one
/// is likely to come next.
#[derive(Debug, Default)]
pub(super) struct Grid {
    points: Vec<Point>,
    next: usize,
}

/// A text of at most 24 bytes, as words to compare.
#[derive(Clone, Copy, Debug)]
struct Point {
    words: [u64; 3],
    masks: [u64; 3],
    time: i64,
    length: usize,
}

/// Bytes that are compared.
const WINDOW: usize = 24;
/// How many points a hole in a series may skip before it costs a search.
const LOOK_AHEAD: usize = 4;
/// A range query has at most 11,000 points; more are no grid.
const MAX_POINTS: usize = 11_001;

impl Grid {
    /// The next series starts from its first point.
    pub(super) const fn rewind(&mut self) {
        self.next = 0;
    }

    /// The time of a point that this text starts with, and its length.
    #[inline]
    pub(super) fn find(&mut self, text: &[u8]) -> Option<(i64, usize)> {
        let window: &[u8; WINDOW] = text.first_chunk()?;
        let words = words_of(window);
        let ahead = self.points.get(self.next..)?;
        for (skipped, point) in ahead.iter().take(LOOK_AHEAD).enumerate() {
            if point.matches(words) {
                self.next += skipped + 1;
                return Some((point.time, point.length));
            }
        }
        None
    }

    /// Remembers a point that had to be parsed, or finds the way back after a hole.
    pub(super) fn learn(&mut self, time: i64, text: &[u8]) {
        match self.points.last() {
            Some(last) if time <= last.time => {
                self.next = self.points.partition_point(|point| point.time <= time);
            }
            _ if text.len() <= WINDOW && self.points.len() < MAX_POINTS => {
                self.points.push(Point::new(time, text));
                self.next = self.points.len();
            }
            _ => self.next = self.points.len(),
        }
    }
}

impl Point {
    fn new(time: i64, text: &[u8]) -> Self {
        let (mut window, mut mask) = ([0; WINDOW], [0; WINDOW]);
        window[..text.len()].copy_from_slice(text);
        mask[..text.len()].fill(0xff);
        Self { words: words_of(&window), masks: words_of(&mask), time, length: text.len() }
    }

    #[inline]
    const fn matches(&self, words: [u64; 3]) -> bool {
        let [one, two, three] = self.words;
        let [mask_one, mask_two, mask_three] = self.masks;
        let differences = (words[0] ^ one) & mask_one
            | (words[1] ^ two) & mask_two
            | (words[2] ^ three) & mask_three;
        differences == 0
    }
}

#[inline]
fn words_of(window: &[u8; WINDOW]) -> [u64; 3] {
    let (words, _) = window.as_chunks();
    [words[0], words[1], words[2]].map(u64::from_le_bytes)
}
