//! Activations: what each is called, where its WGSL is, and what it is of a number.

/// A function of single elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`: Hugging Face's `gelu`.
    Gelu,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`: Hugging Face's `gelu_pytorch_tanh` and `gelu_new`.
    GeluTanh,
}

impl Act {
    /// Its word in keys and phases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Act::Silu => "silu",
            Act::Gelu => "gelu",
            Act::GeluTanh => "gelu_tanh",
        }
    }

    /// The WGSL module that has it.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Act::Silu => "act/silu",
            Act::Gelu => "act/gelu",
            Act::GeluTanh => "act/gelu_tanh",
        }
    }

    /// What it is of a number.
    #[must_use]
    pub fn of(self, x: f64) -> f64 {
        match self {
            Act::Silu => x / (1.0 + (-x).exp()),
            Act::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Act::GeluTanh => 0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()),
        }
    }
}

/// The error function, to the last digits of double precision: its series near zero, and far from it the continued fraction of what is left
/// to one.
fn erf(x: f64) -> f64 {
    let (magnitude, square) = (x.abs(), x * x);
    if magnitude < 3.0 {
        let mut term = magnitude;
        let mut sum = magnitude;
        for n in 1..100 {
            term *= -square / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return (std::f64::consts::FRAC_2_SQRT_PI * sum).copysign(x);
    }
    let fraction = (1..60).rev().fold(0.0, |fraction, n| f64::from(n) / 2.0 / (magnitude + fraction));
    (1.0 - (-square).exp() / std::f64::consts::PI.sqrt() / (magnitude + fraction)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn the_error_function_is_that_of_tables() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_89),
            (0.5, 0.520_499_877_813_046_5),
            (1.0, 0.842_700_792_949_714_9),
            (2.0, 0.995_322_265_018_952_7),
            (3.0, 0.999_977_909_503_001_4),
            (4.0, 0.999_999_984_582_742_1),
        ] {
            assert!((erf(x) - expected).abs() < 1e-13 && (erf(-x) + expected).abs() < 1e-13, "{x}: {}", erf(x));
        }
    }
}
