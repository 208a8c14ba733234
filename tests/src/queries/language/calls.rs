//! Functions of an instant vector.

use super::Language;

const SIMPLE: [&str; 27] = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "sqrt",
    "ln",
    "log2",
    "log10",
    "sgn",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "deg",
    "rad",
    "round",
    "timestamp",
    "absent",
    "sort",
];
const DATES: [&str; 8] = [
    "year",
    "month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
];

impl Language {
    /// A function of an instant vector that looks at values.
    pub(super) fn call(&mut self, depth: u64) -> String {
        match self.draw.weighted(&[12, 4, 3, 3, 2]) {
            0 => format!("{}({})", self.draw.one_of(&SIMPLE), self.vector(depth)),
            1 => self.clamped(depth),
            2 => self.date(depth),
            3 => self.sorted(depth),
            _ => format!("timestamp({})", self.selector()),
        }
    }

    fn clamped(&mut self, depth: u64) -> String {
        let (inner, first) = (self.vector(depth), self.scalar(depth));
        match self.draw.below(4) {
            0 => format!("clamp({inner}, {first}, {})", self.scalar(depth)),
            1 => format!("clamp_min({inner}, {first})"),
            2 => format!("clamp_max({inner}, {first})"),
            _ => format!("round({inner}, {first})"),
        }
    }

    fn date(&mut self, depth: u64) -> String {
        let function = self.draw.one_of(&DATES);
        match self.draw.below(4) {
            0 => format!("{function}()"),
            1 => format!("{function}(boot_time_seconds{})", self.modifiers()),
            2 => format!("{function}(vector({}))", self.scalar(depth)),
            _ => format!("{function}({})", self.vector(depth)),
        }
    }

    fn sorted(&mut self, depth: u64) -> String {
        let inner = self.vector(depth);
        let labels =
            [r#""job""#, r#""instance", "zone""#, r#""missing""#, r#""code", "job""#, r#""le""#];
        match self.draw.below(4) {
            0 => format!("sort({inner})"),
            1 => format!("sort_desc({inner})"),
            2 => format!("sort_by_label({inner}, {})", self.draw.one_of(&labels)),
            _ => format!("sort_by_label_desc({inner}, {})", self.draw.one_of(&labels)),
        }
    }
}
