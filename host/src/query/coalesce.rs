//! The same question from several clients at once is answered once.
//!
//! In: requests. Out: what the engine behind says to each of them, evaluated
//! once for those that are the same and arrive while the first one runs. It
//! runs on as long as any of its clients waits. A client that joined late is
//! not held to the first one's deadline: it asks for itself then.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};

use super::{Error, Explaining, Outcome, Request, Run, Running};

type Answer = Arc<Result<Outcome, Error>>;
type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;
type Answering = Shared<Work>;

/// Joins equal requests in front of something that answers queries.
pub struct Coalesce<R> {
    inner: Arc<R>,
    /// Finished or abandoned ones go when the next request arrives.
    running: Mutex<HashMap<Request, WeakShared<Work>>>,
}

impl<R> fmt::Debug for Coalesce<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesce").finish_non_exhaustive()
    }
}

impl<R: Run> Coalesce<R> {
    /// In front of this.
    #[must_use]
    pub fn new(inner: R) -> Self {
        Self { inner: Arc::new(inner), running: Mutex::default() }
    }

    /// The answer that is on its way, or a new one; and whether it is new.
    fn join(&self, request: &Request) -> (Answering, bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, answering| {
            answering.upgrade().is_some_and(|answering| answering.peek().is_none())
        });
        if let Some(answering) = running.get(request).and_then(WeakShared::upgrade) {
            return (answering, false);
        }
        let (inner, own) = (Arc::clone(&self.inner), request.clone());
        let answering: Work = Box::pin(async move { Arc::new(inner.run(own).await) });
        let answering = answering.shared();
        if let Some(weak) = answering.downgrade() {
            running.insert(request.clone(), weak);
        }
        (answering, true)
    }
}

impl<R: Run> Run for Coalesce<R> {
    fn run(&self, request: Request) -> Running<'_> {
        Box::pin(async move {
            let (answering, leads) = self.join(&request);
            let answer = answering.await;
            let ended_early = matches!(*answer, Err(Error::Timeout(_) | Error::Canceled(_)));
            if ended_early && !leads {
                return self.inner.run(request).await;
            }
            Arc::try_unwrap(answer).unwrap_or_else(|answer| (*answer).clone())
        })
    }

    fn explain(&self, request: Request) -> Explaining<'_> {
        self.inner.explain(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    use crate::query::{Stats, Value};

    /// Answers when it is let, and counts.
    struct Slow {
        asked: AtomicUsize,
        gate: Semaphore,
        fails_first: bool,
    }

    impl Run for Arc<Slow> {
        fn run(&self, _: Request) -> Running<'_> {
            let before = self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                self.gate.acquire().await.expect("open").forget();
                if self.fails_first && before == 0 {
                    return Err(Error::Timeout("too late".to_owned()));
                }
                let value = Value::Scalar { time_ms: 0, value: 1.0 };
                Ok(Outcome {
                    value,
                    warnings: Vec::new(),
                    infos: Vec::new(),
                    stats: None,
                    explanation: None,
                })
            })
        }

        fn explain(&self, _: Request) -> Explaining<'_> {
            Box::pin(async { Err(Error::NotFound("no plan".to_owned())) })
        }
    }

    fn request(text: &str) -> Request {
        Request {
            text: text.to_owned(),
            start_ms: 0,
            end_ms: 0,
            step_ms: 0,
            timeout: None,
            limit: 0,
            lookback_ms: None,
            stats: Stats::None,
            explain: false,
        }
    }

    fn slow(fails_first: bool) -> (Arc<Slow>, Coalesce<Arc<Slow>>) {
        let slow = Slow { asked: AtomicUsize::new(0), gate: Semaphore::new(0), fails_first };
        let slow = Arc::new(slow);
        (Arc::clone(&slow), Coalesce::new(slow))
    }

    #[tokio::test]
    async fn equal_requests_are_answered_once_and_others_by_themselves() {
        let (slow, coalesce) = slow(false);
        let all = futures_util::future::join3(
            coalesce.run(request("a")),
            coalesce.run(request("a")),
            coalesce.run(request("b")),
        );
        // Only when all of them wait: an answer that is there is not joined.
        let open = async { slow.gate.add_permits(9) };
        let ((one, two, three), ()) = futures_util::future::join(all, open).await;
        assert!(one.is_ok() && two.is_ok() && three.is_ok());
        assert_eq!(slow.asked.load(Ordering::Relaxed), 2);
        // What is over is not answered again from memory.
        assert!(coalesce.run(request("a")).await.is_ok());
        assert_eq!(slow.asked.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn who_joined_asks_again_when_the_first_one_was_out_of_time() {
        let (slow, coalesce) = slow(true);
        slow.gate.add_permits(9);
        let (first, second) =
            futures_util::future::join(coalesce.run(request("a")), coalesce.run(request("a")))
                .await;
        assert!(matches!(first, Err(Error::Timeout(_))));
        assert!(second.is_ok());
    }

    #[tokio::test]
    async fn the_first_client_may_leave_while_another_waits() {
        let (slow, coalesce) = slow(false);
        let mut first = coalesce.run(request("a"));
        assert!((&mut first).now_or_never().is_none());
        let mut second = coalesce.run(request("a"));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        slow.gate.add_permits(9);
        assert!(second.await.is_ok());
        assert_eq!(slow.asked.load(Ordering::Relaxed), 1);
    }
}
