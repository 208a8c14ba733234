//! The remarks of a server about what it was asked, as remarks about the query.
//!
//! Prometheus ends them with `(line:column)`, a place in the text that it was
//! asked. What is known of that text ([`Asked::places`]) turns it into a place
//! in the query.

use crate::gather::push::Pushed;
use crate::plan::Asked;

/// True if the server left remarks out: which, cannot be known.
pub(super) fn is_cut(pushed: &Pushed) -> bool {
    let texts = pushed.warnings.iter().chain(&pushed.infos);
    texts.into_iter().any(|text| text.ends_with("annotations omitted"))
}

/// The remark with the place in the query that it is about.
pub(super) fn moved(text: &str, asked: &Asked, query: &str) -> String {
    let Some((start, place)) = place_of(text) else { return text.to_owned() };
    let known = asked.places.iter().find(|(own, _)| *own == place);
    match known.and_then(|(_, place)| promql::annotations::place(query, *place)) {
        Some(place) => format!("{} ({place})", &text[..start]),
        None => text.to_owned(),
    }
}

/// Where the place of a remark is written, and which byte of the text asked it
/// names. That text is one line.
fn place_of(text: &str) -> Option<(usize, usize)> {
    let open = text.rfind(" (")?;
    let (line, column) = text[open + 2..].strip_suffix(')')?.split_once(':')?;
    let column: usize = column.parse().ok()?;
    (line == "1").then(|| column.checked_sub(1)).flatten().map(|place| (open, place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::Labels;

    #[test]
    fn places_are_those_of_the_query() {
        let asked = Asked {
            group: 0,
            text: "sum(rate(x[5m]))".to_owned(),
            attach: Labels::empty(),
            places: vec![(0, 4), (4, 9), (9, 16)],
        };
        let query = "1 + sum(\nrate  (x{a=\"b\"}[5m]))";
        let remark = "PromQL info: metric might not be a counter: \"x\" (1:10)";
        assert_eq!(
            moved(remark, &asked, query),
            "PromQL info: metric might not be a counter: \"x\" (2:8)"
        );
        for other in ["no place", "a (1:99)", "a (2:1)", "a (1:0)", "a ()"] {
            assert_eq!(moved(other, &asked, query), other);
        }
    }
}
