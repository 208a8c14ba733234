//! How far a command is, for somebody who watches a terminal.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Characters of the bar.
const WIDTH: u64 = 30;
/// No line is written more often.
const PAUSE: Duration = Duration::from_millis(100);

/// A line on standard error that is overwritten; nothing where standard
/// output or standard error is no terminal.
pub(super) struct Progress {
    what: &'static str,
    is_shown: bool,
    last: Cell<Option<Instant>>,
}

impl Progress {
    /// A bar at nothing.
    pub(super) fn new(what: &'static str) -> Self {
        let is_shown = io::stdout().is_terminal() && io::stderr().is_terminal();
        Self { what, is_shown, last: Cell::new(None) }
    }

    /// Shows that so much of all is done.
    pub(super) fn show(&self, done: u64, total: u64) {
        if !self.is_shown || self.last.get().is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last.set(Some(Instant::now()));
        // That nobody sees it is no reason to stop.
        let _ = write!(io::stderr(), "\r{}\x1b[K", line(self.what, done, total));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.get().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, done: u64, total: u64) -> String {
    let (done, total) = (done.min(total), total.max(1));
    let full = usize::try_from(done * WIDTH / total).unwrap_or(0);
    let empty = WIDTH as usize - full;
    format!("{what} [{}{}] {done} of {total}", "#".repeat(full), "-".repeat(empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        assert_eq!(line("a", 0, 0), format!("a [{}] 0 of 1", "-".repeat(30)));
        let half = format!("a [{}{}] 5 of 10", "#".repeat(15), "-".repeat(15));
        assert_eq!(line("a", 5, 10), half);
        assert_eq!(line("a", 12, 10), format!("a [{}] 10 of 10", "#".repeat(30)));
    }
}
