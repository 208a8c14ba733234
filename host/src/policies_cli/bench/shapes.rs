//! The data that policies are measured on: what two replicas answer to a
//! dashboard's panel, to a query over few long series, and to an instant
//! query of many series.

use promql::{Labels, SeriesBatch};

const START_MS: i64 = 1_760_000_000_000;
const STEP_MS: i64 = 15_000;
const REPLICAS: usize = 2;

/// How many series, and scrapes of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    series: usize,
    scrapes: usize,
}

/// All of them.
pub(super) const SHAPES: [Shape; 3] = [
    Shape { series: 1000, scrapes: 360 },
    Shape { series: 10, scrapes: 11_000 },
    Shape { series: 50_000, scrapes: 1 },
];

impl Shape {
    /// Series, replicas, scrapes.
    pub(super) fn name(self) -> String {
        format!("{}x{REPLICAS}x{}", self.series, self.scrapes)
    }

    /// Scrapes of all series and replicas, those missed included.
    pub(super) const fn samples(self) -> usize {
        self.series * REPLICAS * self.scrapes
    }

    /// What the replicas have: one scrape in a hundred is missed, and every
    /// series has moments of its own, so that each needs a decision.
    pub(super) fn replicas(self) -> Vec<SeriesBatch> {
        (0..REPLICAS).map(|replica| self.replica(replica)).collect()
    }

    fn replica(self, number: usize) -> SeriesBatch {
        let mut batch = SeriesBatch::new();
        for series in 0..self.series {
            let own = series as i64 % STEP_MS;
            for scrape in 0..self.scrapes {
                let is_missed = (scrape * 7 + number * 53) % 100 == 99;
                if !is_missed {
                    let time = START_MS + scrape as i64 * STEP_MS + own;
                    batch.push_float(time, (series + scrape) as f64);
                }
            }
            let instance = format!("{series:06}");
            batch.finish_series(Labels::from_pairs([("__name__", "up"), ("instance", &instance)]));
        }
        batch
    }
}
