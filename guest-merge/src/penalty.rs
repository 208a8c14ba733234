//! Thanos's penalty algorithm (thanos/pkg/dedup/iter.go), without its
//! adjustment of counter values: samples are only selected.
//!
//! The replica that was not picked is penalised: its samples count again
//! only twice the last gap after the picked one. So a replica is left only
//! after it has been silent for that long.

use alloc::vec::Vec;

use crate::columns::{Batch, Plan};
use crate::line::{Line, Sample};

/// Penalty before any gap is known, in milliseconds; Thanos's constant.
const INITIAL_PENALTY_MS: i64 = 5000;

/// Plans one series.
pub(crate) fn plan_series(batch: &Batch<'_>, series: usize, line: &mut Line, plan: &mut Plan) {
    line.fold(batch, series, false, plan, merge);
}

/// One of the two sides.
struct Side<'a> {
    rest: &'a [Sample],
    penalty_ms: i64,
}

impl Side<'_> {
    /// Goes to the first sample more than the penalty after `last`.
    fn seek(&mut self, last: Option<i64>) {
        let Some(last) = last else { return };
        let border = last.saturating_add(self.penalty_ms);
        let skip = self.rest.iter().take_while(|sample| sample.time <= border).count();
        self.rest = &self.rest[skip..];
    }

    /// Takes the next sample; `other` is left for a while.
    fn pick(&self, other: &mut Side<'_>, last: Option<i64>) -> Sample {
        let sample = self.rest[0];
        other.penalty_ms = match last {
            None => INITIAL_PENALTY_MS,
            Some(last) => sample.time.saturating_sub(last).saturating_mul(2),
        };
        sample
    }
}

fn merge(a: &[Sample], b: &[Sample], out: &mut Vec<Sample>) {
    let mut a = Side { rest: a, penalty_ms: 0 };
    let mut b = Side { rest: b, penalty_ms: 0 };
    let mut last = None;
    loop {
        a.seek(last);
        b.seek(last);
        let sample = match (a.rest.first(), b.rest.first()) {
            (None, None) => return,
            (Some(sample), None) => {
                a.penalty_ms = 0;
                *sample
            }
            (None, Some(sample)) => {
                b.penalty_ms = 0;
                *sample
            }
            (Some(one), Some(two)) if one.time <= two.time => {
                a.penalty_ms = 0;
                a.pick(&mut b, last)
            }
            (Some(_), Some(_)) => {
                b.penalty_ms = 0;
                b.pick(&mut a, last)
            }
        };
        last = Some(sample.time);
        out.push(sample);
    }
}
