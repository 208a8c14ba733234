//! Finding out, once a query is answered, what the next one on the same data
//! would have to ask first.
//!
//! A query that is answered raw, because that is quicker than a look at who is
//! whole, leaves that look to be taken when it is over. One at a time for each
//! group: whoever comes meanwhile leaves nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use promql::matcher::Matcher;
use tokio::sync::{Semaphore, oneshot};

use super::decide::Case;
use crate::gather::group::Group;
use crate::storage::Context;

/// What is not found out within this time is not worth it.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long after the query the servers are left alone: one query of a dashboard
/// seldom comes alone.
const REST: Duration = Duration::from_millis(250);

/// A group's place for such work.
#[derive(Debug)]
pub(in crate::gather) struct Study(Arc<Semaphore>);

impl Default for Study {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// Work that begins when this is dropped, with the query's plan.
#[derive(Debug)]
pub(super) struct Later(#[expect(dead_code, reason = "its end is the signal")] oneshot::Sender<()>);

impl Case<'_> {
    /// Leaves it to a later moment to find out who is whole.
    pub(super) fn study(&self) -> Option<Later> {
        if !self.context.may_begin {
            return None;
        }
        let place = Arc::clone(&self.group.study.0).try_acquire_owned().ok()?;
        let group = Arc::clone(self.group);
        let windows = self.reads.windows(self.steps);
        let windows: Vec<(Vec<Matcher>, (i64, i64))> =
            windows.map(|(matchers, window)| (matchers.to_vec(), window)).collect();
        let budget = self.context.budget.fresh();
        let (end, over) = oneshot::channel();
        tokio::spawn(async move {
            let _place = place;
            // It is never sent, only dropped.
            let _dropped = over.await;
            tokio::time::sleep(REST).await;
            let context = Context::new(Instant::now() + PATIENCE, budget);
            group.look_at(&context, &windows).await;
        });
        Some(Later(end))
    }
}

impl Group {
    async fn look_at(&self, context: &Context, windows: &[(Vec<Matcher>, (i64, i64))]) {
        for (matchers, window) in windows {
            let found = self.wholeness(context, matchers, *window).await;
            let first = found.stretches.first().map(|(_, _, replica)| *replica);
            if let Some(replica) = first
                && let Err(error) = self.speaks_our_dialect(replica, context).await
            {
                tracing::debug!(group = %self.title, %error, "no exam for queries to come");
            }
        }
    }
}
