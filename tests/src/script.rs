//! Prometheus's acceptance scripts as data and queries.
//!
//! A script becomes stages: what is loaded between two `clear`s, and the
//! queries asked of it, with the data as of then. Expected results are not
//! read: the tests ask a real server. Start timestamps are left out, because
//! remote write 1.0 has none.
//! (Notation: prometheus/promql/promqltest/README.md.)

mod notation;

use crate::compare::Question;
use crate::data::Series;

/// Data, and the questions about it.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// Where it begins in the script, for messages.
    pub line: usize,
    /// What is loaded.
    pub series: Vec<Series>,
    /// What is asked, in the order of the script.
    pub questions: Vec<Question>,
}

/// The stages of a script. Times begin at `start_ms` instead of 0, so that
/// they are all positive.
///
/// # Panics
/// When a command is none that scripts have.
#[must_use]
pub fn stages(text: &str, start_ms: i64) -> Vec<Stage> {
    let mut stages = vec![Stage { line: 1, ..Stage::default() }];
    let mut interval_ms = None;
    for (number, line) in text.lines().enumerate() {
        let command = line.trim_end();
        if command.is_empty() || command.trim_start().starts_with('#') {
            continue;
        }
        let last = stages.last_mut().expect("there is a first stage");
        if command.starts_with([' ', '\t']) {
            // Below `load` a series, below `eval` an expectation.
            let series = interval_ms
                .and_then(|interval| notation::series(command.trim_start(), start_ms, interval));
            last.series.extend(series);
            continue;
        }
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        interval_ms = None;
        match word {
            // Data loaded after a question starts a stage: the servers would
            // already hold it.
            "clear" => stages.push(Stage { line: number + 1, ..Stage::default() }),
            "load" | "load_with_nhcb" => {
                interval_ms = notation::duration_ms(rest.trim());
                if !last.questions.is_empty() {
                    let series = last.series.clone();
                    stages.push(Stage { line: number + 1, series, questions: Vec::new() });
                }
            }
            _ if word.starts_with("eval") => {
                last.questions.extend(question(rest, start_ms));
            }
            _ => panic!("line {}: {command}", number + 1),
        }
    }
    stages.retain(|stage| !stage.questions.is_empty());
    stages
}

/// `instant at TIME QUERY` or `range from TIME to TIME step DURATION QUERY`.
fn question(text: &str, start_ms: i64) -> Option<Question> {
    let mut rest = text;
    let mut word = || {
        let (word, tail) = rest.trim_start().split_once(' ')?;
        rest = tail;
        Some(word)
    };
    let time = |text: &str| notation::duration_ms(text).map(|ms| start_ms + ms);
    match word()? {
        "instant" => {
            let _at = word()?;
            let at = time(word()?)?;
            Some(Question::instant(rest.trim(), at))
        }
        "range" => {
            let _from = word()?;
            let from = time(word()?)?;
            let _to = word()?;
            let to = time(word()?)?;
            let _step = word()?;
            let step = notation::duration_ms(word()?)?;
            Some(Question::range(rest.trim(), from, to, step))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
# Comment.
load 10s
  metric{a=\"x y\"} 0 1+2x2 _ stale
  other 7x3

eval instant at 30s sum(metric)
  expect no_warn
  {} 3

eval range from 0 to 1m step 10s metric

load 1m
  third 1

eval_fail instant at 0 bad(
clear
load 5m
  m 1
";

    #[test]
    fn a_script_becomes_stages_with_their_data_and_questions() {
        let stages = stages(SCRIPT, 1000);
        let shape: Vec<_> = stages.iter().map(|s| (s.series.len(), s.questions.len())).collect();
        assert_eq!(shape, [(2, 2), (3, 1)]);
        let times: Vec<i64> = stages[0].series[0].samples.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [1000, 11_000, 21_000, 31_000, 51_000]);
        assert_eq!(stages[0].questions[0], Question::instant("sum(metric)", 31_000));
        assert_eq!(stages[0].questions[1], Question::range("metric", 1000, 61_000, 10_000));
    }
}
