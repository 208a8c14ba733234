//! The traps of push-down, each on its own: what goes wrong in proxies that
//! evaluate parts of a query in the replicas.
//!
//! Every question is asked in all modes, of a fleet whose replicas are whole
//! (where most is pushed down) and of one with holes, and answered as by the
//! server that holds the merged samples.

mod aggregates;
mod changes;
mod histograms;
mod labels;
mod lookback;
mod scalars;
mod texts;
mod times;

use e2e::compare::{Question, assert_same};
use e2e::differ::everything;
use e2e::fleet::Fleet;
use e2e::fleet::shape::Shape;
use e2e::modes::Mode;
use e2e::prometheus;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// Groups with labels, whole and with holes.
const LABELLED: [Shape; 2] = [Shape::LABELLED, Shape::LABELLED_HOLES];
/// Groups without labels as well.
const ALL: [Shape; 5] = [
    Shape::LABELLED,
    Shape::UNLABELLED_HOLES,
    Shape::OVERLAPPING_HOLES,
    Shape::LABELLED_HOLES,
    Shape::UNLABELLED,
];
/// Of more shapes than this only the first are asked, unless everything is.
const USUAL: usize = 2;

/// Each query at two moments and over two ranges: a dense one off the minute,
/// and the whole window by minutes.
fn questions(fleet: &Fleet, queries: &[&str]) -> Vec<Question> {
    let at = |minute: i64| fleet.start_ms + minute * MINUTE;
    let moment = at(90) / SECOND;
    let mut questions = Vec::new();
    for query in queries {
        let query =
            query.replace("@ T", &format!("@ {moment}")).replace("{T}", &moment.to_string());
        questions.push(Question::instant(&query, at(44) + 7_350));
        questions.push(Question::instant(&query, at(135)));
        questions.push(Question::range(&query, at(20) + 1_234, at(75), 30 * SECOND));
        questions.push(Question::range(&query, at(0) / MINUTE * MINUTE, at(180), MINUTE));
    }
    questions
}

/// The shapes to ask.
fn usual(shapes: &[Shape]) -> &[Shape] {
    if everything() { shapes } else { &shapes[..shapes.len().min(USUAL)] }
}

/// The values need only be close if `close`.
fn ask_all(shapes: &[Shape], queries: &[&str], finish: fn(Question) -> Question) {
    if !prometheus::available() {
        return;
    }
    for shape in shapes {
        let fleet = shape.start(1);
        let questions: Vec<Question> = questions(&fleet, queries).into_iter().map(finish).collect();
        for mode in Mode::right(shape.is_equal_everywhere()) {
            eprintln!("{}, {mode:?}", shape.name);
            let proxy = fleet.proxy(|group| mode.configure(group));
            assert_same(fleet.whole.client, proxy.client, &questions);
        }
    }
}

fn ask(shapes: &[Shape], queries: &[&str]) {
    ask_all(shapes, queries, |question| question);
}

fn ask_closely(shapes: &[Shape], queries: &[&str]) {
    ask_all(shapes, queries, Question::close);
}
