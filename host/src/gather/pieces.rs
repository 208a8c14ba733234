//! Raw samples of a large selector, asked for in pieces of its time range.
//!
//! In: selectors and how many pieces each is worth. Out: the samples that one
//! request would have brought. Every piece is an answer of its own, so a
//! server never has to hold the whole.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use promql::SeriesBatch;

use super::Error;
use super::client::Client;
use super::concat::concat;
use super::push::PARALLEL_PIECES;
use super::remote_read::ResponseType;
use super::replica::Replica;
use crate::storage::{Context, Select};

/// An answer of more samples than this is asked for in pieces: ten megabytes
/// as chunks, a hundred and fifty as JSON.
const MAX_SAMPLES: u64 = 5_000_000;
/// Estimates may be wrong by much.
const MAX_PIECES: u64 = 64;

/// In how many pieces so many samples of one replica are asked for; unknown
/// is taken for few.
#[must_use]
pub(super) fn pieces_for(estimated_samples: Option<u64>) -> usize {
    let pieces = estimated_samples.unwrap_or(0).div_ceil(MAX_SAMPLES).clamp(1, MAX_PIECES);
    usize::try_from(pieces).expect("at most a few dozen")
}

/// The window of a selector in so many parts (above zero), in order of time;
/// fewer if it has fewer milliseconds.
pub(super) fn windows(select: &Select, pieces: usize) -> Vec<(i64, i64)> {
    let width = i128::from(select.end_ms) - i128::from(select.start_ms) + 1;
    let pieces = i128::try_from(pieces).unwrap_or(1).min(width).max(1);
    let border = |piece: i128| i128::from(select.start_ms) + width * piece / pieces;
    let ms = |time: i128| i64::try_from(time).expect("within the window");
    (0..pieces).map(|piece| (ms(border(piece)), ms(border(piece + 1) - 1))).collect()
}

/// One request of remote read: selectors, and which of the asked ones they
/// belong to.
struct Request {
    selects: Vec<Select>,
    owners: Vec<usize>,
}

/// What is small goes together; what is large has a request for each piece.
fn requests(selects: &[Select], pieces: &[usize]) -> Vec<Request> {
    let mut together = Request { selects: Vec::new(), owners: Vec::new() };
    let mut requests = Vec::new();
    for (owner, (select, pieces)) in selects.iter().zip(pieces).enumerate() {
        let windows = windows(select, *pieces);
        if windows.len() == 1 {
            together.selects.push(select.clone());
            together.owners.push(owner);
            continue;
        }
        requests.extend(windows.into_iter().map(|(start_ms, end_ms)| Request {
            selects: vec![Select { start_ms, end_ms, ..select.clone() }],
            owners: vec![owner],
        }));
    }
    if !together.selects.is_empty() {
        requests.insert(0, together);
    }
    requests
}

impl Replica {
    /// Remote read, every selector in its number of pieces.
    pub(super) async fn read_in_pieces(
        &self,
        client: &Client,
        context: &Context,
        (selects, pieces): (&[Select], &[usize]),
        accepted: &[ResponseType],
    ) -> Result<Vec<SeriesBatch>, Error> {
        let requests = requests(selects, pieces);
        if let [Request { selects, .. }] = &requests[..] {
            return self.read(client, context, selects, accepted).await;
        }
        // Collected, because a lazy iterator of futures is no `Send` to the compiler.
        let asked: Vec<_> =
            requests.iter().map(|one| self.read(client, context, &one.selects, accepted)).collect();
        let answers: Vec<Vec<SeriesBatch>> =
            stream::iter(asked).buffered(PARALLEL_PIECES).try_collect().await?;
        let mut parts: Vec<Vec<SeriesBatch>> = vec![Vec::new(); selects.len()];
        for (request, answer) in requests.iter().zip(answers) {
            for (owner, batch) in request.owners.iter().zip(answer) {
                parts[*owner].push(batch);
            }
        }
        Ok(parts.into_iter().map(concat).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn select(start_ms: i64, end_ms: i64) -> Select {
        Select { matchers: Vec::new(), start_ms, end_ms, lookups: None }
    }

    proptest! {
        #[test]
        fn windows_cover_every_millisecond_once(
            start in -50_i64..50,
            width in 0_i64..100,
            pieces in 1_usize..20,
        ) {
            let windows = windows(&select(start, start + width), pieces);
            let covered: Vec<i64> = windows.iter().flat_map(|(from, to)| *from..=*to).collect();
            prop_assert_eq!(covered, (start..=start + width).collect::<Vec<_>>());
            prop_assert!(windows.len() <= pieces);
        }
    }

    #[test]
    fn small_selectors_share_a_request_and_large_ones_have_their_own() {
        let selects = [select(0, 99), select(0, 9), select(0, 9)];
        let requests = requests(&selects, &[2, 1, 1]);
        let owners: Vec<_> = requests.iter().map(|one| one.owners.clone()).collect();
        assert_eq!(owners, [vec![1, 2], vec![0], vec![0]]);
        assert_eq!(requests[2].selects, [select(50, 99)]);
    }

    #[test]
    fn estimates_decide_on_pieces_within_bounds() {
        assert_eq!(pieces_for(None), 1);
        assert_eq!(pieces_for(Some(MAX_SAMPLES)), 1);
        assert_eq!(pieces_for(Some(MAX_SAMPLES + 1)), 2);
        assert_eq!(pieces_for(Some(u64::MAX)), 64);
    }
}
