//! `info()`: adds labels of info metrics to series of the same target
//! (prometheus/promql/info.go).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::block::{Block, Sample, Series};
use super::selector::Cursor;
use super::{Evaluator, SAME_LABELS};
use crate::labels::METRIC_NAME;
use crate::matcher::Matcher;
use crate::plan::{Call, Grid, Info};
use crate::query::Error;
use crate::{Labels, LabelsBuilder};

/// The labels that tell targets apart.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// An info series, and when its sample of each step was written.
struct InfoSeries {
    labels: Labels,
    identity: [String; 2],
    written: Vec<Option<i64>>,
}

impl Evaluator<'_> {
    pub(super) fn info(&mut self, call: &Call, grid: Grid) -> Result<Block, Error> {
        let base = self.vector_arg(call, grid)?;
        let Some(info) = &call.info else { return Ok(base) };
        let is_info = |series: &Series| {
            info.names.iter().all(|matcher| matcher.matches(series.labels.metric_name()))
        };
        let ignored: Vec<bool> = base.series.iter().map(is_info).collect();
        let infos = self.info_series(info, &base, &ignored, grid)?;
        infos.iter().for_each(|info| self.tally.found(&info.written));
        let mut out = Output::new(grid.steps());
        for step in 0..grid.steps() {
            self.budget.check()?;
            let newest = newest_at(&infos, step)?;
            for (series, ignored) in base.series.iter().zip(&ignored) {
                let Some(sample) = series.sample(step) else { continue };
                let labels = if *ignored {
                    Some(series.labels.clone())
                } else {
                    enrich(&series.labels, &newest, &info.data)?
                };
                if let Some(labels) = labels {
                    out.push(labels, series.drop_name, step, sample)?;
                }
            }
        }
        Ok(Block { grid, series: out.series })
    }

    /// The info series that may belong to a base series.
    fn info_series(
        &self,
        info: &Info,
        base: &Block,
        ignored: &[bool],
        grid: Grid,
    ) -> Result<Vec<InfoSeries>, Error> {
        let mut wanted: [HashSet<&str>; 2] = Default::default();
        for (series, _) in base.series.iter().zip(ignored).filter(|(_, ignored)| !**ignored) {
            for (values, name) in wanted.iter_mut().zip(IDENTIFYING) {
                values.extend(series.labels.get(name));
            }
        }
        if wanted.iter().all(HashSet::is_empty) {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for samples in self.data[info.select].iter() {
            let identity = IDENTIFYING.map(|name| samples.labels.value(name).to_owned());
            let belongs = wanted
                .iter()
                .zip(&identity)
                .all(|(values, own)| values.is_empty() || values.contains(own.as_str()));
            if !belongs {
                continue;
            }
            let mut cursor = Cursor::new(&samples, self.settings.lookback_ms);
            let mut written = Vec::with_capacity(grid.steps());
            for time in grid.times() {
                let found = cursor.at(info.reference.from(time));
                if let Some(Sample::Histogram(_)) = found.map(|found| found.sample(&samples)) {
                    let labels = &samples.labels;
                    return Err(Error::Execution(format!(
                        "this should be an info metric, with float samples: {labels}"
                    )));
                }
                written.push(found.map(|found| found.time));
            }
            if written.iter().any(Option::is_some) {
                all.push(InfoSeries { labels: samples.labels.clone(), identity, written });
            }
        }
        Ok(all)
    }
}

/// Info series of one step by metric name and identity; of several the one
/// written last.
type Newest<'i> = BTreeMap<(&'i str, [&'i str; 2]), (i64, &'i InfoSeries)>;

fn newest_at(infos: &[InfoSeries], step: usize) -> Result<Newest<'_>, Error> {
    let mut newest = Newest::new();
    for info in infos {
        let Some(time) = info.written[step] else { continue };
        let [instance, job] = &info.identity;
        let key = (info.labels.metric_name(), [instance.as_str(), job.as_str()]);
        match newest.get(&key) {
            Some((existing, other)) if *existing == time => {
                return Err(Error::Execution(format!(
                    "found duplicate series for info metric: existing {} @ {existing}, new {} @ \
                     {time}",
                    other.labels, info.labels
                )));
            }
            Some((existing, _)) if *existing > time => {}
            _ => {
                newest.insert(key, (time, info));
            }
        }
    }
    Ok(newest)
}

/// The labels with those of the info series added; nothing if the conditions
/// on data labels demand an info series and there is none.
fn enrich(
    labels: &Labels,
    newest: &Newest<'_>,
    conditions: &[Matcher],
) -> Result<Option<Labels>, Error> {
    let identity = IDENTIFYING.map(|name| labels.value(name));
    let mut added = LabelsBuilder::new();
    let mut matched = false;
    for ((_, own), (_, info)) in newest {
        if *own != identity {
            continue;
        }
        matched = true;
        for (name, value) in info.labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
            let asked = conditions.is_empty() || conditions.iter().any(|m| m.name() == name);
            if !asked {
                continue;
            }
            if added.get(name).is_some_and(|other| other != value) {
                return Err(Error::Execution(format!("conflicting label: {name}")));
            }
            if labels.get(name).is_none() {
                added.set(name, value);
            }
        }
    }
    if !matched && !conditions.iter().all(|matcher| matcher.matches("")) {
        return Ok(None);
    }
    let mut enriched = labels.to_builder();
    for (name, value) in added.build().iter() {
        enriched.set(name, value);
    }
    Ok(Some(enriched.build()))
}

/// Output series by labels, in the order they first appear.
struct Output {
    steps: usize,
    places: HashMap<Labels, usize>,
    series: Vec<Series>,
    /// The last step at which each series has a sample.
    last: Vec<usize>,
}

impl Output {
    fn new(steps: usize) -> Self {
        Self { steps, places: HashMap::new(), series: Vec::new(), last: Vec::new() }
    }

    fn push(
        &mut self,
        labels: Labels,
        drop_name: bool,
        step: usize,
        sample: Sample,
    ) -> Result<(), Error> {
        let next = self.series.len();
        let place = *self.places.entry(labels).or_insert_with_key(|labels| {
            let mut series = Series::new(labels.clone(), self.steps);
            series.drop_name = drop_name;
            self.series.push(series);
            next
        });
        if place == next {
            self.last.push(step);
        } else if self.last[place] == step {
            return Err(Error::Execution(SAME_LABELS.to_owned()));
        }
        self.last[place] = step;
        self.series[place].set(step, sample);
        Ok(())
    }
}
