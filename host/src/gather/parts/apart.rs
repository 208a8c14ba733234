//! Groups that may hold the same series: as far as that is not known to be
//! otherwise they are evaluated together, from raw samples.

use promql::matcher::Matcher;

use super::reads::SelectorReach;
use super::why::Because;
use crate::gather::fleet::Fleet;
use crate::gather::scope::resolve;
use crate::plan::{Share, Site, Steps};
use crate::storage::Context;

/// What a site reads, and when it is evaluated.
type Read<'a> = (&'a [SelectorReach], Steps);

impl Fleet {
    /// Makes one share of those whose groups may hold the same series. There
    /// is one share for each group so far.
    pub(super) async fn keep_apart(
        &self,
        context: &Context,
        site: &Site,
        own: Vec<Share>,
        read: Read<'_>,
    ) -> Vec<Share> {
        let mut unit: Vec<usize> = (0..own.len()).collect();
        for pair in &site.undecided {
            let place = |group: usize| own.iter().position(|own| own.groups == [group]);
            let (Some(one), Some(two)) = (place(pair.0), place(pair.1)) else { continue };
            let pushes = !own[one].is_raw() || !own[two].is_raw();
            if pushes && self.are_disjoint(context, *pair, read).await {
                continue;
            }
            let (old, new) = (unit[two], unit[one]);
            unit.iter_mut().filter(|unit| **unit == old).for_each(|unit| *unit = new);
        }
        together(own, &unit, read.1)
    }

    /// True if it is known that no series that a site reads is in both groups.
    async fn are_disjoint(
        &self,
        context: &Context,
        (one, two): (usize, usize),
        (selects, steps): Read<'_>,
    ) -> bool {
        for (matchers, reach) in selects {
            let window = reach.window(&steps);
            let (one, two) = tokio::join!(
                self.listed(context, one, (matchers, window)),
                self.listed(context, two, (matchers, window))
            );
            match (one, two) {
                (Some(one), Some(two)) if one.is_disjoint(&two) => {}
                _ => return false,
            }
        }
        true
    }

    async fn listed(
        &self,
        context: &Context,
        group: usize,
        (matchers, window): (&[Matcher], (i64, i64)),
    ) -> Option<std::sync::Arc<crate::gather::coverage::Listing>> {
        let group = &self.groups[group];
        let matchers = resolve(matchers, &group.labels)?;
        group.listing(context, &matchers, window).await
    }
}

/// One share for each unit of shares, in the order of their first ones.
fn together(own: Vec<Share>, unit: &[usize], steps: Steps) -> Vec<Share> {
    let mut shares: Vec<(usize, Share)> = Vec::new();
    for (place, own) in own.into_iter().enumerate() {
        match shares.iter_mut().find(|(number, _)| *number == unit[place]) {
            None => shares.push((unit[place], own)),
            Some((_, share)) => {
                let mut groups = std::mem::take(&mut share.groups);
                groups.extend(own.groups);
                *share = Share::raw(groups, steps, Because::SameSeries.to_string());
            }
        }
    }
    shares.into_iter().map(|(_, share)| share).collect()
}
