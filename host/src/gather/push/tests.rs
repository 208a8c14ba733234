//! Evaluations asked of servers that run in this process.

use promql::{Labels, SeriesBatch};
use proptest::prelude::*;

use super::*;
use crate::gather::testing::{self, Between, Form};
use crate::storage::{Lookups, Select};

const START: i64 = 1_760_000_000_000;

proptest! {
    #[test]
    fn pieces_are_the_same_times_in_rows(
        start in -1_000_i64..1_000,
        width in 0_i64..1_000,
        step in 1_i64..50,
        longest in 1_u64..30,
    ) {
        let steps = Steps { start_ms: start, end_ms: start + width, step_ms: step };
        let times = |steps: &Steps| -> Vec<i64> {
            (steps.start_ms..=steps.end_ms).filter(|time| steps.has(*time)).collect()
        };
        let pieces = steps.pieces(longest);
        prop_assert_eq!(pieces.iter().flat_map(times).collect::<Vec<_>>(), times(&steps));
        prop_assert_eq!(times(&steps).len() as u64, steps.count());
        prop_assert!(pieces.iter().all(|piece| piece.count() <= longest));
    }
}

#[test]
fn an_instant_is_one_step() {
    let steps = Steps { start_ms: 7, end_ms: 7, step_ms: 0 };
    assert_eq!((steps.count(), steps.has(7), steps.has(8)), (1, true, false));
    assert_eq!(steps.pieces(1), [steps]);
    assert!(steps.is_aligned());
}

fn data() -> SeriesBatch {
    let mut batch = SeriesBatch::new();
    for (name, from) in [("a", 0), ("b", 40)] {
        for sample in from..240_i64 {
            batch.push_float(START + sample * 15_000, (sample * sample) as f64);
        }
        batch.finish_series(Labels::from_pairs([("__name__", "x_total"), ("i", name)]));
    }
    batch
}

fn question(text: &str, steps: Steps) -> Question {
    Question { text: text.to_owned(), steps, lookback_ms: None }
}

const HOUR: Steps = Steps { start_ms: START + 7_000, end_ms: START + 3_600_000, step_ms: 60_000 };
const INSTANT: Steps = Steps { start_ms: START + 600_000, end_ms: START + 600_000, step_ms: 0 };

fn sorted(batch: &SeriesBatch) -> Vec<(Labels, Vec<i64>, Vec<f64>)> {
    let series = batch.sorted().into_iter().map(|index| batch.series(index));
    series
        .map(|one| (one.labels.clone(), one.float_times.to_vec(), one.float_values.to_vec()))
        .collect()
}

#[tokio::test]
async fn a_replica_evaluates_and_pieces_change_nothing() {
    let server = testing::prometheus(&data()).await;
    let (replica, client) = (testing::replica(server.address), testing::client());
    let context = testing::context();
    let rate = question("sum by (i) (rate(x_total[5m]))", HOUR);
    let whole = replica.evaluate(&client, &context, &rate).await.expect("an answer");
    assert_eq!(whole.series.len(), 2);
    assert!(whole.series.iter().all(|one| one.float_times.iter().all(|time| HOUR.has(*time))));
    assert!(whole.bytes > 0 && !whole.has_histograms);
    let pieces = replica.evaluate_in_pieces(&client, &context, &rate, MAX_POINTS / 7).await;
    let pieces = pieces.expect("answers");
    assert_eq!(sorted(&pieces.series), sorted(&whole.series));
    assert!(pieces.bytes > whole.bytes);
    let instant = replica.evaluate(&client, &context, &question("count(x_total)", INSTANT)).await;
    assert_eq!(instant.expect("an answer").series.series(0).float_values, [2.0]);
}

#[tokio::test]
async fn refusals_come_as_the_servers_errors() {
    let server = testing::prometheus(&data()).await;
    let (replica, client) = (testing::replica(server.address), testing::client());
    let asked = question("no_such_function(x_total)", HOUR);
    let error = replica.evaluate(&client, &testing::context(), &asked).await.expect_err("refused");
    assert!(matches!(&error, Error::Api { kind, .. } if kind == "bad_data"), "{error}");
}

/// Moves the times of range queries as Mimir can be told to.
fn snap(form: &mut Form) {
    let field = |form: &Form, name: &str| -> f64 {
        let found = form.iter().find(|(own, _)| own == name).expect("a range query");
        found.1.parse().expect("seconds")
    };
    let step = field(form, "step");
    for (name, value) in form.iter_mut().filter(|(name, _)| name == "start" || name == "end") {
        let time: f64 = value.parse().unwrap_or_else(|_| panic!("{name}"));
        *value = ((time / step).floor() * step).to_string();
    }
}

async fn snapping() -> (crate::serve::Listening, Between) {
    let server = testing::prometheus(&data()).await;
    let turn = |path: &str, form: &mut Form| {
        if path.ends_with("query_range") {
            snap(form);
        }
        None
    };
    let between = Between::start(server.address, Box::new(turn), Box::new(|_, body| body)).await;
    (server, between)
}

#[tokio::test]
async fn an_answer_at_other_times_is_none() {
    let (_server, between) = snapping().await;
    let (replica, client) = (testing::replica(between.address), testing::client());
    let context = testing::context();
    let error = replica.evaluate(&client, &context, &question("x_total", HOUR)).await;
    assert!(matches!(error, Err(Error::Decode(_))), "{error:?}");
    let aligning = replica.aligning_ranges(true);
    assert!(!aligning.evaluates_at(&HOUR) && aligning.evaluates_at(&INSTANT));
    let before = between.queries().len();
    let error = aligning.evaluate(&client, &context, &question("x_total", HOUR)).await;
    assert!(matches!(error, Err(Error::Decode(_))), "{error:?}");
    assert_eq!(between.queries().len(), before);
}

#[tokio::test]
async fn a_server_that_moves_ranges_still_shows_which_series_ended() {
    let lookups = Lookups {
        start_ms: HOUR.start_ms,
        end_ms: HOUR.end_ms,
        step_ms: 60_000,
        lookback_ms: 300_000,
    };
    let select = Select {
        matchers: Vec::new(),
        start_ms: HOUR.start_ms - 300_000,
        end_ms: HOUR.end_ms,
        lookups: Some(lookups),
    };
    let mut batch = data();
    batch.push_float(START + 1_200_000, 1.0);
    batch.push_float(START + 1_215_000, f64::from_bits(promql::series::STALE_NAN_BITS));
    batch.finish_series(Labels::from_pairs([("__name__", "ended")]));
    let server = testing::prometheus(&batch).await;
    let turn = |path: &str, form: &mut Form| {
        if path.ends_with("query_range") {
            snap(form);
        }
        None
    };
    let between = Between::start(server.address, Box::new(turn), Box::new(|_, body| body)).await;
    let (client, context) = (testing::client(), testing::context());
    let select = std::slice::from_ref(&select);
    let direct = testing::replica(server.address).select(&client, &context, select).await;
    let aligning = testing::replica(between.address).aligning_ranges(true);
    let moved = aligning.select(&client, &context, select).await.expect("an answer");
    let bits = |batch: &SeriesBatch| -> Vec<(Labels, Vec<i64>, Vec<u64>)> {
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect();
        sorted(batch).into_iter().map(|(l, times, values)| (l, times, bits(values))).collect()
    };
    let direct = bits(&direct.expect("an answer").data[0]);
    assert_eq!(bits(&moved.data[0]), direct);
    assert!(direct[0].2.contains(&promql::series::STALE_NAN_BITS), "{direct:?}");
    // In pieces it is the same.
    let pieces = aligning.select_in_pieces(&client, &context, select, &[5]).await;
    assert_eq!(bits(&pieces.expect("an answer").data[0]), direct);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_none() {
    let server = testing::prometheus(&data()).await;
    let edit = |_: &str, body: String| {
        body.replacen("{", r#"{"warnings":["results truncated due to limit"],"#, 1)
    };
    let between = Between::start(server.address, Box::new(|_, _| None), Box::new(edit)).await;
    let replica = testing::replica(between.address);
    let asked = question("x_total", HOUR);
    let error = replica.evaluate(&testing::client(), &testing::context(), &asked).await;
    assert!(matches!(error, Err(Error::Decode(_))), "{error:?}");
}
