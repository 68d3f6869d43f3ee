//! In which order the numbers of all descriptors go into the fitting networks.
//!
//! The square block of axis columns of `D = T^T T[:, ..M2]` is symmetric: its numbers are stored once, and the first layer has the
//! sums of their two weights.

use crate::Model;
use crate::model::{Descriptor, Kind};
use crate::simd::splines::Shape;

/// The columns of one descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The first one.
    pub start: usize,
    /// How many.
    pub width: usize,
}

/// Columns of all descriptors and, behind them, parameters.
#[derive(Clone, Debug)]
pub struct Layout {
    /// By descriptor.
    pub descriptors: Vec<Columns>,
    /// Where parameters begin.
    pub parameters: usize,
    /// All of them.
    pub inputs: usize,
    /// Inputs of the network as it is that stand in each column: one, or two of equal value.
    sources: Vec<(usize, Option<usize>)>,
}

/// The shape of an `se_e2_a` descriptor.
pub fn shape(descriptor: &Descriptor) -> Option<Shape> {
    match descriptor.kind {
        Kind::SeE2A { axis } => Some(Shape {
            m1: descriptor.m1(),
            axis,
        }),
        _ => None,
    }
}

impl Layout {
    pub fn new(model: &Model) -> Self {
        let (mut descriptors, mut sources) = (Vec::new(), Vec::new());
        let mut original = 0;
        for descriptor in &model.descriptors {
            let start = sources.len();
            match shape(descriptor) {
                Some(Shape { m1, axis }) => {
                    let input = |p: usize, q: usize| original + p * axis + q;
                    for p in 0..m1 {
                        let row = if p < axis { p + 1 } else { axis };
                        sources.extend((0..row).map(|q| {
                            let mirrored = (p < axis && q != p).then(|| input(q, p));
                            (input(p, q), mirrored)
                        }));
                    }
                }
                None => sources.extend((0..descriptor.width()).map(|k| (original + k, None))),
            }
            original += descriptor.width();
            descriptors.push(Columns {
                start,
                width: sources.len() - start,
            });
        }
        let parameters = sources.len();
        sources.extend((original..model.fitting_width()).map(|k| (k, None)));
        Self {
            descriptors,
            parameters,
            inputs: sources.len(),
            sources,
        }
    }

    /// The weight of a column in the first layer, from the weights of inputs as they are.
    #[inline]
    pub fn weight(&self, column: usize, weight: impl Fn(usize) -> f64) -> f64 {
        let (one, other) = self.sources[column];
        weight(one) + other.map_or(0.0, weight)
    }
}
