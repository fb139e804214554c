//! The range of a size over all steps. It shows that launch code may use plain 32-bit arithmetic.

use tegula_plan::{Size, StepSize};

/// The least and the greatest value of `size` where no variable exceeds that of the largest step; `None` where some part of it could exceed 32
/// bits or divide by zero.
pub(crate) fn range(size: &Size, largest: &StepSize) -> Option<(u32, u32)> {
    let of = |size: &Size| range(size, largest);
    Some(match size {
        Size::Const(value) => (*value, *value),
        Size::Rows | Size::Pages | Size::Prompt | Size::Segments | Size::Longest | Size::Read => (0, size.eval(largest)),
        Size::Add(a, b) => pair(of(a)?, of(b)?, u32::checked_add)?,
        Size::Mul(a, b) => pair(of(a)?, of(b)?, u32::checked_mul)?,
        Size::Sub(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            (a.0.saturating_sub(b.1), a.1.saturating_sub(b.0))
        }
        Size::CeilDiv(a, b) => {
            let (a, b) = (of(a)?, of(b)?);
            if b.0 == 0 {
                return None;
            }
            (a.0.div_ceil(b.1), a.1.div_ceil(b.0))
        }
        Size::Min(a, b) => pair(of(a)?, of(b)?, |a, b| Some(a.min(b)))?,
        Size::Max(a, b) => pair(of(a)?, of(b)?, |a, b| Some(a.max(b)))?,
    })
}

/// Applies what grows with both operands to both ends.
fn pair(a: (u32, u32), b: (u32, u32), apply: impl Fn(u32, u32) -> Option<u32>) -> Option<(u32, u32)> {
    Some((apply(a.0, b.0)?, apply(a.1, b.1)?))
}

#[cfg(test)]
mod tests {
    use super::range;
    use tegula_plan::{Size, StepSize};

    fn boxed(a: Size, b: Size) -> (Box<Size>, Box<Size>) {
        (Box::new(a), Box::new(b))
    }

    #[test]
    fn ranges_hold_every_value_and_their_ends_are_reached() {
        let (a, b) = boxed(Size::Rows.times(3), Size::Pages.max(2));
        for size in [
            Size::Rows.minus(4),
            Size::Pages.ceil_div(4).min(3).max(1),
            Size::Add(a.clone(), b.clone()),
            Size::Sub(a.clone(), b.clone()),
            Size::Mul(a.clone(), b.clone()),
            Size::CeilDiv(a.clone(), b.clone()),
            Size::Min(a.clone(), b.clone()),
            Size::Max(a, b),
        ] {
            let values: Vec<u32> = (0..=9)
                .flat_map(|rows| (0..=17).map(move |pages| (rows, pages)))
                .map(|(r, p)| size.eval(&StepSize::singles(r, p)))
                .collect();
            let ends = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            assert_eq!(range(&size, &StepSize::singles(9, 17)), Some(ends), "{size:?}");
        }
    }

    #[test]
    fn overflow_and_division_by_zero_have_no_range() {
        assert_eq!(range(&Size::Rows.times(1 << 20), &StepSize::singles(1 << 11, 0)), Some((0, 1 << 31)));
        assert_eq!(range(&Size::Rows.times(1 << 20), &StepSize::singles(1 << 12, 0)), None);
        let (a, b) = boxed(Size::Pages, Size::Const(u32::MAX));
        assert_eq!(range(&Size::Add(a, b), &StepSize::singles(1, 1)), None);
        let (a, b) = boxed(Size::Rows, Size::Pages);
        assert_eq!(range(&Size::CeilDiv(a, b), &StepSize::singles(1, 1)), None);
    }
}
