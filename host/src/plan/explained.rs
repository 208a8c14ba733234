//! A plan together with what it takes to tell people of it.

use promql::Labels;

use super::steps::Steps;
use super::ways::Plan;

/// How a query would be answered.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The query as it was sent; the plan's spans are of it.
    pub query: String,
    /// When it is evaluated.
    pub steps: Steps,
    /// Who answers what.
    pub plan: Plan,
    /// The server groups, in configured order: the plan's numbers.
    pub groups: Vec<GroupName>,
    /// What is read raw.
    pub reads: Vec<Read>,
}

/// A server group, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// What messages call it.
    pub title: String,
    /// What it adds to its series.
    pub labels: Labels,
    /// What messages call its replicas, in configured order.
    pub replicas: Vec<String>,
}

/// A selector that is read raw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The selector with the groups' labels.
    pub selector: String,
    /// First and last time of the samples that are wanted, in milliseconds.
    pub window_ms: (i64, i64),
    /// Set for steps of a site that no replica answers: the site's number.
    pub site: Option<usize>,
    /// Every group that can have something to it.
    pub asked: Vec<ReadOf>,
}

/// What the replicas of one group are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOf {
    /// Which group.
    pub group: usize,
    /// The selector without the group's labels.
    pub selector: String,
    /// First and last time, wider by what the policy's decisions look at, in
    /// milliseconds.
    pub window_ms: (i64, i64),
    /// In how many requests to each replica.
    pub pieces: usize,
    /// Series of one replica, and samples of all replicas, where that is known.
    pub estimate: Option<(u64, u64)>,
}

impl Explained {
    /// A part of the query, as written.
    #[must_use]
    pub fn written(&self, span: promql::ast::Span) -> &str {
        self.query.get(span.start..span.end).unwrap_or_default()
    }

    /// What is evaluated here: the query with a number, in angle brackets, for
    /// each site.
    #[must_use]
    pub fn here(&self) -> String {
        let (mut text, mut done) = (String::new(), 0);
        for (number, site) in self.plan.sites.iter().enumerate() {
            let span = site.site.span;
            text.push_str(self.query.get(done..span.start).unwrap_or_default());
            text.push_str(&format!("<{}>", number + 1));
            done = span.end;
        }
        text.push_str(self.query.get(done..).unwrap_or_default());
        text
    }

    /// A group's title, with its labels where it has any.
    #[must_use]
    pub fn group(&self, index: usize) -> String {
        match self.groups.get(index) {
            None => index.to_string(),
            Some(group) if group.labels.is_empty() => group.title.clone(),
            Some(group) => format!("{} {}", group.title, group.labels),
        }
    }

    /// A replica's name.
    #[must_use]
    pub fn replica(&self, group: usize, replica: usize) -> String {
        let name = self.groups.get(group).and_then(|group| group.replicas.get(replica));
        name.map_or_else(|| replica.to_string(), Clone::clone)
    }
}

impl Read {
    /// A selector that nobody is asked for yet.
    #[must_use]
    pub fn of(select: &promql::query::Select) -> Self {
        let matchers: Vec<String> = select.matchers.iter().map(ToString::to_string).collect();
        Self {
            selector: format!("{{{}}}", matchers.join(",")),
            window_ms: (select.start_ms, select.end_ms),
            site: None,
            asked: Vec::new(),
        }
    }
}
