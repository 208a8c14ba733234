//! Histograms as text.

use std::fmt;

use super::Histogram;
use super::buckets::Bucket;
use crate::annotations::general;

impl fmt::Display for Histogram {
    /// As Prometheus prints it: count, sum and the populated buckets, with
    /// brackets for inclusive and parentheses for exclusive bounds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", general(self.count), general(self.sum))?;
        let custom = self.uses_custom_buckets();
        let mut negative: Vec<Bucket> = self.negative().collect();
        negative.reverse();
        for bucket in negative.iter().filter(|bucket| bucket.count != 0.0) {
            write_bucket(f, bucket, bucket.lower < 0.0, bucket.upper > 0.0)?;
        }
        if self.zero_count != 0.0 {
            write_bucket(f, &self.zero_bucket(), true, true)?;
        }
        for bucket in self.positive().filter(|bucket| bucket.count != 0.0) {
            let lowest = bucket.lower == f64::NEG_INFINITY;
            let lower = if custom { lowest } else { bucket.lower < 0.0 };
            write_bucket(f, &bucket, lower, custom || bucket.upper > 0.0)?;
        }
        f.write_str("}")
    }
}

fn write_bucket(
    f: &mut fmt::Formatter<'_>,
    bucket: &Bucket,
    lower_inclusive: bool,
    upper_inclusive: bool,
) -> fmt::Result {
    let open = if lower_inclusive { '[' } else { '(' };
    let close = if upper_inclusive { ']' } else { ')' };
    let Bucket { lower, upper, count } = bucket;
    write!(f, ", {open}{},{}{close}:{}", general(*lower), general(*upper), general(*count))
}
