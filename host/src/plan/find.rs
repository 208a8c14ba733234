//! Finds the sites of a query: top down, the largest first.

use promql::Labels;
use promql::ast::{Aggregate, AggregateOp, Expr, ValueType};
use promql::functions::FunctionId;

use super::carry::{Carried, Carrying};
use super::rewrite::{self, Rewrite};
use super::site::{Asked, Combine, Part, Site};
use super::{Why, rewrite::resolve};

/// Larger queries are evaluated from raw samples: nobody writes them, and
/// their text would have to be sent and parsed again.
const MAX_NODES: usize = 400;
/// Sites of one query; what lies beyond is raw.
const MAX_SITES: usize = 32;

/// The sites of a query over groups with these labels, in the order in which
/// they stand. `expr` is type-checked and its durations are resolved;
/// `rewrite` says what a server would otherwise decide itself.
#[must_use]
pub fn sites(expr: &Expr, groups: &[&Labels], rewrite: &Rewrite) -> Vec<Site> {
    let mut nodes = 0;
    let mut pending = vec![expr];
    while let Some(node) = pending.pop() {
        nodes += 1;
        if nodes > MAX_NODES {
            return Vec::new();
        }
        pending.extend(node.children());
    }
    let mut finder = Finder { groups, rewrite, found: Vec::new() };
    finder.visit(expr);
    finder.found.sort_by_key(|site| site.span.start);
    finder.found
}

struct Finder<'a> {
    groups: &'a [&'a Labels],
    rewrite: &'a Rewrite,
    found: Vec<Site>,
}

impl Finder<'_> {
    fn visit(&mut self, expr: &Expr) {
        let expr = expr.unparen();
        if self.found.len() >= MAX_SITES {
            return;
        }
        if expr.value_type() == ValueType::Vector
            && let Ok(site) = self.site(expr)
        {
            self.found.push(site);
            return;
        }
        match expr {
            // Evaluated at moments of its own.
            Expr::Subquery(_) => {}
            // These read a selector, and not its value.
            Expr::Call(call) => match call.function.id {
                FunctionId::Info | FunctionId::AbsentOverTime => {}
                FunctionId::Absent | FunctionId::Timestamp | FunctionId::StartTimestamp => {
                    let computed =
                        call.args.iter().filter(|arg| !matches!(arg.unparen(), Expr::Vector(_)));
                    computed.for_each(|arg| self.visit(arg));
                }
                _ => call.args.iter().for_each(|arg| self.visit(arg)),
            },
            _ => expr.children().for_each(|child| self.visit(child)),
        }
    }

    /// The expression as a site, if it can be one.
    fn site(&self, expr: &Expr) -> Result<Site, Why> {
        let active = self.active(expr)?;
        let labels: Vec<&Labels> = active.iter().map(|group| self.groups[*group]).collect();
        let carrying = Carrying::new(&labels).ok_or(Why::Large)?;
        let whole = Whole { finder: self, active: &active, carrying: &carrying };
        if let Expr::Aggregate(aggregate) = expr
            && matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk)
        {
            return whole.greatest(expr, aggregate);
        }
        let failed = match carrying.of(expr) {
            Ok(carried @ Carried::Series(_)) => return whole.union(expr, &carried),
            Ok(Carried::Constant) => Why::NeedsAll,
            Err(why) => why,
        };
        match expr {
            Expr::Aggregate(aggregate) => whole.combined(aggregate).unwrap_or(Err(failed)),
            _ => Err(failed),
        }
    }

    /// The groups in which every selector can match.
    fn active(&self, expr: &Expr) -> Result<Vec<usize>, Why> {
        let selectors = expr.selectors();
        let mut active = Vec::new();
        for (index, labels) in self.groups.iter().enumerate() {
            let possible = |matchers| resolve(matchers, labels).is_some();
            let matching = selectors.iter().filter(|own| possible(&own.matchers)).count();
            match matching {
                0 => {}
                some if some == selectors.len() => active.push(index),
                _ => return Err(Why::Uneven),
            }
        }
        if active.is_empty() { Err(Why::NeedsAll) } else { Ok(active) }
    }
}

/// An expression over the groups that have something to it.
struct Whole<'a> {
    finder: &'a Finder<'a>,
    /// Which groups.
    active: &'a [usize],
    carrying: &'a Carrying,
}

impl Whole<'_> {
    /// The groups' values side by side.
    fn union(&self, expr: &Expr, carried: &Carried) -> Result<Site, Why> {
        Ok(Site {
            span: expr.span(),
            expr: rewrite::fixed(expr.clone(), self.finder.rewrite),
            combine: Combine::Union,
            parts: vec![self.part(expr.clone(), carried)?],
            undecided: self.undecided(),
            aggregates: matches!(expr, Expr::Aggregate(_)),
        })
    }

    /// The k greatest of all are among the k greatest of each group, so the
    /// operator is applied once more to those.
    fn greatest(&self, expr: &Expr, aggregate: &Aggregate) -> Result<Site, Why> {
        let carried = self.carrying.of_operand(aggregate)?;
        if carried == Carried::Constant {
            return Err(Why::NeedsAll);
        }
        let span = aggregate.expr.unparen().span();
        Ok(Site { span, ..self.union(expr, &carried)? })
    }

    /// An aggregation that can be put together from the groups' own; `None`
    /// for one that cannot.
    fn combined(&self, aggregate: &Aggregate) -> Option<Result<Site, Why>> {
        let combine = match aggregate.op {
            AggregateOp::Sum | AggregateOp::Count | AggregateOp::CountValues => Combine::Sum,
            AggregateOp::Min => Combine::Min,
            AggregateOp::Max | AggregateOp::Group => Combine::Max,
            AggregateOp::Avg => Combine::Average,
            AggregateOp::Bottomk
            | AggregateOp::Limitk
            | AggregateOp::LimitRatio
            | AggregateOp::Quantile
            | AggregateOp::Stddev
            | AggregateOp::Stdvar
            | AggregateOp::Topk => return None,
        };
        Some(self.carrying.of_operand(aggregate).and_then(|operand| {
            let carried = self.carrying.grouped(aggregate, &operand);
            let op = |op| Expr::Aggregate(Aggregate { op, ..aggregate.clone() });
            let exprs = match combine {
                Combine::Average => vec![op(AggregateOp::Sum), op(AggregateOp::Count)],
                _ => vec![op(aggregate.op)],
            };
            let parts: Result<Vec<Part>, Why> =
                exprs.into_iter().map(|expr| self.part(expr, &carried)).collect();
            Ok(Site {
                span: aggregate.span,
                expr: rewrite::fixed(op(aggregate.op), self.finder.rewrite),
                combine,
                parts: parts?,
                undecided: self.undecided(),
                aggregates: true,
            })
        }))
    }

    fn undecided(&self) -> Vec<(usize, usize)> {
        let pairs = self.carrying.undecided();
        pairs.map(|(one, two)| (self.active[one], self.active[two])).collect()
    }

    fn part(&self, expr: Expr, carried: &Carried) -> Result<Part, Why> {
        let asked = self.active.iter().enumerate().map(|(place, group)| {
            let labels = self.finder.groups[*group];
            let text = rewrite::text(&expr, labels, self.finder.rewrite)?;
            let attach = self.carrying.attached(place, labels, carried);
            Ok(Asked { group: *group, text: text.text, attach, places: text.places })
        });
        let asked: Result<Vec<Asked>, Why> = asked.collect();
        Ok(Part { asked: asked?, expr: rewrite::fixed(expr, self.finder.rewrite) })
    }
}
