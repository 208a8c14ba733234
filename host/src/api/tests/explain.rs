//! Plans, and what happened, as clients see them.

use std::time::Duration;

use super::*;
use crate::plan::{Explained, GroupName, Plan, Read, ReadOf, Steps};
use crate::query::Explanation;
use crate::storage::{Asked, Origin, Run, Source, Trace};

/// The fake engine's plan: one selector, read raw from one group.
pub(super) fn plan_of(request: &QueryRequest) -> Explained {
    let replicas = vec!["http://a:9090".to_owned(), "http://b:9090".to_owned()];
    let labels = Labels::from_pairs([("site", "east")]);
    let asked = ReadOf {
        group: 0,
        selector: "{}".to_owned(),
        window_ms: (500, 5000),
        pieces: 2,
        estimate: Some((3, 30)),
    };
    Explained {
        query: request.text.clone(),
        steps: Steps {
            start_ms: request.start_ms,
            end_ms: request.end_ms,
            step_ms: request.step_ms,
        },
        plan: Plan::default(),
        groups: vec![GroupName { title: "pair".to_owned(), labels, replicas }],
        reads: vec![Read {
            selector: "{}".to_owned(),
            window_ms: (1000, 5000),
            site: None,
            asked: vec![asked],
        }],
    }
}

/// The fake engine's story: one replica failed, the other filled its hole.
pub(super) fn explanation(request: &QueryRequest) -> Explanation {
    let trace = Trace::default();
    let asked = |replica, error: Option<&str>| Asked {
        group: 0,
        replica,
        call: "get_value",
        text: String::new(),
        elapsed: Duration::from_micros(1500),
        bytes: 70,
        samples: 9,
        outcome: if error.is_some() { "connect" } else { "success" },
        error: error.map(str::to_owned),
    };
    trace.request(asked(1, Some("refused")));
    trace.request(asked(0, None));
    let source = Source {
        part: "{}".to_owned(),
        window_ms: Some((1000, 5000)),
        group: Some(0),
        labels: Labels::from_pairs([("a", "<b>")]),
    };
    let run = |first_ms, replica, filled| Run {
        first_ms,
        last_ms: first_ms + 500,
        samples: 2,
        origin: Origin::Replica(replica),
        filled,
    };
    trace.runs(source, || vec![run(1000, 0, false), run(2000, 1, true)]);
    Explanation { plan: plan_of(request), traced: trace.so_far() }
}

#[tokio::test]
async fn a_plan_is_told_by_get_and_post_for_an_instant_and_for_a_range() {
    let tested = tested();
    let got = tested.get("/api/v1/explain?query=vector&time=5").await;
    assert_eq!(got.status, StatusCode::OK);
    let posted = tested.post("/api/v1/explain", "query=vector&time=5").await;
    assert_eq!(posted.text(), got.text());
    let data = &got.json()["data"];
    assert_eq!(data["query"], json!("vector"));
    assert_eq!(data["steps"], json!({"start": 5.0, "end": 5.0, "step": 0.0, "count": 1}));
    assert_eq!(
        data["plan"],
        json!({
            "here": "vector",
            "probes": 0,
            "groups": [{
                "name": "pair",
                "labels": {"site": "east"},
                "replicas": ["http://a:9090", "http://b:9090"],
            }],
            "sites": [],
            "not_pushed": [],
            "raw": [{
                "selector": "{}",
                "start": 1.0,
                "end": 5.0,
                "site": null,
                "asked": [{
                    "group": 0,
                    "selector": "{}",
                    "start": 0.5,
                    "end": 5.0,
                    "replicas": 2,
                    "pieces": 2,
                    "estimated_series": 3,
                    "estimated_samples": 30,
                }],
            }],
        })
    );
    let text = data["text"].as_str().expect("a text");
    assert!(text.starts_with("query: vector\nsteps: 1970-01-01T00:00:05Z\n"), "{text}");

    let range = "query=vector&start=1&end=61&step=30s&lookback_delta=2m";
    let ranged = tested.post("/api/v1/explain", range).await.json();
    assert_eq!(
        ranged["data"]["steps"],
        json!({"start": 1.0, "end": 61.0, "step": 30.0, "count": 3})
    );
    assert_eq!(tested.asked()[2].lookback_ms, Some(120_000));
    assert_eq!(
        tested.send(request(Method::PUT, "/api/v1/explain", "")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn what_a_query_is_refused_for_a_plan_is_refused_for() {
    let tested = tested();
    let cases = [
        ("query=parse", 400, "invalid parameter \"query\": 1:1: parse error: oh"),
        ("query=execution", 422, "execution"),
        ("query=vector&start=2&end=1&step=1", 400, "must not be before start time"),
        ("query=vector&start=2&end=3", 400, "invalid parameter \"step\""),
        ("query=vector&time=x", 400, "invalid parameter \"time\""),
    ];
    for (parameters, status, said) in cases {
        let got = tested.get(&format!("/api/v1/explain?{parameters}")).await;
        assert_eq!(got.status.as_u16(), status, "{parameters}");
        let error = got.json()["error"].as_str().expect("a text").to_owned();
        assert!(error.contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_query_tells_what_happened_only_if_it_is_asked() {
    let tested = tested();
    for plain in ["", "&explain=", "&explain=0", "&explain=false"] {
        let got = tested.get(&format!("/api/v1/query?query=vector{plain}")).await.json();
        assert_eq!(got["data"].get("explain"), None, "{plain}");
    }
    let refused = tested.get("/api/v1/query?query=vector&explain=yes").await;
    assert_eq!(refused.status.as_u16(), 400);
    assert_eq!(
        refused.json()["error"],
        json!("invalid parameter \"explain\": \"yes\" is neither 1 or true nor 0 or false")
    );
    let range = "query=vector&start=1&end=2&step=1&explain=true";
    let answers = [
        tested.get("/api/v1/query?query=vector&explain=1").await,
        tested.post("/api/v1/query_range", range).await,
    ];
    for answer in answers {
        let data = &answer.json()["data"];
        assert_eq!(data["result"].as_array().map(Vec::len), Some(3));
        let explain = &data["explain"];
        assert!(explain["plan"].is_object() && explain["text"].is_string(), "{explain}");
        assert_eq!(
            explain["requests"],
            json!([
                {"group": "pair", "replica": "http://a:9090", "call": "get_value",
                 "milliseconds": 1.5, "bytes": 70, "samples": 9, "outcome": "success"},
                {"group": "pair", "replica": "http://b:9090", "call": "get_value",
                 "milliseconds": 1.5, "bytes": 70, "samples": 9, "outcome": "connect",
                 "error": "refused"},
            ])
        );
        assert_eq!(
            explain["series"],
            json!([{
                "of": "{}",
                "kind": "raw",
                "window": [1.0, 5.0],
                "group": "pair",
                "metric": {"a": "<b>"},
                "runs": [
                    {"replica": "http://a:9090", "start": 1.0, "end": 1.5, "samples": 2,
                     "filled": false},
                    {"replica": "http://b:9090", "start": 2.0, "end": 2.5, "samples": 2,
                     "filled": true},
                ],
                "runs_left_out": 0,
            }])
        );
        assert_eq!(explain["series_left_out"], json!(0));
    }
}
