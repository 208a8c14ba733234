//! Group labels: they are ours, not the replicas'. Matchers on them are
//! decided here, answers get them.

use promql::Labels;
use promql::matcher::Matcher;

use crate::storage::Scope;

/// The matchers that a group's replicas are asked with, or `None` where the
/// group's own labels rule every series out. A group label hides a replica's
/// label of the same name, so no matcher on it may reach the replica.
#[must_use]
pub fn resolve(matchers: &[Matcher], group: &Labels) -> Option<Vec<Matcher>> {
    let mut asked = Vec::with_capacity(matchers.len());
    for matcher in matchers {
        match group.get(matcher.name()) {
            Some(value) if matcher.matches(value) => {}
            Some(_) => return None,
            None => asked.push(matcher.clone()),
        }
    }
    Some(asked)
}

/// The scope that a group's replicas are asked with, or `None` where no
/// selector can match.
#[must_use]
pub fn resolve_scope(scope: &Scope, group: &Labels) -> Option<Scope> {
    let selectors: Vec<_> =
        scope.selectors.iter().filter_map(|matchers| resolve(matchers, group)).collect();
    if selectors.is_empty() && !scope.selectors.is_empty() {
        return None;
    }
    // The limit cuts the union of all answers, so no single answer is cut.
    Some(Scope { selectors, limit: 0, ..scope.clone() })
}

/// A replica's label set with the group's labels on top.
#[must_use]
pub fn with_group_labels(labels: &Labels, group: &Labels) -> Labels {
    if group.is_empty() {
        return labels.clone();
    }
    let mut builder = labels.to_builder();
    for (name, value) in group.iter() {
        builder.set(name, value);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use promql::matcher::MatchOp;

    fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher::new(name, op, value).expect("valid matcher")
    }

    #[test]
    fn a_matcher_on_a_group_label_never_reaches_a_replica() {
        let group = Labels::from_pairs([("dc", "east")]);
        let job = matcher("job", MatchOp::Equal, "api");
        let hit = [matcher("dc", MatchOp::Regex, "e.*"), job.clone()];
        assert_eq!(resolve(&hit, &group), Some(vec![job.clone()]));
        let miss = [matcher("dc", MatchOp::Equal, ""), job];
        assert_eq!(resolve(&miss, &group), None);
    }

    #[test]
    fn a_scope_whose_selectors_all_miss_is_empty_and_not_everything() {
        let group = Labels::from_pairs([("dc", "east")]);
        let west = vec![matcher("dc", MatchOp::Equal, "west")];
        let scope = Scope { selectors: vec![west], ..Scope::default() };
        assert!(resolve_scope(&scope, &group).is_none());
        assert!(resolve_scope(&Scope::default(), &group).is_some());
    }

    #[test]
    fn a_group_label_wins_over_a_label_of_the_same_name() {
        let group = Labels::from_pairs([("dc", "east")]);
        let own = Labels::from_pairs([("dc", "somewhere"), ("job", "api")]);
        let expected = Labels::from_pairs([("dc", "east"), ("job", "api")]);
        assert_eq!(with_group_labels(&own, &group), expected);
    }
}
