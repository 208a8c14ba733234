//! Which of the groups' labels an expression's series carry, and whether
//! series of different groups stay apart in it.
//!
//! The rule behind all rows: within one group every series carries the same
//! values of the group's labels. Taking them off, evaluating, and attaching
//! those that the result keeps is therefore the same as evaluating with them,
//! as long as no operator looks at them in a way that tells series of the
//! group apart, and none gives some series such a label and others not. Over
//! several groups the results are the groups' own results side by side if
//! every operator that brings series together looks at a label that differs
//! between the groups.

use promql::Labels;
use promql::ast::{
    self, Aggregate, AggregateOp, Binary, Call, Cardinality, Expr, ValueType, VectorMatching,
};
use promql::functions::FunctionId;
use promql::matcher::MatchOp;

use super::Why;

/// A set of label names, by their numbers in [`Carrying::names`].
type Names = u64;

/// The groups that an expression concerns.
pub(super) struct Carrying {
    /// Every label name of any of the groups, sorted.
    names: Vec<String>,
    /// The names of each group.
    of_group: Vec<Names>,
    /// Pairs of groups with the names whose values differ between them.
    pairs: Vec<(usize, usize, Names)>,
}

/// What an expression's series carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carried {
    /// The same value in every group, without series.
    Constant,
    /// Of each group's labels these.
    Series(Vec<Names>),
}

impl Carrying {
    /// The groups with these labels; `None` if they have too many names.
    pub(super) fn new(groups: &[&Labels]) -> Option<Self> {
        let all = groups.iter().flat_map(|labels| labels.iter().map(|(name, _)| name.to_owned()));
        let mut names: Vec<String> = all.collect();
        names.sort_unstable();
        names.dedup();
        if names.len() > Names::BITS as usize {
            return None;
        }
        let having = |has: &dyn Fn(&str) -> bool| {
            let bits = names.iter().enumerate().filter(|(_, name)| has(name.as_str()));
            bits.fold(0, |set, (bit, _)| set | 1 << bit)
        };
        let of_group = groups.iter().map(|labels| having(&|name| labels.get(name).is_some()));
        let of_group = of_group.collect();
        let mut pairs = Vec::new();
        for (second, labels) in groups.iter().enumerate() {
            for (first, others) in groups[..second].iter().enumerate() {
                let differ = |name: &str| match (labels.get(name), others.get(name)) {
                    (Some(own), Some(other)) => own != other,
                    _ => false,
                };
                pairs.push((first, second, having(&differ)));
            }
        }
        Some(Self { names, of_group, pairs })
    }

    /// The names that are the groups' among these.
    fn set<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> Names {
        let bits = names.into_iter().filter_map(|name| self.names.binary_search(name).ok());
        bits.fold(0, |set, bit| set | 1 << bit)
    }

    /// The labels of group `group` that are in `carried`.
    pub(super) fn attached(&self, group: usize, labels: &Labels, carried: &Carried) -> Labels {
        let Carried::Series(sets) = carried else { return Labels::empty() };
        let has = |name: &str| {
            let bit = self.names.binary_search_by(|own| own.as_str().cmp(name));
            bit.is_ok_and(|bit| sets[group] & (1 << bit) != 0)
        };
        labels.to_builder().retain(has).build()
    }

    /// Pairs of groups that no label keeps apart.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pairs.iter().filter(|(.., differ)| *differ == 0).map(|(one, two, _)| (*one, *two))
    }

    /// True if some groups' series differ by nothing that the labels tell.
    fn any_alike(&self) -> bool {
        self.undecided().next().is_some()
    }

    /// What an expression carries, if it can be evaluated group by group.
    pub(super) fn of(&self, expr: &Expr) -> Result<Carried, Why> {
        match expr {
            Expr::Number(_) | Expr::String(_) => Ok(Carried::Constant),
            Expr::Paren(paren) => self.of(&paren.expr),
            Expr::Unary(unary) => self.of(&unary.expr),
            Expr::Vector(selector) => self.of_selector(selector),
            Expr::Matrix(matrix) => self.of_selector(&matrix.selector),
            Expr::Subquery(subquery) => self.of(&subquery.expr),
            Expr::Call(call) => self.of_call(call),
            Expr::Aggregate(aggregate) => self.of_aggregate(aggregate),
            Expr::Binary(binary) => self.of_binary(binary),
        }
    }

    fn of_selector(&self, selector: &ast::VectorSelector) -> Result<Carried, Why> {
        if selector.extended.is_some() {
            return Err(Why::Language);
        }
        // Without its name a series of one group might be another's, where no
        // label tells them apart: then only one metric may be meant.
        if self.any_alike() && !is_one_metric(selector) {
            return Err(Why::Crosses);
        }
        Ok(Carried::Series(self.of_group.clone()))
    }

    /// A series that every group would make for itself.
    fn of_vector_without_labels(&self) -> Result<Carried, Why> {
        if self.of_group.len() > 1 {
            return Err(Why::Crosses);
        }
        Ok(Carried::Series(vec![0]))
    }

    /// A scalar argument or parameter: over several groups only one that is
    /// the same for all.
    fn of_scalar(&self, expr: &Expr) -> Result<(), Why> {
        match self.of(expr)? {
            Carried::Constant => Ok(()),
            // `scalar()` in it: of one group.
            Carried::Series(_) => Err(Why::NeedsAll),
        }
    }

    fn of_call(&self, call: &Call) -> Result<Carried, Why> {
        use FunctionId as Id;
        match call.function.id {
            // These see whether there are series at all, or their order, or
            // look beyond their arguments.
            Id::Absent
            | Id::AbsentOverTime
            | Id::Info
            | Id::Sort
            | Id::SortDesc
            | Id::SortByLabel
            | Id::SortByLabelDesc => Err(Why::NeedsAll),
            // Not in servers of today or another one there, or dependent on the
            // whole query's range.
            Id::HistogramQuantiles
            | Id::Start
            | Id::End
            | Id::Range
            | Id::Step
            | Id::StartTimestamp
            | Id::HistogramFraction
            | Id::MinOf
            | Id::MaxOf => Err(Why::Language),
            // Prometheus 3.5 finds nothing where both are given.
            Id::Timestamp if is_pinned_and_shifted(&call.args[0]) => Err(Why::Language),
            Id::Time | Id::Pi => Ok(Carried::Constant),
            Id::Scalar => match self.of(&call.args[0])? {
                Carried::Series(_) if self.of_group.len() > 1 => Err(Why::NeedsAll),
                _ => Ok(Carried::Constant),
            },
            Id::Vector => {
                self.of_scalar(&call.args[0])?;
                self.of_vector_without_labels()
            }
            Id::LabelReplace => self.of_label_function(call, &[1, 3]),
            Id::LabelJoin => {
                let sources: Vec<usize> = (3..call.args.len()).chain([1]).collect();
                self.of_label_function(call, &sources)
            }
            Id::HistogramQuantile => {
                if self.set([&"le".to_owned()]) != 0 {
                    return Err(Why::GroupLabel);
                }
                let carried = self.of_series_function(call)?;
                // Buckets of one histogram come together.
                if let Carried::Series(sets) = &carried {
                    self.stay_apart(sets, sets, Names::MAX)?;
                }
                Ok(carried)
            }
            _ => self.of_series_function(call),
        }
    }

    /// A function that gives, for each series, a series with its labels.
    fn of_series_function(&self, call: &Call) -> Result<Carried, Why> {
        let mut carried = None;
        for arg in &call.args {
            match arg.value_type() {
                ValueType::Vector | ValueType::Matrix => carried = Some(self.of(arg)?),
                ValueType::Scalar => self.of_scalar(arg)?,
                ValueType::String => {}
            }
        }
        // `hour()` and its like look at the time where they have no argument.
        carried.map_or_else(|| self.of_vector_without_labels(), Ok)
    }

    /// A function that writes a label: not one of the group's, nor from one.
    fn of_label_function(&self, call: &Call, labels: &[usize]) -> Result<Carried, Why> {
        if self.any_alike() {
            return Err(Why::Crosses);
        }
        for place in labels {
            let Some(Expr::String(name)) = call.args.get(*place).map(Expr::unparen) else {
                return Err(Why::GroupLabel);
            };
            let name = String::from_utf8_lossy(name.value.as_bytes()).into_owned();
            if self.set([&name]) != 0 {
                return Err(Why::GroupLabel);
            }
        }
        self.of(&call.args[0])
    }

    fn of_aggregate(&self, aggregate: &Aggregate) -> Result<Carried, Why> {
        let Carried::Series(carried) = self.of_operand(aggregate)? else {
            return Err(Why::NeedsAll);
        };
        self.stay_apart(&carried, &carried, self.key(aggregate))?;
        match aggregate.op {
            AggregateOp::Topk | AggregateOp::Bottomk => Ok(Carried::Series(carried)),
            _ => Ok(self.grouped(aggregate, &Carried::Series(carried))),
        }
    }

    /// The groups' labels by which an aggregation groups.
    fn key(&self, aggregate: &Aggregate) -> Names {
        let listed = self.set(&aggregate.grouping);
        if aggregate.without { !listed } else { listed }
    }

    /// What the output of an aggregation carries, of what its operand does.
    pub(super) fn grouped(&self, aggregate: &Aggregate, operand: &Carried) -> Carried {
        let key = self.key(aggregate);
        match operand {
            Carried::Constant => Carried::Constant,
            Carried::Series(sets) => Carried::Series(sets.iter().map(|own| own & key).collect()),
        }
    }

    /// What the operand of an aggregation carries, where the aggregation
    /// itself is one that a group can carry out.
    pub(super) fn of_operand(&self, aggregate: &Aggregate) -> Result<Carried, Why> {
        match aggregate.op {
            // The first k in the server's order; a hash over all labels.
            AggregateOp::Limitk | AggregateOp::LimitRatio => return Err(Why::NeedsAll),
            AggregateOp::CountValues => match aggregate.param.as_deref().map(Expr::unparen) {
                Some(Expr::String(name)) => {
                    let name = String::from_utf8_lossy(name.value.as_bytes()).into_owned();
                    if self.set([&name]) != 0 {
                        return Err(Why::GroupLabel);
                    }
                }
                _ => return Err(Why::GroupLabel),
            },
            _ => {
                if let Some(param) = &aggregate.param {
                    self.of_scalar(param)?;
                }
            }
        }
        self.of(&aggregate.expr)
    }

    fn of_binary(&self, binary: &Binary) -> Result<Carried, Why> {
        let (left, right) = (self.of(&binary.lhs)?, self.of(&binary.rhs)?);
        match (left, right) {
            (Carried::Constant, Carried::Constant) => Ok(Carried::Constant),
            (Carried::Series(own), Carried::Constant)
            | (Carried::Constant, Carried::Series(own)) => Ok(Carried::Series(own)),
            (Carried::Series(left), Carried::Series(right)) => match &binary.matching {
                Some(matching) => self.of_matching(binary, matching, &left, &right),
                None => Err(Why::NeedsAll),
            },
        }
    }

    fn of_matching(
        &self,
        binary: &Binary,
        matching: &VectorMatching,
        left: &[Names],
        right: &[Names],
    ) -> Result<Carried, Why> {
        if matching.fill.any() {
            return Err(Why::Language);
        }
        let listed = self.set(&matching.labels);
        let key = if matching.on { listed } else { !listed };
        let agree = |one: &[Names], two: &[Names], within: Names| {
            one.iter().zip(two).all(|(one, two)| one & within == two & within)
        };
        if !agree(left, right, key) || self.set(&matching.include) != 0 {
            return Err(Why::GroupLabel);
        }
        self.stay_apart(left, right, key)?;
        let result = match matching.cardinality {
            Cardinality::OneToOne => left.iter().map(|own| own & key).collect(),
            Cardinality::ManyToOne => left.to_vec(),
            Cardinality::OneToMany => right.to_vec(),
            Cardinality::ManyToMany => {
                // `or` gives series of both sides.
                if binary.op == ast::BinaryOp::Or && !agree(left, right, Names::MAX) {
                    return Err(Why::GroupLabel);
                }
                left.to_vec()
            }
        };
        Ok(Carried::Series(result))
    }

    /// Checks that series of different groups differ in a label of `key`.
    fn stay_apart(&self, left: &[Names], right: &[Names], key: Names) -> Result<(), Why> {
        let apart = |(one, two, differ): &(usize, usize, Names)| {
            let carried = left[*one] & left[*two] & right[*one] & right[*two];
            differ & carried & key != 0
        };
        if self.pairs.iter().all(apart) { Ok(()) } else { Err(Why::Crosses) }
    }
}

/// True for a selector with both `@` and `offset`.
fn is_pinned_and_shifted(expr: &Expr) -> bool {
    match expr.unparen() {
        Expr::Vector(selector) => selector.at.is_some() && selector.offset_ms != 0,
        _ => false,
    }
}

/// True for a selector of a single metric name.
fn is_one_metric(selector: &ast::VectorSelector) -> bool {
    let names = selector.matchers.iter().filter(|matcher| matcher.is_name());
    names.into_iter().any(|matcher| matcher.op() == MatchOp::Equal)
}
