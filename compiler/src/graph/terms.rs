//! What architectures say of rotations, norms and attention.

#[cfg(doc)]
use super::OpKind;
use super::{Change, Growth, NormKind, Pairs, Value};

/// What the cosines and sines of a model are.
#[derive(Clone, Debug, PartialEq)]
pub struct Angles {
    /// Radians a position for each pair of rotated elements.
    pub frequencies: Vec<f32>,
    /// The same for sequences of more than so many tokens, where they differ.
    pub long: Option<(u32, Vec<f32>)>,
    /// Factor on cosines and sines.
    pub factor: f32,
}

/// How a model norms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// What it divides by.
    pub kind: NormKind,
    /// Added to the mean square, or the variance.
    pub eps: f32,
    /// Whether there is a bias beside the gain.
    pub bias: bool,
    /// Whether a checkpoint's gains are what exceeds one.
    pub one_plus: bool,
}

impl Norm {
    /// Root-mean-square norm with a gain.
    #[must_use]
    pub fn rms(eps: f32) -> Norm {
        Norm { kind: NormKind::Rms, eps, bias: false, one_plus: false }
    }

    /// Layer norm with a gain and a bias.
    #[must_use]
    pub fn layer(eps: f32) -> Norm {
        Norm { kind: NormKind::Layer, eps, bias: true, one_plus: false }
    }

    /// What becomes of a checkpoint's gains.
    pub(super) fn change(self) -> Change {
        if self.one_plus { Change::AddOne } else { Change::None }
    }
}

/// What attention does beyond looking at keys.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Attention {
    /// The rotation of queries and keys, where there is one.
    pub rotation: Option<Value>,
    /// Which elements it rotates together.
    pub pairs: Pairs,
    /// How rotated queries grow, if they do.
    pub growth: Option<Growth>,
    /// Factor on the scores; without it, one over the root of the head size.
    pub scale: Option<f32>,
    /// See [`OpKind::Attention`].
    pub softcap: Option<f32>,
    /// See [`OpKind::Attention`].
    pub window: Option<u32>,
    /// The layer whose keys and values are seen, where it is another one: there are query heads alone then.
    pub shared: Option<u32>,
}
