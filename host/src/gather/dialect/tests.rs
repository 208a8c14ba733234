//! Examinations of servers that run in this process.

use promql::SeriesBatch;

use super::*;
use crate::gather::testing::{self, Between, Form};

type Turn = fn(&str, &mut Form) -> Option<(u16, String)>;
type Edit = fn(&str, String) -> String;

async fn traits(turn: Turn, edit: Edit) -> Result<Traits, Error> {
    let server = testing::prometheus(&SeriesBatch::new()).await;
    let between = Between::start(server.address, Box::new(turn), Box::new(edit)).await;
    testing::replica(between.address).examined(&testing::client(), &testing::context()).await
}

/// The value of a question's answer, whatever it is, in place of another.
fn changed(body: &str, question: usize) -> String {
    let mark = format!("\"question\":\"{question}\"");
    let at = body.find(&mark).expect("answered");
    let value = at + body[at..].find("\"value\":[").expect("a value");
    let quote = value + body[value..].find('"').expect("a key") + 8;
    let start = quote + body[quote..].find('"').expect("a text") + 1;
    format!("{}77{}", &body[..start], &body[start..])
}

#[tokio::test]
async fn a_server_that_evaluates_as_we_do_passes() {
    let traits = traits(|_, _| None, |_, body| body).await.expect("answers");
    assert!(traits.speaks_ours && !traits.moves_ranges, "{traits:?}");
    assert!(traits.knows_lookback, "{traits:?}");
}

#[tokio::test]
async fn a_server_whose_windows_are_closed_fails() {
    // Six moments in five minutes, as Prometheus 2 counts them.
    let edit: Edit = |path, body| {
        if path.ends_with("/query") && body.contains("\"question\":\"0\"") {
            return changed(&body, 0);
        }
        body
    };
    assert!(!traits(|_, _| None, edit).await.expect("answers").speaks_ours);
}

#[tokio::test]
async fn a_server_that_refuses_the_language_fails_and_that_is_remembered() {
    let turn: Turn = |path, form| {
        let exam = form.iter().any(|(name, value)| name == "query" && value.contains("question"));
        let error = r#"{"status":"error","errorType":"bad_data","error":"unknown function"}"#;
        (path.ends_with("/query") && exam).then(|| (400, error.to_owned()))
    };
    let server = testing::prometheus(&SeriesBatch::new()).await;
    let between = Between::start(server.address, Box::new(turn), Box::new(|_, body| body)).await;
    let (replica, client) = (testing::replica(between.address), testing::client());
    for _ in 0..2 {
        let speaks = replica.speaks_our_dialect(&client, &testing::context()).await;
        assert!(!speaks.expect("an answer"));
    }
    assert_eq!(between.queries().len(), 3);
}

#[tokio::test]
async fn parameters_that_are_not_looked_at_and_moved_ranges_are_seen() {
    let turn: Turn = |path, form| {
        form.retain(|(name, _)| name != "lookback_delta");
        if path.ends_with("query_range") {
            for (_, value) in form.iter_mut().filter(|(name, _)| name == "start" || name == "end") {
                let time: f64 = value.parse().unwrap_or_else(|_| panic!("{value}"));
                *value = ((time / 60.0).floor() * 60.0).to_string();
            }
        }
        None
    };
    let traits = traits(turn, |_, body| body).await.expect("answers");
    assert!(traits.speaks_ours && traits.moves_ranges, "{traits:?}");
    assert!(!traits.knows_lookback, "{traits:?}");
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again() {
    let turn: Turn = |_, _| Some((503, "not now".to_owned()));
    let server = testing::prometheus(&SeriesBatch::new()).await;
    let between = Between::start(server.address, Box::new(turn), Box::new(|_, body| body)).await;
    let (replica, client) = (testing::replica(between.address), testing::client());
    assert!(replica.speaks_our_dialect(&client, &testing::context()).await.is_err());
    let before = between.queries().len();
    assert!(replica.speaks_our_dialect(&client, &testing::context()).await.is_err());
    assert!(between.queries().len() > before);
    assert_eq!(replica.dialect.traits(), None);
}

#[tokio::test]
async fn there_is_one_exam_at_a_time() {
    let server = testing::prometheus(&SeriesBatch::new()).await;
    let between = Between::transparent(server.address).await;
    let (replica, client) = (testing::replica(between.address), testing::client());
    let context = testing::context();
    let exams = (0..8).map(|_| replica.speaks_our_dialect(&client, &context)).collect::<Vec<_>>();
    let results = futures_util::future::join_all(exams).await;
    assert!(results.into_iter().all(|result| result.expect("an answer")));
    assert_eq!(between.queries().len(), 3);
}

fn features(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_refusal_is_blamed_on_what_was_never_evaluated() {
    let mut refusals = Refusals::default();
    let now = Instant::now();
    refusals.accepted.extend(features(&["sum", "rate"]));
    refusals.refuse(&features(&["sum", "limitk"]), now);
    assert!(refusals.forbids(&features(&["limitk", "avg"]), now));
    assert!(!refusals.forbids(&features(&["sum", "rate"]), now));
    let later = now + LIFETIME;
    assert!(!refusals.forbids(&features(&["limitk"]), later));
    // Where all of it was evaluated before, it is this combination.
    refusals.refuse(&features(&["sum", "rate"]), now);
    assert!(refusals.forbids(&features(&["rate", "sum", "x"]), now));
    assert!(!refusals.forbids(&features(&["sum"]), now));
}

#[test]
fn refusals_are_bounded() {
    let mut refusals = Refusals::default();
    let now = Instant::now();
    for number in 0..3 * MOST_REFUSALS {
        refusals.refuse(&[number.to_string()], now);
    }
    assert_eq!(refusals.refused.len(), MOST_REFUSALS);
}
