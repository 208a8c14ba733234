//! What [`Binary`] needs written by hand so that a chain of left operands,
//! however long, is dropped, cloned and compared in a loop.

use std::fmt;

use super::{Binary, Expr, NumberLiteral, Span};

impl Binary {
    /// This node and the binary operators down its left operands, outermost
    /// first: `a + b - c` is `[… - c, a + b]`. The left operand of the last
    /// one is not binary.
    #[must_use]
    pub fn spine(&self) -> Vec<&Self> {
        let mut spine = vec![self];
        let mut left = &self.lhs;
        while let Expr::Binary(binary) = &**left {
            spine.push(binary);
            left = &binary.lhs;
        }
        spine
    }

    /// The left and the right operand.
    #[must_use]
    pub fn into_operands(mut self) -> (Expr, Expr) {
        (self.lhs.take(), self.rhs.take())
    }

    /// A copy with another left operand, of which this one's is not copied.
    fn with_lhs(&self, lhs: Expr) -> Self {
        Self {
            op: self.op,
            lhs: Box::new(lhs),
            rhs: self.rhs.clone(),
            matching: self.matching.clone(),
            return_bool: self.return_bool,
            span: self.span,
        }
    }

    /// Equality of everything but the left operands.
    fn same_link(&self, other: &Self) -> bool {
        self.op == other.op
            && self.return_bool == other.return_bool
            && self.span == other.span
            && self.matching == other.matching
            && self.rhs == other.rhs
    }
}

impl Expr {
    /// Moves the expression out and leaves the number 0 behind.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let zero = NumberLiteral { value: 0.0, duration: false, span: Span::default() };
        std::mem::replace(self, Self::Number(zero))
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let mut left = match &mut *self.lhs {
            lhs @ Expr::Binary(_) => lhs.take(),
            _ => return,
        };
        // Each round drops one node, whose left operand has been moved out.
        while let Expr::Binary(binary) = &mut left {
            let next = binary.lhs.take();
            left = next;
        }
    }
}

impl Clone for Binary {
    fn clone(&self) -> Self {
        let spine = self.spine();
        let innermost = spine.last().expect("a spine holds at least its start");
        let mut left = (*innermost.lhs).clone();
        for link in spine[1..].iter().rev() {
            left = Expr::Binary(link.with_lhs(left));
        }
        self.with_lhs(left)
    }
}

impl PartialEq for Binary {
    fn eq(&self, other: &Self) -> bool {
        let (mut one, mut two) = (self, other);
        loop {
            if !one.same_link(two) {
                return false;
            }
            match (&*one.lhs, &*two.lhs) {
                (Expr::Binary(a), Expr::Binary(b)) => (one, two) = (a, b),
                (a, b) => return a == b,
            }
        }
    }
}

/// The chain as a flat list: first operand, then each operator with its right
/// operand.
impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spine = self.spine();
        let innermost = spine.last().expect("a spine holds at least its start");
        let mut list = f.debug_list();
        list.entry(&innermost.lhs);
        for link in spine.iter().rev() {
            list.entry(&(link.op, link.return_bool, &link.matching, link.span, &link.rhs));
        }
        list.finish()
    }
}
