//! What a matrix multiplication does with its result.

use super::Append;
use crate::graph::Act;

/// What it does with its result `y: f32[rows][n]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// `output[row - first][launch.base + i] = y[i]`, rows of `stride` elements.
    Store {
        /// Elements of an output row: n, unless the table is split.
        stride: u32,
        /// Stores `cap * tanh(y / cap)` instead.
        softcap: Option<f32>,
    },
    /// `output[row][i] += y[i]`.
    Residual,
    /// `output[row][i] = act(y[i]) * y[n/2 + i]` for `i < n/2`.
    Gated(Act),
    /// `output[row][i] = y[i] * act(y[n/2 + i])` for `i < n/2`.
    GatedSecond(Act),
    /// `output[row - first][launch.base + i] = act(y[i])`.
    Act(Act),
    /// `output[row][i] = act(y[i]) * factors[row][launch.query_gain + i]`.
    Product {
        /// The activation.
        act: Act,
        /// Elements of a row of `factors`.
        stride: u32,
    },
    /// Rows of y are the query, key and value heads.
    Heads(Append),
}

impl Output {
    /// Stores y as it is.
    #[must_use]
    pub fn store(stride: u32) -> Output {
        Output::Store { stride, softcap: None }
    }

    /// Its words in keys.
    pub(super) fn key(&self) -> String {
        match self {
            Output::Store { softcap: None, .. } => "store".to_owned(),
            Output::Store { softcap: Some(_), .. } => "store softcap".to_owned(),
            Output::Residual => "residual".to_owned(),
            Output::Gated(act) => format!("{}_mul", act.name()),
            Output::GatedSecond(act) => format!("{}_mul_second", act.name()),
            Output::Act(act) => act.name().to_owned(),
            Output::Product { act, .. } => format!("{}_times", act.name()),
            Output::Heads(append) => format!("heads={}", append.key()),
        }
    }
}
