//! Looking for a broken law: many batches, few instances.
//!
//! Some batches are asked of one instance, with every law that applies, and
//! once more of a second one, in the opposite order and at another time of
//! day. What looks broken is tried again on instances of its own; if it is
//! not broken there, the instance remembered something.

use super::answer::Answer;
use super::case::Case;
use super::generate::Generator;
use super::lab::{self, Asked, Lab, Patience, Trouble};
use super::law::{self, Broken, Law, Stop};
use super::probe::{Probe, Repeated, Window};
use super::{Budget, Progress, picked};

/// Batches that one instance is asked about.
const BLOCK: usize = 16;
/// The same batches every time.
const SEED: u64 = 20_260_101;

/// Laws and how often each was tried.
type Held = Vec<(&'static str, u64)>;

/// A search for broken laws.
pub(super) struct Explorer<'a> {
    budget: Budget,
    watch: &'a dyn Fn(Progress),
    progress: Progress,
    tried: [u64; Law::ALL.len()],
}

impl<'a> Explorer<'a> {
    pub(super) fn new(budget: Budget, watch: &'a dyn Fn(Progress)) -> Self {
        let progress = Progress { done: 0, total: 0 };
        Self { budget, watch, progress, tried: [0; Law::ALL.len()] }
    }

    /// Tries everything; returns the laws that hold.
    pub(super) fn run(
        &mut self,
        lab: &mut Lab<'_>,
        recorded: &[Case],
    ) -> Result<Held, Box<Broken>> {
        let mut generator = Generator::new(SEED, lab.terms.span);
        let mut picked = picked::cases();
        picked.extend_from_slice(recorded);
        let large = picked::large();
        let known = picked.len() + large.len();
        self.progress.total = known as u64 + self.budget.generated;
        self.all(lab, &picked, &mut generator, None)?;
        self.count(Law::InTime, picked.len() as u64);
        for case in &large {
            self.block(lab, std::slice::from_ref(case), &mut generator)?;
        }
        let patience = Patience::of(self.budget.patience);
        let mut left = self.budget.generated;
        while left > 0 && !patience.is_over() {
            let count = left.min(BLOCK as u64);
            left -= count;
            let cases: Vec<Case> = (0..count).map(|_| generator.case()).collect();
            self.all(lab, &cases, &mut generator, Some(patience))?;
        }
        self.long_life(lab, &mut generator)?;
        self.progress.done = self.progress.total;
        (self.watch)(self.progress);
        Ok(self.held(lab))
    }

    fn held(&self, lab: &Lab<'_>) -> Held {
        let applies = |law: &Law| match law {
            Law::LoneReplica => lab.terms.keeps_lone_replica,
            Law::NoTimeTravel | Law::SubWindows => lab.terms.span.is_some(),
            _ => true,
        };
        let tried = Law::ALL.iter().zip(self.tried).filter(|(law, _)| applies(law));
        tried.filter(|(_, count)| *count > 0).map(|(law, count)| (law.name(), count)).collect()
    }

    fn count(&mut self, law: Law, batches: u64) {
        self.tried[law as usize] += batches;
    }

    /// Block after block; with some patience, as many as there is time for.
    fn all(
        &mut self,
        lab: &mut Lab<'_>,
        cases: &[Case],
        generator: &mut Generator,
        patience: Option<Patience>,
    ) -> Result<(), Box<Broken>> {
        for block in cases.chunks(BLOCK) {
            match self.block(lab, block, generator) {
                Ok(()) => {}
                Err(broken) if broken.law == Law::InTime && patience.is_some() => return Ok(()),
                Err(broken) => return Err(broken),
            }
            if patience.is_some_and(|patience| patience.is_over()) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn block(
        &mut self,
        lab: &mut Lab<'_>,
        block: &[Case],
        generator: &mut Generator,
    ) -> Result<(), Box<Broken>> {
        let outcome = self.try_block(lab, block, generator);
        let history = lab.stop_sharing();
        match outcome {
            Ok(()) => Ok(()),
            Err(Stop::OutOfTime) => Err(self.out_of_time(&block[0])),
            Err(Stop::Broken(broken)) => match confirm(lab, *broken, &history) {
                Some(broken) => Err(Box::new(broken)),
                None => Ok(()),
            },
        }
    }

    fn out_of_time(&self, case: &Case) -> Box<Broken> {
        let seconds = self.budget.hard.as_secs();
        let Progress { done, .. } = self.progress;
        Box::new(Broken {
            law: Law::InTime,
            probe: Probe::of(case.clone()),
            answer: format!("too late: after {seconds} seconds, {done} batches had answers"),
            is_slow: false,
        })
    }

    fn try_block(
        &mut self,
        lab: &mut Lab<'_>,
        block: &[Case],
        generator: &mut Generator,
    ) -> Result<(), Stop> {
        share(lab, &block[0], lab::clock_after(&block[0]))?;
        let mut answers = Vec::with_capacity(block.len());
        for case in block {
            answers.push(self.laws(lab, case, generator)?);
            self.progress.done += 1;
            (self.watch)(self.progress);
        }
        let history = lab.stop_sharing();
        share(lab, &block[0], lab::clock_much_later(&block[0]))?;
        for (case, expected) in block.iter().zip(&answers).rev() {
            let again = law::answer(lab, case)?;
            if law::first_difference(expected, &again).is_some() {
                // Either may have remembered something.
                return Err(Stop::Broken(Box::new(self.suspect(lab, case, &history))));
            }
        }
        self.count(Law::Repeatable, block.len() as u64);
        self.count(Law::Timeless, block.len() as u64);
        Ok(())
    }

    /// Two instances differ: by the clock, or by what the first was asked.
    fn suspect(&self, lab: &mut Lab<'_>, case: &Case, history: &[Asked]) -> Broken {
        let second = lab.stop_sharing();
        let timeless = law::check(Law::Timeless, lab, &Probe::of(case.clone()));
        if let Err(Stop::Broken(broken)) = timeless {
            return *broken;
        }
        let blamed = blame(lab, history).or_else(|| blame(lab, &second));
        blamed.unwrap_or_else(|| Broken {
            law: Law::Repeatable,
            probe: Probe::of(case.clone()),
            answer: "something else on another instance".to_owned(),
            is_slow: false,
        })
    }

    fn laws(
        &mut self,
        lab: &mut Lab<'_>,
        case: &Case,
        generator: &mut Generator,
    ) -> Result<Answer, Stop> {
        let whole = law::answer(lab, case)?;
        for law in [Law::Answers, Law::ValidPlan, Law::NothingInvented] {
            self.count(law, 1);
        }
        law::series_apart(lab, case, &whole)?;
        self.count(Law::SeriesApart, u64::from(case.series.len() > 1));
        law::lone_replica(lab, case, &whole)?;
        let lone = case.series.iter().any(|series| series.lone().is_some());
        self.count(Law::LoneReplica, u64::from(lone));
        law::idempotent(lab, case, &whole)?;
        let unanimous = case.series.iter().any(super::case::Series::is_unanimous);
        self.count(Law::Idempotent, u64::from(unanimous));
        for (law, window) in self.windows(lab, case, &whole, generator) {
            law::windows(law, lab, case, &whole, window)?;
            self.count(law, 1);
        }
        Ok(whole)
    }

    /// Parts of a case: around some moments, no wider than the span.
    fn windows(
        &self,
        lab: &Lab<'_>,
        case: &Case,
        whole: &Answer,
        generator: &mut Generator,
    ) -> Vec<(Law, Window)> {
        let times = case.times();
        let Some(span) = lab.terms.span.filter(|_| times.len() > 1) else {
            return Vec::new();
        };
        let (before, after) = law::reach(span, case.replicas);
        let seams: Vec<i64> = whole.taken(case).iter().flat_map(|taken| seams(taken)).collect();
        let mut windows = Vec::new();
        for _ in 0..self.budget.windows {
            let moments = if seams.is_empty() || generator.below(2) == 0 { &times } else { &seams };
            let moment = moments[generator.below(moments.len())];
            let start = moment.checked_sub_unsigned(before);
            let end = moment.checked_add_unsigned(after);
            if end.is_some() {
                windows.push((Law::NoTimeTravel, (None, end)));
            }
            if start.is_some() {
                windows.push((Law::SubWindows, (start, end)));
            }
        }
        windows
    }

    /// One instance is asked the same very often.
    fn long_life(
        &mut self,
        lab: &mut Lab<'_>,
        generator: &mut Generator,
    ) -> Result<(), Box<Broken>> {
        let (case, _, _) = generator.hole();
        lab.patience = Patience::of(self.budget.life);
        let Ok(mut guest) = lab.instance(lab::clock_after(&case)) else {
            return Ok(());
        };
        let mut first: Option<Answer> = None;
        for asked in 0..self.budget.questions {
            let answer = match lab.ask(&mut guest, &case) {
                Err(Trouble::OutOfTime) => break,
                answer => answer.ok(),
            };
            if asked == 0 {
                first = answer;
            } else if answer != first {
                drop(guest);
                let earlier = Repeated { case: case.clone(), times: asked };
                let probe = Probe::after(vec![earlier], case);
                lab.patience = Patience::of(self.budget.hard);
                return match law::check(Law::Repeatable, lab, &probe) {
                    Err(Stop::Broken(broken)) => Err(broken),
                    _ => Ok(()),
                };
            }
        }
        Ok(())
    }
}

/// Moments at which a merged series changes from one replica to another, on
/// both sides.
fn seams(taken: &[super::answer::Taken]) -> Vec<i64> {
    let pairs = taken.windows(2).filter(|pair| pair[0].replica != pair[1].replica);
    pairs.flat_map(|pair| [pair[0].time, pair[1].time]).collect()
}

fn share(lab: &mut Lab<'_>, case: &Case, clock: i64) -> Result<(), Stop> {
    match lab.share(clock) {
        Ok(()) => Ok(()),
        // The first question says the same.
        Err(_) => law::answer(lab, case).map(drop),
    }
}

/// What is really broken, if something is.
///
/// Nothing is if the same works on instances of its own and none of what the
/// shared one said was strange: then this machine was busy.
fn confirm(lab: &mut Lab<'_>, broken: Broken, history: &[Asked]) -> Option<Broken> {
    match law::check(broken.law, lab, &broken.probe) {
        Err(Stop::Broken(confirmed)) => Some(*confirmed),
        Err(Stop::OutOfTime) => Some(broken),
        Ok(()) => blame(lab, history),
    }
}

/// The first question that a fresh instance answers otherwise.
fn blame(lab: &mut Lab<'_>, history: &[Asked]) -> Option<Broken> {
    for (index, asked) in history.iter().enumerate() {
        if lab.plan(&asked.case).ok() == asked.answer {
            continue;
        }
        let once = |asked: &Asked| Repeated { case: asked.case.clone(), times: 1 };
        let earlier = history[..index].iter().map(once).collect();
        let probe = Probe::after(earlier, asked.case.clone());
        if let Err(Stop::Broken(broken)) = law::check(Law::Repeatable, lab, &probe) {
            return Some(*broken);
        }
    }
    None
}
