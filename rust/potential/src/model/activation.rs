//! Activation functions `f(x)` with their slopes `f'(x)`.

/// An activation function; names as in deepmd-kit's input file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `tanh x`
    Tanh,
    /// `max(x, 0)`
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `ln(1 + exp x)`, and exactly `x` above `linear_above` (infinite in TensorFlow, 20 in PyTorch)
    Softplus {
        /// Where the function is replaced by `x`.
        linear_above: f64,
    },
    /// `x/2 (1 + tanh(sqrt(2/pi) (x + cubic x^3)))`; `cubic` is 0.044715, rounded to float32 in TensorFlow's `gelu_tf`
    Gelu {
        /// Coefficient of the cubic term.
        cubic: f64,
    },
    /// `x / (1 + exp(-x))`
    Silu,
    /// `silu` below `from`, `tanh(a (x - from)) + b` above, with value and slope continuous
    Silut {
        /// Where the two branches meet.
        from: f64,
    },
    /// `x`
    Linear,
}

/// `sqrt(2/pi)`
const GELU_SCALE: f64 = 0.797_884_560_802_865_4;
/// Coefficient of the cubic term of `gelu`.
const GELU_CUBIC: f64 = 0.044715;

impl Activation {
    /// The activation that deepmd-kit's PyTorch and native forms call `name`; `None` if there is no such name.
    pub fn native(name: &str) -> Option<Self> {
        Self::named(name, 20.0, GELU_CUBIC)
    }

    /// The activation that deepmd-kit's TensorFlow form calls `name`; `None` if there is no such name.
    pub fn tensorflow(name: &str) -> Option<Self> {
        Self::named(name, f64::INFINITY, f64::from(GELU_CUBIC as f32))
    }

    fn named(name: &str, linear_above: f64, gelu_tf_cubic: f64) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Some(match name.as_str() {
            "tanh" => Self::Tanh,
            "relu" => Self::Relu,
            "relu6" => Self::Relu6,
            "sigmoid" => Self::Sigmoid,
            "softplus" => Self::Softplus { linear_above },
            "gelu" => Self::Gelu { cubic: GELU_CUBIC },
            "gelu_tf" => Self::Gelu {
                cubic: gelu_tf_cubic,
            },
            "silu" => Self::Silu,
            "none" | "linear" => Self::Linear,
            _ => {
                let (kind, from) = name.split_once(':').unwrap_or((&name, "3.0"));
                let from: f64 = from.trim().parse().ok()?;
                match kind {
                    "silut" | "custom_silu" => Self::Silut { from },
                    _ => return None,
                }
            }
        })
    }

    /// `(f(x), f'(x))`
    pub fn value_and_slope(self, x: f64) -> (f64, f64) {
        match self {
            Self::Tanh => {
                let y = x.tanh();
                (y, 1.0 - y * y)
            }
            Self::Relu => (x.max(0.0), f64::from(x > 0.0)),
            Self::Relu6 => (x.clamp(0.0, 6.0), f64::from(x > 0.0 && x < 6.0)),
            Self::Sigmoid => {
                let y = sigmoid(x);
                (y, y * (1.0 - y))
            }
            Self::Softplus { linear_above } => {
                if x > linear_above {
                    (x, 1.0)
                } else {
                    (x.max(0.0) + (-x.abs()).exp().ln_1p(), sigmoid(x))
                }
            }
            Self::Gelu { cubic } => {
                let t = (GELU_SCALE * (x + cubic * x * x * x)).tanh();
                let inner_slope = GELU_SCALE * (1.0 + 3.0 * cubic * x * x);
                (
                    0.5 * x * (1.0 + t),
                    0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner_slope,
                )
            }
            Self::Silu => silu(x),
            Self::Silut { from } => {
                if x < from {
                    silu(x)
                } else {
                    let (b, a) = silu(from);
                    let t = (a * (x - from)).tanh();
                    (t + b, a * (1.0 - t * t))
                }
            }
            Self::Linear => (x, 1.0),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn silu(x: f64) -> (f64, f64) {
    let s = sigmoid(x);
    (x * s, s + x * s * (1.0 - s))
}

#[cfg(test)]
mod tests {
    use super::Activation;

    #[test]
    fn slopes_are_the_derivatives_of_the_values() {
        let names = [
            "tanh",
            "relu",
            "relu6",
            "sigmoid",
            "softplus",
            "gelu",
            "gelu_tf",
            "silu",
            "silut",
            "silut:1.5",
            "linear",
        ];
        for name in names {
            for f in [Activation::native(name), Activation::tensorflow(name)] {
                let f = f.unwrap();
                for x in [-7.3, -2.1, -0.4, 0.3, 1.2, 2.9, 3.4, 6.5, 25.0] {
                    let h = 1e-6;
                    let difference =
                        (f.value_and_slope(x + h).0 - f.value_and_slope(x - h).0) / (2.0 * h);
                    let slope = f.value_and_slope(x).1;
                    assert!(
                        (difference - slope).abs() < 1e-8,
                        "{name} at {x}: {difference} {slope}"
                    );
                }
            }
        }
        assert_eq!(Activation::native("swish"), None);
    }
}
