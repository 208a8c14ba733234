//! Aggregations and binary operators.

use super::Language;

const ARITHMETIC: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
const SETS: [&str; 3] = ["and", "or", "unless"];
const AGGREGATIONS: [&str; 9] =
    ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "sum"];
/// Pairs of which many elements on the left match one on the right.
const MANY_TO_ONE: [(&str, &str, &str); 6] = [
    ("requests_total", "on (instance)", "limit"),
    ("temperature", "on (instance)", "owner"),
    ("requests_total", "on (job, instance)", "target_info"),
    ("latency_bucket", "ignoring (le)", "latency_count"),
    ("size_bytes", "on (instance)", "limit"),
    ("requests_total", "ignoring (code)", "up"),
];

impl Language {
    pub(super) fn grouping(&mut self) -> String {
        const GROUPINGS: [&str; 14] = [
            "",
            "",
            " by (job)",
            " by (instance)",
            " by (job, instance)",
            " without (instance)",
            " without (code, zone)",
            " by (le)",
            " without (le)",
            " by (missing)",
            " by ()",
            " without ()",
            " by (__name__)",
            " by (\"ort/straße\", job)",
        ];
        self.draw.one_of(&GROUPINGS).to_owned()
    }

    pub(super) fn aggregation(&mut self, depth: u64) -> String {
        let grouping = self.grouping();
        let inner = self.vector(depth);
        let (operation, parameter) = match self.draw.weighted(&[18, 3, 3, 3, 3, 2]) {
            0 => (self.draw.one_of(&AGGREGATIONS), String::new()),
            1 => (self.draw.one_of(&["topk", "bottomk"]), self.size(depth)),
            2 => ("quantile", self.quantile(depth)),
            3 => {
                let label = self.draw.one_of(&[r#""value""#, r#""job""#, r#""grö/ße""#, r#""le""#]);
                ("count_values", label.to_owned())
            }
            4 => ("limitk", self.size(depth)),
            _ => {
                let ratios = ["0.5", "-0.5", "0", "1", "-1", "0.3", "1.5", "-2"];
                ("limit_ratio", self.draw.one_of(&ratios).to_owned())
            }
        };
        let parameter = if parameter.is_empty() { parameter } else { parameter + ", " };
        if self.draw.once_in(4) {
            return format!("{operation}({parameter}{inner}){grouping}");
        }
        format!("{operation}{grouping} ({parameter}{inner})")
    }

    /// A number of elements, possibly none.
    fn size(&mut self, depth: u64) -> String {
        let sizes = ["1", "2", "3", "5", "1", "2", "0", "-1", "1e10", "2.7", "NaN", "Inf"];
        match self.draw.once_in(8) {
            true => self.scalar(depth),
            false => self.draw.one_of(&sizes).to_owned(),
        }
    }

    pub(super) fn scalar_binary(&mut self, depth: u64) -> String {
        let (left, right) = (self.scalar(depth), self.scalar(depth));
        if self.draw.once_in(3) {
            return format!("{left} {} bool {right}", self.draw.one_of(&COMPARISONS));
        }
        format!("({left} {} {right})", self.draw.one_of(&ARITHMETIC))
    }

    pub(super) fn binary(&mut self, depth: u64) -> String {
        match self.draw.weighted(&[6, 5, 6, 5]) {
            0 => self.with_scalar(depth),
            1 => self.many_to_one(depth),
            2 => self.same_twice(depth),
            _ => self.any_two(depth),
        }
    }

    fn operator(&mut self) -> String {
        match self.draw.weighted(&[6, 3, 2]) {
            0 => self.draw.one_of(&ARITHMETIC).to_owned(),
            1 => self.draw.one_of(&COMPARISONS).to_owned(),
            _ => format!("{} bool", self.draw.one_of(&COMPARISONS)),
        }
    }

    fn with_scalar(&mut self, depth: u64) -> String {
        let (operator, vector) = (self.operator(), self.vector(depth));
        let scalar = self.scalar(depth);
        match self.draw.once_in(3) {
            true => format!("({scalar}) {operator} ({vector})"),
            false => format!("({vector}) {operator} {scalar}"),
        }
    }

    fn many_to_one(&mut self, depth: u64) -> String {
        let place = self.draw.below(MANY_TO_ONE.len() as u64) as usize;
        let (many, matching, one) = MANY_TO_ONE[place];
        let many = match self.draw.once_in(3) {
            true => format!("rate({many}[5m])"),
            false => format!("{many}{}", self.modifiers()),
        };
        let operator = self.operator();
        let include =
            self.draw.one_of(&["", " ()", " (team)", " (version)", " (job)", " (zone, code)"]);
        let query = match self.draw.once_in(3) {
            true => format!("{one} {operator} {matching} group_right{include} {many}"),
            false => format!("{many} {operator} {matching} group_left{include} {one}"),
        };
        if depth > 0 && self.draw.once_in(2) {
            let grouping = self.grouping();
            return format!("{}{grouping} ({query})", self.draw.one_of(&AGGREGATIONS));
        }
        query
    }

    /// Two expressions that have the same labels.
    fn same_twice(&mut self, depth: u64) -> String {
        let (left, right) = match self.draw.below(4) {
            0 => {
                let metric = self.bare_selector();
                (format!("{metric}{}", self.modifiers()), format!("{metric}{}", self.modifiers()))
            }
            1 => (self.histogram(), self.histogram()),
            2 => {
                let grouping = self.draw.one_of(&[" by (job)", " by (instance)", ""]);
                let mut side = || {
                    let operation = self.draw.one_of(&AGGREGATIONS);
                    format!("{operation}{grouping} ({})", self.vector(depth))
                };
                (side(), side())
            }
            _ => ("up".to_owned(), "replicas".to_owned()),
        };
        let operator = match self.draw.once_in(3) {
            true => self.draw.one_of(&SETS).to_owned(),
            false => self.operator(),
        };
        format!("{left} {operator} {right}")
    }

    fn any_two(&mut self, depth: u64) -> String {
        const MATCHINGS: [&str; 9] = [
            "",
            "",
            "on (job)",
            "on (instance)",
            "on (job, instance)",
            "on ()",
            "ignoring (code)",
            "ignoring (code, zone, le)",
            "ignoring ()",
        ];
        let (left, right) = (self.vector(depth), self.vector(depth));
        let matching = self.draw.one_of(&MATCHINGS);
        if self.draw.once_in(2) {
            return format!("({left}) {} {matching} ({right})", self.draw.one_of(&SETS));
        }
        let grouping = match matching {
            "" => "",
            _ => self.draw.one_of(&["", "", "group_left", "group_right", "group_left (job)"]),
        };
        format!("({left}) {} {matching} {grouping} ({right})", self.operator())
    }
}
