//! A policy's answer, checked before anything is done with it.

use guest_merge::Plan;

use super::columns::Columns;
use super::{Fault, Run};

/// Checks a plan against the batch it is for; what passes can be applied
/// without another look.
///
/// # Errors
/// [`Fault::Plan`], with the first rule of `wit/merge.wit` that is broken.
pub(super) fn check(plan: &Plan, columns: &Columns, may_synthesise: bool) -> Result<(), Fault> {
    find_flaw(plan, columns, may_synthesise).map_err(Fault::Plan)
}

fn find_flaw(plan: &Plan, columns: &Columns, may_synthesise: bool) -> Result<(), String> {
    let series = columns.series();
    if plan.ends.len() != series {
        return Err(format!("{} ends for {series} series", plan.ends.len()));
    }
    if !plan.ends.is_sorted() || last(&plan.ends) * 3 != plan.runs.len() {
        return Err("ends do not cover the runs".to_owned());
    }
    check_synthesised(plan, series, may_synthesise)?;
    let (runs, _) = plan.runs.as_chunks::<3>();
    let mut start = 0;
    for (index, end) in plan.ends.iter().enumerate() {
        let own = &runs[start..*end as usize];
        start = *end as usize;
        check_series(own, columns, index)?;
        check_distinct(own, columns, index, synthesised(plan, index))?;
    }
    Ok(())
}

fn last(ends: &[u32]) -> usize {
    ends.last().map_or(0, |end| *end as usize)
}

fn check_series(runs: &[[u32; 3]], columns: &Columns, index: usize) -> Result<(), String> {
    let mut last = None;
    for &[replica, start, length] in runs {
        let Some(times) = columns.times(index, replica as usize) else {
            return Err(format!("replica {replica} of {}", columns.replicas));
        };
        let begin = start as usize;
        let Some(run) = times.get(begin..begin + length as usize) else {
            return Err(format!(
                "samples {start} to {} of {} of replica {replica}",
                u64::from(start) + u64::from(length),
                times.len(),
            ));
        };
        let [first, ..] = run else {
            return Err("an empty run".to_owned());
        };
        if last.is_some_and(|last| last >= *first) {
            return Err("time does not ascend from run to run".to_owned());
        }
        last = run.last().copied();
    }
    Ok(())
}

fn check_synthesised(plan: &Plan, series: usize, may_synthesise: bool) -> Result<(), String> {
    let count = plan.synthesised_times.len();
    if count == 0 && plan.synthesised_values.is_empty() && plan.synthesised_ends.is_empty() {
        return Ok(());
    }
    if !may_synthesise {
        return Err("synthesised samples without having said so".to_owned());
    }
    let ends = &plan.synthesised_ends;
    let covered = ends.len() == series && ends.is_sorted() && last(ends) == count;
    if !covered || plan.synthesised_values.len() != count {
        return Err("the lists of synthesised samples do not fit each other".to_owned());
    }
    Ok(())
}

/// The range of a series' synthesised samples in the plan's lists.
pub(super) fn synthesised_range(plan: &Plan, index: usize) -> std::ops::Range<usize> {
    let end = |index: usize| plan.synthesised_ends.get(index).map_or(0, |end| *end as usize);
    let start = index.checked_sub(1).map_or(0, end);
    start..end(index)
}

fn synthesised(plan: &Plan, index: usize) -> &[i64] {
    &plan.synthesised_times[synthesised_range(plan, index)]
}

fn check_distinct(
    runs: &[[u32; 3]],
    columns: &Columns,
    index: usize,
    times: &[i64],
) -> Result<(), String> {
    if !times.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err("synthesised samples do not ascend".to_owned());
    }
    for &[replica, start, length] in runs {
        let own = columns.times(index, replica as usize).unwrap_or_default();
        let own = &own[start as usize..start as usize + length as usize];
        if times.iter().any(|time| own.binary_search(time).is_ok()) {
            return Err("a synthesised sample at a timestamp that is taken".to_owned());
        }
    }
    Ok(())
}

/// The runs of a series of a checked plan.
pub(super) fn runs(plan: &Plan, index: usize) -> impl Iterator<Item = Run> {
    let start = index.checked_sub(1).map_or(0, |before| plan.ends[before] as usize);
    let (runs, _) = plan.runs.as_chunks::<3>();
    runs[start..plan.ends[index] as usize].iter().map(|&[replica, start, length]| Run {
        replica,
        start,
        length,
    })
}
