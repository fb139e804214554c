//! Activations: what each is called, where its WGSL is, and what it is of a number.

/// A function of single elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`: Hugging Face's `gelu_pytorch_tanh` and `gelu_new`.
    GeluTanh,
}

impl Act {
    /// Its word in keys and phases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Act::Silu => "silu",
            Act::GeluTanh => "gelu_tanh",
        }
    }

    /// The WGSL module that has it.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Act::Silu => "act/silu",
            Act::GeluTanh => "act/gelu_tanh",
        }
    }

    /// What it is of a number.
    #[must_use]
    pub fn of(self, x: f64) -> f64 {
        match self {
            Act::Silu => x / (1.0 + (-x).exp()),
            Act::GeluTanh => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()),
        }
    }
}
