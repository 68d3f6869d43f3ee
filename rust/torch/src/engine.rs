//! Evaluation of a `se_e2_a` model with libtorch, in double precision.
//!
//! Symbols as in [`deepdms_potential::model::SeA`]. The vectors `d` from centres to neighbours are the leaf of the graph;
//! an empty slot holds a vector beyond the cutoff, whose row is that of an empty slot by the formula itself.

use crate::cuda;
use deepdms_potential::descriptor::environment::{Environment, Neighbour, Overflow};
use deepdms_potential::descriptor::neighbours::Atoms;
use deepdms_potential::engine::{Engine, check_forces, check_positions};
use deepdms_potential::model::{Activation, DEGREES, Embedding, Layer, Network, Residual, Table};
use deepdms_potential::virial::Output;
use deepdms_potential::{Error, Model};
use ndarray::Array3;
use std::sync::Once;
use tch::{Device, IndexOp, Kind, TchError, Tensor};

/// Atoms of one type that are evaluated together; bounds the memory, `[BLOCK, slots, M1]` several times over.
const BLOCK: usize = 256;

/// Evaluates a model with libtorch.
#[derive(Debug)]
pub struct TorchEngine {
    model: Model,
    device: Device,
    embeddings: Vec<TensorEmbedding>,
    fitting: Vec<TensorNetwork>,
    overflow: Overflow,
    environment: Environment,
}

#[derive(Debug)]
enum TensorEmbedding {
    Network(TensorNetwork),
    /// With the coefficients, `[rows, DEGREES, M1]`.
    Table(Table, Tensor),
}

#[derive(Debug)]
struct TensorNetwork(Vec<TensorLayer>);

#[derive(Debug)]
struct TensorLayer {
    weights: Tensor,
    bias: Tensor,
    timestep: Option<Tensor>,
    activation: Activation,
    residual: Residual,
}

impl TorchEngine {
    /// Prepares a model for the device called `device`: `cpu`, `cuda` or `cuda:N`.
    ///
    /// # Errors
    /// [`Error::Engine`] if there is no such device.
    pub fn new(model: Model, device: &str) -> Result<Self, Error> {
        static THREADS: Once = Once::new();
        THREADS.call_once(|| {
            // MPI ranks share the cores: one thread each, as LAMMPS itself
            tch::set_num_threads(1);
            tch::set_num_interop_threads(1);
        });
        let device = cuda::device(device).map_err(Error::Engine)?;
        let embeddings = &model.descriptor.embeddings;
        let embeddings = embeddings
            .iter()
            .map(|net| TensorEmbedding::new(net, device))
            .collect::<Result<_, _>>();
        let fitting = model
            .fitting
            .iter()
            .map(|net| TensorNetwork::new(net, device))
            .collect::<Result<_, _>>();
        Ok(Self {
            embeddings: embeddings.map_err(failed)?,
            fitting: fitting.map_err(failed)?,
            overflow: Overflow::new(model.n_types()),
            environment: Environment::default(),
            device,
            model,
        })
    }

    /// Evaluates the centres in `self.environment`, all of type `centre_type`.
    fn evaluate_block(&self, centre_type: usize, output: &mut Output) -> Result<(), TchError> {
        let descriptor = &self.model.descriptor;
        let slots = descriptor.slots();
        let n = self.environment.centres.len();

        let beyond = [2.0 * descriptor.cutoff(), 0.0, 0.0];
        let mut vectors = vec![beyond; n * slots];
        self.for_each_slot(|k, slot, neighbour| vectors[k * slots + slot] = neighbour.vector);
        let vectors: Vec<f64> = vectors.into_iter().flatten().collect();
        let vectors = Tensor::f_from_slice(&vectors)?
            .f_reshape([n as i64, slots as i64, 3])?
            .f_to_device(self.device)?
            .f_set_requires_grad(true)?;

        let energies = self.energies(centre_type, &vectors)?;
        let gradient =
            Tensor::f_run_backward(&[energies.f_sum(Kind::Double)?], &[&vectors], false, false)?;
        let gradient: Vec<f64> =
            Vec::try_from(gradient[0].f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
        let energies: Vec<f64> = Vec::try_from(energies.f_detach()?.f_to_device(Device::Cpu)?)?;
        for (&centre, energy) in self.environment.centres.iter().zip(energies) {
            output.add_energy(centre, energy);
        }
        self.for_each_slot(|k, slot, neighbour| {
            let start = 3 * (k * slots + slot);
            let gradient = [gradient[start], gradient[start + 1], gradient[start + 2]];
            output.add_pair(
                self.environment.centres[k],
                neighbour.atom as usize,
                neighbour.vector,
                gradient,
            );
        });
        Ok(())
    }

    /// Visits every filled slot: number of the centre in the block, number of the slot, neighbour.
    fn for_each_slot(&self, mut visit: impl FnMut(usize, usize, &Neighbour)) {
        let mut first = 0;
        for (section, sel) in self
            .environment
            .sections
            .iter()
            .zip(&self.model.descriptor.sel)
        {
            for k in 0..self.environment.centres.len() {
                for (slot, neighbour) in section.neighbours[section.range(k)].iter().enumerate() {
                    visit(k, first + slot, neighbour);
                }
            }
            first += sel;
        }
    }

    /// Energies `[n]` for vectors `[n, slots, 3]`.
    fn energies(&self, centre_type: usize, vectors: &Tensor) -> Result<Tensor, TchError> {
        let descriptor = &self.model.descriptor;
        let smoothing = descriptor.smoothing;
        let r = vectors
            .f_square()?
            .f_sum_dim_intlist([2i64].as_slice(), true, Kind::Double)?
            .f_sqrt()?;
        let u = r
            .f_sub_scalar(smoothing.from)?
            .f_div_scalar(smoothing.span)?
            .f_clamp(0.0, 1.0)?;
        let polynomial = u
            .f_mul_scalar(-6.0)?
            .f_add_scalar(15.0)?
            .f_mul(&u)?
            .f_sub_scalar(10.0)?;
        let w = u
            .f_pow_tensor_scalar(3)?
            .f_mul(&polynomial)?
            .f_add_scalar(1.0)?;
        let s = w.f_div(&r)?;
        let raw = Tensor::f_cat(&[s.shallow_clone(), vectors.f_mul(&s.f_div(&r)?)?], 2)?;

        let n = vectors.size()[0];
        let m1 = descriptor.m1() as i64;
        let mut moments = Tensor::f_zeros([n, 4, m1], (Kind::Double, self.device))?;
        let mut first = 0i64;
        for (b, &sel) in descriptor.sel.iter().enumerate() {
            let section = first..first + sel as i64;
            first = section.end;
            let Some(network) = descriptor.embedding_of[[centre_type, b]] else {
                continue;
            };
            let raw = raw.f_narrow(1, section.start, sel as i64)?;
            let statistics = |values: &Array3<f64>| {
                let row: [f64; 4] = std::array::from_fn(|c| values[[centre_type, b, c]]);
                Tensor::f_from_slice(&row)?.f_to_device(self.device)
            };
            let mean = statistics(&descriptor.mean)?;
            let deviation = statistics(&descriptor.deviation)?;
            let mut rows = raw.f_sub(&mean)?.f_div(&deviation)?;
            if descriptor.masked[[centre_type, b]] {
                // real neighbours count for nothing, empty slots stay
                let empty = r
                    .f_narrow(1, section.start, sel as i64)?
                    .f_ge(smoothing.to)?;
                rows = rows.f_mul(&empty.f_to_kind(Kind::Double)?)?;
            }
            let g = self.embeddings[network].forward(&rows.f_i((.., .., 0..1))?)?;
            moments = moments.f_add(&rows.f_transpose(1, 2)?.f_matmul(&g)?)?;
        }
        let moments = moments.f_div_scalar(descriptor.divisor)?;
        let axis = moments.f_narrow(2, 0, descriptor.axis as i64)?;
        let flat = moments
            .f_transpose(1, 2)?
            .f_matmul(&axis)?
            .f_reshape([n, -1])?;
        self.fitting[centre_type]
            .forward(&flat)?
            .f_reshape([n])?
            .f_mul_scalar(self.model.energy_scale[centre_type])?
            .f_add_scalar(self.model.energy_bias[centre_type])
    }
}

impl Engine for TorchEngine {
    fn model(&self) -> &Model {
        &self.model
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        output: &mut Output,
    ) -> Result<(), Error> {
        check_positions(atoms)?;
        output.clear(atoms.len(), with_atom_virials);
        let n_types = self.model.n_types();
        for centre_type in 0..n_types {
            let of_type = |&k: &usize| atoms.types[atoms.list.entry(k).0] == centre_type as i32;
            let entries: Vec<_> = (0..atoms.list.len()).filter(of_type).collect();
            for block in entries.chunks(BLOCK) {
                self.environment.clear(n_types);
                for &k in block {
                    self.environment.push(
                        &self.model.descriptor,
                        atoms,
                        k,
                        centre_type,
                        &mut self.overflow,
                    )?;
                }
                self.evaluate_block(centre_type, output).map_err(failed)?;
            }
        }
        check_forces(atoms, output)
    }

    fn overflow(&self) -> &Overflow {
        &self.overflow
    }

    fn describe(&self) -> String {
        let device = match self.device {
            Device::Cuda(index) => format!("cuda:{index}"),
            _ => "cpu".to_owned(),
        };
        format!("torch, fp64, device {device}")
    }
}

impl TensorEmbedding {
    fn new(embedding: &Embedding, device: Device) -> Result<Self, TchError> {
        match embedding {
            Embedding::Network(network) => TensorNetwork::new(network, device).map(Self::Network),
            Embedding::Table(table) => {
                let shape = [table.rows() as i64, DEGREES as i64, table.outputs() as i64];
                let coefficients = Tensor::f_from_slice(table.coefficients())?
                    .f_reshape(shape)?
                    .f_to_device(device)?;
                Ok(Self::Table(table.clone(), coefficients))
            }
        }
    }

    /// Outputs `[n, slots, M1]` for inputs `[n, slots, 1]`.
    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let (table, coefficients) = match self {
            Self::Network(network) => return network.forward(x),
            Self::Table(table, coefficients) => (table, coefficients),
        };
        // The place of an input is piecewise constant; the way from there to the input carries the gradient.
        let inputs: Vec<f64> =
            Vec::try_from(x.f_detach()?.f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
        let places: Vec<_> = inputs.iter().map(|&x| table.place(x)).collect();
        let column = |value: &dyn Fn(usize) -> f64| {
            let values: Vec<_> = (0..inputs.len()).map(value).collect();
            Tensor::f_from_slice(&values)?
                .f_to_device(x.device())?
                .f_reshape(x.size())
        };
        let rows: Vec<_> = places.iter().map(|place| place.row as i64).collect();
        let rows = Tensor::f_from_slice(&rows)?.f_to_device(x.device())?;
        let shape = [
            x.size()[0],
            x.size()[1],
            DEGREES as i64,
            table.outputs() as i64,
        ];
        let a = coefficients.f_index_select(0, &rows)?.f_reshape(shape)?;
        let a = |degree: usize| a.f_select(2, degree as i64);
        let inside = |k: usize| places[k].excess == 0.0;
        // inside, the polynomial of the offset; outside, the tangent at a fixed offset
        let start = column(&|k| {
            if inside(k) {
                inputs[k] - places[k].offset
            } else {
                0.0
            }
        })?;
        let moving = column(&|k| f64::from(inside(k)))?;
        let fixed = column(&|k| if inside(k) { 0.0 } else { places[k].offset })?;
        let end = column(&|k| inputs[k] - places[k].excess)?;
        let offset = x.f_sub(&start)?.f_mul(&moving)?.f_add(&fixed)?;
        let excess = x.f_sub(&end)?.f_mul(&moving.f_neg()?.f_add_scalar(1.0)?)?;
        let mut value = a(DEGREES - 1)?;
        let mut slope = value.f_zeros_like()?;
        for degree in (0..DEGREES - 1).rev() {
            slope = slope.f_mul(&offset)?.f_add(&value)?;
            value = value.f_mul(&offset)?.f_add(&a(degree)?)?;
        }
        value.f_add(&slope.f_mul(&excess)?)
    }
}

impl TensorNetwork {
    fn new(network: &Network, device: Device) -> Result<Self, TchError> {
        network
            .layers
            .iter()
            .map(|layer| TensorLayer::new(layer, device))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        self.0
            .iter()
            .try_fold(x.shallow_clone(), |x, layer| layer.forward(&x))
    }
}

impl TensorLayer {
    fn new(layer: &Layer, device: Device) -> Result<Self, TchError> {
        let vector = |values: Vec<f64>| Tensor::f_from_slice(&values)?.f_to_device(device);
        let shape = [layer.inputs() as i64, layer.outputs() as i64];
        Ok(Self {
            weights: vector(layer.weights.iter().copied().collect())?.f_reshape(shape)?,
            bias: vector(layer.bias.to_vec())?,
            timestep: layer
                .timestep
                .as_ref()
                .map(|timestep| vector(timestep.to_vec()))
                .transpose()?,
            activation: layer.activation,
            residual: layer.residual,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, TchError> {
        let mut y = activate(
            self.activation,
            &x.f_matmul(&self.weights)?.f_add(&self.bias)?,
        )?;
        if let Some(timestep) = &self.timestep {
            y = y.f_mul(timestep)?;
        }
        match self.residual {
            Residual::None => Ok(y),
            Residual::Same => y.f_add(x),
            Residual::Doubled => y.f_add(&Tensor::f_cat(&[x, x], -1)?),
        }
    }
}

/// `f(x)` as in [`Activation`].
fn activate(activation: Activation, x: &Tensor) -> Result<Tensor, TchError> {
    match activation {
        Activation::Tanh => x.f_tanh(),
        Activation::Relu => x.f_relu(),
        Activation::Relu6 => x.f_clamp(0.0, 6.0),
        Activation::Sigmoid => x.f_sigmoid(),
        Activation::Softplus { linear_above } => {
            let curved = x
                .f_clamp_min(0.0)?
                .f_add(&x.f_abs()?.f_neg()?.f_exp()?.f_log1p()?)?;
            x.f_where_self(&x.f_gt(linear_above)?, &curved)
        }
        Activation::Gelu { cubic } => {
            let scale = (2.0 / std::f64::consts::PI).sqrt();
            let inner = x
                .f_pow_tensor_scalar(3)?
                .f_mul_scalar(cubic)?
                .f_add(x)?
                .f_mul_scalar(scale)?;
            inner
                .f_tanh()?
                .f_add_scalar(1.0)?
                .f_mul(x)?
                .f_mul_scalar(0.5)
        }
        Activation::Silu => x.f_silu(),
        Activation::Silut { from } => {
            let (value, slope) = Activation::Silu.value_and_slope(from);
            let above = x
                .f_sub_scalar(from)?
                .f_mul_scalar(slope)?
                .f_tanh()?
                .f_add_scalar(value)?;
            x.f_silu()?.f_where_self(&x.f_lt(from)?, &above)
        }
        Activation::Linear => Ok(x.shallow_clone()),
    }
}

fn failed(error: TchError) -> Error {
    Error::Engine(format!("libtorch: {error}"))
}
