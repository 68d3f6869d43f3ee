//! The fitting network of one type: in double precision, or in single precision about the mean descriptor of the atoms that occur.
//!
//! Which point that is decides nothing but rounding. It is taken from the atoms of the first step that has some, and again where
//! many descriptors have left it. A descriptor counts as far from it where the arguments of the first layer differ by more than
//! a limit, for which the errors of single precision were measured on all atoms of the step that it was taken from.

use super::difference::Point;
use super::layout::Layout;
use super::network::{Packed, suits};
use crate::Model;
use crate::simd::Kernels;

/// Numbers behind the last column that loops may touch.
pub const SLACK: usize = 64;
/// Descriptors may be so much further from the point than those that it was taken from.
const FURTHER: f64 = 3.0;
/// Below this part of the largest length no limit is tried.
const NEAREST: f64 = 0.1;
/// Part of the tolerance that single precision may use up.
const PART: f64 = 0.45;

/// One type.
#[derive(Clone, Debug)]
pub struct Fit {
    pub double: Packed<f64>,
    single: Option<Packed<f32>>,
    about: Option<About>,
    /// What the network gives without neighbours, where energies count from there [eV].
    pub vacuum: f64,
    /// Steps until the point may be taken again, and how long that takes the next time.
    patience: (u64, u64),
}

/// The point, in the forms that the loops take.
#[derive(Clone, Debug)]
pub struct About {
    pub point: Point,
    /// Its inputs and the gradient there, with [`SLACK`].
    pub means: Both,
    pub gradient: Both,
    /// Largest length of the change of the first layer's arguments, squared.
    pub limit: f32,
    /// Whether it was found.
    settled: bool,
}

/// Numbers in both precisions.
#[derive(Clone, Debug)]
pub struct Both {
    pub double: Vec<f64>,
    pub single: Vec<f32>,
}

impl Both {
    pub fn new(values: &[f64]) -> Self {
        let mut double = values.to_vec();
        double.resize(values.len() + SLACK, 0.0);
        Self {
            single: double.iter().map(|x| *x as f32).collect(),
            double,
        }
    }
}

/// Why the networks of a model cannot be packed, if so.
pub fn obstacle(model: &Model) -> Option<&'static str> {
    let parameters = model.fitting_width() > model.descriptor_width();
    if parameters && model.from_vacuum.contains(&true) {
        return Some("its vacuum energies depend on parameters");
    }
    if !model.fitting.iter().all(suits) {
        return Some("its fitting networks have one layer, or pass their input on to the second");
    }
    None
}

impl Fit {
    /// Packs the network of a type, in single precision, too, where that is wanted.
    pub fn new(
        model: &Model,
        layout: &Layout,
        kernels: &'static Kernels,
        kind: usize,
        single: bool,
    ) -> Self {
        let network = &model.fitting[kind];
        let first = first(model, layout, kind);
        let vacuum = if model.from_vacuum[kind] {
            network.apply(&ndarray::Array1::zeros(network.inputs()))[0]
        } else {
            0.0
        };
        Self {
            double: Packed::new(network, &kernels.double.0, layout.inputs, &first),
            single: single.then(|| Packed::new(network, &kernels.single.0, layout.inputs, &first)),
            about: None,
            vacuum,
            patience: (0, 8),
        }
    }

    /// The network in single precision and the point, where there is one.
    pub fn about(&self) -> Option<(&Packed<f32>, &About)> {
        self.single.as_ref().zip(self.about.as_ref())
    }

    /// Whether a point is wanted and there is none.
    pub fn wants_point(&self) -> bool {
        self.single.is_some() && self.about.is_none()
    }

    /// Takes a point; until a limit is set, nothing counts as far from it.
    pub fn take_point(&mut self, model: &Model, layout: &Layout, kind: usize, mean: Vec<f64>) {
        let Some(single) = &self.single else { return };
        let first = first(model, layout, kind);
        let point = Point::new(&model.fitting[kind], single, &first, mean);
        self.about = Some(About {
            means: Both::new(&point.inputs),
            gradient: Both::new(&point.gradient),
            point,
            limit: f32::INFINITY,
            settled: false,
        });
    }

    /// Whether the limit of the point is still being found.
    pub fn is_unsettled(&self) -> bool {
        self.about.as_ref().is_some_and(|about| !about.settled)
    }

    /// A trial with descriptors up to the length `longest` (squared) led to an error of `error` of forces [eV/Å]: sets the limit, or a
    /// smaller one to be tried next, so that the largest error is allowed within it. Where no limit does, everything is far from the
    /// point.
    pub fn set_limit(&mut self, longest: f32, error: f64, tolerance: f64) {
        let allowed = PART * tolerance;
        let Some(about) = &mut self.about else { return };
        let square = |factor: f64| (factor * factor) as f32;
        about.settled = error <= allowed;
        if about.limit == f32::INFINITY {
            let wanted = allowed / error.max(f64::MIN_POSITIVE);
            let factor = if about.settled {
                FURTHER.min(wanted)
            } else {
                0.5 * wanted
            };
            about.limit = longest * square(factor);
        } else if !about.settled {
            about.limit *= square(0.5);
            if about.limit < longest * square(NEAREST) {
                (about.limit, about.settled) = (-1.0, true);
            }
        }
    }

    /// A step has passed in which so many of its descriptors were far from the point: gives it up where they are many.
    pub fn judge(&mut self, far: usize, rows: usize) {
        let (left, next) = self.patience;
        if left > 0 {
            self.patience.0 -= 1;
        } else if self.about.is_some() && 10 * far > rows {
            self.about = None;
            self.patience = (next, (2 * next).min(1 << 20));
        }
    }

    /// Bytes of all weights.
    pub fn bytes(&self) -> usize {
        let single = self.single.as_ref().map_or(0, Packed::numbers);
        8 * self.double.numbers() + 4 * single
    }
}

/// Weights of the first layer by column and output.
fn first<'a>(
    model: &'a Model,
    layout: &'a Layout,
    kind: usize,
) -> impl Fn(usize, usize) -> f64 + use<'a> {
    let weights = &model.fitting[kind].layers[0].weights;
    move |column, output| layout.weight(column, |input| weights[[input, output]])
}
