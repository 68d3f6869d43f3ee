//! The same network with fewer numbers, to a given error of forces.
//!
//! 1. *Few curves.* The embedding curves of all neighbour types around one centre type span few dimensions, `G_b(s) = V u_b(s)`
//!    with `V` `[M1, K]` ([`basis`]). So `T = A V^T / N` with `A = sum of R u` `[4, K]`, and only `u` is tabulated ([`table`]).
//! 2. *Fold.* The first fitting layer is linear in `D`, `D` is quadratic in `T`, so the layer is linear in the products
//!    `S_ij = sum over c of A_ci A_cj`, `i <= j` ([`fold`]). This is exact for any `V`.
//! 3. *Staircase.* Coefficients of later columns are ever smaller, and so are their products: of each `i`, only `j` up to some last
//!    one matter at all.
//!
//! The approximate energy is a smooth function of positions and the forces are its exact gradient, so energy is conserved whatever
//! the tolerance. How many columns, products and steps are kept follows from the forces on sampled configurations ([`choose`]).

mod basis;
mod choose;
mod fold;
mod network;
mod sample;
mod table;

pub use choose::{Report, Request, reduce};
pub use sample::Numbers;

use crate::Model;
use crate::descriptor::counters::Counters;
use crate::descriptor::environment::Environment;
use crate::engine::times::{Phase, Times};
use crate::model::{Embedding, Kind};
use crate::simd::reduced::{COEFFICIENTS, GramRow, Loops, Place, ROWS};
use crate::simd::{Kernels, Real};
use crate::virial::Output;
use network::Packed;

/// A precision with the loops that are compiled for it.
pub trait Precision: Real {
    /// The loops among those of an instruction set.
    fn loops(kernels: &'static Kernels) -> &'static Loops<Self>;
}

impl Precision for f64 {
    fn loops(kernels: &'static Kernels) -> &'static Loops<Self> {
        &kernels.double
    }
}

impl Precision for f32 {
    fn loops(kernels: &'static Kernels) -> &'static Loops<Self> {
        &kernels.single
    }
}

/// A reduced model in one of the precisions.
#[derive(Clone, Debug)]
pub enum Reduced {
    /// Tables and networks in double precision.
    Double(Centres<f64>),
    /// Tables and networks in single precision; environment, energies, forces and virials in double.
    Mixed(Centres<f32>),
}

/// What an evaluation needs for itself, kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    double: Rows<f64>,
    mixed: Rows<f32>,
}

#[derive(Clone, Debug, Default)]
struct Rows<S> {
    /// Places of all neighbours, by type.
    places: Vec<Vec<Place<S>>>,
    /// `A` of all centres, `[n, 4, stride]`.
    a: Vec<S>,
    slope_a: Vec<S>,
    slopes: Vec<[S; 5]>,
    /// Products and then their gradient, `[n, width]`.
    products: Vec<S>,
    network: network::Scratch<S>,
}

/// A reduced model: one part a centre type.
#[derive(Clone, Debug)]
pub struct Centres<S: Precision> {
    parts: Vec<Centre<S>>,
}

#[derive(Clone, Debug)]
struct Centre<S: Precision> {
    loops: &'static Loops<S>,
    /// Columns of the basis, padded.
    k: usize,
    /// Numbers between the four rows of `A`.
    stride: usize,
    /// Products of each column.
    rows: Vec<GramRow>,
    /// Numbers between rows of `products`.
    width: usize,
    /// Where parameters stand among them.
    parameters: usize,
    pairs: Vec<Pair<S>>,
    network: Packed<S>,
    /// What the network gives without neighbours, where energies count from there.
    vacuum: f64,
}

/// One neighbour type around a centre.
#[derive(Clone, Debug)]
struct Pair<S> {
    /// Pieces of the table in 1 Å⁻¹; 0 without a table.
    pieces_per_unit: f64,
    /// `[pieces, 6, k]`
    table: Vec<S>,
    mean: [f64; 4],
    inverse: [f64; 4],
    /// Range of `s` in which curves are known.
    known: [f64; 2],
    /// What an empty slot and a neighbour of an excluded type add to `A`, `[4, k]`.
    empty: Option<Vec<S>>,
    excluded: Option<Vec<S>>,
}

/// A block of centres of one type in their surroundings.
pub struct Block<'a> {
    /// The whole model.
    pub model: &'a Model,
    /// Environment rows before mean and deviation.
    pub environment: &'a Environment,
    /// Type of all centres.
    pub centre_type: usize,
    /// Normalised parameters of each centre, `[n, parameters]`.
    pub parameters: &'a [f64],
}

impl Reduced {
    /// Evaluates a block: adds energies, forces and virials.
    pub fn evaluate(
        &self,
        block: &Block<'_>,
        scratch: &mut Scratch,
        counters: &mut Counters,
        times: &mut Times,
        energies: &mut Vec<f64>,
        output: &mut Output,
    ) {
        match self {
            Self::Double(centres) => centres.parts[block.centre_type].evaluate(
                block,
                &mut scratch.double,
                counters,
                times,
                energies,
                output,
            ),
            Self::Mixed(centres) => centres.parts[block.centre_type].evaluate(
                block,
                &mut scratch.mixed,
                counters,
                times,
                energies,
                output,
            ),
        }
    }
}

impl<S: Precision> Centre<S> {
    fn evaluate(
        &self,
        block: &Block<'_>,
        scratch: &mut Rows<S>,
        counters: &mut Counters,
        times: &mut Times,
        energies: &mut Vec<f64>,
        output: &mut Output,
    ) {
        self.place(block, scratch, counters);
        times.end(Phase::Embedding);
        self.moments(block, scratch);
        times.end(Phase::Descriptor);
        let Block {
            model,
            environment,
            centre_type,
            ..
        } = *block;
        energies.clear();
        energies.resize(environment.centres.len(), 0.0);
        self.network.evaluate(
            self.loops,
            &mut scratch.products,
            self.width,
            &mut scratch.network,
            energies,
        );
        let (scale, bias) = (
            model.energy_scale[centre_type],
            model.energy_bias[centre_type],
        );
        for (&centre, energy) in environment.centres.iter().zip(&*energies) {
            output.add_energy(centre, (energy - self.vacuum) * scale + bias);
        }
        times.end(Phase::Fitting);
        self.forces(block, scratch, scale, output);
        times.end(Phase::Force);
    }

    /// Finds the pieces of the tables and normalises rows.
    fn place(&self, block: &Block<'_>, scratch: &mut Rows<S>, counters: &mut Counters) {
        let sections = &block.environment.sections;
        scratch.places.resize_with(sections.len(), Vec::new);
        for (b, (section, pair)) in sections.iter().zip(&self.pairs).enumerate() {
            let places = &mut scratch.places[b];
            places.clear();
            if pair.table.is_empty() {
                continue;
            }
            let last = (pair.table.len() / (COEFFICIENTS * self.k) - 1) as f64;
            let mut outside = 0;
            places.extend(section.rows.iter().map(|row| {
                let s = row[0];
                outside += u64::from(s < pair.known[0] || s >= pair.known[1]);
                let along = s * pair.pieces_per_unit;
                let piece = along.max(0.0).min(last).trunc();
                Place {
                    piece: piece as u32,
                    offset: S::of(along - piece),
                    row: std::array::from_fn(|c| S::of((row[c] - pair.mean[c]) * pair.inverse[c])),
                }
            }));
            counters.note_extrapolated(block.centre_type, b, outside);
        }
    }

    /// `A` of each centre and its products, with the parameters behind them.
    fn moments(&self, block: &Block<'_>, scratch: &mut Rows<S>) {
        let Block {
            model,
            environment,
            parameters,
            ..
        } = *block;
        let n = environment.centres.len();
        let sel = &model.descriptors[0].sel;
        let size = 4 * self.stride;
        scratch.a.clear();
        scratch.a.resize(n * size, S::ZERO);
        scratch
            .products
            .resize(n.next_multiple_of(ROWS) * self.width, S::ZERO);
        let per_centre = parameters.len() / n.max(1);
        let rows = scratch.products.chunks_exact_mut(self.width);
        for (i, (a, products)) in scratch.a.chunks_exact_mut(size).zip(rows).enumerate() {
            for (b, pair) in self.pairs.iter().enumerate() {
                let range = environment.sections[b].range(i);
                let slots = [
                    (&pair.empty, sel[b] - range.len()),
                    (&pair.excluded, range.len()),
                ];
                for (constant, count) in slots {
                    if let Some(constant) = constant {
                        let count = S::of(count as f64);
                        let rows = a.chunks_exact_mut(self.stride);
                        for (a, constant) in rows.zip(constant.chunks_exact(self.k)) {
                            for (a, constant) in a.iter_mut().zip(constant) {
                                *a += *constant * count;
                            }
                        }
                    }
                }
                if !pair.table.is_empty() {
                    let places = &scratch.places[b][range];
                    (self.loops.moments)(places, &pair.table, a, self.k);
                }
            }
            (self.loops.gram)(a, &self.rows, products);
            let own = &parameters[i * per_centre..][..per_centre];
            for (to, value) in products[self.parameters..].iter_mut().zip(own) {
                *to = S::of(*value);
            }
        }
    }

    /// Adds forces and virials.
    fn forces(&self, block: &Block<'_>, scratch: &mut Rows<S>, scale: f64, output: &mut Output) {
        let Block { environment, .. } = *block;
        let size = 4 * self.stride;
        scratch.slope_a.resize(size, S::ZERO);
        let gradients = scratch.products.chunks_exact(self.width);
        for (i, (a, gradient)) in scratch.a.chunks_exact(size).zip(gradients).enumerate() {
            (self.loops.gram_backward)(a, &self.rows, gradient, &mut scratch.slope_a);
            let centre = environment.centres[i];
            for (b, pair) in self.pairs.iter().enumerate() {
                if pair.table.is_empty() {
                    continue;
                }
                let section = &environment.sections[b];
                let range = section.range(i);
                scratch.slopes.resize(range.len(), [S::ZERO; 5]);
                let places = &scratch.places[b][range.clone()];
                let slopes = &mut scratch.slopes[..];
                (self.loops.moments_backward)(
                    places,
                    &pair.table,
                    &scratch.slope_a,
                    self.k,
                    slopes,
                );
                let factors = pair.inverse.map(|inverse| inverse * scale);
                let along = pair.pieces_per_unit * scale;
                let neighbours = section.neighbours[range].iter().zip(slopes);
                let pairs = neighbours.map(|(neighbour, slope)| {
                    let mut raw: [f64; 4] = std::array::from_fn(|c| slope[c].double() * factors[c]);
                    raw[0] += slope[4].double() * along;
                    let gradient = neighbour.gradient(raw);
                    (neighbour.atom as usize, neighbour.vector, gradient)
                });
                output.add_pairs(centre, pairs);
            }
        }
    }
}

/// Descriptors narrower than this leave little to be saved.
const FEW: usize = 128;

/// Why a model cannot be reduced, if so.
fn obstacle(model: &Model) -> Option<&'static str> {
    let [descriptor] = &model.descriptors[..] else {
        return Some("it has several descriptors");
    };
    if !matches!(descriptor.kind, Kind::SeE2A { .. }) {
        return Some("its descriptor is not se_e2_a");
    }
    if descriptor.width() < FEW {
        return Some("its first fitting layer has few inputs");
    }
    let parameters = model.fitting_width() > model.descriptor_width();
    if parameters && model.from_vacuum.contains(&true) {
        return Some("its vacuum energies depend on parameters");
    }
    if !model.fitting.iter().all(network::suits) {
        return Some("its fitting networks have another form");
    }
    None
}

/// Range of `s` in which the curve of a pair is known, where it is a table in the file.
fn known(model: &Model, pair: (usize, usize)) -> [f64; 2] {
    let descriptor = &model.descriptors[0];
    let all = [f64::NEG_INFINITY, f64::INFINITY];
    match descriptor.curve(pair.0, pair.1) {
        Some(Embedding::Table(table)) => {
            let mean = descriptor.mean[[pair.0, pair.1, 0]];
            let deviation = descriptor.deviation[[pair.0, pair.1, 0]];
            table.range().map(|x| x * deviation + mean)
        }
        _ => all,
    }
}

/// Projects what slots contribute to `T` `[4, M1]` on the basis: `[4, padded]`.
fn project<S: Real>(
    moments: Option<&Vec<f64>>,
    vectors: &ndarray::Array2<f64>,
    k: usize,
    padded: usize,
) -> Option<Vec<S>> {
    let m1 = vectors.nrows();
    let mut projected = vec![S::ZERO; 4 * padded];
    for (row, out) in moments?
        .chunks_exact(m1)
        .zip(projected.chunks_exact_mut(padded))
    {
        for (i, out) in out.iter_mut().enumerate().take(k) {
            let products = row.iter().zip(vectors.column(i)).map(|(t, v)| t * v);
            *out = S::of(products.sum());
        }
    }
    Some(projected)
}

impl<S: Precision> Centres<S> {
    /// Bytes of tables and weights.
    fn bytes(&self) -> usize {
        let part = |part: &Centre<S>| {
            let tables: usize = part.pairs.iter().map(|pair| pair.table.len()).sum();
            tables + part.network.numbers()
        };
        self.parts.iter().map(part).sum::<usize>() * std::mem::size_of::<S>()
    }
}
