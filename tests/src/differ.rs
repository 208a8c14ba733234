//! Generated queries, asked of the server that has everything and of proxies
//! in every mode.
//!
//! `E2E_QUERIES` says how many queries each fleet is asked, `E2E_SEED` which,
//! and `E2E_QUERY` gives one to be asked that often at random times;
//! `E2E_EVERYTHING=1` makes other tests ask fleets of more shapes.

use std::env;

use crate::compare::{Numbers, Order, Question};
use crate::fleet::Fleet;
use crate::fleet::shape::Shape;
use crate::http::Client;
use crate::modes::Mode;
use crate::proxy::Proxy;
use crate::queries::random::Random;
use crate::queries::spread::{Drawn, Spread};

/// Queries for each fleet where nothing is said.
const QUERIES: u64 = 100;
/// After so many queries the proxies are started anew, with nothing known.
const FORGET: usize = 250;
/// Steps of range queries, in milliseconds; some divide nothing.
const STEPS_MS: [i64; 9] =
    [15_000, 30_000, 60_000, 60_000, 60_000, 37_000, 300_000, 61_500, 1_234_000];
/// Most points of a range query.
const POINTS: i64 = 360;
/// So many differences are shown; all are counted.
const SHOWN: usize = 20;

/// How much is asked, and what decides about it.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// For data, holes and queries.
    pub seed: u64,
    /// Number of queries for each fleet.
    pub queries: u64,
}

impl Extent {
    /// As the environment says.
    ///
    /// # Panics
    /// When a variable is no number.
    #[must_use]
    pub fn from_env() -> Self {
        let number = |name: &str, default: u64| {
            env::var(name).map_or(default, |text| {
                text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number"))
            })
        };
        Self { seed: number("E2E_SEED", 1), queries: number("E2E_QUERIES", QUERIES) }
    }
}

/// True if `E2E_EVERYTHING` asks for what takes long.
#[must_use]
pub fn everything() -> bool {
    env::var("E2E_EVERYTHING").as_deref() == Ok("1")
}

/// A way of asking a fleet.
#[derive(Clone, Copy, Debug)]
struct Way {
    mode: Mode,
    remote_read: bool,
}

impl Way {
    /// All ways in which a fleet of this shape must give right answers.
    fn all(shape: &Shape, remote_read: bool) -> Vec<Self> {
        let modes = Mode::right(shape.is_equal_everywhere());
        modes.into_iter().map(|mode| Self { mode, remote_read }).collect()
    }

    fn proxy(self, fleet: &Fleet) -> Proxy {
        fleet.proxy(|group| {
            let group = self.mode.configure(group);
            // Unset means: try it.
            if self.remote_read { group } else { group.set("remote_read", false) }
        })
    }
}

/// Asks a fleet of this shape random queries, with remote read or without.
///
/// # Panics
/// When an answer differs from that of the server that has everything.
pub fn check(shape: &Shape, remote_read: bool) {
    let fleet = shape.start(Extent::from_env().seed);
    compare(shape, &fleet, fleet.whole.client, remote_read);
}

/// The same for a shape of which only the rule itself can say what the merge
/// is: every mode must answer as raw samples do.
///
/// # Panics
/// When an answer differs from that of raw samples.
pub fn check_against_raw(shape: &Shape) {
    if !Mode::are_several() {
        return;
    }
    let fleet = shape.start(Extent::from_env().seed);
    let raw = Way { mode: Mode::Never, remote_read: true }.proxy(&fleet);
    compare(shape, &fleet, raw.client, true);
}

fn compare(shape: &Shape, fleet: &Fleet, truth: Client, remote_read: bool) {
    let extent = Extent::from_env();
    let ways = Way::all(shape, remote_read);
    let questions = questions(fleet, extent, remote_read);
    let mut differences = Vec::new();
    let mut with_data = 0;
    for part in questions.chunks(2 * FORGET) {
        let proxies: Vec<(Way, Proxy)> = ways.iter().map(|way| (*way, way.proxy(fleet))).collect();
        for question in part {
            let expected = question.ask(truth);
            let answer = expected.json();
            let result = &answer["data"]["result"];
            with_data += usize::from(result.as_array().is_some_and(|list| !list.is_empty()));
            for (way, proxy) in &proxies {
                let found = question.unlike(&expected, proxy.client);
                differences.extend(found.map(|text| format!("{:?}: {text}", way.mode)));
            }
        }
    }
    let asked = questions.len();
    assert!(2 * with_data > asked, "only {with_data} of {asked} queries have an answer");
    let shown = differences[..differences.len().min(SHOWN)].join("\n\n");
    assert!(
        differences.is_empty(),
        "{}, remote read {remote_read}, {extent:?}: {} of {} answers differ:\n\n{shown}\n",
        shape.name,
        differences.len(),
        asked * ways.len()
    );
}

/// Each query as an instant query and as a range query.
fn questions(fleet: &Fleet, extent: Extent, histograms: bool) -> Vec<Question> {
    let middle = (fleet.start_ms + fleet.end_ms) / 2000;
    let mut spread = Spread::new(extent.seed, middle, histograms);
    let mut random = Random::new(extent.seed, middle);
    let given = env::var("E2E_QUERY").ok();
    let mut questions = Vec::new();
    for number in 0..extent.queries {
        let drawn = match &given {
            Some(query) => plain(query.clone()),
            None if number % 5 == 4 => plain(random.query()),
            None => spread.query(),
        };
        questions.push(instant(fleet, &drawn, &mut spread));
        questions.push(range(fleet, &drawn, &mut spread));
    }
    questions
}

fn plain(query: String) -> Drawn {
    Drawn { query, numbers: Numbers::Exact, order: Order::Free }
}

fn instant(fleet: &Fleet, drawn: &Drawn, spread: &mut Spread) -> Question {
    let time = moment(fleet, spread);
    finished(Question::instant(&drawn.query, time), drawn, spread)
}

fn range(fleet: &Fleet, drawn: &Drawn, spread: &mut Spread) -> Question {
    let step = spread.one_of(&STEPS_MS);
    let (one, two) = (moment(fleet, spread), moment(fleet, spread));
    // Half of the ranges begin on a whole step, as dashboards ask.
    let start = if spread.below(2) == 0 { one.min(two) / step * step } else { one.min(two) };
    let end = one.max(two).min(start + POINTS * step);
    let mut question = Question::range(&drawn.query, start, end, step);
    // Which series a limit leaves is determined only for a sorted answer.
    if spread.below(20) == 0 && drawn.order == Order::Free {
        question = question.with("limit", spread.one_of(&["1", "3"]));
    }
    finished(question, drawn, spread)
}

/// A moment in the window, or up to ten minutes beside it.
fn moment(fleet: &Fleet, spread: &mut Spread) -> i64 {
    let length = fleet.end_ms - fleet.start_ms + 1_200_000;
    let drawn = spread.below(length.unsigned_abs());
    fleet.start_ms - 600_000 + i64::try_from(drawn).expect("less than a window")
}

fn finished(mut question: Question, drawn: &Drawn, spread: &mut Spread) -> Question {
    if spread.below(12) == 0 {
        question = question.with("lookback_delta", spread.one_of(&["15s", "1m", "12m"]));
    }
    Question { numbers: drawn.numbers, order: drawn.order, ..question }
}
