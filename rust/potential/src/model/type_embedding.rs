//! Type embedding: nets that see the types of a pair beside their distance.
//!
//! The types of a pair never change during a run, so such a net becomes one of the distance alone for each pair. The rows `t_a`
//! of a type embedding are constants. In the form "concat" the first layer is
//!
//! `f(x W_0 + t_b W_b + t_a W_a + bias)`, that is a new bias,
//!
//! where a residual adds `(x, t_b, t_a)` to its output, a linear layer before it makes these numbers from `x`. In the form
//! "strip" the output `g(x)` is multiplied by `1 + M(t_b, t_a) w` with another net `M`, and `w` is 1 or a switch that fades
//! with the distance. Fitting nets see `(D, t_a, parameters)`, the same for all types, and become one for each type.
//!
//! Nothing is made for a pair before it is asked for, and all pairs share what is the same for them, so that models of a hundred
//! types cost no more than those of three.

use super::descriptor::Smoothing;
use super::{Embedding, Layer, Network, Residual};
use ndarray::{Array1, Array2, Axis, concatenate, s};
use std::sync::{Arc, OnceLock};

/// One row a type, and after them one of zeros for a neighbour that is not there, `[n_types + 1, Y]`.
#[derive(Clone, Debug)]
pub struct TypeEmbedding(Array2<f64>);

/// A net that all pairs of types share, with what it sees of them.
#[derive(Clone, Debug)]
pub(super) struct SharedNet {
    /// Inputs `(x, t_b, t_a)`, or `(t_b, t_a)` in the form "strip"; without `t_a` where the centre type does not matter.
    pub(super) net: Network,
    pub(super) types: Arc<TypeEmbedding>,
    pub(super) one_sided: bool,
}

/// What the curves of all pairs are made of.
#[derive(Clone, Debug)]
pub(super) enum PairCurves {
    /// A net that sees types too: "concat".
    Concatenated(Arc<SharedNet>),
    /// A common curve and the factors of pairs: "strip".
    Apart(Arc<Embedding>, Arc<Factors>),
}

/// What a pair of types multiplies a common curve by, `M(t_b, t_a)`.
#[derive(Clone, Debug)]
pub(super) enum Factors {
    /// Of a net.
    Net(SharedNet),
    /// Of a table, `[n_types + 1, M1]` by neighbour type or `[(n_types + 1)^2, M1]` by centre and neighbour type.
    Table {
        rows: Array2<f64>,
        n_types: usize,
        one_sided: bool,
    },
}

/// The curve of one pair of types of a net that sees them: the form "concat".
#[derive(Clone, Debug)]
pub struct PairNetwork {
    shared: Arc<SharedNet>,
    /// Centre and neighbour type; a neighbour of type `n_types` is none.
    pair: (usize, usize),
    folded: OnceLock<Network>,
}

/// The curve of one pair of types that is a common one times factors, `G(x) = g(x) (1 + t w(x))`: the form "strip".
#[derive(Clone, Debug)]
pub struct ScaledCurve {
    /// `g`, the same for all pairs.
    common: Arc<Embedding>,
    shared: Arc<Factors>,
    pair: (usize, usize),
    factors: OnceLock<Array1<f64>>,
    /// `w`; 1 where there is none.
    fading: Option<Fading>,
}

/// A switch by the first component `x` of an environment row, which is `s` less its mean and over its deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fading {
    /// Which function of `s` it is.
    pub kind: FadingKind,
    /// Mean of `s`.
    pub mean: f64,
    /// Deviation of `s`.
    pub deviation: f64,
}

/// A switch by `s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FadingKind {
    /// The switch `w(r)` at the distance where `w(r)/(r + p)` is `s`: PyTorch.
    Switch(Smoothing),
    /// `1 - (1 - from s)^3` up to `s = 1/from`, and 1 from there on: TensorFlow. Below 0, where no `s` is, its tangent.
    Cubic {
        /// `rcut_smth` [Å]
        from: f64,
    },
}

impl TypeEmbedding {
    /// From one row a type, `[n_types, Y]`.
    pub(super) fn new(types: &Array2<f64>) -> Self {
        let none = Array2::zeros((1, types.ncols()));
        Self(concatenate![Axis(0), *types, none])
    }

    /// What a net makes of the inputs of each type, `[n_types, width]`, which must fit it.
    pub(super) fn of(net: &Network, inputs: &Array2<f64>) -> Self {
        let mut rows = Array2::zeros((inputs.nrows(), net.outputs()));
        for (input, mut row) in inputs.outer_iter().zip(rows.outer_iter_mut()) {
            row.assign(&net.apply(&input.to_owned()));
        }
        Self::new(&rows)
    }

    /// `Y`
    pub(super) fn width(&self) -> usize {
        self.0.ncols()
    }

    pub(super) fn n_types(&self) -> usize {
        self.0.nrows() - 1
    }

    /// What the nets see of a pair beside the distance.
    fn of_pair(&self, (centre, neighbour): (usize, usize), one_sided: bool) -> Array1<f64> {
        let neighbour = self.0.row(neighbour);
        if one_sided {
            return neighbour.to_owned();
        }
        concatenate![Axis(0), neighbour, self.0.row(centre)]
    }

    /// The fitting nets of all types, from that of all types, `d` inputs of which come before the type; they share whatever
    /// does not depend on the type.
    pub(super) fn fitting_nets(&self, net: &Network, d: usize) -> Vec<Network> {
        let Some((first, others)) = net.layers.split_first() else {
            return vec![net.clone(); self.n_types()];
        };
        let after = d + self.width();
        let types = 0..self.n_types();
        if first.residual != Residual::None {
            // the residual adds the type to the output: a linear layer before it makes it
            let mut weights = Array2::zeros((first.inputs() - self.width(), first.inputs()));
            for k in 0..weights.nrows() {
                weights[[k, if k < d { k } else { k + self.width() }]] = 1.0;
            }
            let weights = weights.into_shared();
            let of_type = |t: usize| {
                let mut bias = Array1::zeros(first.inputs());
                bias.slice_mut(s![d..after]).assign(&self.0.row(t));
                let mut layers = vec![Layer::linear(weights.clone(), Some(bias))];
                layers.extend_from_slice(&net.layers);
                Network { layers }
            };
            return types.map(of_type).collect();
        }
        let (before, rest) = first.weights.view().split_at(Axis(0), d);
        let (of_types, rest) = rest.split_at(Axis(0), after - d);
        let weights = concatenate![Axis(0), before, rest].into_shared();
        let of_type = |t: usize| {
            let mut layers = vec![Layer {
                weights: weights.clone(),
                bias: &first.bias + &self.0.row(t).dot(&of_types),
                ..first.clone()
            }];
            layers.extend_from_slice(others);
            Network { layers }
        };
        types.map(of_type).collect()
    }
}

impl SharedNet {
    /// Why the net is not one of `distances` numbers and the types, if it is not.
    fn fault(&self, distances: usize) -> Option<String> {
        let y = self.types.width();
        let seen = if self.one_sided { y } else { 2 * y };
        self.net.fault(distances + seen, self.net.outputs())
    }

    /// The net of the distance alone.
    fn fold(&self, pair: (usize, usize)) -> Network {
        let seen = self.types.of_pair(pair, self.one_sided);
        let mut layers = self.net.layers.clone();
        if layers[0].residual == Residual::None {
            let first = &mut layers[0];
            first.bias += &seen.dot(&first.weights.slice(s![1.., ..]));
            first.weights = first.weights.slice(s![..1, ..]).to_owned().into_shared();
        } else {
            let mut weights = Array2::zeros((1, 1 + seen.len()));
            weights[[0, 0]] = 1.0;
            let bias = std::iter::once(0.0).chain(seen).collect();
            layers.insert(0, Layer::linear(weights.into_shared(), Some(bias)));
        }
        Network { layers }
    }
}

impl PairCurves {
    /// From a net that sees types too.
    ///
    /// # Errors
    /// Says what does not fit.
    pub(super) fn concatenated(net: SharedNet) -> Result<Self, String> {
        match net.fault(1) {
            Some(what) => Err(what),
            None => Ok(Self::Concatenated(Arc::new(net))),
        }
    }

    /// From a curve of the distance alone and the factors of pairs.
    ///
    /// # Errors
    /// Says what does not fit.
    pub(super) fn apart(common: Embedding, factors: Factors) -> Result<Self, String> {
        let m1 = common.outputs();
        match common.fault(m1).or_else(|| factors.fault(m1)) {
            Some(what) => Err(what),
            None => Ok(Self::Apart(Arc::new(common), Arc::new(factors))),
        }
    }

    /// The curve of a centre and a neighbour type; a neighbour of type `n_types` is none. A net of all types has no factors
    /// that could fade.
    pub(super) fn curve(&self, pair: (usize, usize), fading: Option<Fading>) -> Embedding {
        match self {
            Self::Concatenated(net) => Embedding::Pair(PairNetwork {
                shared: net.clone(),
                pair,
                folded: OnceLock::new(),
            }),
            Self::Apart(common, factors) => Embedding::Scaled(ScaledCurve {
                common: common.clone(),
                shared: factors.clone(),
                pair,
                factors: OnceLock::new(),
                fading,
            }),
        }
    }

    /// The curves of all pairs and which of them is that of centre and neighbour type; `fading` is by centre type.
    pub(super) fn of_pairs(
        &self,
        n_types: usize,
        fading: impl Fn(usize) -> Option<Fading>,
    ) -> (Vec<Embedding>, Array2<Option<usize>>) {
        let one_sided = match self {
            Self::Concatenated(net) => net.one_sided,
            // what fades depends on the statistics of the centre type
            Self::Apart(_, factors) => factors.one_sided() && fading(0).is_none(),
        };
        let centres = if one_sided { 1 } else { n_types };
        let pairs = (0..centres).flat_map(|a| (0..n_types).map(move |b| (a, b)));
        let curves = pairs.map(|pair| self.curve(pair, fading(pair.0)));
        let index = |(a, b)| Some(if one_sided { b } else { a * n_types + b });
        (
            curves.collect(),
            Array2::from_shape_fn((n_types, n_types), index),
        )
    }
}

impl Factors {
    fn of(&self, pair: (usize, usize)) -> Array1<f64> {
        match self {
            Self::Net(shared) => shared
                .net
                .apply(&shared.types.of_pair(pair, shared.one_sided)),
            Self::Table {
                rows,
                n_types,
                one_sided,
            } => {
                let (centre, neighbour) = pair;
                let row = if *one_sided {
                    neighbour
                } else {
                    centre * (n_types + 1) + neighbour
                };
                rows.row(row).to_owned()
            }
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::Net(shared) => shared.net.outputs(),
            Self::Table { rows, .. } => rows.ncols(),
        }
    }

    fn one_sided(&self) -> bool {
        match self {
            Self::Net(shared) => shared.one_sided,
            Self::Table { one_sided, .. } => *one_sided,
        }
    }

    /// Why they are not `m1` numbers for each pair, if they are not.
    fn fault(&self, m1: usize) -> Option<String> {
        if self.outputs() != m1 {
            return Some(format!(
                "the types give {} factors where the curve has {m1} outputs",
                self.outputs()
            ));
        }
        match self {
            Self::Net(shared) => shared.fault(0),
            Self::Table {
                rows,
                n_types,
                one_sided,
            } => {
                let needed = (n_types + 1) * if *one_sided { 1 } else { n_types + 1 };
                if rows.nrows() != needed {
                    Some(format!(
                        "{} rows of factors where {n_types} types need {needed}",
                        rows.nrows()
                    ))
                } else {
                    let finite = rows.iter().all(|x| x.is_finite());
                    (!finite).then(|| "a factor is not finite".to_owned())
                }
            }
        }
    }
}

impl PairNetwork {
    /// `M1`
    pub fn outputs(&self) -> usize {
        self.shared.net.outputs()
    }

    /// Layers of the net of all pairs.
    pub(super) fn shared_layers(&self) -> &[Layer] {
        &self.shared.net.layers
    }

    /// The net of the distance alone, which is made when it is asked for first. It shares all layers but the first with
    /// those of other pairs.
    pub fn network(&self) -> &Network {
        self.folded.get_or_init(|| self.shared.fold(self.pair))
    }
}

impl ScaledCurve {
    /// `g`, which all pairs share: the same allocation wherever curves can share what is made of it.
    pub fn common(&self) -> &Arc<Embedding> {
        &self.common
    }

    /// `t`, `[M1]`, made when it is asked for first.
    pub fn factors(&self) -> &Array1<f64> {
        self.factors.get_or_init(|| self.shared.of(self.pair))
    }

    /// `w`; 1 where there is none.
    pub fn fading(&self) -> Option<&Fading> {
        self.fading.as_ref()
    }

    /// What `g`, and with it the slopes of `w`, becomes for one input: values and slopes in place, `[M1]` each.
    pub fn scale<'a>(
        &self,
        x: f64,
        values: impl IntoIterator<Item = &'a mut f64>,
        slopes: impl IntoIterator<Item = &'a mut f64>,
    ) {
        let (w, w_slope) = self
            .fading
            .as_ref()
            .map_or((1.0, 0.0), |fading| fading.switch(x));
        let curve = values.into_iter().zip(slopes);
        for ((value, slope), factor) in curve.zip(self.factors()) {
            let scale = 1.0 + factor * w;
            *slope = *slope * scale + *value * factor * w_slope;
            *value *= scale;
        }
    }
}

impl Fading {
    /// `(w, dw/dx)`
    pub fn switch(&self, x: f64) -> (f64, f64) {
        let s = x * self.deviation + self.mean;
        let (w, slope) = match self.kind {
            FadingKind::Switch(smoothing) => smoothing.switch_by_inverse(s),
            FadingKind::Cubic { from } => {
                let u = 1.0 - from * s;
                if u <= 0.0 {
                    (1.0, 0.0)
                } else if s <= 0.0 {
                    (3.0 * from * s, 3.0 * from)
                } else {
                    (1.0 - u * u * u, 3.0 * from * u * u)
                }
            }
        };
        (w, slope * self.deviation)
    }
}
