//! Runs the commands of a script.

use promql::budget::Budget;
use promql::query::{Options, Query};
use promql::value::{Outcome, Value};
use promql::{SeriesBatch, parser};

use crate::check;
use crate::load::Storage;
use crate::script::{Command, Eval};
use crate::sequence::pin;

type Result<T> = std::result::Result<T, String>;

const MINUTE_MS: i64 = 60_000;
/// The limit of Prometheus's own test engine.
const MAX_SAMPLES: u64 = 10_000;
const MAX_BYTES: u64 = 1 << 20;

/// The options of Prometheus's own test engine.
pub(crate) fn options() -> Options {
    Options {
        delayed_name_removal: true,
        start_timestamps: true,
        language: parser::Options::all(),
        ..Options::default()
    }
}

/// A command that does not do what the script says.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Line of the script, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// How many evals, and other commands that fail, there are; and the failures.
pub(crate) fn run(commands: &[Command]) -> (usize, Vec<Failure>) {
    let mut storage = Storage::default();
    let (mut count, mut failures) = (0, Vec::new());
    for command in commands {
        let (line, outcome) = match command {
            Command::Clear => {
                storage = Storage::default();
                continue;
            }
            Command::Load(line, load) => match storage.load(load) {
                Ok(()) => continue,
                Err(error) => (*line, Err(format!("load: {error}"))),
            },
            Command::Eval(eval) => {
                let outcome = run_eval(eval, &storage);
                (eval.line, outcome.map_err(|error| format!("{}: {error}", eval.query)))
            }
            Command::Unreadable(line, error) => (*line, Err(error.clone())),
        };
        count += 1;
        failures.extend(outcome.err().map(|text| Failure { line, text }));
    }
    (count, failures)
}

fn run_eval(eval: &Eval, storage: &Storage) -> Result<()> {
    if eval.range {
        let times = (eval.start_ms, eval.end_ms, eval.step_ms);
        let Some(outcome) = evaluated(eval, storage, &eval.query, times)? else { return Ok(()) };
        check::annotations(eval, &eval.query, &outcome)?;
        return check::value(eval, &outcome.value);
    }
    run_instant(eval, storage, &eval.query, eval.time_ms)?;
    let mut expr = parser::parse(&eval.query, &options().language).map_err(|e| e.to_string())?;
    let time = eval.time_ms;
    if pin(&mut expr, time).is_none() {
        return Ok(());
    }
    let pinned = expr.to_string();
    let others = if time == 0 {
        vec![-1000, 0, 1000]
    } else {
        vec![-10 * time, 0, time / 5, time, 10 * time]
    };
    for other in others {
        run_instant(eval, storage, &pinned, other)
            .map_err(|error| format!("pinned as {pinned} at {other}: {error}"))?;
    }
    Ok(())
}

fn run_instant(eval: &Eval, storage: &Storage, query: &str, time: i64) -> Result<()> {
    let Some(outcome) = evaluated(eval, storage, query, (time, time, 0))? else { return Ok(()) };
    check::annotations(eval, query, &outcome)?;
    check::value(eval, &outcome.value)?;
    let depends_on_range =
        ["start()", "end()", "range()", "step()"].iter().any(|call| query.contains(call));
    if eval.instant_only || depends_on_range {
        return Ok(());
    }
    let times = (time - MINUTE_MS, time + MINUTE_MS, MINUTE_MS);
    let range = evaluate(storage, query, times).map_err(|error| format!("range mode: {error}"))?;
    if eval.ordered {
        return Ok(());
    }
    let Value::Matrix(matrix) = &range.value else {
        return Err("range mode gives no matrix".to_owned());
    };
    check::sorted(matrix)?;
    let middle = at_time(matrix, time);
    let value = match outcome.value {
        Value::Scalar { .. } => {
            let value = middle.series(0).float_values.first().copied().unwrap_or(f64::NAN);
            Value::Scalar { time_ms: time, value }
        }
        _ => Value::Vector(middle),
    };
    check::value(eval, &value).map_err(|error| format!("range mode: {error}"))
}

/// The outcome; `None` if it failed as expected.
fn evaluated(
    eval: &Eval,
    storage: &Storage,
    query: &str,
    times: (i64, i64, i64),
) -> Result<Option<Outcome>> {
    match (evaluate(storage, query, times), &eval.fail) {
        (Ok(outcome), None) => Ok(Some(outcome)),
        (Ok(_), Some(_)) => Err("an error is expected, there is none".to_owned()),
        (Err(error), None) => Err(format!("error: {error}")),
        (Err(error), Some(text)) => {
            if check::matches(text, &error) {
                Ok(None)
            } else {
                Err(format!("error {text:?} is expected, got: {error}"))
            }
        }
    }
}

fn evaluate(storage: &Storage, query: &str, times: (i64, i64, i64)) -> Result<Outcome> {
    let (start, end, step) = times;
    let query =
        Query::new(query, start, end, step, &options()).map_err(|error| error.to_string())?;
    let data = query.selects().iter().map(|select| storage.select(select)).collect();
    query.evaluate(data, &Budget::new(MAX_SAMPLES, MAX_BYTES)).map_err(|error| error.to_string())
}

/// The samples at one time.
fn at_time(matrix: &SeriesBatch, time: i64) -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for series in matrix.iter() {
        if let Ok(place) = series.float_times.binary_search(&time) {
            batch.push_float(time, series.float_values[place]);
            batch.finish_series(series.labels.clone());
        } else if let Ok(place) = series.histogram_times.binary_search(&time) {
            batch.push_histogram(time, series.histogram_values[place].clone());
            batch.finish_series(series.labels.clone());
        }
    }
    batch
}
