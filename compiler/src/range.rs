//! The range of a size over all steps, so that launch code may use plain 32-bit arithmetic.

use tegula_plan::Size;

/// The least and the greatest value of `size` where rows are at most `rows` and pages at most `pages`; `None` where some part of it could
/// exceed 32 bits or divide by zero.
pub(crate) fn range(size: &Size, rows: u32, pages: u32) -> Option<(u32, u32)> {
    let of = |size: &Size| range(size, rows, pages);
    Some(match size {
        Size::Const(value) => (*value, *value),
        Size::Rows => (0, rows),
        Size::Pages => (0, pages),
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

/// `size` for steps of `rows` rows, with all that is then known worked out.
pub(crate) fn with_rows(size: &Size, rows: u32) -> Size {
    let of = |size: &Size| Box::new(with_rows(size, rows));
    let size = match size {
        Size::Const(value) => Size::Const(*value),
        Size::Rows => Size::Const(rows),
        Size::Pages => Size::Pages,
        Size::Add(a, b) => Size::Add(of(a), of(b)),
        Size::Sub(a, b) => Size::Sub(of(a), of(b)),
        Size::Mul(a, b) => Size::Mul(of(a), of(b)),
        Size::CeilDiv(a, b) => Size::CeilDiv(of(a), of(b)),
        Size::Min(a, b) => Size::Min(of(a), of(b)),
        Size::Max(a, b) => Size::Max(of(a), of(b)),
    };
    if size.is_const() { Size::Const(size.eval(0, 0)) } else { size }
}

#[cfg(test)]
mod tests {
    use super::{range, with_rows};
    use tegula_plan::Size;

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
            let values: Vec<u32> =
                (0..=9).flat_map(|rows| (0..=17).map(move |pages| (rows, pages))).map(|(r, p)| size.eval(r, p)).collect();
            let ends = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            assert_eq!(range(&size, 9, 17), Some(ends), "{size:?}");
        }
    }

    #[test]
    fn overflow_and_division_by_zero_have_no_range() {
        assert_eq!(range(&Size::Rows.times(1 << 20), 1 << 11, 0), Some((0, 1 << 31)));
        assert_eq!(range(&Size::Rows.times(1 << 20), 1 << 12, 0), None);
        let (a, b) = boxed(Size::Pages, Size::Const(u32::MAX));
        assert_eq!(range(&Size::Add(a, b), 1, 1), None);
        let (a, b) = boxed(Size::Rows, Size::Pages);
        assert_eq!(range(&Size::CeilDiv(a, b), 1, 1), None);
    }

    #[test]
    fn known_rows_fold() {
        assert_eq!(with_rows(&Size::Rows.minus(1), 1), Size::Const(0));
        let splits = Size::Pages.ceil_div(4).min(16).max(1);
        assert_eq!(with_rows(&splits, 1), splits);
    }
}
