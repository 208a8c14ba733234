//! A bounded queue in front of something expensive: a few are in, a few more
//! wait, and the rest is sent away at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places, and places to wait for one.
#[derive(Debug)]
pub struct Queue {
    places: Arc<Semaphore>,
    waiting: Semaphore,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Nobody more may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Queue {
    /// So many at once, and so many that wait.
    #[must_use]
    pub fn new(places: usize, waiting: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Semaphore::new(waiting) }
    }

    /// Waits for a place, in the order of arrival.
    ///
    /// # Errors
    /// At once, when too many wait already.
    pub async fn enter(&self) -> Result<Place, Full> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        let _waits = self.waiting.try_acquire().map_err(|_| Full)?;
        let permit = Arc::clone(&self.places).acquire_owned().await;
        Ok(Place { _permit: permit.expect("the semaphore is never closed") })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_few_are_in_a_few_wait_and_the_rest_is_sent_away() {
        let queue = Arc::new(Queue::new(1, 1));
        let first = queue.enter().await.expect("the first place");
        let waiting = Arc::clone(&queue);
        let mut second = std::pin::pin!(waiting.enter());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(matches!(queue.enter().await, Err(Full)));
        drop(first);
        let second = second.await.expect("its turn");
        drop(second);
        assert!(queue.enter().await.is_ok());
    }

    #[tokio::test]
    async fn who_leaves_the_queue_leaves_its_place_in_it() {
        let queue = Queue::new(1, 1);
        let _first = queue.enter().await.expect("the first place");
        {
            let mut gone = std::pin::pin!(queue.enter());
            assert!(gone.as_mut().now_or_never().is_none());
        }
        let mut next = std::pin::pin!(queue.enter());
        assert!(next.as_mut().now_or_never().is_none());
    }
}
