use super::*;

fn unlimited() -> Budget {
    Budget::unlimited()
}

#[test]
fn label_sets_are_sorted_and_unknown_fields_are_skipped() {
    let body = br#"{"extra":[{}],"data":[{"job":"x","__name__":"up"},{}],"status":"success","warnings":["w"]}"#;
    let reply = series(body, &unlimited()).expect("an answer");
    assert_eq!(reply.warnings, ["w"]);
    let data = reply.data.expect("data");
    assert_eq!(data, [Labels::from_pairs([("__name__", "up"), ("job", "x")]), Labels::empty()]);
}

#[test]
fn the_last_value_of_a_repeated_label_wins() {
    let body = br#"{"status":"success","data":[{"b":"1","a":"2","b":"3","a":"4"}]}"#;
    let data = series(body, &unlimited()).expect("an answer").data.expect("data");
    assert_eq!(data, [Labels::from_pairs([("a", "4"), ("b", "3")])]);
}

#[test]
fn null_is_nothing() {
    let body = br#"{"status":"success","data":null,"warnings":null}"#;
    let reply = names(body, &unlimited()).expect("an answer");
    assert_eq!(reply, Reply { data: None, error: None, warnings: vec![], infos: vec![] });
}

#[test]
fn names_keep_the_servers_order_and_their_escapes_are_resolved() {
    let body = br#" {"status":"success","data":["b","\u00e4\n","a"],"infos":["i"]} "#;
    let reply = names(body, &unlimited()).expect("an answer");
    assert_eq!(reply.data.expect("data"), ["b", "ä\n", "a"]);
    assert_eq!(reply.infos, ["i"]);
}

#[test]
fn metadata_is_read_by_metric() {
    let body = br#"{"status":"success","data":{"up":[{"type":"gauge","help":"h","unit":""}]}}"#;
    let data = metadata(body, &unlimited()).expect("an answer").data.expect("data");
    let entry = Metadata { kind: "gauge".into(), help: "h".into(), unit: String::new() };
    assert_eq!(data.into_iter().collect::<Vec<_>>(), [("up".to_owned(), vec![entry])]);
}

#[test]
fn exemplars_keep_the_text_of_their_value() {
    let body = br#"{"status":"success","data":[{"seriesLabels":{"__name__":"x"},"exemplars":
        [{"labels":{"trace_id":"t"},"value":"6.0","timestamp":1600096945.479}]}]}"#;
    let data = exemplars(body, &unlimited()).expect("an answer").data.expect("data");
    assert_eq!(data[0].labels.metric_name(), "x");
    let exemplar = &data[0].exemplars[0];
    assert_eq!((exemplar.value.as_str(), exemplar.timestamp_ms), ("6.0", 1_600_096_945_479));
    assert_eq!(exemplar.labels.value("trace_id"), "t");
}

#[test]
fn an_error_answer_is_one_whatever_its_data() {
    let body = br#"{"data":{"odd":[1]},"status":"error","errorType":"timeout","error":"late"}"#;
    let reply = names(body, &unlimited()).expect("an answer");
    let error = ApiError { kind: "timeout".into(), message: "late".into() };
    assert_eq!((reply.data, reply.error.as_ref()), (None, Some(&error)));
    assert_eq!(envelope(body).expect("an answer").error, Some(error));
}

#[test]
fn a_long_error_message_is_cut_at_a_character() {
    let body = format!(r#"{{"status":"error","errorType":"x","error":"{}"}}"#, "ä".repeat(9999));
    let error = envelope(body.as_bytes()).expect("an answer").error.expect("an error");
    assert!(error.message.len() <= ApiError::MAX_MESSAGE_BYTES);
    assert!(error.message.ends_with("ä…"));
}

#[test]
fn what_is_not_an_answer_is_named_and_shown_in_part() {
    let page = format!("<html><title>502 Bad Gateway</title>{}</html>", "x".repeat(5000));
    for (body, expected) in [
        (
            page.as_bytes(),
            "the answer is not prometheus's: found a page of markup, `<html><title>502",
        ),
        (b"", "the answer is not prometheus's: found an empty body"),
        (b"upstream request timeout", "the answer is not prometheus's: found `upstream request"),
        (b"[]", "the answer is not prometheus's: found `[]`"),
        (br#"{"status":"success","data":["a","#, "the answer is cut after 32 bytes"),
        (
            br#"{"status":"success","data":{"a":1}}"#,
            "the answer is malformed at byte 26: invalid type: map, expected a list, at `",
        ),
        (
            br#"{"status":"success","data":["a",7]}"#,
            "the answer is malformed at byte 32: invalid type: integer `7`, expected a string, at `",
        ),
        (
            br#"{"status":"maybe"}"#,
            "the answer is malformed at byte 0: unknown status \"maybe\", at `",
        ),
        (br#"{"data":[]}"#, "the answer is malformed at byte 0: no status, at `"),
        (
            br#"{"status":"success","data":[]} x"#,
            "the answer is malformed at byte 31: trailing characters, at `",
        ),
    ] {
        let error = names(body, &unlimited()).expect_err("no answer").to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(error.len() < 300, "{error}");
    }
}

#[test]
fn the_place_is_right_behind_line_breaks() {
    let body = b"{\n\"status\":\"success\",\n\n\"data\":[7]}";
    let error = names(body, &unlimited()).expect_err("no names");
    assert!(matches!(error, Error::Malformed { offset: 31, .. }), "{error:?}");
}

#[test]
fn the_budget_bounds_what_is_held() {
    let body = format!(r#"{{"status":"success","data":[{}"a"]}}"#, r#""aaaa","#.repeat(1000));
    let budget = Budget::new(0, 1000);
    let error = names(body.as_bytes(), &budget).expect_err("over the budget");
    assert!(matches!(error, Error::Exceeded(_)), "{error:?}");
}
