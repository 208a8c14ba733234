//! Queries that are wrong, excessive, or both, in known ways.

/// All of them.
#[must_use]
pub fn all() -> Vec<String> {
    let mut queries: Vec<String> = WRITTEN.iter().map(|query| (*query).to_owned()).collect();
    queries.extend(PATTERNS.iter().map(|pattern| format!("up{{job=~\"{pattern}\"}}")));
    queries.extend(
        PATTERNS
            .iter()
            .map(|pattern| format!("label_replace(up, \"new\", \"$1\", \"job\", \"{pattern}\")")),
    );
    let labels: Vec<String> = (0..4000).map(|index| format!("l{index}")).collect();
    let labels = labels.join(",");
    queries.push(format!("sum by ({labels}) (up)"));
    queries.push(format!("max without ({labels}) (up)"));
    queries.push(format!("up + on (job, instance, {labels}) up"));
    let digits = "7".repeat(5000);
    queries.push(format!("0.{digits}"));
    queries.push(digits.clone());
    queries.push(format!("0x{digits}"));
    queries.push(format!("up[{digits}m]"));
    queries.push(format!("up offset {digits}m"));
    queries.push(format!("{:?}", "long ".repeat(10_000)));
    queries.push(format!("up{{job=\"{}\"}}", "long ".repeat(10_000)));
    queries.push(format!("{}up{}", "(".repeat(400), ")".repeat(400)));
    queries.push(format!("{}1", "-".repeat(400)));
    queries.push("(".repeat(300));
    queries.push(vec!["up"; 500].join(" or "));
    queries.push(vec!["1"; 2000].join(" + "));
    queries
}

const WRITTEN: [&str; 58] = [
    "topk(NaN, up)",
    "topk(Inf, up)",
    "topk(-Inf, up)",
    "topk(1e19, up)",
    "topk(9.3e18, up)",
    "bottomk(-1, up)",
    "limitk(NaN, up)",
    "limitk(0, up)",
    "limit_ratio(NaN, up)",
    "limit_ratio(Inf, up)",
    "quantile(NaN, up)",
    "quantile(Inf, up)",
    "quantile_over_time(NaN, up[5m])",
    "histogram_quantile(NaN, latency_bucket)",
    "histogram_quantile(Inf, size_bytes)",
    "clamp(up, NaN, 1)",
    "clamp(up, 1, 0)",
    "round(up, 0)",
    "round(up, NaN)",
    "predict_linear(up[5m], NaN)",
    "predict_linear(up[5m], 1e300)",
    "double_exponential_smoothing(up[5m], 0, 0.5)",
    "double_exponential_smoothing(up[5m], 0.5, 1)",
    "vector(1e308 * 10)",
    "1e999",
    "1e-999",
    "0b1",
    "0o17",
    "1__0",
    "1_",
    "_1",
    ".",
    "1.2.3",
    "5m3",
    "1y1y",
    "1d1w",
    "up[1y1d1h1m1s1ms]",
    "up[300y]",
    "up[-5m]",
    "up[5]",
    "up[1e5]",
    "up[5m:]",
    "up[5m:0s]",
    "up[:5m]",
    "up offset 300y",
    "up offset -300y",
    "up @ 1e300",
    "up @ -1e300",
    "up @ 9223372036854775",
    "up @ Inf",
    "up @ start() @ end()",
    "up offset 1m offset 2m",
    r#""\xz""#,
    r#""\u12""#,
    r#""\400""#,
    r#""unterminated"#,
    "`raw",
    "'\n'",
];

/// As they stand within double quotes.
const PATTERNS: [&str; 42] = [
    "(a+)+b",
    "(a*)*(a*)*c",
    "(.*)(.*)(.*)(.*)d",
    "(a?){500}a{500}",
    "a{1000}",
    "a{1001}",
    "(a{1000}){1000}",
    "((a{1000}){1000}){1000}",
    "(((((a{30}){30}){30}){30}){30})",
    "a{2}{3}",
    "a**",
    "a+?b*?",
    "x{,3}",
    "x{3,1}",
    "*a",
    "(",
    ")",
    "(?",
    "(?P<n",
    "(?P<n>a)(?P<n>b)",
    "(?<n>a)",
    "(?P<0>a)",
    "(?x)a",
    "(?i)API|DB",
    "(?i:a)PI",
    "(?s).*",
    "(?U)a+",
    "(?=a)",
    "[z-a]",
    "[a",
    "[]a]",
    "[^\\\\d]+",
    "[[:alpha:]]+",
    "[[:nope:]]",
    "\\\\8",
    "\\\\pL+",
    "\\\\p{Greek}",
    "\\\\p{Nope}",
    "\\\\Qa.b\\\\E",
    "\\\\x{110000}",
    "\\\\C",
    "\\\\z|\\\\A.*",
];
