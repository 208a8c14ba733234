//! Functions over scalars and instant vectors.

use super::block::{ABSENT, Block, Series, is_present};
use super::{Evaluator, dates};
use crate::functions::FunctionId;
use crate::matcher::{MatchOp, Matcher};
use crate::plan::{Call, Grid, Node};
use crate::query::Error;
use crate::{Labels, math};

impl Evaluator<'_> {
    /// A function without range vectors.
    pub(super) fn vector_call(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        use FunctionId as F;
        if let Some(function) = float_function(call.function.id) {
            return self.map_floats(call, grid, function);
        }
        match call.function.id {
            F::Time => {
                let seconds = grid.times().map(|time| time as f64 / 1000.0);
                Ok(Block::scalar(grid, seconds.collect()))
            }
            F::Pi => Ok(Block::scalar(grid, vec![std::f64::consts::PI; grid.steps()])),
            F::Vector => Ok(Block::scalar(grid, self.scalar(&call.args[0], grid)?)),
            F::Scalar => self.scalar_of(call, grid),
            F::MaxOf => self.pair(call, grid, math::max),
            F::MinOf => self.pair(call, grid, math::min),
            F::Round => self.round(call, grid),
            F::Clamp | F::ClampMax | F::ClampMin => self.clamp(call, grid),
            F::Absent => self.absent(call, grid),
            F::Sort | F::SortDesc | F::SortByLabel | F::SortByLabelDesc => self.sort(call, grid),
            F::Timestamp | F::StartTimestamp => self.timestamps(call, grid),
            F::DaysInMonth
            | F::DayOfMonth
            | F::DayOfWeek
            | F::DayOfYear
            | F::Hour
            | F::Minute
            | F::Month
            | F::Year => self.date(call, grid),
            F::HistogramAvg
            | F::HistogramCount
            | F::HistogramSum
            | F::HistogramStddev
            | F::HistogramStdvar => self.histogram_statistic(call, grid),
            F::HistogramQuantile => self.histogram_quantile(call, grid),
            F::HistogramQuantiles => self.histogram_quantiles(call, grid),
            F::HistogramFraction => self.histogram_fraction(call, grid),
            F::LabelReplace => self.label_replace(call, grid),
            F::LabelJoin => self.label_join(call, grid),
            F::Info => self.info(call, grid),
            _ => Err(Error::Unsupported(call.function.name)),
        }
    }

    /// The first argument's value.
    pub(super) fn vector_arg(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let block = self.eval(&call.args[0], grid)?;
        self.release(&block);
        Ok(block)
    }

    fn map_floats(
        &mut self,
        call: &Call,
        grid: Grid,
        function: fn(f64) -> f64,
    ) -> Result<Block, Error> {
        self.map_steps(call, grid, |_, value| Some(function(value)))
    }

    /// Applies a function to every float; histograms are left out, and the
    /// name is dropped.
    fn map_steps(
        &mut self,
        call: &Call,
        grid: Grid,
        function: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Block, Error> {
        let block = self.vector_arg(call, grid)?;
        self.map_block(block, function)
    }

    /// As [`Self::map_steps`], of a block.
    fn map_block(
        &mut self,
        mut block: Block,
        function: impl Fn(usize, f64) -> Option<f64>,
    ) -> Result<Block, Error> {
        for series in &mut block.series {
            self.budget.check()?;
            series.histograms.clear();
            for (step, value) in series.floats.iter_mut().enumerate() {
                if is_present(*value) {
                    *value = function(step, *value).unwrap_or(ABSENT);
                }
            }
            self.drop_name(series);
        }
        self.unify(Block::of(block.grid, block.series))
    }

    fn pair(
        &mut self,
        call: &Call,
        grid: Grid,
        function: fn(f64, f64) -> f64,
    ) -> Result<Block, Error> {
        let one = self.scalar(&call.args[0], grid)?;
        let two = self.scalar(&call.args[1], grid)?;
        let values = one.iter().zip(&two).map(|(x, y)| function(*x, *y)).collect();
        Ok(Block::scalar(grid, values))
    }

    /// The only float of each step; NaN if there is none or more than one.
    fn scalar_of(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let block = self.vector_arg(call, grid)?;
        let mut found = vec![ABSENT; grid.steps()];
        for series in &block.series {
            for (own, value) in found.iter_mut().zip(&series.floats) {
                if is_present(*value) {
                    *own = if is_present(*own) { f64::NAN } else { *value };
                }
            }
        }
        // A second float gave NaN, and a third keeps it so.
        found.iter_mut().filter(|own| !is_present(**own)).for_each(|own| *own = f64::NAN);
        Ok(Block::scalar(grid, found))
    }

    fn round(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        // Arguments in order: the first error is told.
        let block = self.vector_arg(call, grid)?;
        let to_nearest = match call.args.get(1) {
            Some(arg) => self.scalar(arg, grid)?,
            None => vec![1.0; grid.steps()],
        };
        self.map_block(block, |step, value| {
            let inverse = 1.0 / to_nearest[step];
            Some((value * inverse + 0.5).floor() / inverse)
        })
    }

    fn clamp(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let steps = grid.steps();
        let block = self.vector_arg(call, grid)?;
        let (min, max) = match call.function.id {
            FunctionId::ClampMin => (self.scalar(&call.args[1], grid)?, vec![f64::INFINITY; steps]),
            FunctionId::ClampMax => {
                (vec![f64::NEG_INFINITY; steps], self.scalar(&call.args[1], grid)?)
            }
            _ => (self.scalar(&call.args[1], grid)?, self.scalar(&call.args[2], grid)?),
        };
        self.map_block(block, |step, value| {
            let (min, max) = (min[step], max[step]);
            if max < min { None } else { Some(math::max(min, math::min(max, value))) }
        })
    }

    /// 1 at the steps without any sample.
    fn absent(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let block = self.vector_arg(call, grid)?;
        let mut floats = vec![1.0; grid.steps()];
        for series in &block.series {
            for (own, value) in floats.iter_mut().zip(&series.floats) {
                if is_present(*value) {
                    *own = ABSENT;
                }
            }
            for (step, _) in &series.histograms {
                floats[*step] = ABSENT;
            }
        }
        let labels = match &call.args[0] {
            Node::Instant(selector) => absent_labels(&selector.matchers),
            _ => Labels::empty(),
        };
        let series = Series { labels, drop_name: false, floats, histograms: Vec::new() };
        Ok(Block::of(grid, vec![series]))
    }

    /// A part of a date, of each value or of the evaluation time.
    fn date(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let part = dates::part(call.function.id);
        if call.args.is_empty() {
            let parts = grid.times().map(|time| part(time / 1000));
            return Ok(Block::scalar(grid, parts.collect()));
        }
        self.map_steps(call, grid, |_, value| Some(part(dates::seconds(value))))
    }
}

/// What `absent()` of a selector knows of the series it misses: labels that
/// exactly one `=` matcher names, or that one names after all others.
pub(super) fn absent_labels(matchers: &[Matcher]) -> Labels {
    let mut seen: Vec<&str> = Vec::new();
    let mut labels = crate::LabelsBuilder::new();
    for matcher in storage_order(matchers).into_iter().filter(|matcher| !matcher.is_name()) {
        if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
            labels.set(matcher.name(), &matcher.value().to_str_lossy());
            seen.push(matcher.name());
        } else {
            labels.remove(matcher.name());
        }
    }
    labels.build()
}

/// The matchers in the order in which Prometheus's storage leaves them: those
/// that only take series away behind the others (prometheus/tsdb/querier.go,
/// `PostingsForMatchers`).
fn storage_order(matchers: &[Matcher]) -> Vec<&Matcher> {
    let must_be_set =
        |name: &str| matchers.iter().any(|own| own.name() == name && !own.matches(""));
    let subtracts = |matcher: &Matcher| {
        let negative = matches!(matcher.op(), MatchOp::NotEqual | MatchOp::NotRegex);
        !must_be_set(matcher.name()) || (negative && matcher.matches(""))
    };
    let (behind, mut ordered): (Vec<_>, Vec<_>) = matchers.iter().partition(|m| subtracts(m));
    ordered.extend(behind);
    ordered
}

/// The functions of one float.
fn float_function(id: FunctionId) -> Option<fn(f64) -> f64> {
    use FunctionId as F;
    use std::f64::consts::PI;
    Some(match id {
        F::Abs => f64::abs,
        F::Ceil => f64::ceil,
        F::Floor => f64::floor,
        F::Sqrt => f64::sqrt,
        F::Exp => math::exp,
        F::Ln => math::ln,
        F::Log2 => math::log2,
        F::Log10 => math::log10,
        F::Sin => math::sin,
        F::Cos => math::cos,
        F::Tan => math::tan,
        F::Asin => math::asin,
        F::Acos => math::acos,
        F::Atan => math::atan,
        F::Sinh => math::sinh,
        F::Cosh => math::cosh,
        F::Tanh => math::tanh,
        F::Asinh => math::asinh,
        F::Acosh => math::acosh,
        F::Atanh => math::atanh,
        F::Rad => |value| value * PI / 180.0,
        F::Deg => |value| value * 180.0 / PI,
        F::Sgn => |value| {
            if value < 0.0 {
                -1.0
            } else if value > 0.0 {
                1.0
            } else {
                value
            }
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_series_away_is_looked_at_last() {
        let labels = |text: &str| {
            let matchers = crate::parser::parse_selector(text).unwrap();
            absent_labels(&matchers).to_string()
        };
        assert_eq!(labels(r#"a{x="1",y!="2"}"#), r#"{x="1"}"#);
        assert_eq!(labels(r#"a{x="1",x="2"}"#), "{}");
        assert_eq!(labels(r#"a{x!~".+:1",x="1"}"#), "{}");
        assert_eq!(labels(r#"a{x!="",x="1"}"#), r#"{x="1"}"#);
    }
}
