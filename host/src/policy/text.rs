//! Texts that guests write, made fit for logs, warnings and messages.

/// A guest's text in one line, without anything that a terminal or a log
/// would take for more than text.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' => plain.push_str("\\n"),
            '\t' => plain.push(' '),
            c if is_hidden(c) => plain.push(char::REPLACEMENT_CHARACTER),
            c => plain.push(c),
        }
    }
    plain
}

/// The first line of a guest's text, cut to so many bytes.
pub(super) fn line(text: &str, most: usize) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let end = first.floor_char_boundary(most);
    plain(&first[..end])
}

/// Control characters, and those that turn the direction of writing.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_get_through() {
        assert_eq!(plain("a\u{1b}[31mb\nc\td\u{202e}e\r\n"), "a\u{fffd}[31mb\\nc d\u{fffd}e");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(line("  ääää\nzweite", 3), "ä");
        assert_eq!(line("", 3), "");
    }
}
