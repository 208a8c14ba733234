//! Walks over a tree: reading with the path, changing in place, rebuilding.
//!
//! All of them need no deep stack for a long chain of left operands.

use super::{DurationExpr, DurationKind, Expr, Span, VectorSelector};

/// What [`walk`] does after a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descend {
    /// Go on with the node's children.
    Into,
    /// Leave the node's children out.
    Over,
}

/// Calls `visit` for every expression, parents before children, children in
/// [`Expr::children`]'s order, with the path of its parents, outermost first.
///
/// The selector inside a [`super::MatrixSelector`] is not an expression of its
/// own. Uses no stack of the thread.
pub fn walk<'a>(expr: &'a Expr, mut visit: impl FnMut(&'a Expr, &[&'a Expr]) -> Descend) {
    let mut path: Vec<&'a Expr> = Vec::new();
    let mut pending = vec![(expr, 0)];
    while let Some((node, depth)) = pending.pop() {
        path.truncate(depth);
        if visit(node, &path) == Descend::Over {
            continue;
        }
        path.push(node);
        let before = pending.len();
        pending.extend(node.children().map(|child| (child, depth + 1)));
        pending[before..].reverse();
    }
}

impl Expr {
    /// The expressions right below this one, in evaluation order of
    /// Prometheus: of an aggregation the vector and then the parameter, of a
    /// binary operator left and right, of a call the arguments.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        let (first, second, rest): (Option<&Self>, Option<&Self>, &[Self]) = match self {
            Self::Aggregate(node) => (Some(&node.expr), node.param.as_deref(), &[]),
            Self::Binary(node) => (Some(&node.lhs), Some(&node.rhs), &[]),
            Self::Call(node) => (None, None, &node.args),
            Self::Paren(node) => (Some(&node.expr), None, &[]),
            Self::Subquery(node) => (Some(&node.expr), None, &[]),
            Self::Unary(node) => (Some(&node.expr), None, &[]),
            Self::Matrix(_) | Self::Number(_) | Self::String(_) | Self::Vector(_) => {
                (None, None, &[])
            }
        };
        first.into_iter().chain(second).chain(rest)
    }

    /// Like [`Expr::children`], to change.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        let (first, second, rest): (Option<&mut Self>, Option<&mut Self>, &mut [Self]) = match self
        {
            Self::Aggregate(node) => (Some(&mut node.expr), node.param.as_deref_mut(), &mut []),
            Self::Binary(node) => (Some(&mut node.lhs), Some(&mut node.rhs), &mut []),
            Self::Call(node) => (None, None, &mut node.args),
            Self::Paren(node) => (Some(&mut node.expr), None, &mut []),
            Self::Subquery(node) => (Some(&mut node.expr), None, &mut []),
            Self::Unary(node) => (Some(&mut node.expr), None, &mut []),
            Self::Matrix(_) | Self::Number(_) | Self::String(_) | Self::Vector(_) => {
                (None, None, &mut [])
            }
        };
        first.into_iter().chain(second).chain(rest)
    }

    /// Calls `change` for every expression, parents before children (those the
    /// parent has after its change). Uses no stack of the thread.
    pub fn walk_mut(&mut self, mut change: impl FnMut(&mut Self)) {
        let mut pending = vec![self];
        while let Some(node) = pending.pop() {
            change(node);
            let before = pending.len();
            pending.extend(node.children_mut());
            pending[before..].reverse();
        }
    }

    /// Rebuilds the tree from the leaves up: `rebuild` gets every expression
    /// with its children already rebuilt, and gives what stands in its place.
    #[must_use]
    pub fn map(mut self, mut rebuild: impl FnMut(Self) -> Self) -> Self {
        map_in_place(&mut self, &mut rebuild);
        self
    }

    /// Every selector, also those inside range selectors, left to right.
    #[must_use]
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut found = Vec::new();
        walk(self, |node, _| {
            match node {
                Self::Vector(selector) => found.push(selector),
                Self::Matrix(matrix) => found.push(&matrix.selector),
                _ => {}
            }
            Descend::Into
        });
        found
    }

    /// Sets every span to zero, so that trees from different texts compare.
    pub fn clear_spans(&mut self) {
        self.walk_mut(clear_span);
    }
}

fn map_in_place(expr: &mut Expr, rebuild: &mut impl FnMut(Expr) -> Expr) {
    // The chain of left operands, taken apart from the outside …
    let mut links = Vec::new();
    let mut left = expr.take();
    while let Expr::Binary(binary) = &mut left {
        let next = binary.lhs.take();
        links.push(std::mem::replace(&mut left, next));
    }
    for child in left.children_mut() {
        map_in_place(child, rebuild);
    }
    left = rebuild(left);
    // … and put together again from the inside.
    for mut link in links.into_iter().rev() {
        if let Expr::Binary(binary) = &mut link {
            map_in_place(&mut binary.rhs, rebuild);
            *binary.lhs = left;
        }
        left = rebuild(link);
    }
    *expr = left;
}

fn clear_span(expr: &mut Expr) {
    match expr {
        Expr::Aggregate(node) => node.span = Span::default(),
        Expr::Binary(node) => node.span = Span::default(),
        Expr::Call(node) => node.span = Span::default(),
        Expr::Number(node) => node.span = Span::default(),
        Expr::Paren(node) => node.span = Span::default(),
        Expr::String(node) => node.span = Span::default(),
        Expr::Unary(node) => node.span = Span::default(),
        Expr::Vector(node) => clear_selector(node),
        Expr::Matrix(node) => {
            node.span = Span::default();
            clear_selector(&mut node.selector);
            clear_duration(node.range_expr.as_deref_mut());
        }
        Expr::Subquery(node) => {
            node.span = Span::default();
            clear_duration(node.range_expr.as_deref_mut());
            clear_duration(node.step_expr.as_deref_mut());
            clear_duration(node.offset_expr.as_deref_mut());
        }
    }
}

fn clear_selector(selector: &mut VectorSelector) {
    selector.span = Span::default();
    clear_duration(selector.offset_expr.as_deref_mut());
}

fn clear_duration(expr: Option<&mut DurationExpr>) {
    let Some(expr) = expr else { return };
    expr.span = Span::default();
    match &mut expr.kind {
        DurationKind::Number(number) => number.span = Span::default(),
        DurationKind::Step | DurationKind::Range => {}
        DurationKind::Unary(_, operand) => clear_duration(Some(operand)),
        DurationKind::MinOf(lhs, rhs)
        | DurationKind::MaxOf(lhs, rhs)
        | DurationKind::Binary(_, lhs, rhs) => {
            clear_duration(Some(lhs));
            clear_duration(Some(rhs));
        }
    }
}
