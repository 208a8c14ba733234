//! Native histograms (prometheus/util/jsonutil/marshal.go,
//! `MarshalHistogram`).

use promql::{Histogram, number};

/// Writes `{"count":"…","sum":"…","buckets":[[rule,"lower","upper","count"],…]}`.
/// Empty buckets are left out, and `buckets` if all are.
pub(super) fn write(histogram: &Histogram, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"count":"#);
    write_quoted(histogram.count, out);
    out.extend_from_slice(br#","sum":"#);
    write_quoted(histogram.sum, out);
    let mut any = false;
    for bucket in histogram.buckets().filter(|bucket| bucket.count != 0.0) {
        out.extend_from_slice(if any { b",[" } else { br#","buckets":[["# });
        any = true;
        out.push(b'0' + bucket.boundary_rule());
        for bound in [bucket.lower, bucket.upper, bucket.count] {
            out.push(b',');
            write_quoted(bound, out);
        }
        out.push(b']');
    }
    out.extend_from_slice(if any { b"]}" } else { b"}" });
}

fn write_quoted(value: f64, out: &mut Vec<u8>) {
    out.push(b'"');
    number::write_sample_value(out, value);
    out.push(b'"');
}
