//! Vector matching: which series of both sides meet, and what comes of it.
//!
//! Series meet in groups of one signature. The side that may only have one
//! series at a step is the *one* side, the other the *many* side.

use std::collections::{HashMap, HashSet};

use super::element;
use super::output::Output;
use super::{Notices, changes_schema};
use crate::Labels;
use crate::ast::{BinaryOp, Cardinality, VectorMatching};
use crate::budget::Budget;
use crate::eval::Evaluator;
use crate::eval::block::{ABSENT, Block, Sample, Series, is_metadata, is_present};
use crate::labels::METRIC_NAME;
use crate::plan::Link;
use crate::query::Error;

/// The labels by which series find each other.
pub(super) fn signature(matching: &VectorMatching, labels: &Labels) -> Labels {
    let named = |name: &str| matching.labels.iter().any(|own| own == name);
    let keep = |name: &str| {
        if matching.on { named(name) } else { name != METRIC_NAME && !named(name) }
    };
    labels.filtered(keep)
}

/// The series of one signature, by their places in their blocks.
#[derive(Default)]
struct Group {
    signature: Labels,
    many: Vec<usize>,
    one: Vec<usize>,
}

/// Why matching failed, and where: the first failure is told.
struct Failure {
    step: usize,
    /// The right hand side is looked at before the operator is applied.
    phase: u8,
    place: usize,
    text: String,
}

impl Evaluator<'_> {
    pub(super) fn match_vectors(
        &mut self,
        link: &Link,
        left: &Block,
        right: &Block,
    ) -> Result<Block, Error> {
        let matching = &link.matching;
        let swapped = matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let groups = groups(matching, many, one);
        let mut matcher = Matcher {
            link,
            budget: self.budget,
            many: &many.series,
            one: &one.series,
            swapped,
            drop_now: !self.settings.delayed_name_removal,
            out: Output::new(left.grid, self.settings.delayed_name_removal),
            notices: Notices::default(),
            failure: None,
        };
        for group in &groups {
            matcher.group(group)?;
        }
        if let Some(failure) = matcher.failure {
            return Err(Error::Execution(failure.text));
        }
        let Matcher { out, notices, .. } = matcher;
        notices.note_all(self, link);
        Ok(Block::of(left.grid, out.into_series()))
    }
}

fn groups(matching: &VectorMatching, many: &Block, one: &Block) -> Vec<Group> {
    let mut places: HashMap<Labels, usize> = HashMap::with_capacity(many.series.len());
    let mut groups: Vec<Group> = Vec::new();
    let mut place_of = |series: &Series, groups: &mut Vec<Group>| {
        let signature = signature(matching, &series.labels);
        *places.entry(signature).or_insert_with_key(|signature| {
            groups.push(Group { signature: signature.clone(), ..Group::default() });
            groups.len() - 1
        })
    };
    for (place, series) in many.series.iter().enumerate() {
        let group = place_of(series, &mut groups);
        groups[group].many.push(place);
    }
    for (place, series) in one.series.iter().enumerate() {
        let group = place_of(series, &mut groups);
        groups[group].one.push(place);
    }
    groups
}

struct Matcher<'m> {
    link: &'m Link,
    budget: &'m Budget,
    many: &'m [Series],
    one: &'m [Series],
    /// The many side is the right operand.
    swapped: bool,
    /// Names are removed here, not when the query ends.
    drop_now: bool,
    out: Output,
    notices: Notices,
    failure: Option<Failure>,
}

impl Matcher<'_> {
    fn group(&mut self, group: &Group) -> Result<(), Error> {
        if self.is_simple(group) {
            return self.simple_group(group);
        }
        let steps = self.out.grid.steps();
        for step in 0..steps {
            self.budget.check()?;
            if !self.group_step(group, step)? {
                break;
            }
        }
        Ok(())
    }

    /// One series on each side, or many whose results are told apart, and
    /// only floats: then whole columns meet.
    fn is_simple(&self, group: &Group) -> bool {
        let matching = &self.link.matching;
        let floats_only = |series: &Series| series.histograms.is_empty();
        let trims = matches!(self.link.op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
        if group.one.len() != 1 || matching.fill.any() || trims {
            return false;
        }
        let one = &self.one[group.one[0]];
        if !floats_only(one) || !group.many.iter().all(|place| floats_only(&self.many[*place])) {
            return false;
        }
        if group.many.len() == 1 {
            return true;
        }
        if matching.cardinality == Cardinality::OneToOne {
            return false;
        }
        let mut seen = HashSet::with_capacity(group.many.len());
        group
            .many
            .iter()
            .all(|place| seen.insert(self.result_labels(&self.many[*place].labels, &one.labels)))
    }

    fn simple_group(&mut self, group: &Group) -> Result<(), Error> {
        let one = &self.one[group.one[0]];
        for place in &group.many {
            self.budget.check()?;
            let many = &self.many[*place];
            let (left, right) = if self.swapped {
                (&one.floats, &many.floats)
            } else {
                (&many.floats, &one.floats)
            };
            let floats = columns(self.link, left, right);
            let labels = self.result_labels(&many.labels, &one.labels);
            self.out.rank = *place;
            self.out.push_column(labels, self.link.return_bool, floats)?;
        }
        Ok(())
    }

    /// Returns false after a failure.
    fn group_step(&mut self, group: &Group, step: usize) -> Result<bool, Error> {
        let fill = self.link.matching.fill;
        let mut one: Option<(usize, Sample)> = None;
        for place in &group.one {
            let Some(sample) = self.one[*place].sample(step) else { continue };
            if let Some((other, _)) = &one {
                // Prometheus looks at the one side only if both have samples.
                if !self.side_is_empty(self.many, step) || fill.any() {
                    self.fail(step, 0, *place, self.duplicate_text(group, *other, *place));
                    return Ok(false);
                }
            }
            one.get_or_insert((*place, sample));
        }
        let mut matched = Matched::default();
        for place in &group.many {
            let Some(sample) = self.many[*place].sample(step) else { continue };
            let many = (&self.many[*place].labels, sample);
            let partner = match (&one, fill.rhs) {
                (Some((place, sample)), _) => (self.one[*place].labels.clone(), sample.clone()),
                (None, Some(value)) => {
                    (signature(&self.link.matching, many.0), Sample::Float(value))
                }
                (None, None) => continue,
            };
            if !self.pair((step, *place), many, (&partner.0, partner.1), &mut matched)? {
                return Ok(false);
            }
        }
        if let (Some((place, sample)), Some(value), false) = (&one, fill.lhs, matched.any) {
            let labels = signature(&self.link.matching, &self.one[*place].labels);
            let many = (&labels, Sample::Float(value));
            let partner = (&self.one[*place].labels, sample.clone());
            let after_all = self.many.len() + place;
            return self.pair((step, after_all), many, partner, &mut matched);
        }
        Ok(true)
    }

    /// Applies the operator to two samples that meet. Returns false after a
    /// failure.
    fn pair(
        &mut self,
        (step, place): (usize, usize),
        (many_labels, many): (&Labels, Sample),
        (one_labels, one): (&Labels, Sample),
        matched: &mut Matched,
    ) -> Result<bool, Error> {
        let (left, right) = if self.swapped { (&one, &many) } else { (&many, &one) };
        let element = element::apply(self.link.op, left, right);
        if let Some(notice) = element.notice {
            self.notices.add(step, place, notice);
        }
        let Some(value) = element.value else { return Ok(true) };
        let labels = self.result_labels(many_labels, one_labels);
        let unique = matched.insert(&labels);
        let text = match (self.link.matching.cardinality, unique) {
            (Cardinality::OneToOne, Unique::First) => None,
            (Cardinality::OneToOne, _) => Some(
                "multiple matches for labels: many-to-one matching must be explicit \
                 (group_left/group_right)",
            ),
            (_, Unique::Repeated) => {
                Some("multiple matches for labels: grouping labels must ensure unique matches")
            }
            _ => None,
        };
        if let Some(text) = text {
            self.fail(step, 1, place, text.to_owned());
            return Ok(false);
        }
        self.out.rank = place;
        if self.link.return_bool {
            let value = Sample::Float(f64::from(u8::from(element.keep)));
            self.out.push(labels, true, step, value)?;
        } else if element.keep {
            self.out.push(labels, false, step, value)?;
        }
        Ok(true)
    }

    fn side_is_empty(&self, side: &[Series], step: usize) -> bool {
        !side.iter().any(|series| series.has(step))
    }

    fn fail(&mut self, step: usize, phase: u8, place: usize, text: String) {
        let key = (step, phase, place);
        let earlier = self.failure.as_ref().is_some_and(|f| (f.step, f.phase, f.place) <= key);
        if !earlier {
            self.failure = Some(Failure { step, phase, place, text });
        }
    }

    fn duplicate_text(&self, group: &Group, first: usize, second: usize) -> String {
        let side = if self.swapped { "left" } else { "right" };
        let mut series = [first, second].map(|place| self.one[place].labels.to_string());
        series.sort();
        let [first, second] = series;
        format!(
            "found duplicate series for the match group {} on the {side} hand-side of the \
             operation: [{first}, {second}];many-to-many matching not allowed: matching labels \
             must be unique on one side",
            group.signature
        )
    }

    /// The labels of a result.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let (link, matching) = (self.link, &self.link.matching);
        let mut labels = many.to_builder();
        if (self.drop_now && link.return_bool) || changes_schema(link.op) {
            labels.retain(|name| !is_metadata(name));
        }
        if matching.cardinality == Cardinality::OneToOne {
            let named = |name: &str| matching.labels.iter().any(|own| own == name);
            labels.retain(|name| named(name) == matching.on);
        }
        for name in &matching.include {
            labels.set(name, one.value(name));
        }
        labels.build()
    }
}

/// What of a group has met at one step.
#[derive(Default)]
struct Matched {
    any: bool,
    labels: HashSet<Labels>,
}

enum Unique {
    First,
    Other,
    Repeated,
}

impl Matched {
    fn insert(&mut self, labels: &Labels) -> Unique {
        let first = !std::mem::replace(&mut self.any, true);
        match (self.labels.insert(labels.clone()), first) {
            (false, _) => Unique::Repeated,
            (true, true) => Unique::First,
            (true, false) => Unique::Other,
        }
    }
}

/// An operator between two float columns.
fn columns(link: &Link, left: &[f64], right: &[f64]) -> Vec<f64> {
    let both = |l: f64, r: f64| is_present(l) && is_present(r);
    let pairs = left.iter().zip(right);
    if !link.op.is_comparison() {
        let apply = |(l, r): (&f64, &f64)| {
            if both(*l, *r) { element::scalars(link.op, *l, *r) } else { ABSENT }
        };
        return pairs.map(apply).collect();
    }
    let compare = |(l, r): (&f64, &f64)| {
        if !both(*l, *r) {
            return ABSENT;
        }
        let holds = element::compare(link.op, *l, *r);
        match (link.return_bool, holds) {
            (true, _) => f64::from(u8::from(holds)),
            (false, true) => *l,
            (false, false) => ABSENT,
        }
    };
    pairs.map(compare).collect()
}
