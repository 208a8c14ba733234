//! Reads scripts.

use promql::{Labels, duration, quote};

use crate::load::Load;
use crate::sequence::{Value, parse_labels, parse_number, parse_series};

/// A command of a script.
#[derive(Debug)]
pub(crate) enum Command {
    Clear,
    Load(usize, Load),
    Eval(Box<Eval>),
    /// A command that cannot be read: its line, and why.
    Unreadable(usize, String),
}

/// Which annotations, or what error, is expected.
#[derive(Debug)]
pub(crate) enum Text {
    Any,
    Message(String),
    Regex(String),
}

/// An `eval` command.
#[derive(Debug, Default)]
pub(crate) struct Eval {
    pub(crate) line: usize,
    pub(crate) query: String,
    pub(crate) range: bool,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) step_ms: i64,
    /// The evaluation time of an instant query.
    pub(crate) time_ms: i64,
    pub(crate) ordered: bool,
    pub(crate) fail: Option<Text>,
    pub(crate) warn: Vec<Text>,
    pub(crate) info: Vec<Text>,
    pub(crate) no_warn: bool,
    pub(crate) no_info: bool,
    /// Expected series in the order written, with their positions.
    pub(crate) series: Vec<(usize, Labels, Vec<Value>)>,
    pub(crate) scalar: Option<f64>,
    pub(crate) string: Option<String>,
    /// The expectation cannot be checked in a range query.
    pub(crate) instant_only: bool,
}

type Result<T> = std::result::Result<T, String>;

/// Reads a whole script.
pub(crate) fn parse(text: &str) -> Vec<Command> {
    let mut lines = Lines { lines: text.lines().map(clean).collect(), next: 0 };
    let mut commands = Vec::new();
    while let Some((number, line)) = lines.next_any() {
        if line.is_empty() {
            continue;
        }
        let command = parse_command(number, line, &mut lines);
        commands.push(command.unwrap_or_else(|error| {
            let place = lines.next;
            while lines.next_of_block().is_some() {}
            Command::Unreadable(place, error)
        }));
    }
    commands
}

fn parse_command(number: usize, line: &str, lines: &mut Lines<'_>) -> Result<Command> {
    let word = line.split([' ', '\t']).next().unwrap_or_default().to_lowercase();
    if word == "clear" {
        Ok(Command::Clear)
    } else if word.starts_with("load") {
        Ok(Command::Load(number, parse_load(line, lines)?))
    } else if word.starts_with("eval") {
        Ok(Command::Eval(Box::new(parse_eval(number, line, lines)?)))
    } else {
        Err(format!("invalid command {line:?}"))
    }
}

fn clean(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') { "" } else { line }
}

struct Lines<'t> {
    lines: Vec<&'t str>,
    next: usize,
}

impl<'t> Lines<'t> {
    fn next_any(&mut self) -> Option<(usize, &'t str)> {
        let line = self.lines.get(self.next)?;
        self.next += 1;
        Some((self.next, line))
    }

    /// The next line of the same block.
    fn next_of_block(&mut self) -> Option<&'t str> {
        let line = self.lines.get(self.next).filter(|line| !line.is_empty())?;
        self.next += 1;
        Some(line)
    }
}

fn duration_ms(text: &str) -> Result<i64> {
    let nanos = duration::parse(text).map_err(|error| error.to_string())?;
    Ok(nanos / duration::NANOS_PER_MILLI)
}

fn parse_load(line: &str, lines: &mut Lines<'_>) -> Result<Load> {
    let mut words = line.split_whitespace();
    let with_nhcb = match words.next() {
        Some("load") => false,
        Some("load_with_nhcb") => true,
        _ => return Err("invalid load command".to_owned()),
    };
    let gap_ms = duration_ms(words.next().ok_or("load without a step")?)?;
    let mut series = Vec::new();
    let mut starts: Option<(Labels, Vec<Option<i64>>)> = None;
    while let Some(line) = lines.next_of_block() {
        let first = line.split([' ', '\t']).next().unwrap_or_default();
        if let Some(metric) = first.strip_suffix("@st") {
            starts = Some((parse_labels(metric)?, parse_starts(&line[first.len()..])?));
            continue;
        }
        let (labels, values) = parse_series(line)?;
        let own = match starts.take() {
            None => Vec::new(),
            Some((metric, _)) if metric != labels => {
                return Err("@st metric does not match the following line".to_owned());
            }
            Some((_, starts)) if starts.len() != values.len() => {
                return Err("@st line and sample line differ in length".to_owned());
            }
            Some((_, starts)) => starts,
        };
        series.push((labels, values, own));
    }
    Ok(Load { gap_ms, with_nhcb, series })
}

/// Reads start timestamps, as offsets in milliseconds to their samples.
fn parse_starts(text: &str) -> Result<Vec<Option<i64>>> {
    let mut all = Vec::new();
    for item in text.split_whitespace() {
        let (head, repeat) = match item.rsplit_once('x') {
            Some((head, count)) => {
                let count: usize = count.parse().map_err(|_| format!("invalid count: {item}"))?;
                (head, Some(count))
            }
            None => (item, None),
        };
        if head == "_" {
            all.extend(std::iter::repeat_n(None, repeat.unwrap_or(1)));
            continue;
        }
        let sign_place = head[1..].find(['+', '-']).map(|place| place + 1);
        let (first, step) = match sign_place {
            Some(place) => (&head[..place], signed_ms(&head[place..])?),
            None => (head, 0),
        };
        let mut offset = signed_ms(first)?;
        for _ in 0..=repeat.unwrap_or(0) {
            all.push(Some(offset));
            offset += step;
        }
    }
    Ok(all)
}

fn signed_ms(text: &str) -> Result<i64> {
    match text.strip_prefix('-') {
        Some(rest) => Ok(-duration_ms(rest)?),
        None => duration_ms(text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Splits off the next word.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

fn parse_eval(line: usize, text: &str, lines: &mut Lines<'_>) -> Result<Eval> {
    let (command, rest) = word(text);
    let (kind, rest) = word(rest);
    let mut eval = Eval { line, ..Eval::default() };
    match command.strip_prefix("eval").and_then(|rest| rest.strip_prefix('_')) {
        Some("fail") => eval.fail = Some(Text::Any),
        Some("warn") => eval.warn.push(Text::Any),
        Some("info") => eval.info.push(Text::Any),
        Some("ordered") => eval.ordered = true,
        Some(other) => return Err(format!("unknown eval_{other}")),
        None => {}
    }
    let mut deprecated_any = [!eval.warn.is_empty(), !eval.info.is_empty()];
    match kind {
        "instant" => {
            let (at, after) = word(rest);
            let (time, query) = if at == "at" { word(after) } else { ("0", rest) };
            eval.time_ms = duration_ms(time)?;
            (eval.start_ms, eval.end_ms) = (eval.time_ms, eval.time_ms);
            eval.query = query.to_owned();
        }
        "range" => {
            let mut rest = rest;
            let mut times = [0; 3];
            for (time, keyword) in times.iter_mut().zip(["from", "to", "step"]) {
                let (found, after) = word(rest);
                let (value, after) = word(after);
                if found != keyword {
                    return Err(format!("{keyword} expected, found {found}"));
                }
                *time = duration_ms(value)?;
                rest = after;
            }
            [eval.start_ms, eval.end_ms, eval.step_ms] = times;
            eval.range = true;
            eval.query = rest.to_owned();
        }
        _ => return Err(format!("instant or range expected, found {kind}")),
    }
    parse_expectations(&mut eval, lines, &mut deprecated_any)?;
    Ok(eval)
}

fn parse_expectations(
    eval: &mut Eval,
    lines: &mut Lines<'_>,
    deprecated_any: &mut [bool; 2],
) -> Result<()> {
    let mut position = 1;
    while let Some(line) = lines.next_of_block() {
        if let Some(message) = line.strip_prefix("expected_fail_message") {
            eval.fail = Some(Text::Message(message.trim().to_owned()));
            return Ok(());
        }
        if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
            eval.fail = Some(Text::Regex(pattern.trim().to_owned()));
            return Ok(());
        }
        if let Some(range) = line.strip_prefix("expect range vector") {
            let words: Vec<&str> = range.split_whitespace().collect();
            let ["from", from, "to", to, "step", step] = words.as_slice() else {
                return Err(format!("invalid range vector definition {line}"));
            };
            (eval.start_ms, eval.end_ms) = (duration_ms(from)?, duration_ms(to)?);
            eval.step_ms = duration_ms(step)?;
            eval.time_ms = eval.end_ms;
            eval.instant_only = true;
        } else if let Some(literal) = line.strip_prefix("expect string ") {
            let text = quote::unquote(literal.trim()).map_err(|error| error.to_string())?;
            eval.string = Some(text.to_str_lossy().into_owned());
            eval.instant_only = true;
        } else if let Some(expected) = line.strip_prefix("expect ") {
            parse_expect(eval, expected.trim(), deprecated_any)?;
            continue;
        } else if let Ok(value) = parse_number(line) {
            eval.scalar = Some(value);
            return Ok(());
        } else {
            let (labels, values) = parse_series(line)?;
            eval.series.retain(|(_, other, _)| *other != labels);
            eval.series.push((position, labels, values));
        }
        position += 1;
    }
    Ok(())
}

fn parse_expect(eval: &mut Eval, text: &str, deprecated_any: &mut [bool; 2]) -> Result<()> {
    let (kind, rest) = word(text);
    let text = if rest.is_empty() {
        Text::Any
    } else if let Some(message) = rest.strip_prefix("msg:") {
        Text::Message(message.trim().to_owned())
    } else if let Some(pattern) = rest.strip_prefix("regex:") {
        Text::Regex(pattern.trim().to_owned())
    } else {
        return Err(format!("invalid expectation {rest}"));
    };
    match kind {
        "ordered" => eval.ordered = true,
        "fail" => eval.fail = Some(text),
        "warn" => {
            if std::mem::take(&mut deprecated_any[0]) {
                eval.warn.clear();
            }
            eval.warn.push(text);
        }
        "info" => {
            if std::mem::take(&mut deprecated_any[1]) {
                eval.info.clear();
            }
            eval.info.push(text);
        }
        "no_warn" => eval.no_warn = true,
        "no_info" => eval.no_info = true,
        _ => return Err(format!("unknown expectation {kind}")),
    }
    Ok(())
}
