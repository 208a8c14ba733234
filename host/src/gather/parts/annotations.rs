//! The remarks of a server about what it was asked, as remarks about the query.
//!
//! Prometheus ends them with `(line:column)`, a place in the text that it was
//! asked. What is known of that text ([`Asked::places`]) turns it into a place
//! in the query.

use promql::annotations::split_place;

use crate::gather::push::Pushed;
use crate::plan::Asked;

/// True for what is said of an expression, and not of servers.
pub(super) fn is_remark(text: &str) -> bool {
    text.starts_with("PromQL ")
}

/// True if the server left remarks out: which, cannot be known.
pub(super) fn is_cut(pushed: &Pushed) -> bool {
    let texts = pushed.warnings.iter().chain(&pushed.infos);
    texts.into_iter().any(|text| text.ends_with("annotations omitted"))
}

/// The remark with the place in the query that it is about. The text asked is
/// one line.
pub(super) fn moved(text: &str, asked: &Asked, query: &str) -> String {
    let Some((own, (1, column))) = split_place(text) else { return text.to_owned() };
    let known = asked.places.iter().find(|(place, _)| *place + 1 == column);
    match known.and_then(|(_, place)| promql::annotations::place(query, *place)) {
        Some(place) => format!("{own} ({place})"),
        None => text.to_owned(),
    }
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
