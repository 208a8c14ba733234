//! Statistics of a query (prometheus/util/stats/query_stats.go).

use promql::number;

use crate::query::Statistics;

/// Writes `,"stats":{…}`.
pub(super) fn write(stats: &Statistics, out: &mut Vec<u8>) {
    let timings = &stats.timings;
    let seconds = [
        ("evalTotalTime", timings.eval_total),
        ("resultSortTime", timings.result_sort),
        ("queryPreparationTime", timings.query_preparation),
        ("innerEvalTime", timings.inner_eval),
        ("execQueueTime", timings.exec_queue),
        ("execTotalTime", timings.exec_total),
    ];
    out.extend_from_slice(br#","stats":{"timings":{"#);
    for (index, (name, value)) in seconds.into_iter().enumerate() {
        key(name, index == 0, out);
        number::write_sample_value(out, value);
    }
    out.extend_from_slice(br#"},"samples":{"#);
    let samples = &stats.samples;
    steps("totalQueryableSamplesPerStep", &samples.total_per_step, out);
    key("totalQueryableSamples", samples.total_per_step.is_empty(), out);
    integer(samples.total, out);
    out.push(b',');
    steps("samplesReadPerStep", &samples.read_per_step, out);
    key("samplesRead", samples.read_per_step.is_empty(), out);
    integer(samples.read, out);
    key("peakSamples", false, out);
    integer(samples.peak, out);
    out.extend_from_slice(b"}}");
}

fn key(name: &str, first: bool, out: &mut Vec<u8>) {
    if !first {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// `"name":[[time,count],…]`, or nothing for an empty list.
fn steps(name: &str, counts: &[(i64, i64)], out: &mut Vec<u8>) {
    for (index, (time, count)) in counts.iter().enumerate() {
        if index == 0 {
            key(name, true, out);
            out.push(b'[');
        } else {
            out.push(b',');
        }
        out.push(b'[');
        number::write_scalar_timestamp(out, *time);
        out.push(b',');
        integer(*count, out);
        out.push(b']');
    }
    if !counts.is_empty() {
        out.push(b']');
    }
}

fn integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
