//! Sizes that are known only when a step runs.
//!
//! Compiling fixes everything about a model, except for a few numbers that each step brings ([`StepSize`]): how many rows (tokens) it has,
//! how they are grouped and how many pages its longest sequence holds. A [`Size`] is an expression over these numbers. The compiler emits
//! it as WebAssembly; [`Size::eval`] is the oracle that the emitted code is tested against.

use serde::{Deserialize, Serialize};

/// An unsigned 32-bit expression over the variables of a step. Arithmetic never wraps: see [`Size::eval`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// A number fixed at compile time.
    Const(u32),
    /// [`StepSize::rows`].
    Rows,
    /// [`StepSize::pages`].
    Pages,
    /// [`StepSize::prompt`].
    Prompt,
    /// [`StepSize::segments`].
    Segments,
    /// [`StepSize::longest`].
    Longest,
    /// [`StepSize::read`].
    Read,
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

/// What the sizes of a step depend on.
///
/// Rows of a step stand in this order. First come segments; a segment is neighbouring rows of one sequence. Then come single rows; each is
/// the only row of its sequence behind the segments. Prompts come in segments; a sequence that decodes has a single row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StepSize {
    /// Rows (tokens) of the step.
    pub rows: u32,
    /// Pages of the longest sequence that has a single row, at least one.
    pub pages: u32,
    /// Rows in segments: the first so many.
    pub prompt: u32,
    /// Segments.
    pub segments: u32,
    /// Rows of the longest segment.
    pub longest: u32,
    /// Rows that get logits: the last so many, at least one.
    pub read: u32,
}

impl StepSize {
    /// Names of the members, in the order of the parameters of launch functions.
    pub const MEMBERS: [&str; 6] = ["rows", "pages", "prompt", "segments", "longest", "read"];

    /// A step of single rows, all of which get logits.
    #[must_use]
    pub fn singles(rows: u32, pages: u32) -> StepSize {
        StepSize { rows, pages, prompt: 0, segments: 0, longest: 0, read: rows }
    }

    /// A step of one segment, of whose last rows so many get logits.
    #[must_use]
    pub fn segment(rows: u32, read: u32) -> StepSize {
        StepSize { rows, pages: 1, prompt: rows, segments: 1, longest: rows, read }
    }

    /// The members, in the order of [`StepSize::MEMBERS`].
    #[must_use]
    pub fn members(self) -> [u32; 6] {
        [self.rows, self.pages, self.prompt, self.segments, self.longest, self.read]
    }
}

impl Size {
    /// The value for a step.
    ///
    /// Arithmetic saturates at `u32::MAX`; the compiler refuses a plan in which the largest step would reach it.
    #[must_use]
    pub fn eval(&self, step: &StepSize) -> u32 {
        let of = |size: &Size| size.eval(step);
        match self {
            Size::Const(value) => *value,
            Size::Rows => step.rows,
            Size::Pages => step.pages,
            Size::Prompt => step.prompt,
            Size::Segments => step.segments,
            Size::Longest => step.longest,
            Size::Read => step.read,
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

    /// This expression, with other expressions in place of variables: `put` is shown each variable and may give one.
    #[must_use]
    pub fn with(&self, put: &dyn Fn(&Size) -> Option<Size>) -> Size {
        let of = |size: &Size| Box::new(size.with(put));
        let size = match self {
            Size::Const(value) => Size::Const(*value),
            Size::Rows | Size::Pages | Size::Prompt | Size::Segments | Size::Longest | Size::Read => {
                put(self).unwrap_or_else(|| self.clone())
            }
            Size::Add(a, b) => Size::Add(of(a), of(b)),
            Size::Sub(a, b) => Size::Sub(of(a), of(b)),
            Size::Mul(a, b) => Size::Mul(of(a), of(b)),
            Size::CeilDiv(a, b) => Size::CeilDiv(of(a), of(b)),
            Size::Min(a, b) => Size::Min(of(a), of(b)),
            Size::Max(a, b) => Size::Max(of(a), of(b)),
        };
        if size.is_const() { Size::Const(size.eval(&StepSize::default())) } else { size }
    }

    /// Whether the value is the same in all steps.
    #[must_use]
    pub fn is_const(&self) -> bool {
        match self {
            Size::Const(_) => true,
            Size::Rows | Size::Pages | Size::Prompt | Size::Segments | Size::Longest | Size::Read => false,
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
    use super::{Size, StepSize};

    #[test]
    fn folds_what_is_known_and_keeps_what_is_not() {
        assert_eq!(Size::Const(65).ceil_div(32), Size::Const(3));
        assert_eq!(Size::Rows.ceil_div(1), Size::Rows);
        let splits = Size::Pages.ceil_div(8).min(16).max(1);
        assert!(!splits.is_const());
        assert_eq!([0, 1, 8, 9, 1000].map(|pages| splits.eval(&StepSize::singles(1, pages))), [1, 1, 1, 2, 16]);
        assert_eq!(Size::Rows.minus(1).eval(&StepSize::default()), 0);
    }

    #[test]
    fn other_expressions_take_the_place_of_variables() {
        let known = |rows| move |size: &Size| (*size == Size::Rows).then_some(Size::Const(rows));
        assert_eq!(Size::Rows.minus(1).with(&known(1)), Size::Const(0));
        let splits = Size::Pages.ceil_div(4).min(16).max(1);
        assert_eq!(splits.with(&known(1)), splits);
        let tiles = Size::Rows.ceil_div(8).with(&|size| (*size == Size::Rows).then_some(Size::Prompt));
        assert_eq!(tiles.eval(&StepSize { prompt: 17, rows: 90, ..StepSize::default() }), 3);
    }
}
