//! Selectors and their modifiers.

use super::{Language, START_MS};

const FLOATS: [&str; 16] = [
    "requests_total",
    "cpu_seconds_total",
    "flapping_total",
    "temperature",
    "up",
    "replicas",
    "limit",
    "boot_time_seconds",
    "lonely",
    "sparse",
    "latency_bucket",
    "latency_count",
    "latency_sum",
    "target_info",
    "build_info",
    "owner",
];
const HISTOGRAMS: [&str; 9] = [
    "size_bytes",
    "queue_seconds",
    "depth",
    "rpc_seconds",
    "layout_seconds",
    "flapping_seconds",
    "nan_seconds",
    "shape",
    "changed_kind",
];
const MATCHERS: [&str; 20] = [
    r#"job="api""#,
    r#"job!="api""#,
    r#"instance="a:1""#,
    r#"instance=~"a.*""#,
    r#"instance=~"a|b""#,
    r#"instance!~".*:1""#,
    r#"instance!="""#,
    r#"code=~"4..|5..""#,
    r#"code="200""#,
    r#"code!~"2..|""#,
    r#"zone="x""#,
    r#"zone="""#,
    r#"le="+Inf""#,
    r#"le=~"0\\.[15]|1""#,
    r#"missing="""#,
    r#"missing!~".+""#,
    r#"version=~"(?i)1\\.[2-3]""#,
    r#"job=~"a.i|db""#,
    r#""job"="db""#,
    r#"shape=~"(zero|negative)""#,
];
/// Selectors of several names, and of names with quotes.
const WHOLE: [&str; 11] = [
    r#"{"größe.gesamt"}"#,
    r#"{"größe.gesamt","ort/straße"=~"Haupt.*"}"#,
    r#"{__name__="up"}"#,
    r#"{__name__=~"up|replicas"}"#,
    r#"{__name__=~"requests_total|latency_count", job="api"}"#,
    r#"{__name__=~"size_bytes|rpc_seconds"}"#,
    r#"{__name__=~"depth|temperature", instance="a:1"}"#,
    r#"{__name__!~".*_(total|info|bucket)", job="db"}"#,
    r#"{job="mixed"}"#,
    r#"{shape!=""}"#,
    r#"{"up", job="api"}"#,
];
const OFFSETS: [&str; 14] = [
    "5m",
    "-5m",
    "33s",
    "-1m30s",
    "0s",
    "20m",
    "1h",
    "90",
    "-90",
    "1.5",
    "12345ms",
    "(1m * 2)",
    "-(30s + 1m)",
    "-7m",
];

impl Language {
    /// Name and matchers.
    pub(super) fn bare_selector(&mut self) -> String {
        let metric = match self.draw.weighted(&[56, 25, 5, 14]) {
            0 => self.draw.one_of(&FLOATS),
            1 => self.draw.one_of(&HISTOGRAMS),
            2 if self.draw.once_in(6) => "nothing_of_this_name",
            2 => "unusual",
            _ => return self.draw.one_of(&WHOLE).to_owned(),
        };
        self.matched(metric)
    }

    /// A native histogram.
    pub(super) fn histogram(&mut self) -> String {
        let metric = self.draw.one_of(&HISTOGRAMS);
        self.matched(metric)
    }

    /// A float that only grows.
    pub(super) fn counter(&mut self) -> String {
        let metric = self.draw.one_of(&FLOATS[..3]);
        self.matched(metric)
    }

    fn matched(&mut self, metric: &str) -> String {
        match self.draw.weighted(&[16, 6, 1, 1]) {
            0 => metric.to_owned(),
            1 => format!("{metric}{{{}}}", self.draw.one_of(&MATCHERS)),
            2 => {
                let pair = [self.draw.one_of(&MATCHERS), self.draw.one_of(&MATCHERS)];
                format!("{metric}{{{}, {},}}", pair[0], pair[1])
            }
            _ => format!("{{{}, __name__=\"{metric}\"}}", self.draw.one_of(&MATCHERS)),
        }
    }

    /// An instant-vector selector.
    pub(super) fn selector(&mut self) -> String {
        format!("{}{}", self.bare_selector(), self.modifiers())
    }

    /// Offset and `@`, in any order, mostly neither.
    pub(super) fn modifiers(&mut self) -> String {
        match self.draw.weighted(&[14, 4, 3, 1, 1]) {
            0 => String::new(),
            1 => self.offset(),
            2 => self.at(),
            3 => format!("{}{}", self.offset(), self.at()),
            _ => format!("{}{}", self.at(), self.offset()),
        }
    }

    fn offset(&mut self) -> String {
        format!(" offset {}", self.draw.one_of(&OFFSETS))
    }

    fn at(&mut self) -> String {
        match self.draw.below(6) {
            0 => " @ start()".to_owned(),
            1 => " @ end()".to_owned(),
            2 => format!(" @ {}", self.draw.one_of(&["0", "-10.5", "1.7e9", "1_700_000_900"])),
            _ => {
                let time = START_MS + self.draw.between(-300_000, 3_300_000);
                format!(" @ {}.{:03}", time / 1000, time % 1000)
            }
        }
    }
}
