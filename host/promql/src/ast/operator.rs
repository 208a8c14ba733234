//! The operators of the syntax tree, with the words they are written as.

use std::fmt;

/// Defines a field-less enum whose variants have a fixed text.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* #[doc = concat!("`", $text, "`")] $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word or sign it is written as.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// An aggregation operator.
    AggregateOp {
        Avg = "avg",
        Bottomk = "bottomk",
        Count = "count",
        CountValues = "count_values",
        Group = "group",
        Limitk = "limitk",
        LimitRatio = "limit_ratio",
        Max = "max",
        Min = "min",
        Quantile = "quantile",
        Stddev = "stddev",
        Stdvar = "stdvar",
        Sum = "sum",
        Topk = "topk",
    }
}

impl AggregateOp {
    /// True for the operators that give some of their series as they are.
    #[must_use]
    pub const fn selects(self) -> bool {
        matches!(self, Self::Bottomk | Self::Limitk | Self::LimitRatio | Self::Topk)
    }

    /// True for the operators that take a parameter before the vector.
    #[must_use]
    pub const fn takes_param(self) -> bool {
        matches!(
            self,
            Self::Bottomk
                | Self::CountValues
                | Self::Limitk
                | Self::LimitRatio
                | Self::Quantile
                | Self::Topk
        )
    }

    /// True for the operators that only exist with
    /// [`crate::parser::Options::experimental_functions`].
    #[must_use]
    pub const fn experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

words! {
    /// A binary operator.
    BinaryOp {
        Add = "+",
        Sub = "-",
        Mul = "*",
        Div = "/",
        Mod = "%",
        Pow = "^",
        Atan2 = "atan2",
        Eq = "==",
        NotEq = "!=",
        Less = "<",
        LessEq = "<=",
        Greater = ">",
        GreaterEq = ">=",
        /// Removes the buckets above a bound from histograms:
        TrimUpper = "</",
        /// Removes the buckets below a bound from histograms:
        TrimLower = ">/",
        And = "and",
        Or = "or",
        Unless = "unless",
    }
}

impl BinaryOp {
    /// True for the operators that `bool` may follow.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Eq | Self::NotEq | Self::Less | Self::LessEq | Self::Greater | Self::GreaterEq
        )
    }

    /// True for `and`, `or` and `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// How strongly it binds: 1 (`or`) to 6 (`^`). Operators of one level
    /// associate to the left, `^` to the right.
    #[must_use]
    pub const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Eq
            | Self::NotEq
            | Self::Less
            | Self::LessEq
            | Self::Greater
            | Self::GreaterEq
            | Self::TrimUpper
            | Self::TrimLower => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
        }
    }
}

words! {
    /// A sign.
    UnaryOp {
        Plus = "+",
        Minus = "-",
    }
}

words! {
    /// An operator between lengths of time.
    DurationOp {
        Add = "+",
        Sub = "-",
        Mul = "*",
        Div = "/",
        Mod = "%",
        Pow = "^",
    }
}
