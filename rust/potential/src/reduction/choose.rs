//! How much is kept: as little as keeps the forces on sampled configurations within the tolerance.

use super::basis::Basis;
use super::fold::Fold;
use super::network::Packed;
use super::sample::{Sample, Surroundings};
use super::table::{END, FINEST, Nodes};
use super::{Centre, Centres, Pair, Precision, Reduced, known, obstacle, project};
use crate::descriptor::neighbours::Atoms;
use crate::descriptor::two_body::Constants;
use crate::engine::{Engine, NativeEngine};
use crate::model::{Kind, Network};
use crate::simd::Kernels;
use crate::simd::reduced::GramRow;
use crate::virial::Output;
use crate::{Error, Model};
use ndarray::s;
use std::fmt;

/// Most columns of a basis.
const MOST_COLUMNS: usize = 96;
/// Steps of tables that are tried, coarse ones first.
const STEPS: [usize; 5] = [32, 64, 128, 256, FINEST];
/// Levels of importance, in powers of ten below the most important product, between which the search takes place.
const LEVELS: (f64, f64) = (1.0, 17.0);
/// Halvings of that interval.
const HALVINGS: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Largest error of a force component [eV/Å].
    pub tolerance: f64,
    /// Whether tables and networks are evaluated in single precision.
    pub mixed: bool,
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The model stays as it is, because of this.
    Exact(String),
    /// It was reduced.
    Reduced {
        /// Largest error of a force component on the sampled configurations [eV/Å].
        error: f64,
        /// Largest force component there [eV/Å].
        largest: f64,
        /// Columns of the basis, by centre type.
        columns: Vec<usize>,
        /// Inputs of the first fitting layer, by centre type.
        products: Vec<usize>,
        /// Inputs that it had.
        inputs: usize,
        /// Steps of the tables.
        steps: usize,
        /// Bytes of tables and weights.
        bytes: usize,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(reason) => write!(f, "networks as they are ({reason})"),
            Self::Reduced {
                error,
                columns,
                products,
                inputs,
                ..
            } => {
                let most = |values: &[usize]| values.iter().copied().max().unwrap_or(0);
                write!(
                    f,
                    "reduced to {} curves and {} of {inputs} inputs, force error {error:.1e} eV/A",
                    most(columns),
                    most(products)
                )
            }
        }
    }
}

/// Everything about one centre type that does not depend on what is kept.
struct Whole {
    basis: Basis,
    fold: Fold,
    nodes: Vec<Option<Nodes>>,
    /// Importance of each product relative to the most important one, in the order of [`Fold::index`].
    importance: Vec<f64>,
}

/// Reduces a model as far as the request allows; `None` where it stays exact, for the reason in the report.
pub fn reduce(
    model: &Model,
    kernels: &'static Kernels,
    request: Request,
) -> (Option<Reduced>, Report) {
    let exact = |reason: &str| (None, Report::Exact(reason.to_owned()));
    if let Some(reason) = obstacle(model) {
        return exact(reason);
    }
    let descriptor = &model.descriptors[0];
    let surroundings = Surroundings::of(descriptor);
    let samples = Sample::several(descriptor, &surroundings);
    let Ok(mut judge) = Judge::new(model, kernels, samples) else {
        return exact("it gives no finite forces on sampled atoms");
    };
    let wholes: Option<Vec<Whole>> = (0..model.n_types())
        .map(|a| Whole::new(model, kernels, &surroundings, a))
        .collect();
    let Some(wholes) = wholes else {
        return exact("a type of atoms has no neighbours that it sees");
    };
    if request.mixed {
        search::<f32>(model, kernels, &wholes, &mut judge, request, Reduced::Mixed)
    } else {
        search::<f64>(
            model,
            kernels,
            &wholes,
            &mut judge,
            request,
            Reduced::Double,
        )
    }
}

fn search<S: Precision>(
    model: &Model,
    kernels: &'static Kernels,
    wholes: &[Whole],
    judge: &mut Judge<'_>,
    request: Request,
    wrap: impl Fn(Centres<S>) -> Reduced,
) -> (Option<Reduced>, Report) {
    let constants = Constants::new(&model.descriptors[0]);
    let build = |level: f64, steps: usize| {
        let parts = wholes.iter().enumerate().map(|(a, whole)| {
            whole.keep(
                model,
                S::loops(kernels),
                &constants,
                a,
                10f64.powf(-level),
                steps,
            )
        });
        wrap(Centres {
            parts: parts.collect(),
        })
    };
    let wanted = request.tolerance;
    let mut error = |level: f64, steps: usize| judge.error(build(level, steps));
    let (mut low, mut high) = LEVELS;
    let best = error(high, FINEST);
    if best > wanted {
        let reason =
            format!("no reduction keeps forces within {wanted:e} eV/A, only within {best:.1e}");
        return (None, Report::Exact(reason));
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if error(middle, FINEST) <= wanted {
            high = middle;
        } else {
            low = middle;
        }
    }
    for steps in STEPS {
        let error = judge.error(build(high, steps));
        if error > wanted && steps != FINEST {
            continue;
        }
        let reduced = judge.engine.set_reduced(0, None);
        let reduced = reduced.expect("what was judged last");
        let (columns, products, bytes) = reduced.sizes();
        let inputs = model.fitting_width();
        let reduces = products.iter().sum::<usize>() < inputs * products.len();
        if !reduces {
            let reason = format!("{products:?} products would take the place of {inputs} inputs");
            return (None, Report::Exact(reason));
        }
        let report = Report::Reduced {
            error,
            largest: judge.largest,
            columns,
            products,
            inputs,
            steps,
            bytes,
        };
        return (Some(reduced), report);
    }
    unreachable!("the finest table is among those that are tried")
}

impl Reduced {
    /// Columns, products and bytes.
    fn sizes(&self) -> (Vec<usize>, Vec<usize>, usize) {
        fn of<S: Precision>(centres: &Centres<S>) -> (Vec<usize>, Vec<usize>, usize) {
            let columns = centres.parts.iter().map(|part| {
                part.rows
                    .iter()
                    .enumerate()
                    .map(|(i, row)| i + row.count as usize)
                    .max()
                    .unwrap_or(0)
            });
            let products = centres.parts.iter().map(|part| part.parameters);
            (columns.collect(), products.collect(), centres.bytes())
        }
        match self {
            Self::Double(centres) => of(centres),
            Self::Mixed(centres) => of(centres),
        }
    }
}

impl Whole {
    fn new(
        model: &Model,
        kernels: &'static Kernels,
        surroundings: &Surroundings,
        centre: usize,
    ) -> Option<Self> {
        let descriptor = &model.descriptors[0];
        let Kind::SeE2A { axis } = descriptor.kind else {
            return None;
        };
        let mut basis = Basis::new(descriptor, kernels, surroundings, centre)?;
        let columns = basis.vectors.ncols().min(MOST_COLUMNS);
        basis.vectors = basis.vectors.slice(s![.., ..columns]).to_owned();
        let weights = &model.fitting[centre].layers[0].weights;
        let weights = weights.slice(s![..descriptor.width(), ..]);
        let fold = Fold::new(descriptor, axis, &basis.vectors, weights);
        let mut importance = Vec::with_capacity(fold.norms.len());
        for i in 0..columns {
            for j in i..columns {
                let change = basis.size[i] * basis.change[j] + basis.size[j] * basis.change[i];
                importance.push(change * fold.norms[fold.index(i, j)]);
            }
        }
        let most = importance
            .iter()
            .fold(f64::MIN_POSITIVE, |most, x| most.max(*x));
        importance.iter_mut().for_each(|x| *x /= most);
        let nodes = (0..descriptor.sel.len())
            .map(|b| Nodes::new(descriptor, kernels, (centre, b), &basis.vectors))
            .collect();
        Some(Self {
            basis,
            fold,
            nodes,
            importance,
        })
    }

    /// Keeps the products that are at least as important as `level`, and what they need.
    fn keep<S: Precision>(
        &self,
        model: &Model,
        loops: &'static crate::simd::reduced::Loops<S>,
        constants: &Constants,
        centre: usize,
        level: f64,
        steps: usize,
    ) -> Centre<S> {
        let all = self.basis.vectors.ncols();
        let mut rows = Vec::new();
        let mut products = Vec::new();
        for i in 0..all {
            let important = |j: &usize| self.importance[self.fold.index(i, *j)] >= level;
            let Some(last) = (i..all).rev().find(important) else {
                continue;
            };
            // columns between are kept, too: the rows of products have no holes
            while rows.len() < i {
                rows.push(GramRow {
                    start: products.len() as u32,
                    count: 0,
                });
            }
            rows.push(GramRow {
                start: products.len() as u32,
                count: (last + 1 - i) as u32,
            });
            products.extend((i..=last).map(|j| self.fold.index(i, j)));
        }
        let ends = rows
            .iter()
            .enumerate()
            .map(|(i, row)| i + row.count as usize);
        let k = ends.max().unwrap_or(0);
        let padded = k.next_multiple_of(loops.lanes).max(loops.lanes);
        let descriptor = &model.descriptors[0];
        let parameters = products.len();
        let inputs = parameters + model.fitting_width() - descriptor.width();
        let network = &model.fitting[centre];
        let first = &network.layers[0].weights;
        let pairs = (0..descriptor.sel.len()).map(|b| {
            let table = self.nodes[b]
                .as_ref()
                .map(|nodes| nodes.table(steps, k, padded));
            let (empty, excluded) = constants.of(centre, b);
            Pair {
                pieces_per_unit: steps as f64 / END,
                table: table.unwrap_or_default(),
                mean: std::array::from_fn(|c| descriptor.mean[[centre, b, c]]),
                inverse: std::array::from_fn(|c| 1.0 / descriptor.deviation[[centre, b, c]]),
                known: known(model, (centre, b)),
                empty: project(empty, &self.basis.vectors, k, padded),
                excluded: project(excluded, &self.basis.vectors, k, padded),
            }
        });
        Centre {
            loops,
            k: padded,
            stride: padded + loops.lanes,
            width: inputs.next_multiple_of(loops.lanes) + loops.lanes,
            parameters,
            pairs: pairs.collect(),
            network: Packed::new(network, loops, inputs, |input, output| {
                match products.get(input) {
                    Some(&row) => self.fold.rows[[row, output]],
                    None => first[[descriptor.width() + input - parameters, output]],
                }
            }),
            rows,
            vacuum: if model.from_vacuum[centre] {
                vacuum(network)
            } else {
                0.0
            },
        }
    }
}

/// What a network gives without neighbours.
fn vacuum(network: &Network) -> f64 {
    network.apply(&ndarray::Array1::zeros(network.inputs()))[0]
}

/// Compares with the exact model.
struct Judge<'a> {
    model: &'a Model,
    engine: NativeEngine,
    samples: Vec<Sample>,
    exact: Vec<Vec<f64>>,
    largest: f64,
}

impl<'a> Judge<'a> {
    fn new(
        model: &'a Model,
        kernels: &'static Kernels,
        samples: Vec<Sample>,
    ) -> Result<Self, Error> {
        let mut judge = Self {
            model,
            engine: NativeEngine::with_kernels(vec![model.clone()], kernels),
            samples,
            exact: Vec::new(),
            largest: 0.0,
        };
        judge.exact = judge.forces()?;
        let all = judge.exact.iter().flatten();
        judge.largest = all.fold(0.0, |most, f| most.max(f.abs()));
        Ok(judge)
    }

    /// Forces on the samples, by the exact model or the reduced one that the engine holds.
    fn forces(&mut self) -> Result<Vec<Vec<f64>>, Error> {
        let engine = &mut self.engine;
        let [frame, atom] = [&self.model.frame_parameters, &self.model.atom_parameters];
        let mut output = [Output::default()];
        self.samples
            .iter()
            .map(|sample| {
                let atoms = Atoms {
                    positions: &sample.positions,
                    types: &sample.types,
                    list: &sample.list,
                    frame_parameters: &frame.mean,
                    atom_parameters: &atom.mean.repeat(sample.list.len()),
                    origin: [0.0; 3],
                    exchange: None,
                };
                engine.evaluate(&atoms, false, &mut output)?;
                Ok(sample.fold(&output[0].forces))
            })
            .collect()
    }

    /// Largest error of a force component [eV/Å]; infinite where a force is not finite. The engine keeps the reduced model.
    fn error(&mut self, reduced: Reduced) -> f64 {
        self.engine.set_reduced(0, Some(reduced));
        let Ok(forces) = self.forces() else {
            return f64::INFINITY;
        };
        let pairs = forces.iter().flatten().zip(self.exact.iter().flatten());
        pairs.fold(0.0, |most, (a, b)| f64::max(most, (a - b).abs()))
    }
}
