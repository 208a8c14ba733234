//! Queries that are none, or of the wrong types.

use super::Language;

const WRONG: [&str; 30] = [
    "",
    "rate(up)",
    "sum(requests_total[5m])",
    "up[5m] + 1",
    "up offset",
    "up[5m:1m][5m:1m]",
    "1[5m]",
    "topk(up, up)",
    "{}",
    r#"{job=~".*"}"#,
    r#"up{job=~"("}"#,
    r#"up{job=~"a{2000}"}"#,
    "up == bool",
    "1 == 1",
    "1 and 1",
    "up and bool up",
    "up + on (job) up",
    "up * on (job) group_left limit",
    "up and on (job) group_left up",
    "sum by (job up)",
    "no_such_function(up)",
    "abs(up, up)",
    "abs()",
    r#"label_replace(up, "a", "$1", "job", "(")"#,
    r#"label_join(up, "instance", "")"#,
    "up @ 1e30",
    "up[0s]",
    "up[5m] @ NaN",
    r#"count_values("", up)"#,
    "info(up, up)",
];
const PIECES: [&str; 26] = [
    "(", ")", "{", "}", "[", "]", ",", "\"", "'", "+", "==", "=~", "!", "sum", "by (", "offset",
    "@", "bool", "5m", "NaN", "é", "#", "up", "::", "on", "~",
];

impl Language {
    pub(super) fn broken(&mut self, depth: u64) -> String {
        if self.draw.once_in(3) {
            return self.draw.one_of(&WRONG).to_owned();
        }
        let query = self.vector(depth);
        let mut characters: Vec<char> = query.chars().collect();
        let place = self.draw.below(characters.len() as u64) as usize;
        match self.draw.below(4) {
            0 => drop(characters.remove(place)),
            1 => characters.truncate(place),
            _ => {
                let piece = format!(" {} ", self.draw.one_of(&PIECES));
                characters.splice(place..place, piece.chars());
            }
        }
        characters.into_iter().collect()
    }
}
