//! The trim operators: observations above or below a value are removed, as
//! far as the buckets tell.

use super::Histogram;
use super::bounds::Bucket;

/// Which observations stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Those at or below the value (`</`).
    Below,
    /// Those at or above the value (`>/`).
    Above,
}

/// Where a bucket lies, and so how its middle is found.
#[derive(Clone, Copy)]
struct Place {
    positive: bool,
    custom: bool,
}

/// Where one side is cut.
#[derive(Clone, Copy)]
struct Trim {
    value: f64,
    keep: Keep,
    place: Place,
}

/// What remains of the whole.
#[derive(Default)]
struct Rest {
    count: f64,
    sum: f64,
    trimmed: bool,
    populated: bool,
}

impl Histogram {
    /// Removes the observations on the other side of `value`. Count and sum
    /// are estimated anew from the buckets if any bucket changed.
    pub(crate) fn trim(&mut self, value: f64, keep: Keep) {
        let custom = self.uses_custom_buckets();
        let positive: Vec<Bucket> = self.positive().collect();
        let negative: Vec<Bucket> = self.negative().collect();
        let mut rest = Rest::default();
        let place = Place { positive: true, custom };
        rest.trim_side(&positive, &mut self.positive_buckets, Trim { value, keep, place });
        let has_positive = std::mem::take(&mut rest.populated);
        let place = Place { positive: false, custom };
        rest.trim_side(&negative, &mut self.negative_buckets, Trim { value, keep, place });
        let has_negative = rest.populated;
        if self.zero_count > 0.0 {
            let mut zero = self.zero_bucket();
            if has_negative && !has_positive {
                zero.upper = 0.0;
            }
            if has_positive && !has_negative {
                zero.lower = 0.0;
            }
            let (kept, middle) = trim_zero(zero, value, keep);
            rest.trimmed |= self.zero_count != kept;
            self.zero_count = kept;
            rest.sum += middle * kept;
            rest.count += kept;
        }
        if rest.trimmed {
            self.count = rest.count;
            self.sum = rest.sum;
            self.compact();
        }
    }
}

impl Rest {
    fn trim_side(&mut self, bounds: &[Bucket], buckets: &mut [f64], trim: Trim) {
        let Trim { value, keep, place } = trim;
        for (bucket, count) in bounds.iter().zip(buckets) {
            if bucket.count == 0.0 {
                continue;
            }
            self.populated = true;
            let (whole, partly) = match keep {
                Keep::Below => (bucket.upper <= value, bucket.lower < value),
                Keep::Above => (bucket.lower >= value, bucket.upper > value),
            };
            let (kept, middle) = if whole {
                (bucket.count, middle(bucket.lower, bucket.upper, place))
            } else if partly {
                trim_bucket(*bucket, value, keep, place)
            } else {
                *count = 0.0;
                self.trimmed = true;
                continue;
            };
            self.count += kept;
            self.sum += middle * kept;
            if *count != kept {
                *count = kept;
                self.trimmed = true;
            }
        }
    }
}

/// What is kept of a bucket that holds the value, and the middle of that.
fn trim_bucket(bucket: Bucket, value: f64, keep: Keep, place: Place) -> (f64, f64) {
    if bucket.lower == f64::NEG_INFINITY {
        return trim_lowest(bucket, value, keep);
    }
    if bucket.upper == f64::INFINITY {
        return trim_highest(bucket, value, keep);
    }
    let below = if value <= bucket.lower {
        0.0
    } else if value >= bucket.upper {
        bucket.count
    } else {
        bucket.count * bucket.fraction_below(value, place.custom)
    };
    match keep {
        Keep::Below => (below, middle(bucket.lower, value, place)),
        Keep::Above => (bucket.count - below, middle(value, bucket.upper, place)),
    }
}

/// The bucket from minus infinity: it is taken to start at zero if it ends
/// above; else nothing is known of where its observations lie.
fn trim_lowest(bucket: Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let upper = bucket.upper;
    let finite_upper = if upper.is_infinite() { 0.0 } else { upper };
    match keep {
        Keep::Below if value >= upper => (bucket.count, 0.0),
        Keep::Below if value > 0.0 && upper > 0.0 && upper != f64::INFINITY => {
            (bucket.count * value / upper, value / 2.0)
        }
        Keep::Below if upper <= 0.0 => (bucket.count, value),
        Keep::Above if value <= bucket.lower => (bucket.count, 0.0),
        Keep::Above if value >= 0.0 && upper > value && upper != f64::INFINITY => {
            (bucket.count * (1.0 - value / upper), f64::midpoint(value, upper))
        }
        _ => (0.0, finite_upper),
    }
}

/// The bucket to infinity: nothing is known of where its observations lie.
fn trim_highest(bucket: Bucket, value: f64, keep: Keep) -> (f64, f64) {
    match keep {
        Keep::Above if value >= bucket.lower => (bucket.count, value),
        _ => (0.0, if bucket.lower.is_infinite() { 0.0 } else { bucket.lower }),
    }
}

fn trim_zero(bucket: Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let Bucket { lower, upper, count, .. } = bucket;
    let whole = (count, (lower + upper) / 2.0);
    match keep {
        Keep::Below if value <= lower => (0.0, 0.0),
        Keep::Below if value >= upper => whole,
        Keep::Below => (count * ((value - lower) / (upper - lower)), (lower + value) / 2.0),
        Keep::Above if value <= lower => whole,
        Keep::Above if value >= upper => (0.0, 0.0),
        Keep::Above => (count * ((upper - value) / (upper - lower)), (value + upper) / 2.0),
    }
}

/// The middle of an interval: geometric for exponential buckets.
fn middle(lower: f64, upper: f64, place: Place) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if place.custom => (lower + upper) / 2.0,
        (false, false) => {
            let geometric = (lower * upper).abs().sqrt();
            if place.positive { geometric } else { -geometric }
        }
    }
}
