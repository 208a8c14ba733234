//! Functions of labels.

use super::Language;

const NAMES: [&str; 8] = ["dst", "job", "instance", "__name__", "zone", "grö/ße", "code", ""];
const PATTERNS: [&str; 9] = [
    "(.*)",
    "(a|b):(.*)",
    "([a-z]+).*",
    "",
    "(?P<name>.).*",
    ".*:(1)|.*",
    "(?i)(A.*)",
    "no match",
    "a(pi)?()",
];
const REPLACEMENTS: [&str; 9] = ["$1", "x-$1", "${1}y", "$0", "$2", "", "fixed", "$name", "$1_$2"];

impl Language {
    pub(super) fn relabelled(&mut self, depth: u64) -> String {
        let inner = self.vector(depth);
        let to = self.draw.one_of(&NAMES);
        if self.draw.once_in(3) {
            let separator = self.draw.one_of(&["-", "", ", "]);
            let (first, second) = (self.draw.one_of(&NAMES), self.draw.one_of(&NAMES));
            return format!(
                "label_join({inner}, \"{to}\", \"{separator}\", \"{first}\", \"{second}\")"
            );
        }
        let (from, pattern) = (self.draw.one_of(&NAMES), self.draw.one_of(&PATTERNS));
        let replacement = self.draw.one_of(&REPLACEMENTS);
        format!("label_replace({inner}, \"{to}\", \"{replacement}\", \"{from}\", \"{pattern}\")")
    }

    pub(super) fn info(&mut self) -> String {
        const TARGETS: [&str; 5] =
            ["up", "replicas", "temperature", "latency_bucket", "boot_time_seconds"];
        // Of targets: 3.5 drops series without such labels.
        let inner = match self.draw.below(4) {
            0 => format!("sum by (job, instance) ({})", self.draw.one_of(&TARGETS)),
            1 => format!("rate({}[5m])", self.counter()),
            2 => format!("size_bytes{}", self.modifiers()),
            _ => format!("{}{}", self.draw.one_of(&TARGETS), self.modifiers()),
        };
        let selectors = [
            "",
            "",
            ", {version=~\".+\"}",
            ", {__name__=\"build_info\"}",
            ", {__name__=~\".*_info\", revision=~\".*\"}",
            ", {version=\"1.2\"}",
            ", {zone=~\".*\"}",
            ", {missing=~\".+\"}",
        ];
        format!("info({inner}{})", self.draw.one_of(&selectors))
    }
}
