//! Sizes that are known only when a step runs.
//!
//! Everything about a model is fixed when it is compiled but for two numbers: how many rows (tokens) a step carries and how many pages its
//! longest sequence holds. A [`Size`] is an expression over those two. The compiler emits it as WebAssembly; [`Size::eval`] is the oracle
//! that the emitted code is tested against.

use serde::{Deserialize, Serialize};

/// An unsigned 32-bit expression over the variables of a step. Arithmetic wraps never: see [`Size::eval`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// A number fixed at compile time.
    Const(u32),
    /// Rows in this step: tokens of a prefill chunk, or sequences of a decode batch.
    Rows,
    /// Pages of the longest sequence in this step.
    Pages,
    /// Sum.
    Add(Box<Size>, Box<Size>),
    /// Difference, zero where it would be negative.
    Sub(Box<Size>, Box<Size>),
    /// Product.
    Mul(Box<Size>, Box<Size>),
    /// Quotient, rounded up. The divisor is never zero.
    CeilDiv(Box<Size>, Box<Size>),
    /// The smaller of two.
    Min(Box<Size>, Box<Size>),
    /// The larger of two.
    Max(Box<Size>, Box<Size>),
}

impl Size {
    /// The value for a step of `rows` rows whose longest sequence holds `pages` pages.
    ///
    /// Arithmetic saturates at `u32::MAX`; the compiler refuses a plan in which the largest step would reach it.
    #[must_use]
    pub fn eval(&self, rows: u32, pages: u32) -> u32 {
        let of = |size: &Size| size.eval(rows, pages);
        match self {
            Size::Const(value) => *value,
            Size::Rows => rows,
            Size::Pages => pages,
            Size::Add(a, b) => of(a).saturating_add(of(b)),
            Size::Sub(a, b) => of(a).saturating_sub(of(b)),
            Size::Mul(a, b) => of(a).saturating_mul(of(b)),
            Size::CeilDiv(a, b) => of(a).div_ceil(of(b).max(1)),
            Size::Min(a, b) => of(a).min(of(b)),
            Size::Max(a, b) => of(a).max(of(b)),
        }
    }

    /// `ceil(self / divisor)`, folded when both are known.
    #[must_use]
    pub fn ceil_div(self, divisor: u32) -> Size {
        match self {
            _ if divisor == 1 => self,
            Size::Const(value) => Size::Const(value.div_ceil(divisor)),
            _ => Size::CeilDiv(Box::new(self), Box::new(Size::Const(divisor))),
        }
    }

    /// The smaller of `self` and `limit`.
    #[must_use]
    pub fn min(self, limit: u32) -> Size {
        match self {
            Size::Const(value) => Size::Const(value.min(limit)),
            _ => Size::Min(Box::new(self), Box::new(Size::Const(limit))),
        }
    }

    /// The larger of `self` and `limit`.
    #[must_use]
    pub fn max(self, limit: u32) -> Size {
        match self {
            Size::Const(value) => Size::Const(value.max(limit)),
            _ => Size::Max(Box::new(self), Box::new(Size::Const(limit))),
        }
    }

    /// `self + amount`, folded when both are known.
    #[must_use]
    pub fn plus(self, amount: u32) -> Size {
        match self {
            _ if amount == 0 => self,
            Size::Const(value) => Size::Const(value + amount),
            _ => Size::Add(Box::new(self), Box::new(Size::Const(amount))),
        }
    }

    /// `self - amount`, not below zero.
    #[must_use]
    pub fn minus(self, amount: u32) -> Size {
        match self {
            Size::Const(value) => Size::Const(value.saturating_sub(amount)),
            _ => Size::Sub(Box::new(self), Box::new(Size::Const(amount))),
        }
    }

    /// `self * factor`.
    #[must_use]
    pub fn times(self, factor: u32) -> Size {
        match self {
            _ if factor == 1 => self,
            Size::Const(value) => Size::Const(value * factor),
            _ => Size::Mul(Box::new(self), Box::new(Size::Const(factor))),
        }
    }

    /// Whether the value depends on the step.
    #[must_use]
    pub fn is_const(&self) -> bool {
        match self {
            Size::Const(_) => true,
            Size::Rows | Size::Pages => false,
            Size::Add(a, b) | Size::Sub(a, b) | Size::Mul(a, b) | Size::CeilDiv(a, b) | Size::Min(a, b) | Size::Max(a, b) => {
                a.is_const() && b.is_const()
            }
        }
    }
}

impl From<u32> for Size {
    fn from(value: u32) -> Self {
        Size::Const(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn folds_what_is_known_and_keeps_what_is_not() {
        assert_eq!(Size::Const(65).ceil_div(32), Size::Const(3));
        assert_eq!(Size::Rows.ceil_div(1), Size::Rows);
        let splits = Size::Pages.ceil_div(8).min(16).max(1);
        assert!(!splits.is_const());
        assert_eq!([0, 1, 8, 9, 1000].map(|pages| splits.eval(1, pages)), [1, 1, 1, 2, 16]);
        assert_eq!(Size::Rows.minus(1).eval(0, 0), 0);
    }
}
