//! Functions of histograms, native and classic.

use std::collections::{BTreeMap, HashMap};

use super::block::{Block, Sample, Series};
use super::quantile::{self, About, Classic, Forced};
use super::{BATCH, Evaluator};
use crate::annotations::{Monotonicity, Note};
use crate::functions::FunctionId;
use crate::labels::{BUCKET_LABEL, METRIC_NAME};
use crate::plan::{Call, Grid};
use crate::query::Error;
use crate::{Histogram, Labels, kahan, number};

impl Evaluator<'_> {
    /// A number that a native histogram knows of itself.
    pub(super) fn histogram_statistic(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let statistic: fn(&Histogram) -> f64 = match call.function.id {
            FunctionId::HistogramCount => |h| h.count,
            FunctionId::HistogramSum => |h| h.sum,
            FunctionId::HistogramAvg => |h| h.sum / h.count,
            FunctionId::HistogramStddev => |h| variance(h).sqrt(),
            _ => variance,
        };
        let block = self.vector_arg(call, grid)?;
        let mut all = Vec::with_capacity(block.series.len());
        for series in block.series {
            let mut out = Series::new(series.labels.clone(), grid.steps());
            out.drop_name = true;
            if !self.settings.delayed_name_removal {
                // Type and unit stay: only the name is dropped here.
                out.labels = series.labels.to_builder().remove(METRIC_NAME).build();
            }
            for (step, histogram) in &series.histograms {
                out.floats[*step] = statistic(histogram);
            }
            all.push(out);
        }
        self.unify(Block::of(grid, all))
    }

    pub(super) fn histogram_quantile(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let quantiles = self.scalar(&call.args[0], grid)?;
        let block = self.eval(&call.args[1], grid)?;
        self.release(&block);
        // Of equal notes the last counts: this one comes after those within.
        self.note_quantiles(&quantiles, call.positions[0]);
        let inputs = self.histogram_inputs(&block, call.positions[1]);
        let all = self.quantiles(&inputs, &block, &quantiles, call.positions[1])?;
        self.unify(Block::of(grid, all))
    }

    pub(super) fn histogram_quantiles(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let block = self.vector_arg(call, grid)?;
        let label = super::sort::string_arg(&call.args[1]).unwrap_or_default();
        let inputs = self.histogram_inputs(&block, call.positions[0]);
        let mut all = Vec::new();
        for (arg, position) in call.args.iter().zip(&call.positions).skip(2) {
            let quantiles = self.scalar(arg, grid)?;
            self.note_quantiles(&quantiles, *position);
            for series in self.quantiles(&inputs, &block, &quantiles, call.positions[0])? {
                label_with_quantile(&series, &label, &quantiles, &mut all);
            }
        }
        self.unify(Block::of(grid, all).merge_same_labels()?)
    }

    pub(super) fn histogram_fraction(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let lower = self.scalar(&call.args[0], grid)?;
        let upper = self.scalar(&call.args[1], grid)?;
        let block = self.eval(&call.args[2], grid)?;
        self.release(&block);
        let position = call.positions[2];
        let inputs = self.histogram_inputs(&block, position);
        let mut all = Vec::new();
        for native in &inputs.natives {
            let labels = &block.series[native.series].labels;
            let metric = self.metric_for_note(labels);
            let mut out = self.unnamed(labels, grid);
            for (step, histogram) in native.histograms(&block) {
                let notes = &mut self.annotations;
                let mut about = About { notes, metric: &metric, position };
                out.floats[step] =
                    quantile::histogram_fraction(lower[step], upper[step], histogram, &mut about);
            }
            all.push(out);
        }
        for classic in &inputs.classics {
            let mut out = self.unnamed(&classic.labels, grid);
            for step in 0..grid.steps() {
                if step % BATCH == 0 {
                    self.budget.check()?;
                }
                let mut buckets = classic.at(&block, step);
                if !buckets.is_empty() {
                    out.floats[step] =
                        quantile::classic_fraction(lower[step], upper[step], &mut buckets);
                }
            }
            all.push(out);
        }
        self.unify(Block::of(grid, all))
    }

    fn note_quantiles(&mut self, quantiles: &[f64], position: usize) {
        for q in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.note(Note::InvalidQuantile(*q), position);
        }
    }

    /// The name that notes give: without delayed removal there is none.
    fn metric_for_note(&self, labels: &Labels) -> String {
        if self.settings.delayed_name_removal {
            labels.metric_name().to_owned()
        } else {
            String::new()
        }
    }

    fn unnamed(&self, labels: &Labels, grid: Grid) -> Series {
        let mut series = Series::new(labels.clone(), grid.steps());
        self.drop_name(&mut series);
        series
    }

    /// Sorts out which series are native histograms and which are buckets of
    /// classic ones. Where both say they are the same, neither counts.
    fn histogram_inputs(&mut self, block: &Block, position: usize) -> Inputs {
        let mut inputs = Inputs::default();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        for (place, series) in block.series.iter().enumerate() {
            if !series.histograms.is_empty() {
                let (conflicts, skip) = (None, Vec::new());
                inputs.natives.push(Native { series: place, conflicts, skip });
            }
            if series.floats.iter().all(|value| !super::block::is_present(*value)) {
                continue;
            }
            let bound = series.labels.value(BUCKET_LABEL);
            let Ok(upper) = number::parse_float(bound) else {
                let (metric, value) = (self.metric_for_note(&series.labels), bound.to_owned());
                self.note(Note::BadBucketLabel { metric, value }, position);
                continue;
            };
            let labels = series.labels.to_builder().remove(BUCKET_LABEL).build();
            let next = inputs.classics.len();
            let group = *places.entry(labels).or_insert(next);
            if group == next {
                let labels = series.labels.to_builder().remove(BUCKET_LABEL).build();
                let (buckets, conflicts) = (Vec::new(), Vec::new());
                inputs.classics.push(ClassicSeries { labels, buckets, conflicts });
            }
            inputs.classics[group].buckets.push((upper, place));
        }
        for classic in &mut inputs.classics {
            classic.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        for native in &mut inputs.natives {
            native.conflicts = places.get(&block.series[native.series].labels).copied();
            let Some(group) = native.conflicts else { continue };
            let classic = &mut inputs.classics[group];
            let conflicts: Vec<usize> = block.series[native.series]
                .histograms
                .iter()
                .map(|(step, _)| *step)
                .filter(|step| !classic.at(block, *step).is_empty())
                .collect();
            if !conflicts.is_empty() {
                let metric = self.metric_for_note(&classic.labels);
                self.note(Note::MixedClassicNative(metric), position);
            }
            classic.conflicts = conflicts;
        }
        for native in &mut inputs.natives {
            native.skip = native
                .conflicts
                .map(|group| inputs.classics[group].conflicts.clone())
                .unwrap_or_default();
        }
        inputs
    }

    fn quantiles(
        &mut self,
        inputs: &Inputs,
        block: &Block,
        quantiles: &[f64],
        position: usize,
    ) -> Result<Vec<Series>, Error> {
        let grid = block.grid;
        let mut all = Vec::new();
        for native in &inputs.natives {
            let labels = &block.series[native.series].labels;
            let metric = self.metric_for_note(labels);
            let mut out = self.unnamed(labels, grid);
            for (step, histogram) in native.histograms(block) {
                let notes = &mut self.annotations;
                let mut about = About { notes, metric: &metric, position };
                out.floats[step] = quantile::of_histogram(quantiles[step], histogram, &mut about);
            }
            all.push(out);
        }
        let mut forced: Vec<(usize, String, Forced)> = Vec::new();
        for classic in &inputs.classics {
            let mut out = self.unnamed(&classic.labels, grid);
            for (step, q) in quantiles.iter().enumerate() {
                if step % BATCH == 0 {
                    self.budget.check()?;
                }
                let mut buckets = classic.at(block, step);
                if buckets.is_empty() {
                    continue;
                }
                let (value, fixed) = quantile::of_classic(*q, &mut buckets);
                out.floats[step] = value;
                if let Some(fixed) = fixed {
                    forced.push((step, self.metric_for_note(&classic.labels), fixed));
                }
            }
            all.push(out);
        }
        self.note_monotonicity(forced, grid, position);
        Ok(all)
    }

    /// Notes what was forced to be monotonic. Prometheus merges its notes
    /// with themselves at every step after the first that has one, which
    /// doubles the number of samples it tells; so do we.
    fn note_monotonicity(
        &mut self,
        forced: Vec<(usize, String, Forced)>,
        grid: Grid,
        position: usize,
    ) {
        let mut by_metric: BTreeMap<String, (Monotonicity, Vec<i64>)> = BTreeMap::new();
        for (step, metric, fixed) in forced {
            let time = grid.time(step);
            let new = Monotonicity {
                metric: metric.clone(),
                first_ms: time,
                last_ms: time,
                min_bucket: fixed.min_bucket,
                max_bucket: fixed.max_bucket,
                max_diff: fixed.max_diff,
                samples: 0,
            };
            let (all, counts) =
                by_metric.entry(metric).or_insert_with(|| (new.clone(), vec![0; grid.steps()]));
            all.first_ms = all.first_ms.min(new.first_ms);
            all.last_ms = all.last_ms.max(new.last_ms);
            all.min_bucket = all.min_bucket.min(new.min_bucket);
            all.max_bucket = all.max_bucket.max(new.max_bucket);
            all.max_diff = all.max_diff.max(new.max_diff);
            counts[step] += 1;
        }
        for (mut all, counts) in by_metric.into_values() {
            for count in counts {
                let first = all.samples == 0;
                all.samples = all.samples.wrapping_add(count);
                if !first {
                    all.samples = all.samples.wrapping_mul(2);
                }
            }
            self.note(Note::ForcedMonotonicity(all), position);
        }
    }
}

/// The series of histogram functions' input.
#[derive(Default)]
struct Inputs {
    natives: Vec<Native>,
    classics: Vec<ClassicSeries>,
}

/// A native histogram's series.
struct Native {
    series: usize,
    /// The classic histogram of the same name.
    conflicts: Option<usize>,
    /// Steps at which both have samples.
    skip: Vec<usize>,
}

impl Native {
    fn histograms<'b>(&'b self, block: &'b Block) -> impl Iterator<Item = (usize, &'b Histogram)> {
        let histograms = block.series[self.series].histograms.iter();
        histograms
            .filter(|(step, _)| !self.skip.contains(step))
            .map(|(step, histogram)| (*step, histogram.as_ref()))
    }
}

/// A classic histogram: the series of its buckets by their bounds.
struct ClassicSeries {
    labels: Labels,
    buckets: Vec<(f64, usize)>,
    conflicts: Vec<usize>,
}

impl ClassicSeries {
    fn at(&self, block: &Block, step: usize) -> Vec<Classic> {
        if self.conflicts.contains(&step) {
            return Vec::new();
        }
        let bucket = |(upper, place): &(f64, usize)| {
            block.series[*place].float(step).map(|count| Classic { upper: *upper, count })
        };
        self.buckets.iter().filter_map(bucket).collect()
    }
}

/// Adds a series for each value that the quantile takes.
fn label_with_quantile(series: &Series, label: &str, quantiles: &[f64], all: &mut Vec<Series>) {
    let mut by_text: Vec<(String, Series)> = Vec::new();
    for (step, q) in quantiles.iter().enumerate() {
        let Some(Sample::Float(value)) = series.sample(step) else { continue };
        let text = open_metrics_float(*q);
        let place = by_text.iter().position(|(own, _)| *own == text).unwrap_or_else(|| {
            let mut labels = series.labels.to_builder();
            labels.set(label, &text);
            let mut out = Series::new(labels.build(), quantiles.len());
            out.drop_name = series.drop_name;
            by_text.push((text, out));
            by_text.len() - 1
        });
        by_text[place].1.floats[step] = value;
    }
    all.extend(by_text.into_iter().map(|(_, series)| series));
}

/// A float as OpenMetrics writes it: with a point or an exponent.
fn open_metrics_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let text = crate::annotations::general(value);
    let plain = value.is_finite() && !text.contains(['.', 'e']);
    if plain { format!("{text}.0") } else { text }
}

/// The variance estimated from buckets: an exponential bucket counts as its
/// geometric middle, a custom one as its arithmetic, the zero bucket as zero.
fn variance(histogram: &Histogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let (mut sum, mut lost) = (0.0, 0.0);
    for bucket in histogram.populated_buckets() {
        let value = if histogram.uses_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            let middle = (bucket.upper * bucket.lower).sqrt();
            if bucket.upper < 0.0 { -middle } else { middle }
        };
        let delta = value - mean;
        kahan::add(bucket.count * delta * delta, &mut sum, &mut lost);
    }
    (sum + lost) / histogram.count
}
