//! Evaluation of natively readable models with libtorch, in double precision.
//!
//! Symbols as in [`deepdms_potential::model::Descriptor`]. The vectors `d` from centres to neighbours are the leaf of the graph;
//! an empty slot holds a vector beyond the cutoff, whose row is that of an empty slot by the formula itself.

use crate::device;
use deepdms_potential::descriptor::counters::Counters;
use deepdms_potential::descriptor::environment::{Environment, Section};
use deepdms_potential::descriptor::neighbours::Atoms;
use deepdms_potential::engine::times::{Phase, Times};
use deepdms_potential::engine::{
    Engine, Interface, check_forces, check_parameters, check_positions,
};
use deepdms_potential::model::{
    Activation, DEGREES, Descriptor, Embedding, Exclusion, Kind as DescriptorKind, Layer, Network,
    Residual, Table,
};
use deepdms_potential::virial::Output;
use deepdms_potential::{Error, Model, simd};
use ndarray::Array3;
use tch::{Device, IndexOp, Kind, TchError, Tensor};

/// Atoms of one type that are evaluated together; bounds the memory, `[BLOCK, slots, M1]` several times over.
const BLOCK: usize = 256;

/// Evaluates models of the same types with libtorch, one after another.
#[derive(Debug)]
pub struct TorchEngine {
    models: Vec<TensorModel>,
    interfaces: Vec<Interface>,
    device: Device,
    times: Times,
}

#[derive(Debug)]
struct TensorModel {
    model: Model,
    /// By descriptor.
    embeddings: Vec<Vec<TensorEmbedding>>,
    fitting: Vec<TensorNetwork>,
    counters: Counters,
    /// By descriptor.
    environments: Vec<Environment>,
    device: Device,
}

#[derive(Debug)]
enum TensorEmbedding {
    Network(TensorNetwork),
    /// With the coefficients, `[rows, DEGREES, M1]`.
    Table(Table, Tensor),
    /// A common curve times what a pair of types makes of it, `[M1]`.
    Scaled(Box<TensorEmbedding>, Tensor),
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
    /// Prepares models for the device called `device`: `cpu`, `cuda` or `cuda:N`.
    ///
    /// # Errors
    /// [`Error::Engine`] if there is no such device, or if types of a model share their slots (`se_atten`).
    pub fn new(models: Vec<Model>, device: &str) -> Result<Self, Error> {
        let device = device::open(device)?;
        if models.iter().any(shares_slots) {
            return Err(Error::Engine(
                "engine torch evaluates se_atten (DPA-1) only as the program in a .pth file: convert the model, or leave out 'engine torch'"
                    .to_owned(),
            ));
        }
        let interfaces = models.iter().map(Interface::from).collect();
        let models = models
            .into_iter()
            .map(|model| TensorModel::new(model, device))
            .collect::<Result<_, _>>();
        Ok(Self {
            models: models.map_err(failed)?,
            interfaces,
            device,
            times: Times::default(),
        })
    }
}

/// Whether types of a model share their slots.
pub(crate) fn shares_slots(model: &Model) -> bool {
    let mut descriptors = model.descriptors.iter();
    descriptors.any(|descriptor| descriptor.selection.shared_slots().is_some())
}

impl TensorModel {
    fn new(model: Model, device: Device) -> Result<Self, TchError> {
        let embeddings = |descriptor: &Descriptor| {
            let nets = descriptor.embeddings.iter();
            nets.map(|net| TensorEmbedding::new(net, device)).collect()
        };
        Ok(Self {
            embeddings: model
                .descriptors
                .iter()
                .map(embeddings)
                .collect::<Result<_, _>>()?,
            fitting: model
                .fitting
                .iter()
                .map(|net| TensorNetwork::new(net, device))
                .collect::<Result<_, _>>()?,
            counters: Counters::new(model.n_types()),
            environments: vec![Environment::default(); model.descriptors.len()],
            device,
            model,
        })
    }

    /// Evaluates the centres in `self.environments`, all of type `centre_type`.
    fn evaluate_block(
        &self,
        atoms: &Atoms<'_>,
        centre_type: usize,
        output: &mut Output,
    ) -> Result<(), TchError> {
        let parts: Vec<_> = self
            .model
            .descriptors
            .iter()
            .zip(&self.environments)
            .collect();
        let vectors = parts
            .iter()
            .map(|(descriptor, environment)| self.vectors(descriptor, environment))
            .collect::<Result<Vec<_>, _>>()?;
        let energies = self.energies(atoms, centre_type, &vectors)?;
        let gradients =
            Tensor::f_run_backward(&[energies.f_sum(Kind::Double)?], &vectors, false, false)?;
        let energies: Vec<f64> = Vec::try_from(energies.f_detach()?.f_to_device(Device::Cpu)?)?;
        for (&centre, energy) in self.environments[0].centres.iter().zip(energies) {
            output.add_energy(centre, energy);
        }
        for ((descriptor, environment), gradient) in parts.into_iter().zip(gradients) {
            let gradient: Vec<f64> =
                Vec::try_from(gradient.f_to_device(Device::Cpu)?.f_reshape([-1])?)?;
            for_each_slot(descriptor, environment, |k, slot, section, j| {
                let start = 3 * (k * descriptor.slots() + slot);
                let gradient = [gradient[start], gradient[start + 1], gradient[start + 2]];
                let centre = environment.centres[k];
                let neighbour = section.atoms[j] as usize;
                output.add_pair(centre, neighbour, section.vector(j), gradient);
            });
        }
        Ok(())
    }

    /// Vectors to neighbours, `[n, slots, 3]`, as a leaf of the graph; an empty slot has one beyond the cutoff.
    fn vectors(
        &self,
        descriptor: &Descriptor,
        environment: &Environment,
    ) -> Result<Tensor, TchError> {
        let (n, slots) = (environment.centres.len(), descriptor.slots());
        let beyond = [2.0 * descriptor.cutoff(), 0.0, 0.0];
        let mut vectors = vec![beyond; n * slots];
        for_each_slot(descriptor, environment, |k, slot, section, j| {
            vectors[k * slots + slot] = section.vector(j);
        });
        Tensor::f_from_slice(vectors.as_flattened())?
            .f_reshape([n as i64, slots as i64, 3])?
            .f_to_device(self.device)?
            .f_set_requires_grad(true)
    }

    /// Energies `[n]` for vectors `[n, slots, 3]`, one tensor a descriptor.
    fn energies(
        &self,
        atoms: &Atoms<'_>,
        centre_type: usize,
        vectors: &[Tensor],
    ) -> Result<Tensor, TchError> {
        let model = &self.model;
        let n = vectors[0].size()[0];
        let mut columns = model
            .descriptors
            .iter()
            .zip(&self.embeddings)
            .zip(vectors)
            .map(|((descriptor, embeddings), vectors)| {
                flat(descriptor, embeddings, centre_type, vectors)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut parameters = Vec::new();
        for &centre in &self.environments[0].centres {
            let da = model.atom_parameters.len();
            let own = &atoms.atom_parameters[centre * da..][..da];
            parameters.extend(model.frame_parameters.normalised(atoms.frame_parameters));
            parameters.extend(model.atom_parameters.normalised(own));
        }
        columns.push(
            Tensor::f_from_slice(&parameters)?
                .f_reshape([n, parameters.len() as i64 / n])?
                .f_to_device(self.device)?,
        );
        let net = |columns: &[Tensor]| {
            self.fitting[centre_type]
                .forward(&Tensor::f_cat(columns, 1)?)?
                .f_reshape([n])
        };
        let mut energy = net(&columns)?;
        if model.from_vacuum[centre_type] {
            let descriptors = columns.len() - 1;
            for column in &mut columns[..descriptors] {
                *column = column.f_zeros_like()?;
            }
            energy = energy.f_sub(&net(&columns)?)?;
        }
        energy
            .f_mul_scalar(model.energy_scale[centre_type])?
            .f_add_scalar(model.energy_bias[centre_type])
    }
}

/// Visits every filled slot: number of the centre in the block, number of the slot, neighbour in its section.
fn for_each_slot(
    descriptor: &Descriptor,
    environment: &Environment,
    mut visit: impl FnMut(usize, usize, &Section, usize),
) {
    let mut first = 0;
    for (section, sel) in environment.sections.iter().zip(&descriptor.sel) {
        for k in 0..environment.centres.len() {
            for (slot, j) in section.range(k).enumerate() {
                visit(k, first + slot, section, j);
            }
        }
        first += sel;
    }
}

/// Descriptors `[n, width]` for vectors `[n, slots, 3]`.
fn flat(
    descriptor: &Descriptor,
    embeddings: &[TensorEmbedding],
    centre_type: usize,
    vectors: &Tensor,
) -> Result<Tensor, TchError> {
    let n = vectors.size()[0];
    let rows = sections(descriptor, centre_type, vectors)?;
    let m1 = descriptor.m1() as i64;
    let curve = |a: usize, b: usize| descriptor.embedding_of[[a, b]].map(|k| &embeddings[k]);
    let double = (Kind::Double, vectors.device());
    match descriptor.kind {
        DescriptorKind::SeE2A { axis } => {
            let mut moments = Tensor::f_zeros([n, 4, m1], double)?;
            for (b, rows) in rows.iter().enumerate() {
                if let Some(curve) = curve(centre_type, b) {
                    let g = curve.forward(&rows.f_i((.., .., 0..1))?)?;
                    moments = moments.f_add(&rows.f_transpose(1, 2)?.f_matmul(&g)?)?;
                }
            }
            let moments = moments.f_div_scalar(descriptor.divisor)?;
            let left = moments.f_narrow(2, 0, axis as i64)?;
            moments
                .f_transpose(1, 2)?
                .f_matmul(&left)?
                .f_reshape([n, -1])
        }
        DescriptorKind::SeE2R => {
            let mut sum = Tensor::f_zeros([n, m1], double)?;
            for (b, rows) in rows.iter().enumerate() {
                if let Some(curve) = curve(centre_type, b) {
                    let g = curve.forward(&rows.f_i((.., .., 0..1))?)?;
                    sum =
                        sum.f_add(&g.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double)?)?;
                }
            }
            sum.f_div_scalar(descriptor.divisor)
        }
        DescriptorKind::SeE3 => {
            let mut sum = Tensor::f_zeros([n, m1], double)?;
            for (a, u) in rows.iter().enumerate() {
                for (b, v) in rows.iter().enumerate().skip(a) {
                    let Some(curve) = curve(a, b) else {
                        continue;
                    };
                    let u = u.f_narrow(2, 1, 3)?;
                    let v = v.f_narrow(2, 1, 3)?;
                    let q = u.f_matmul(&v.f_transpose(1, 2)?)?.f_reshape([n, -1, 1])?;
                    let weight = 1.0 / (descriptor.sel[a] * descriptor.sel[b]) as f64;
                    let terms = curve.forward(&q)?.f_mul(&q)?;
                    let terms = terms.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double)?;
                    sum = sum.f_add(&terms.f_mul_scalar(weight)?)?;
                }
            }
            Ok(sum)
        }
    }
}

/// Normalised rows `[n, sel, 4]` by neighbour type, exclusions made.
fn sections(
    descriptor: &Descriptor,
    centre_type: usize,
    vectors: &Tensor,
) -> Result<Vec<Tensor>, TchError> {
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
    let protected = r.f_add_scalar(smoothing.protection)?;
    let s = w.f_div(&protected)?;
    let raw = Tensor::f_cat(
        &[s.shallow_clone(), vectors.f_mul(&s.f_div(&protected)?)?],
        2,
    )?;
    let mut first = 0i64;
    let mut sections = Vec::new();
    for (b, &sel) in descriptor.sel.iter().enumerate() {
        let (start, length) = (first, sel as i64);
        first += length;
        let statistics = |values: &Array3<f64>| {
            let row: [f64; 4] = std::array::from_fn(|c| values[[centre_type, b, c]]);
            Tensor::f_from_slice(&row)?.f_to_device(vectors.device())
        };
        let rows = raw
            .f_narrow(1, start, length)?
            .f_sub(&statistics(&descriptor.mean)?)?
            .f_div(&statistics(&descriptor.deviation)?)?;
        sections.push(match descriptor.excluded[[centre_type, b]] {
            Exclusion::None | Exclusion::FromList => rows,
            Exclusion::Slots => rows.f_mul_scalar(0.0)?,
            // rows of means occur only where types share their slots
            Exclusion::Neighbours | Exclusion::Means => {
                let empty = r.f_narrow(1, start, length)?.f_ge(smoothing.to)?;
                rows.f_mul(&empty.f_to_kind(Kind::Double)?)?
            }
        });
    }
    Ok(sections)
}

impl Engine for TorchEngine {
    fn models(&self) -> &[Interface] {
        &self.interfaces
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        check_positions(atoms)?;
        let kernels = simd::detect().map_err(Error::Engine)?;
        self.times.start();
        for (m, (tensors, output)) in self.models.iter_mut().zip(outputs).enumerate() {
            check_parameters(atoms, &self.interfaces[m])?;
            output.clear(atoms.len(), with_atom_virials && m == 0);
            for centre_type in 0..tensors.model.n_types() {
                let of_type = |&k: &usize| atoms.types[atoms.list.entry(k).0] == centre_type as i32;
                let entries = (0..atoms.list.len()).filter(of_type);
                let entries: Vec<u32> = entries.map(|k| k as u32).collect();
                for block in entries.chunks(BLOCK) {
                    let parts = tensors.model.descriptors.iter();
                    for (descriptor, environment) in parts.zip(&mut tensors.environments) {
                        let counters = &mut tensors.counters;
                        environment.see(
                            descriptor,
                            kernels,
                            atoms,
                            centre_type,
                            block,
                            counters,
                        )?;
                    }
                    self.times.end(Phase::Environment);
                    tensors
                        .evaluate_block(atoms, centre_type, output)
                        .map_err(failed)?;
                    self.times.end(Phase::Force);
                }
            }
            check_forces(atoms, output)?;
        }
        Ok(())
    }

    fn counters(&self) -> Vec<Counters> {
        self.models
            .iter()
            .map(|tensors| tensors.counters.clone())
            .collect()
    }

    fn times(&self) -> Times {
        self.times.clone()
    }

    fn describe(&self) -> String {
        format!("torch, fp64, device {}", device::describe(self.device))
    }
}

impl TensorEmbedding {
    fn new(embedding: &Embedding, device: Device) -> Result<Self, TchError> {
        match embedding {
            Embedding::Network(network) => TensorNetwork::new(network, device).map(Self::Network),
            Embedding::Pair(pair) => TensorNetwork::new(pair.network(), device).map(Self::Network),
            Embedding::Scaled(scaled) => {
                let factors: Vec<_> = scaled.factors().iter().map(|t| 1.0 + t).collect();
                Ok(Self::Scaled(
                    Box::new(Self::new(scaled.common(), device)?),
                    Tensor::f_from_slice(&factors)?.f_to_device(device)?,
                ))
            }
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
            Self::Scaled(common, factors) => return common.forward(x)?.f_mul(factors),
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
