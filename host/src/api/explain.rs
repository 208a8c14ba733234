//! Plans, and what happened for a query, as JSON.
//!
//! In: an [`Explained`], or an [`Explanation`]. Out: JSON whose field names are
//! part of the interface (README, "Which server said that?"). Times are
//! seconds, as everywhere in the API.

use std::collections::BTreeMap;

use promql::Labels;
use serde::Serialize;

use super::encode::text::to_json;
use crate::plan::{Explained, PlannedSite, Read, ReadOf, Share, Stretch, Way};
use crate::query::Explanation;
use crate::storage::{Asked, Origin, Run, TracedSeries};

/// The `data` of `/api/v1/explain`.
pub(super) fn planned(explained: &Explained) -> Vec<u8> {
    to_json(&Planned::of(explained))
}

/// The `explain` of a query's `data`.
pub(super) fn happened(explanation: &Explanation) -> Vec<u8> {
    let Explanation { plan, traced } = explanation;
    to_json(&Happened {
        planned: Planned::of(plan),
        requests: traced.requests.iter().map(|asked| RequestJson::of(plan, asked)).collect(),
        requests_left_out: traced.requests_left_out,
        series: traced.series.iter().map(|own| SeriesJson::of(plan, own)).collect(),
        series_left_out: traced.series_left_out,
    })
}

type LabelsJson<'a> = BTreeMap<&'a str, &'a str>;

#[derive(Serialize)]
struct Planned<'a> {
    query: &'a str,
    steps: StepsJson,
    plan: PlanJson<'a>,
    text: String,
}

#[derive(Serialize)]
struct StepsJson {
    start: f64,
    end: f64,
    /// 0 for an instant query.
    step: f64,
    count: u64,
}

#[derive(Serialize)]
struct PlanJson<'a> {
    /// The query, with `<1>` for the first site.
    here: String,
    /// Requests made to decide.
    probes: usize,
    groups: Vec<GroupJson<'a>>,
    /// Pushed down, at least in part.
    sites: Vec<SiteJson<'a>>,
    /// Could be pushed down, and are not.
    not_pushed: Vec<SiteJson<'a>>,
    /// Selectors that are read raw.
    raw: Vec<ReadJson<'a>>,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    name: &'a str,
    labels: LabelsJson<'a>,
    replicas: &'a [String],
}

#[derive(Serialize)]
struct SiteJson<'a> {
    expr: &'a str,
    combine: &'static str,
    exact_because: &'static str,
    shares: Vec<ShareJson<'a>>,
}

#[derive(Serialize)]
struct ShareJson<'a> {
    /// Positions in `groups`.
    groups: &'a [usize],
    /// `push`, `raw` or `mixed`.
    mode: &'static str,
    reason: &'a str,
    /// Evaluations that replicas are asked for, large ones in pieces.
    requests: usize,
    estimated_samples: Option<u64>,
    estimated_series: Option<u64>,
    asked: Vec<AskedJson<'a>>,
    stretches: Vec<StretchJson<'a>>,
}

#[derive(Serialize)]
struct AskedJson<'a> {
    text: &'a str,
    attach: LabelsJson<'a>,
}

#[derive(Serialize)]
struct StretchJson<'a> {
    start: f64,
    end: f64,
    steps: u64,
    /// None: raw.
    replica: Option<&'a str>,
}

#[derive(Serialize)]
struct ReadJson<'a> {
    selector: &'a str,
    start: f64,
    end: f64,
    /// For raw steps of a site: its position in `sites`.
    site: Option<usize>,
    asked: Vec<ReadOfJson<'a>>,
}

#[derive(Serialize)]
struct ReadOfJson<'a> {
    /// Position in `groups`.
    group: usize,
    selector: &'a str,
    start: f64,
    end: f64,
    replicas: usize,
    pieces: usize,
    estimated_series: Option<u64>,
    estimated_samples: Option<u64>,
}

#[derive(Serialize)]
struct Happened<'a> {
    #[serde(flatten)]
    planned: Planned<'a>,
    requests: Vec<RequestJson<'a>>,
    requests_left_out: usize,
    series: Vec<SeriesJson<'a>>,
    series_left_out: usize,
}

#[derive(Serialize)]
struct RequestJson<'a> {
    group: &'a str,
    replica: String,
    call: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    milliseconds: f64,
    bytes: u64,
    samples: u64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct SeriesJson<'a> {
    /// A selector, or an expression that replicas evaluated.
    of: &'a str,
    /// `raw` samples or `pushed` values.
    kind: &'static str,
    /// The samples' window; left out for values.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<(f64, f64)>,
    /// Left out for a series that several groups hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    metric: LabelsJson<'a>,
    runs: Vec<RunJson>,
    runs_left_out: usize,
}

#[derive(Serialize)]
struct RunJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<String>,
    /// In place of a replica, for a series that several groups hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// The policy made these samples up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    synthesised: bool,
    start: f64,
    end: f64,
    samples: usize,
    /// Not from the first replica.
    filled: bool,
}

impl<'a> Planned<'a> {
    fn of(explained: &'a Explained) -> Self {
        let steps = explained.steps;
        let sites = |sites: &'a [PlannedSite]| -> Vec<SiteJson<'a>> {
            sites.iter().map(|site| SiteJson::of(explained, site)).collect()
        };
        let plan = &explained.plan;
        Self {
            query: &explained.query,
            steps: StepsJson {
                start: seconds(steps.start_ms),
                end: seconds(steps.end_ms),
                step: seconds(steps.step_ms),
                count: steps.count(),
            },
            plan: PlanJson {
                here: explained.here(),
                probes: plan.probes,
                groups: explained
                    .groups
                    .iter()
                    .map(|group| GroupJson {
                        name: &group.title,
                        labels: pairs(&group.labels),
                        replicas: &group.replicas,
                    })
                    .collect(),
                sites: sites(&plan.sites),
                not_pushed: sites(&plan.raw),
                raw: explained.reads.iter().map(|read| ReadJson::of(explained, read)).collect(),
            },
            text: explained.to_string(),
        }
    }
}

impl<'a> SiteJson<'a> {
    fn of(explained: &'a Explained, planned: &'a PlannedSite) -> Self {
        Self {
            expr: explained.written(planned.site.span),
            combine: planned.site.combine.as_str(),
            exact_because: planned.site.combine.why(),
            shares: planned
                .shares
                .iter()
                .map(|share| ShareJson::of(explained, planned, share))
                .collect(),
        }
    }
}

impl<'a> ShareJson<'a> {
    fn of(explained: &'a Explained, planned: &'a PlannedSite, share: &'a Share) -> Self {
        let asked = planned.site.parts.iter().flat_map(|part| &part.asked);
        let asked = asked.filter(|asked| share.groups == [asked.group] && !share.is_raw());
        let asked: Vec<AskedJson<'a>> = asked
            .map(|asked| AskedJson { text: &asked.text, attach: pairs(&asked.attach) })
            .collect();
        let pushed = share.stretches.iter().filter(|own| own.way != Way::Raw).count();
        Self {
            groups: &share.groups,
            mode: match pushed {
                0 => "raw",
                all if all == share.stretches.len() => "push",
                _ => "mixed",
            },
            reason: &share.reason,
            requests: asked.len() * pushed,
            estimated_samples: share.samples,
            estimated_series: (share.series > 0).then_some(share.series),
            asked,
            stretches: share
                .stretches
                .iter()
                .map(|stretch| StretchJson::of(explained, share, stretch))
                .collect(),
        }
    }
}

impl<'a> StretchJson<'a> {
    fn of(explained: &'a Explained, share: &Share, stretch: &Stretch) -> Self {
        let group = share.groups.first().and_then(|group| explained.groups.get(*group));
        let replica = match stretch.way {
            Way::Raw => None,
            Way::Push(replica) => group.and_then(|group| group.replicas.get(replica)),
        };
        Self {
            start: seconds(stretch.steps.start_ms),
            end: seconds(stretch.steps.end_ms),
            steps: stretch.steps.count(),
            replica: replica.map(String::as_str),
        }
    }
}

impl<'a> ReadJson<'a> {
    fn of(explained: &'a Explained, read: &'a Read) -> Self {
        let asked = |own: &'a ReadOf| ReadOfJson {
            group: own.group,
            selector: &own.selector,
            start: seconds(own.window_ms.0),
            end: seconds(own.window_ms.1),
            replicas: explained.groups.get(own.group).map_or(0, |group| group.replicas.len()),
            pieces: own.pieces,
            estimated_series: own.estimate.map(|(series, _)| series),
            estimated_samples: own.estimate.map(|(_, samples)| samples),
        };
        Self {
            selector: &read.selector,
            start: seconds(read.window_ms.0),
            end: seconds(read.window_ms.1),
            site: read.site,
            asked: read.asked.iter().map(asked).collect(),
        }
    }
}

impl<'a> RequestJson<'a> {
    fn of(explained: &'a Explained, asked: &'a Asked) -> Self {
        Self {
            group: title(explained, asked.group),
            replica: explained.replica(asked.group, asked.replica),
            call: asked.call,
            text: &asked.text,
            milliseconds: asked.elapsed.as_micros() as f64 / 1000.0,
            bytes: asked.bytes,
            samples: asked.samples,
            outcome: asked.outcome,
            error: asked.error.as_deref(),
        }
    }
}

impl<'a> SeriesJson<'a> {
    fn of(explained: &'a Explained, traced: &'a TracedSeries) -> Self {
        let source = &traced.source;
        let run = |run: &Run| RunJson {
            replica: match (run.origin, source.group) {
                (Origin::Replica(replica), Some(group)) => Some(explained.replica(group, replica)),
                _ => None,
            },
            group: match run.origin {
                Origin::Group(group) => Some(title(explained, group).to_owned()),
                Origin::Replica(_) | Origin::Policy => None,
            },
            synthesised: run.origin == Origin::Policy,
            start: seconds(run.first_ms),
            end: seconds(run.last_ms),
            samples: run.samples,
            filled: run.filled,
        };
        Self {
            of: &source.part,
            kind: if source.window_ms.is_some() { "raw" } else { "pushed" },
            window: source.window_ms.map(|(from, to)| (seconds(from), seconds(to))),
            group: source.group.map(|group| title(explained, group)),
            metric: pairs(&source.labels),
            runs: traced.runs.iter().map(run).collect(),
            runs_left_out: traced.runs_left_out,
        }
    }
}

fn title(explained: &Explained, group: usize) -> &str {
    explained.groups.get(group).map_or("", |group| group.title.as_str())
}

fn pairs(labels: &Labels) -> LabelsJson<'_> {
    labels.iter().collect()
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}
