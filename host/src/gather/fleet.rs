//! All server groups as one storage.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use promql::{Labels, SeriesBatch};

use super::bound::Bound;
use super::client::Client;
use super::coverage::Coverage;
use super::explain::Notes;
use super::group::{Group, Scattered};
use super::parts::{Haste, HistogramTexts, Study};
use super::replica::Replica;
use super::scope::{resolve, resolve_scope, with_group_labels};
use super::{GroupError, witness};
use crate::config::{Config, OnFailure, ServerGroup};
use crate::plan::{Explained, Plan};
use crate::policy;
use crate::storage::{
    Answer, Boxed, Context, Error, ExemplarRequest, Metadata, MetadataRequest, Planning, Question,
    Scope, Select, SeriesExemplars, Storage, TRUNCATED,
};
use crate::telemetry::Metrics;

/// Every server group of the configuration.
#[derive(Debug)]
pub struct Fleet {
    /// Shared with what goes on for them besides.
    pub(super) groups: Vec<Arc<Group>>,
    /// One per configured server group, in their order.
    policies: Arc<Vec<Arc<Bound>>>,
    /// Pushed texts whose values were native histograms.
    pub(super) histograms: HistogramTexts,
}

/// Why the fleet cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("server group {group}: {cause}")]
pub struct SetUpError {
    group: String,
    cause: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Tls(#[from] crate::tls::Error),
    #[error("cannot start recording: {0}")]
    Recorder(#[from] std::io::Error),
}

impl Fleet {
    /// Sets up all groups; connects to nothing yet. `bind` gives each group
    /// its merge policy.
    ///
    /// # Errors
    /// When a group's certificates cannot be used.
    pub fn new(
        config: &Config,
        mut bind: impl FnMut(&ServerGroup) -> Arc<policy::Binding>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, SetUpError> {
        let (mut groups, mut policies) = (Vec::new(), Vec::new());
        for group in &config.server_groups {
            let title = group.title();
            let bound = Bound::new(group.ordinal, title.clone(), bind(group));
            policies.push(Arc::clone(&bound));
            let failed = |cause| SetUpError { group: title.clone(), cause };
            let recorder =
                witness::recorder(group, &title, metrics).map_err(|e| failed(e.into()))?;
            // Targets with labels of their own hold data of their own: a
            // group within the group, which must answer like any other.
            for (labels, targets) in by_labels(group) {
                let client =
                    Client::new(group.client.clone()).map_err(|error| failed(error.into()))?;
                let replicas = targets
                    .into_iter()
                    .map(|url| Replica::new(url, &group.remote_read_path, group.remote_read))
                    .map(|replica| replica.aligning_ranges(group.align_query_range_with_step));
                groups.push(Arc::new(Group {
                    title: title.clone(),
                    place: groups.len(),
                    labels,
                    replicas: replicas.collect(),
                    policy: Arc::clone(&bound),
                    recorder: recorder.clone(),
                    on_failure: group.on_failure,
                    client,
                    pushdown: group.pushdown,
                    pushdown_min_samples: group.pushdown_min_samples,
                    coverage: Coverage::default(),
                    metrics: Arc::clone(metrics),
                    haste: Haste::default(),
                    study: Study::default(),
                }));
            }
        }
        let policies = Arc::new(policies);
        let bound = Arc::downgrade(&policies);
        metrics.policies(move || {
            let bound: Option<Arc<Vec<Arc<Bound>>>> = bound.upgrade();
            bound.iter().flat_map(|bound| bound.iter()).map(|own| own.row()).collect()
        });
        Ok(Self { groups, policies, histograms: HistogramTexts::default() })
    }

    /// Puts another policy into force for a configured server group, by its
    /// number: for all its parts at once, and for queries that begin later. A
    /// running query goes on with what it began with. Returns what was bound;
    /// none if there is no such group.
    pub fn bind(
        &self,
        ordinal: usize,
        binding: Arc<policy::Binding>,
    ) -> Option<Arc<policy::Binding>> {
        self.bound(ordinal).map(|bound| bound.swap(binding))
    }

    /// The policy that is in force for a configured server group.
    #[must_use]
    pub fn binding(&self, ordinal: usize) -> Option<Arc<policy::Binding>> {
        self.bound(ordinal).map(|bound| bound.now())
    }

    fn bound(&self, ordinal: usize) -> Option<&Arc<Bound>> {
        self.policies.iter().find(|bound| bound.ordinal == ordinal)
    }

    /// What is compared with the policy of a configured server group, by its
    /// number, from the next merge on; none: nothing. False if there is no
    /// such group.
    pub fn shadow(&self, ordinal: usize, shadow: Option<Arc<policy::shadow::Shadow>>) -> bool {
        self.bound(ordinal).map(|bound| bound.set_shadow(shadow)).is_some()
    }

    /// Asks every group at once. A group that is not required costs a
    /// warning; any other fails the whole.
    async fn every<'a, T, F>(
        &'a self,
        ask: impl Fn(&'a Group) -> F,
    ) -> Result<(Vec<(&'a Group, T)>, Vec<String>), GroupError>
    where
        F: Future<Output = Result<T, GroupError>>,
    {
        self.each_of(self.groups.iter().map(AsRef::as_ref).collect(), ask).await
    }

    /// The same for some of the groups.
    async fn each_of<'a, T, F>(
        &'a self,
        groups: Vec<&'a Group>,
        ask: impl Fn(&'a Group) -> F,
    ) -> Result<(Vec<(&'a Group, T)>, Vec<String>), GroupError>
    where
        F: Future<Output = Result<T, GroupError>>,
    {
        let results = join_all(groups.iter().map(|group| ask(group))).await;
        let (mut answers, mut warnings) = (Vec::new(), Vec::new());
        for (group, result) in groups.into_iter().zip(results) {
            match result {
                Ok(answer) => answers.push((group, answer)),
                Err(error) if group.on_failure == OnFailure::Fail || error.is_about_the_query() => {
                    return Err(error);
                }
                Err(error) => warnings.push(error.to_string()),
            }
        }
        Ok((answers, warnings))
    }

    /// Asks every replica of every group whose labels leave something to ask.
    async fn everywhere<'a, T, Q, F>(
        &'a self,
        call: &'static str,
        context: &'a Context,
        question: impl Fn(&'a Group) -> Option<Q>,
        ask: impl Fn(&'a Group, &'a Replica, Context, Arc<Q>) -> F,
    ) -> Result<Gathered<'a, T>, Error>
    where
        F: Future<Output = Result<Answer<T>, super::Error>>,
    {
        let (question, ask) = (&question, &ask);
        let asked = self.every(|group| async move {
            let Some(question) = question(group) else { return Ok(Scattered::nothing()) };
            let question = Arc::new(question);
            group
                .scatter(call, context, |replica, own| {
                    ask(group, replica, own, Arc::clone(&question))
                })
                .await
        });
        let (answers, mut warnings) = asked.await?;
        let (mut parts, mut infos) = (Vec::new(), Vec::new());
        for (group, scattered) in answers {
            warnings.extend(scattered.warnings);
            infos.extend(scattered.infos);
            parts.extend(scattered.answers.into_iter().map(|answer| (group, answer)));
        }
        Ok(Gathered { parts, warnings, infos })
    }
}

/// What all replicas said, in configured order, each with its group.
struct Gathered<'a, T> {
    parts: Vec<(&'a Group, T)>,
    warnings: Vec<String>,
    infos: Vec<String>,
}

/// The group's targets by the labels they add, in the order of the file.
fn by_labels(group: &ServerGroup) -> Vec<(Labels, Vec<String>)> {
    let mut parts: Vec<(Labels, Vec<String>)> = Vec::new();
    for target in &group.targets {
        let labels = group.series_labels(target);
        match parts.iter_mut().find(|(own, _)| *own == labels) {
            Some((_, targets)) => targets.push(target.url.clone()),
            None => parts.push((labels, vec![target.url.clone()])),
        }
    }
    parts
}

impl Fleet {
    /// The groups' series as one batch per selector, in label order. Groups
    /// that hold the same series are merged by the first one's policy, in
    /// configured order.
    async fn across_groups(
        &self,
        context: &Context,
        columns: Vec<Vec<SeriesBatch>>,
        notes: Option<Notes>,
    ) -> Result<Vec<policy::Merged>, Error> {
        let Some(first) = self.groups.first() else {
            return Ok(columns.iter().map(|_| policy::Merged::default()).collect());
        };
        let binding = first.policy.of(context);
        let by = (Arc::clone(&binding), context.deadline);
        let merging = tokio::task::spawn_blocking(move || {
            let merge = |(index, column)| merge_column(&by, column, (index, notes.as_ref()));
            columns.into_iter().enumerate().map(merge).collect()
        });
        let merged: Result<Vec<policy::Merged>, _> = merging.await;
        let merged = merged.map_err(|error| Error::Internal(format!("merge: {error}")))?;
        for fault in merged.iter().filter_map(|merged| merged.fault.as_ref()) {
            first.policy.note_fault(&binding, fault, &first.metrics);
        }
        match merged.iter().find(|merged| merged.refused) {
            Some(refused) => Err(Error::Execution(refused.warnings.join("; "))),
            None => Ok(merged),
        }
    }
}

/// The groups' series of selector `index`.
fn merge_column(
    (binding, deadline): &(Arc<policy::Binding>, Instant),
    mut column: Vec<SeriesBatch>,
    (index, notes): (usize, Option<&Notes>),
) -> policy::Merged {
    let filled: Vec<usize> = (0..column.len()).filter(|own| !column[*own].is_empty()).collect();
    if filled.len() <= 1 {
        let only = filled.first().map(|own| std::mem::take(&mut column[*own]));
        return policy::Merged { series: only.unwrap_or_default(), ..Default::default() };
    }
    column.iter_mut().for_each(SeriesBatch::seal);
    let batches: Vec<&SeriesBatch> = filled.iter().map(|own| &column[*own]).collect();
    let options = policy::Options {
        deadline: Some(*deadline),
        keeps_lone: true,
        ..policy::Options::everything(0)
    };
    let merged = policy::merge(binding, &batches, &options);
    if let Some(notes) = notes {
        notes.across(index, &merged, &filled);
    }
    merged
}

impl Fleet {
    /// Samples of each selector, of the series of these groups or of all.
    pub(super) async fn select_of(
        &self,
        context: &Context,
        selects: &[Select],
        groups: Option<&[usize]>,
    ) -> Result<Answer<Vec<SeriesBatch>>, Error> {
        let asked = self.groups.iter().enumerate();
        let asked = asked.filter(|(index, _)| groups.is_none_or(|groups| groups.contains(index)));
        let asked: Vec<&Group> = asked.map(|(_, group)| group.as_ref()).collect();
        let (answers, mut warnings) =
            self.each_of(asked, |group| group.select(context, selects)).await?;
        let mut columns: Vec<Vec<SeriesBatch>> = vec![Vec::new(); selects.len()];
        let mut infos = Vec::new();
        let answered: Vec<usize> = answers.iter().map(|(group, _)| group.place).collect();
        let notes = Notes::of_groups(context, answered, selects);
        for (_, answer) in answers {
            warnings.extend(answer.warnings);
            infos.extend(answer.infos);
            for (column, batch) in columns.iter_mut().zip(answer.data) {
                column.push(batch);
            }
        }
        let mut data = Vec::with_capacity(columns.len());
        for merged in self.across_groups(context, columns, notes).await? {
            warnings.extend(merged.warnings);
            data.push(merged.series);
        }
        Ok(answer(data, warnings, infos))
    }
}

impl Storage for Fleet {
    fn select<'a>(
        &'a self,
        context: &'a Context,
        selects: &'a [Select],
    ) -> Boxed<'a, Vec<SeriesBatch>> {
        Box::pin(self.select_of(context, selects, None))
    }

    fn plan<'a>(&'a self, context: &'a Context, question: &'a Question) -> Planning<'a> {
        Box::pin(self.decide(context, question))
    }

    fn sites<'a>(
        &'a self,
        context: &'a Context,
        question: &'a Question,
        plan: &'a Plan,
    ) -> Boxed<'a, Vec<SeriesBatch>> {
        Box::pin(self.answer_sites(context, question, plan))
    }

    fn explain(
        &self,
        context: &Context,
        question: &Question,
        plan: &Plan,
        selects: &[Select],
    ) -> Explained {
        self.explained(context, question, plan, selects)
    }

    fn series<'a>(&'a self, context: &'a Context, scope: &'a Scope) -> Boxed<'a, Vec<Labels>> {
        Box::pin(async move {
            let gathered = self.everywhere(
                "series",
                context,
                |group| resolve_scope(scope, &group.labels),
                |group, replica, own, scope| async move {
                    replica.series(&group.client, &own, &scope).await
                },
            );
            let Gathered { parts, mut warnings, infos } = gathered.await?;
            let mut series: Vec<Labels> = Vec::new();
            for (group, list) in parts {
                series.extend(list.iter().map(|own| with_group_labels(own, &group.labels)));
            }
            sort_and_cut(&mut series, scope.limit, &mut warnings);
            Ok(answer(series, warnings, infos))
        })
    }

    fn label_names<'a>(&'a self, context: &'a Context, scope: &'a Scope) -> Boxed<'a, Vec<String>> {
        Box::pin(async move {
            let gathered = self.everywhere(
                "label_names",
                context,
                |group| resolve_scope(scope, &group.labels),
                |group, replica, own, scope| async move {
                    replica.label_names(&group.client, &own, &scope).await
                },
            );
            let Gathered { parts, mut warnings, infos } = gathered.await?;
            let mut names = Vec::new();
            for (group, list) in parts {
                // A group without series has no labels either.
                if !list.is_empty() {
                    names.extend(group.labels.iter().map(|(name, _)| name.to_owned()));
                }
                names.extend(list);
            }
            sort_and_cut(&mut names, scope.limit, &mut warnings);
            Ok(answer(names, warnings, infos))
        })
    }

    fn label_values<'a>(
        &'a self,
        context: &'a Context,
        name: &'a str,
        scope: &'a Scope,
    ) -> Boxed<'a, Vec<String>> {
        Box::pin(async move {
            let gathered = self.everywhere(
                "label_values",
                context,
                |group| resolve_scope(scope, &group.labels),
                |group, replica, own, scope| async move {
                    // Of a group label there is one value, if there is a series.
                    let Some(value) = group.labels.get(name) else {
                        return replica.label_values(&group.client, &own, name, &scope).await;
                    };
                    let names = replica.label_names(&group.client, &own, &scope).await?;
                    let data = if names.data.is_empty() { None } else { Some(value.to_owned()) };
                    let data = data.into_iter().collect();
                    Ok(Answer { data, warnings: names.warnings, infos: names.infos })
                },
            );
            let Gathered { parts, mut warnings, infos } = gathered.await?;
            let mut values: Vec<String> = parts.into_iter().flat_map(|(_, list)| list).collect();
            sort_and_cut(&mut values, scope.limit, &mut warnings);
            Ok(answer(values, warnings, infos))
        })
    }

    fn metadata<'a>(
        &'a self,
        context: &'a Context,
        request: &'a MetadataRequest,
    ) -> Boxed<'a, BTreeMap<String, Vec<Metadata>>> {
        Box::pin(async move {
            let gathered = self.everywhere(
                "metadata",
                context,
                |_| Some(()),
                |group, replica, own, _| async move {
                    replica.metadata(&group.client, &own, request.metric.as_deref()).await
                },
            );
            let Gathered { parts, warnings, infos } = gathered.await?;
            let mut merged: BTreeMap<String, Vec<Metadata>> = BTreeMap::new();
            for (metric, entries) in parts.into_iter().flat_map(|(_, list)| list) {
                let known = merged.entry(metric).or_default();
                for entry in entries {
                    if !known.contains(&entry) {
                        known.push(entry);
                    }
                }
            }
            if request.limit_per_metric > 0 {
                merged.values_mut().for_each(|list| list.truncate(request.limit_per_metric));
            }
            if request.limit > 0 {
                merged = merged.into_iter().take(request.limit).collect();
            }
            Ok(answer(merged, warnings, infos))
        })
    }

    fn exemplars<'a>(
        &'a self,
        context: &'a Context,
        request: &'a ExemplarRequest,
    ) -> Boxed<'a, Vec<SeriesExemplars>> {
        Box::pin(async move {
            let window = (request.start_ms, request.end_ms);
            let gathered = self.everywhere(
                "query_exemplars",
                context,
                |group| {
                    let selectors = request.selectors.iter();
                    let selectors: Vec<_> =
                        selectors.filter_map(|own| resolve(own, &group.labels)).collect();
                    (!selectors.is_empty()).then_some(selectors)
                },
                |group, replica, own, selectors| async move {
                    replica.exemplars(&group.client, &own, &selectors, window).await
                },
            );
            let Gathered { parts, warnings, infos } = gathered.await?;
            Ok(answer(merge_exemplars(parts), warnings, infos))
        })
    }
}

/// The same exemplar from several replicas is one exemplar.
fn merge_exemplars(parts: Vec<(&Group, Vec<SeriesExemplars>)>) -> Vec<SeriesExemplars> {
    let mut merged: BTreeMap<Labels, SeriesExemplars> = BTreeMap::new();
    for (group, list) in parts {
        for mut series in list {
            series.labels = with_group_labels(&series.labels, &group.labels);
            match merged.entry(series.labels.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(series);
                }
                Entry::Occupied(mut entry) => entry.get_mut().exemplars.extend(series.exemplars),
            }
        }
    }
    for series in merged.values_mut() {
        series.exemplars.sort_by(|a, b| {
            (a.timestamp_ms, &a.labels, &a.value).cmp(&(b.timestamp_ms, &b.labels, &b.value))
        });
        series.exemplars.dedup();
    }
    merged.into_values().collect()
}

fn sort_and_cut<T: Ord>(list: &mut Vec<T>, limit: usize, warnings: &mut Vec<String>) {
    list.sort_unstable();
    list.dedup();
    if limit > 0 && list.len() > limit {
        list.truncate(limit);
        warnings.push(TRUNCATED.to_owned());
    }
}

fn answer<T>(data: T, mut warnings: Vec<String>, mut infos: Vec<String>) -> Answer<T> {
    for texts in [&mut warnings, &mut infos] {
        let mut seen = HashSet::new();
        texts.retain(|text| seen.insert(text.clone()));
    }
    Answer { data, warnings, infos }
}
