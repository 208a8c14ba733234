//! Asking replicas about their holes.
//!
//! In: a selector and a window. Out: the stretches in which one replica has
//! all of the merged data. One round of small requests to every replica at
//! once, seldom more: how many samples the series have in each bucket that is
//! not known yet, how that is at present, and which series there are. Where a
//! replica does not answer, nothing is claimed: the raw way says what failed.

mod edges;
mod listings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use promql::matcher::{MatchOp, Matcher};
use promql::{Labels, SeriesBatch};

use super::judge::{Edges, Evidence, Recent, Stretch, Terms};
use super::{Counts, Density, Expected, Grid, Known, Learned, Listed, Listing, SETTLE_MS, counts};
use crate::gather::Error;
use crate::gather::group::Group;
use crate::gather::push::Steps;
use crate::gather::replica::{Replica, seconds, selector_text, timeout};
use crate::storage::{Answer, Context, Scope};

/// After a probe without an answer, so long none is sent: a replica that is
/// down would cost every query the wait for it twice.
const PAUSE: Duration = Duration::from_secs(15);
/// More series than this are not probed: 16 bytes each, by replica.
const MOST_SERIES: usize = 500_000;
/// Rows of buckets whose series are looked at one by one, where series come
/// and go.
const MOST_ROWS: usize = 4;
/// Windows of more buckets than this, of a century or so, are not probed.
const MOST_BUCKETS: i64 = 10_000;
/// What is not known of a selector, in parts of all buckets, is little.
const UNFAMILIAR_PART: usize = 4;
/// The name of the age among the counts.
const AGE: &str = "age";

/// Where the data of a selector is that of one replica.
#[derive(Clone, Debug, Default)]
pub struct Wholeness {
    /// Ascending, both ends included, in milliseconds, within the window
    /// asked for, each as long as it can be. In a stretch the merged samples
    /// of the selector are those of this replica.
    pub stretches: Vec<Stretch>,
    /// All series of the selector in the window, and perhaps some around it;
    /// always there where there are stretches and several replicas.
    pub listing: Option<Arc<Listing>>,
    /// What the replicas warned of.
    pub warnings: Vec<String>,
    /// Requests that were made.
    pub requests: usize,
}

/// What is asked of each replica.
struct Question<'a> {
    matchers: &'a [Matcher],
    grid: Grid,
    /// Buckets to be counted.
    missing: Option<(i64, i64)>,
    /// The present, if it matters.
    now_ms: Option<i64>,
    /// Which series there are in this window.
    list: Option<(i64, i64)>,
}

/// What one replica said.
#[derive(Default)]
struct Found {
    counts: Vec<Counts>,
    recent: Recent,
    listing: Option<Listing>,
}

impl Question<'_> {
    const fn is_nothing(&self) -> bool {
        self.missing.is_none() && self.now_ms.is_none() && self.list.is_none()
    }
}

impl Group {
    /// The stretches of a window in which one replica is whole for a selector,
    /// that is, the merged samples are that replica's. The matchers are those
    /// that the replicas are asked with, without the group's labels.
    pub async fn wholeness(
        &self,
        context: &Context,
        matchers: &[Matcher],
        window_ms: (i64, i64),
    ) -> Wholeness {
        let own = Context { probes: Arc::default(), ..context.clone() };
        let found = self.found_whole(&own, matchers, window_ms).await;
        let requests = own.probes.load(Ordering::Relaxed);
        context.probes.fetch_add(requests, Ordering::Relaxed);
        Wholeness { requests, ..found }
    }

    async fn found_whole(
        &self,
        context: &Context,
        matchers: &[Matcher],
        window_ms: (i64, i64),
    ) -> Wholeness {
        let binding = self.policy.of(context);
        if self.replicas.len() <= 1 {
            let terms = binding.terms();
            let alone = terms.keeps_lone_replica && !terms.may_synthesise;
            let stretches = if alone && !self.replicas.is_empty() {
                vec![(window_ms.0, window_ms.1, 0)]
            } else {
                Vec::new()
            };
            return Wholeness { stretches, ..Wholeness::default() };
        }
        let terms = binding.builtin_rule().and_then(Terms::of);
        let Some(terms) = terms else { return Wholeness::default() };
        if self.coverage.is_paused(Instant::now()) || window_ms.0 > window_ms.1 {
            return Wholeness::default();
        }
        let search = Search::new(self, context, terms, window_ms);
        if let Some(wider) = search.wider(matchers) {
            let found = search.run(&wider).await;
            if matches!(found.stretches[..], [(from, to, _)] if (from, to) == window_ms) {
                return found;
            }
        }
        search.run(matchers).await
    }

    /// True if little has to be asked to tell who is whole.
    #[must_use]
    pub fn is_familiar(
        &self,
        context: &Context,
        matchers: &[Matcher],
        window_ms: (i64, i64),
    ) -> bool {
        let terms = self.policy.of(context).builtin_rule().and_then(Terms::of);
        let Some(terms) = terms.filter(|_| self.replicas.len() > 1) else { return true };
        let search = Search::new(self, context, terms, window_ms);
        search.is_familiar(matchers) || search.wider(matchers).is_some()
    }

    /// Asks every replica; nothing unless all of them answered.
    async fn ask_all(&self, context: &Context, question: &Question<'_>) -> Option<Vec<Found>> {
        let scattered = self
            .scatter("probe", context, |replica, own| async move {
                let data = replica.probe(self, &own, question).await?;
                Ok(Answer { data, ..Answer::default() })
            })
            .await;
        match scattered {
            Ok(scattered) if scattered.answers.len() == self.replicas.len() => {
                Some(scattered.answers)
            }
            _ => {
                self.coverage.pause(Instant::now() + PAUSE);
                None
            }
        }
    }
}

/// A window, and what follows from it.
struct Search<'a> {
    group: &'a Group,
    context: &'a Context,
    terms: Terms,
    grid: Grid,
    window_ms: (i64, i64),
    now_ms: i64,
    /// Buckets that the window and its margins touch.
    first: i64,
    /// The last of them that has ended.
    last: i64,
    /// The last bucket that nothing is added to any more.
    settled: i64,
    /// Some of them have not.
    is_live: bool,
}

impl<'a> Search<'a> {
    fn new(group: &'a Group, context: &'a Context, terms: Terms, window_ms: (i64, i64)) -> Self {
        let now_ms = now_ms();
        let grid = Grid::for_window(window_ms.1.saturating_sub(window_ms.0));
        let margin = terms.margin(grid);
        let ended = grid.at(now_ms) - 1;
        let end = grid.at(window_ms.1).saturating_add(margin);
        Self {
            group,
            context,
            terms,
            grid,
            window_ms,
            now_ms,
            first: grid.at(window_ms.0) - margin,
            last: end.min(ended),
            settled: grid.at(now_ms - SETTLE_MS) - 1,
            is_live: end > ended,
        }
    }

    /// What is known of the selector.
    fn known(&self, matchers: &[Matcher]) -> Known {
        self.group.coverage.known(matchers, self.grid, Instant::now())
    }

    /// A selector that matches more, of which all that is settled is known.
    fn wider(&self, matchers: &[Matcher]) -> Option<Vec<Matcher>> {
        let settled = (self.first, self.last.min(self.settled));
        self.group.coverage.wider(matchers, self.grid, settled, Instant::now())
    }

    /// True if most of what is settled is known.
    fn is_familiar(&self, matchers: &[Matcher]) -> bool {
        let (known, last) = (self.known(matchers), self.last.min(self.settled));
        if self.first > last {
            return true;
        }
        let counted = known.facts.counts.range(self.first..=last).count();
        let buckets = usize::try_from(last - self.first + 1).unwrap_or(usize::MAX);
        known.listed.is_some() && buckets - counted <= buckets / UNFAMILIAR_PART
    }

    /// The same question of several queries at once is asked once: who comes
    /// second finds the answer among what is known.
    async fn run(&self, matchers: &[Matcher]) -> Wholeness {
        if self.first > self.last || self.last - self.first > MOST_BUCKETS {
            return Wholeness::default();
        }
        if self.is_familiar(matchers) {
            return self.search(matchers).await;
        }
        let turn = self.group.coverage.turn(matchers);
        let waiting = tokio::time::timeout_at(self.context.deadline.into(), turn.lock());
        let Ok(_turn) = waiting.await else { return Wholeness::default() };
        if self.group.coverage.is_paused(Instant::now()) {
            return Wholeness::default();
        }
        self.search(matchers).await
    }

    async fn search(&self, matchers: &[Matcher]) -> Wholeness {
        let mut whole = Wholeness::default();
        let known = self.known(matchers);
        let answered = self.look(matchers, &known).await;
        let Some((counts, recent, listed)) = answered else { return whole };
        if listed.by_replica.iter().any(|listing| listing.len() > MOST_SERIES) {
            return whole;
        }
        let listings: Vec<&Listing> = listed.by_replica.iter().collect();
        let mut same_series = known.facts.same_series.clone();
        let mut agreed = Vec::new();
        let mut edges = known.facts.edges.clone();
        let evidence = self.evidence(&counts, &recent, &listings, (&same_series, &edges));
        for row in evidence.doubtful(&self.terms, MOST_ROWS) {
            for bucket in [*row.buckets.start(), *row.buckets.end()] {
                if !same_series.contains_key(&bucket) {
                    let digest = self.common_series(matchers, bucket).await;
                    agreed.extend(digest.map(|digest| (bucket, digest)));
                }
            }
        }
        let new = self.edges(matchers, &evidence).await;
        same_series.extend(agreed.iter().copied());
        edges.heads.extend(new.heads.clone());
        edges.tails.extend(new.tails.clone());
        let evidence = self.evidence(&counts, &recent, &listings, (&same_series, &edges));
        whole.stretches = evidence.stretches(&self.terms, self.window_ms);
        let expected = match whole.stretches[..] {
            [(from, to, replica)] if (from, to) == self.window_ms => Expected::Whole(replica),
            _ => Expected::Mixed,
        };
        self.group.coverage.expect(matchers, expected);
        whole.listing = Some(Arc::clone(&listed.all));
        agreed.retain(|(bucket, _)| *bucket <= self.settled);
        self.remember(matchers, &counts, listed, agreed, self.settled_part(new));
        whole
    }

    /// What is known, and asked where it is not: counts by replica and bucket,
    /// the present, and the series.
    async fn look(
        &self,
        matchers: &[Matcher],
        known: &Known,
    ) -> Option<(Vec<Vec<Counts>>, Vec<Recent>, Listed)> {
        let of_all_time = (self.grid.end(self.first - 1), self.window_end());
        let listed = known.listed.clone().filter(|listed| listed.window_ms.0 <= of_all_time.0);
        let mut question = Question {
            matchers,
            grid: self.grid,
            missing: self.missing(known),
            now_ms: self.is_live.then_some(self.now_ms),
            list: listed.is_none().then_some(of_all_time),
        };
        let mut found = if question.is_nothing() {
            self.group.replicas.iter().map(|_| Found::default()).collect()
        } else {
            self.group.ask_all(self.context, &question).await?
        };
        let counts = self.all_counts(known, question.missing, &found);
        let recent: Vec<Recent> =
            found.iter_mut().map(|one| std::mem::take(&mut one.recent)).collect();
        if let Some(listed) = listed {
            if listed.window_ms.1 >= of_all_time.1 || self.goes_on(&listed, &counts, &recent) {
                return Some((counts, recent, listed));
            }
            question =
                Question { missing: None, now_ms: None, list: Some(of_all_time), ..question };
            found = self.group.ask_all(self.context, &question).await?;
        }
        let by_replica: Vec<Listing> = found.into_iter().filter_map(|one| one.listing).collect();
        let all = Arc::new(Listing::union(&by_replica));
        let by_replica = Arc::new(by_replica);
        Some((counts, recent, Listed { window_ms: of_all_time, by_replica, all }))
    }

    /// The end of what is asked about, in milliseconds.
    fn window_end(&self) -> i64 {
        if self.is_live { self.now_ms } else { self.grid.end(self.last) }
    }

    /// True if the listings, made for a time before, still say it all.
    fn goes_on(&self, listed: &Listed, counts: &[Vec<Counts>], recent: &[Recent]) -> bool {
        let listings: Vec<&Listing> = listed.by_replica.iter().collect();
        let (none, nothing) = (BTreeMap::new(), Edges::default());
        let evidence = self.evidence(counts, recent, &listings, (&none, &nothing));
        evidence.goes_on_since(self.grid.at(listed.window_ms.1))
    }

    fn evidence<'b>(
        &self,
        counts: &'b [Vec<Counts>],
        recent: &'b [Recent],
        listings: &'b [&'b Listing],
        (same_series, edges): (&'b BTreeMap<i64, u128>, &'b Edges),
    ) -> Evidence<'b> {
        Evidence {
            grid: self.grid,
            first: self.first,
            counts,
            recent: self.is_live.then_some((self.now_ms, recent)),
            listings,
            same_series,
            edges,
        }
    }

    /// From the first bucket that is not known to the last.
    fn missing(&self, known: &Known) -> Option<(i64, i64)> {
        let is_missing = |bucket: &i64| !known.facts.counts.contains_key(bucket);
        let first = (self.first..=self.last).find(is_missing)?;
        let last = (self.first..=self.last).rev().find(is_missing)?;
        Some((first, last))
    }

    fn all_counts(
        &self,
        known: &Known,
        asked: Option<(i64, i64)>,
        found: &[Found],
    ) -> Vec<Vec<Counts>> {
        let of = |replica: usize, bucket: i64| {
            let asked = asked.filter(|(first, last)| (*first..=*last).contains(&bucket));
            match asked.and_then(|(first, _)| usize::try_from(bucket - first).ok()) {
                Some(place) => found[replica].counts[place].clone(),
                None => known.facts.counts[&bucket][replica].clone(),
            }
        };
        let buckets = || self.first..=self.last;
        (0..found.len())
            .map(|replica| buckets().map(|bucket| of(replica, bucket)).collect())
            .collect()
    }

    /// The digest of the series in a bucket, if all replicas have the same.
    async fn common_series(&self, matchers: &[Matcher], bucket: i64) -> Option<u128> {
        let grid = self.grid;
        let scattered = self
            .group
            .scatter("probe", self.context, |replica, own| async move {
                let data = replica.series_in(self.group, &own, matchers, (grid, bucket)).await?;
                Ok(Answer { data, ..Answer::default() })
            })
            .await;
        let answers = scattered.ok()?.answers;
        let agree = answers.len() == self.group.replicas.len()
            && answers.windows(2).all(|pair| pair[0] == pair[1]);
        answers.first().filter(|_| agree).map(Listing::digest)
    }

    fn remember(
        &self,
        matchers: &[Matcher],
        counts: &[Vec<Counts>],
        listed: Listed,
        same_series: Vec<(i64, u128)>,
        edges: Edges,
    ) {
        let buckets = self.first..=self.last.min(self.settled);
        let by_bucket = buckets.clone().zip(0..).map(|(bucket, place)| {
            (bucket, counts.iter().map(|own: &Vec<Counts>| own[place].clone()).collect())
        });
        let samples: u64 = counts.iter().flatten().map(Counts::samples).sum();
        let series = counts.iter().flatten().map(Counts::series).max().unwrap_or(0);
        let known = self.last - self.first + 1;
        let density = Density {
            series,
            samples_per_ms: samples as f64 / (known * self.grid.width_ms) as f64,
        };
        let learned = Learned {
            grid: self.grid,
            counts: by_bucket.collect(),
            same_series,
            edges,
            listed: Some(listed.settled(self.now_ms)),
        };
        self.group.coverage.learn(matchers, learned, Some(density), Instant::now());
    }
}

impl Replica {
    /// Asks all that a question wants, at once.
    async fn probe(
        &self,
        group: &Group,
        context: &Context,
        question: &Question<'_>,
    ) -> Result<Found, Error> {
        let counts = async {
            match question.missing {
                Some(buckets) => self.counts(group, context, question, buckets).await,
                None => Ok(Vec::new()),
            }
        };
        let recent = async {
            match question.now_ms {
                Some(now_ms) => self.recent(group, context, question, now_ms).await,
                None => Ok(Recent::default()),
            }
        };
        let listing = async {
            match question.list {
                Some(window) => {
                    self.list(group, context, question.matchers, window).await.map(Some)
                }
                None => Ok(None),
            }
        };
        let (counts, recent, listing) =
            futures_util::future::try_join3(counts, recent, listing).await?;
        Ok(Found { counts, recent, listing })
    }

    async fn counts(
        &self,
        group: &Group,
        context: &Context,
        question: &Question<'_>,
        (first, last): (i64, i64),
    ) -> Result<Vec<Counts>, Error> {
        let grid = question.grid;
        let (selector, width) = (selector_text(question.matchers), grid.width_ms);
        let text = format!(
            "count_values(\"{}\", count_over_time({selector}[{width}ms] offset {}ms))",
            counts::LABEL,
            Grid::OFFSET_MS
        );
        let steps = Steps {
            start_ms: grid.asked_at(first),
            end_ms: grid.asked_at(last),
            step_ms: if first == last { 0 } else { width },
        };
        let answer = self.computed(group, context, text, steps).await?;
        Counts::of_answer(&answer, grid, (first, last))
    }

    async fn recent(
        &self,
        group: &Group,
        context: &Context,
        question: &Question<'_>,
        now_ms: i64,
    ) -> Result<Recent, Error> {
        let (selector, width) = (selector_text(question.matchers), question.grid.width_ms);
        let (label, now) = (counts::LABEL, seconds(now_ms));
        let text = format!(
            "count_values(\"{label}\", count_over_time({selector}[{width}ms])) or \
             label_replace(sum(sqrt({now} - timestamp({selector}))), \"{label}\", \"{AGE}\", \"\", \"\")"
        );
        let steps = Steps { start_ms: now_ms, end_ms: now_ms, step_ms: 0 };
        let answer = self.computed(group, context, text, steps).await?;
        let (counts, age) = Counts::of_instant(&answer, counts::LABEL, AGE)?;
        Ok(Recent { counts, age })
    }

    /// Evaluates; an answer with warnings may be partial, which is none.
    async fn computed(
        &self,
        group: &Group,
        context: &Context,
        text: String,
        steps: Steps,
    ) -> Result<SeriesBatch, Error> {
        context.probes.fetch_add(1, Ordering::Relaxed);
        let form = vec![("query", text), ("timeout", timeout(context.deadline))];
        let answer = self.query_at(&group.client, context, form, steps).await?;
        complete(answer)
    }

    async fn list(
        &self,
        group: &Group,
        context: &Context,
        matchers: &[Matcher],
        (start_ms, end_ms): (i64, i64),
    ) -> Result<Listing, Error> {
        let scope = Scope {
            selectors: vec![matchers.to_vec()],
            start_ms: Some(start_ms),
            end_ms: Some(end_ms),
            limit: 0,
        };
        context.probes.fetch_add(1, Ordering::Relaxed);
        let series = complete(self.series(&group.client, context, &scope).await?)?;
        Ok(Listing::new(&series, &group.labels))
    }

    /// The series that have samples in one bucket.
    async fn series_in(
        &self,
        group: &Group,
        context: &Context,
        matchers: &[Matcher],
        (grid, bucket): (Grid, i64),
    ) -> Result<Listing, Error> {
        // Values that are all alike shrink to nothing, but the function takes
        // the name away, which may be all that tells two series apart.
        let is_name = |matcher: &Matcher| matcher.is_name() && matcher.op() == MatchOp::Equal;
        let function =
            if matchers.iter().any(is_name) { "present_over_time" } else { "last_over_time" };
        let (selector, width) = (selector_text(matchers), grid.width_ms);
        let text = format!("{function}({selector}[{width}ms] offset {}ms)", Grid::OFFSET_MS);
        let time = grid.asked_at(bucket);
        let steps = Steps { start_ms: time, end_ms: time, step_ms: 0 };
        let answer = self.computed(group, context, text, steps).await?;
        Ok(Listing::new(answer.labels(), &Labels::empty()))
    }
}

fn complete<T>(answer: Answer<T>) -> Result<T, Error> {
    match answer.warnings.into_iter().next() {
        Some(warning) => Err(Error::Decode(format!("perhaps not complete: {warning}"))),
        None => Ok(answer.data),
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
