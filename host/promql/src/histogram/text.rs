//! Histograms as text.

use std::fmt;

use super::Histogram;
use super::bounds::Bucket;
use crate::annotations::general;

impl fmt::Display for Histogram {
    /// As Prometheus prints it: count, sum and the populated buckets, with
    /// brackets for inclusive and parentheses for exclusive bounds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", general(self.count), general(self.sum))?;
        let mut negative: Vec<Bucket> = self.negative().collect();
        negative.reverse();
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        let all = negative.into_iter().chain(zero).chain(self.positive());
        for bucket in all.filter(|bucket| bucket.count != 0.0) {
            write_bucket(f, &bucket)?;
        }
        f.write_str("}")
    }
}

fn write_bucket(f: &mut fmt::Formatter<'_>, bucket: &Bucket) -> fmt::Result {
    let open = if bucket.lower_inclusive { '[' } else { '(' };
    let close = if bucket.upper_inclusive { ']' } else { ')' };
    let [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(general);
    write!(f, ", {open}{lower},{upper}{close}:{count}")
}
