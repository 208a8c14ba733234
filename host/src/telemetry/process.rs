//! The process as the kernel sees it, read from `/proc` when asked. Where
//! there is no `/proc` there are no such metrics.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Clock ticks a second in `/proc/self/stat`: fixed in Linux's interface to
/// programs, whatever the kernel's own clock is.
const TICKS: f64 = 100.0;

/// Bytes of a memory page in `/proc/self/stat`, on the machines this runs on.
const PAGE_BYTES: u64 = 4096;

/// `process_*` metrics with the names that Go's client library gives them.
#[derive(Debug)]
pub(super) struct Process;

/// What `/proc/self/stat` tells.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    started_ticks: f64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// The fields after the process's name, which may hold spaces and
    /// brackets, counted from the third (proc(5)).
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_seconds: (number(14)? + number(15)?) as f64 / TICKS,
            started_ticks: number(22)? as f64 / TICKS,
            virtual_bytes: number(23)?,
            resident_bytes: number(24)? * PAGE_BYTES,
        })
    }

    /// When the process started, in seconds since 1970.
    fn start_time(&self) -> Option<f64> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let boot: f64 =
            stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
        Some(boot + self.started_ticks)
    }
}

fn open_files() -> Option<u64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

fn max_files() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut gauge =
            |name: &str, help: &str, unit: Option<&Unit>, value: Option<f64>| match value {
                Some(value) => {
                    let metric = ConstGauge::new(value);
                    metric.encode(encoder.encode_descriptor(
                        name,
                        help,
                        unit,
                        metric.metric_type(),
                    )?)
                }
                None => Ok(()),
            };
        let files = |count: Option<u64>| count.map(|count| count as f64);
        gauge("process_open_fds", "Open file descriptors", None, files(open_files()))?;
        gauge("process_max_fds", "Most file descriptors allowed", None, files(max_files()))?;
        let Some(stat) = Stat::read() else {
            return Ok(());
        };
        let bytes = Some(&Unit::Bytes);
        gauge("process_resident_memory", "Memory held", bytes, Some(stat.resident_bytes as f64))?;
        gauge("process_virtual_memory", "Address space", bytes, Some(stat.virtual_bytes as f64))?;
        let start = stat.start_time();
        gauge("process_start_time", "Start, since 1970", Some(&Unit::Seconds), start)?;
        let cpu = ConstCounter::new(stat.cpu_seconds);
        let unit = Some(&Unit::Seconds);
        cpu.encode(encoder.encode_descriptor(
            "process_cpu",
            "Processor time used",
            unit,
            cpu.metric_type(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let line = "7 (a) b ) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 9 0 12345 4096000 250 18446744073709551615";
        let expected = Stat {
            cpu_seconds: 2.0,
            started_ticks: 123.45,
            virtual_bytes: 4_096_000,
            resident_bytes: 1_024_000,
        };
        assert_eq!(Stat::parse(line), Some(expected));
    }

    #[test]
    fn a_line_that_is_too_short_gives_nothing() {
        assert_eq!(Stat::parse("7 (a) S 1 7"), None);
    }
}
