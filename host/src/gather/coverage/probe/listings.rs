//! Which series a group has in a window, as far as possible from memory.
//!
//! In: a selector and a window. Out: the series of all replicas. What is
//! settled is listed once; what came since, from then on only.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use promql::matcher::Matcher;

use super::{Question, now_ms};
use crate::gather::Error;
use crate::gather::coverage::judge::{Edges, Terms};
use crate::gather::coverage::{Grid, Known, Learned, Listed, Listing};
use crate::gather::explain::Request;
use crate::gather::group::Group;
use crate::storage::{Answer, Context, Scope, TRUNCATED};

/// A count that takes longer than this helps nobody.
const COUNT_PATIENCE: Duration = Duration::from_secs(1);

impl Group {
    /// All series of a selector in a window, and perhaps some around it, of
    /// all replicas, with the group's labels; nothing where one of them gave
    /// no answer. The matchers are those that the replicas are asked with.
    pub async fn listing(
        &self,
        context: &Context,
        matchers: &[Matcher],
        window_ms: (i64, i64),
    ) -> Option<Arc<Listing>> {
        let grid = Grid::for_window(window_ms.1.saturating_sub(window_ms.0));
        let Known { listed, .. } = self.coverage.known(matchers, grid, Instant::now());
        let Some(listed) = listed.filter(|listed| covers_start(listed, window_ms)) else {
            let wide = self.looked_at(context, grid, window_ms);
            let by_replica = self.list_all(context, matchers, (grid, wide)).await?;
            return Some(self.keep_listing(matchers, (grid, wide), by_replica));
        };
        let known_until = listed.window_ms.1;
        if window_ms.1 <= known_until {
            return Some(listed.all);
        }
        let since = (known_until, window_ms.1);
        let mut new = self.list_all(context, matchers, (grid, since)).await?;
        if self.replicas.len() > 1 {
            // A probe for holes wants to know what each replica had when.
            return Some(Arc::new(Listing::union(new.iter().chain([&*listed.all]))));
        }
        new.extend(listed.by_replica.iter().cloned());
        let window_ms = (listed.window_ms.0, window_ms.1);
        Some(self.keep_listing(matchers, (grid, window_ms), vec![Listing::union(&new)]))
    }

    /// How many series a selector has in a window, counted up to `most` (above
    /// zero); one more if there are more. Asks one replica, briefly.
    pub async fn count_series(
        &self,
        context: &Context,
        matchers: &[Matcher],
        window_ms: (i64, i64),
        most: usize,
    ) -> Option<usize> {
        let own = context.alone();
        let (replica, started) = (0, Instant::now());
        let scope = Scope {
            selectors: vec![matchers.to_vec()],
            start_ms: Some(window_ms.0),
            end_ms: Some(window_ms.1),
            limit: most,
        };
        context.probes.fetch_add(1, Ordering::Relaxed);
        let asked = self.replicas[replica].series_up_to(&self.client, &own, &scope);
        let asked = tokio::time::timeout(COUNT_PATIENCE, asked).await;
        let result = asked.unwrap_or(Err(Error::Straggler));
        let request = Request { call: "probe", text: "", replica, context: own };
        self.record(&request, started.elapsed(), &result);
        let Answer { data, warnings, .. } = result.ok()?;
        match &warnings[..] {
            [] => Some(data.len()),
            [cut] if cut.contains(TRUNCATED) => Some(most + 1),
            _ => None,
        }
    }

    /// As far as a probe for holes in such a window will look.
    fn looked_at(
        &self,
        context: &Context,
        grid: Grid,
        (start_ms, end_ms): (i64, i64),
    ) -> (i64, i64) {
        let terms = self.policy.of(context).builtin_rule().and_then(Terms::of);
        let Some(terms) = terms.filter(|_| self.replicas.len() > 1) else {
            return (start_ms, end_ms);
        };
        let margin = terms.margin(grid);
        let end = grid.end(grid.at(end_ms).saturating_add(margin));
        (grid.end(grid.at(start_ms) - margin - 1), end.min(now_ms().max(end_ms)))
    }

    async fn list_all(
        &self,
        context: &Context,
        matchers: &[Matcher],
        (grid, window_ms): (Grid, (i64, i64)),
    ) -> Option<Vec<Listing>> {
        let question =
            Question { matchers, grid, missing: None, now_ms: None, list: Some(window_ms) };
        let found = self.ask_all(context, &question).await?;
        Some(found.into_iter().filter_map(|one| one.listing).collect())
    }

    fn keep_listing(
        &self,
        matchers: &[Matcher],
        (grid, window_ms): (Grid, (i64, i64)),
        by_replica: Vec<Listing>,
    ) -> Arc<Listing> {
        let all = Arc::new(Listing::union(&by_replica));
        let listed = Listed { window_ms, by_replica: Arc::new(by_replica), all: Arc::clone(&all) };
        let learned = Learned {
            grid,
            counts: Vec::new(),
            same_series: Vec::new(),
            edges: Edges::default(),
            listed: Some(listed.settled(now_ms())),
        };
        self.coverage.learn(matchers, learned, None, Instant::now());
        all
    }
}

fn covers_start(listed: &Listed, window_ms: (i64, i64)) -> bool {
    (listed.window_ms.0..=listed.window_ms.1).contains(&window_ms.0)
}
