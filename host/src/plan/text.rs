//! A plan as text, for people.
//!
//! In: an [`Explained`]. Out: what is evaluated here, then each site with what
//! every group gives to it, then what could be pushed down and is not, then the
//! selectors that are read raw. Times are RFC 3339, in UTC.

use std::fmt::{self, Formatter};

use super::explained::{Explained, Read, ReadOf};
use super::steps::Steps;
use super::ways::{PlannedSite, Share, Stretch, Way};

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "query: {}", self.query)?;
        writeln!(f, "steps: {}", steps(&self.steps))?;
        writeln!(f, "evaluated here: {}", self.here())?;
        writeln!(f, "requests made to decide: {}", self.plan.probes)?;
        for (number, site) in self.plan.sites.iter().enumerate() {
            writeln!(f, "\n<{}> {}", number + 1, self.written(site.site.span))?;
            write_site(self, site, f)?;
        }
        for site in &self.plan.raw {
            writeln!(f, "\nnot pushed down: {}", self.written(site.site.span))?;
            for share in &site.shares {
                writeln!(f, "  {}: {}", names(self, share), share.reason)?;
                write_estimate(share, f)?;
            }
        }
        self.reads.iter().try_for_each(|read| write_read(self, read, f))
    }
}

fn write_site(of: &Explained, planned: &PlannedSite, f: &mut Formatter<'_>) -> fmt::Result {
    let PlannedSite { site, shares } = planned;
    writeln!(f, "  put together: {}: {}", site.combine.as_str(), site.combine.why())?;
    for share in shares {
        let mode = match share.stretches.iter().filter(|own| own.way == Way::Raw).count() {
            0 => "push-down",
            raw if raw == share.stretches.len() => "raw",
            _ => "push-down and raw",
        };
        writeln!(f, "  {}: {mode}: {}", names(of, share), share.reason)?;
        if !share.is_raw() {
            let asked = site.parts.iter().flat_map(|part| &part.asked);
            for asked in asked.filter(|asked| share.groups == [asked.group]) {
                writeln!(f, "    asked: {}", asked.text)?;
                if !asked.attach.is_empty() {
                    writeln!(f, "    labels added: {}", asked.attach)?;
                }
            }
        }
        for stretch in &share.stretches {
            writeln!(f, "    {}: {}", times(&stretch.steps), way(of, share, stretch))?;
        }
        write_estimate(share, f)?;
    }
    Ok(())
}

fn write_estimate(share: &Share, f: &mut Formatter<'_>) -> fmt::Result {
    if let Some(samples) = share.samples {
        writeln!(f, "    raw samples of all replicas, estimated: {samples}")?;
    }
    if share.series > 0 {
        writeln!(f, "    series in an answer, estimated: {}", share.series)?;
    }
    Ok(())
}

fn write_read(of: &Explained, read: &Read, f: &mut Formatter<'_>) -> fmt::Result {
    let site = read.site.map(|site| format!(" for <{}>", site + 1)).unwrap_or_default();
    writeln!(f, "\nraw{site}: {} {}", read.selector, window(read.window_ms))?;
    for ReadOf { group, selector, window_ms, pieces, estimate } in &read.asked {
        writeln!(f, "  group {}", of.group(*group))?;
        writeln!(f, "    asked: {selector} {}", window(*window_ms))?;
        let replicas = of.groups.get(*group).map_or(0, |group| group.replicas.len());
        let cut = if *pieces > 1 { format!(", in {pieces} pieces") } else { String::new() };
        writeln!(f, "    replicas: {replicas}{cut}")?;
        match estimate {
            Some((series, samples)) => {
                writeln!(f, "    estimated: {series} series, {samples} samples of all replicas")?;
            }
            None => writeln!(f, "    estimated: nothing is known")?,
        }
    }
    Ok(())
}

fn names(of: &Explained, share: &Share) -> String {
    let names: Vec<String> = share.groups.iter().map(|group| of.group(*group)).collect();
    format!("{} {}", if names.len() == 1 { "group" } else { "groups" }, names.join(", "))
}

fn way(of: &Explained, share: &Share, stretch: &Stretch) -> String {
    match (stretch.way, share.groups.first()) {
        (Way::Push(replica), Some(group)) => format!("by {}", of.replica(*group, replica)),
        (way, _) => way.to_string(),
    }
}

fn steps(steps: &Steps) -> String {
    match steps.step_ms {
        ..=0 => time(steps.start_ms),
        step => {
            let (every, count) = (promql::duration::format_ms(step), steps.count());
            format!("{} every {every}, {count} of them", times(steps))
        }
    }
}

fn times(steps: &Steps) -> String {
    if steps.start_ms == steps.end_ms {
        time(steps.start_ms)
    } else {
        format!("{} to {}", time(steps.start_ms), time(steps.end_ms))
    }
}

fn window((from_ms, to_ms): (i64, i64)) -> String {
    format!("from {} to {}", time(from_ms), time(to_ms))
}

/// RFC 3339 as far as years have four digits.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms"), |stamp| stamp.to_string())
}

#[cfg(test)]
mod tests;
