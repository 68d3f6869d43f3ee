//! Descriptors of two and three bodies: `se_e2_a`, `se_e2_r` and `se_e3`.
//!
//! Symbols: `r` distance, `w(r)` switch, `s = w(r)/r`, `R` environment row `(s, s x/r, s y/r, s z/r)` less its mean and
//! over its deviation, `G` embedding curve, `N` divisor, `D` descriptor. With `env_protection`, rows divide by `r + p`.
//!
//! | kind | descriptor |
//! |---|---|
//! | `se_e2_a` | `T = sum_j R_j^T G(R_j[0]) / N`, `[4, M1]`; `D = T^T T[:, ..M2]`, `[M1, M2]` |
//! | `se_e2_r` | `D = sum_j G(R_j[0]) / N`, `[M1]` |
//! | `se_e3` | `D = sum_{a <= b} sum_{jk} q_jk G_ab(q_jk) / (sel_a sel_b)` with `q_jk = R_j[1..] . R_k[1..]`, `[M1]` |
//!
//! Sums run over all slots, filled or not. `se_atten` (DPA-1) without attention is `se_e2_a` with curves of pairs of types and
//! one list of neighbours for all types. Sources: Zhang et al., NeurIPS 31 (2018), arXiv:1805.09003; Wang et al., Nucl.
//! Fusion 62, 126013 (2022) for the three-body form; deepmd-kit's documentation.

use super::Shaped;
use super::embedding::Embedding;
use super::limits::{MOST_SLOTS, cutoff_fault};
use ndarray::{Array2, Array3, s};

/// Newton's method and bisection find a distance within so many steps.
const MOST_STEPS: usize = 100;
/// `se_e2_r` divides by this many times its slots.
pub(super) const RADIAL_DIVISOR: f64 = 5.0;

/// Which formula makes the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Two-body embedding with angular information.
    SeE2A {
        /// `M2`, columns of the descriptor.
        axis: usize,
    },
    /// Two-body embedding of distances alone.
    SeE2R,
    /// Three-body embedding.
    SeE3,
}

/// Which neighbours are kept where an atom has more than `sel` of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The nearest `sel[t]` of each type: TensorFlow graphs.
    PerType,
    /// First the nearest so many of all types, then the nearest `sel[t]` of each: the native form. The number is the
    /// `sum(sel)` of the whole model.
    OverallThenPerType(usize),
    /// The nearest so many of all types, which share their slots: `se_atten`.
    Together(usize),
    /// All of them, without slots, so that none is empty either: `se_atten` in a compiled PyTorch model. The number is the
    /// `sum(sel)` that nothing but the divisor depends on.
    All(usize),
}

impl Selection {
    /// Slots that are not those of one type, if there are any.
    pub fn shared_slots(self) -> Option<usize> {
        match self {
            Self::Together(slots) | Self::All(slots) => Some(slots),
            Self::PerType | Self::OverallThenPerType(_) => None,
        }
    }
}

/// What neighbours of one type do not contribute to centres of another: `exclude_types` in its several meanings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exclusion {
    /// Nothing is excluded.
    #[default]
    None,
    /// Rows of real neighbours are zero, those of empty slots stay: the native form.
    Neighbours,
    /// Rows of all slots are zero: graphs with `type_one_side`.
    Slots,
    /// Neighbours are taken off the list, which leaves empty slots: `pair_exclude_types`. They count among the nearest of
    /// all types all the same.
    FromList,
    /// Rows of real neighbours hold the mean of `s`, as it is, in all four places, and the switch of the curve is 0: graphs of
    /// `se_atten` with a switch.
    Means,
}

/// The switch `w(r)`: 1 below `from`, 0 above `to`, and `u^3 (-6 u^2 + 15 u - 10) + 1` between, `u = (r - from)/span`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// `rcut_smth` [Å]
    pub from: f64,
    /// `rcut` [Å]
    pub to: f64,
    /// Denominator of `u` [Å]: `to - from`, as rounded by the format.
    pub span: f64,
    /// What is added to `r` wherever an environment row divides by it [Å], `env_protection`; almost always 0.
    pub protection: f64,
}

impl Smoothing {
    /// Cutoffs in double precision: the native form.
    pub fn double(from: f64, to: f64) -> Self {
        Self {
            from,
            to,
            span: to - from,
            protection: 0.0,
        }
    }

    /// Cutoffs that a TensorFlow graph keeps as float32, with their difference taken in float32.
    pub fn single(from: f32, to: f32) -> Self {
        Self {
            from: f64::from(from),
            to: f64::from(to),
            span: f64::from(to - from),
            protection: 0.0,
        }
    }

    /// `(w, dw/ds)` at the distance `r > 0` where `w(r)/(r + p)` is `s`; below 0, where none is, its tangent.
    ///
    /// `s` falls with the distance, so there is one. With `v = (to - r)/span`, `w = v^3 (10 - 15 v + 6 v^2)`. The slope is finite
    /// everywhere, but beside the cutoff `w` is `(to + p) s` less a term in `s^(4/3)`.
    pub fn switch_by_inverse(&self, s: f64) -> (f64, f64) {
        let Self {
            from,
            to,
            span,
            protection,
        } = *self;
        if s <= 0.0 {
            return (s * (to + protection), to + protection);
        }
        if s * (from + protection) >= 1.0 {
            return (1.0, 0.0);
        }
        let reach = |v: f64| to - v * span + protection;
        // rises with v, from below zero at 0 to above it at 1
        let excess = |v: f64| v * v * v * (10.0 + v * (6.0 * v - 15.0)) - s * reach(v);
        let slope = |v: f64| 30.0 * (v * (1.0 - v)).powi(2);
        let (mut low, mut high) = (0.0, 1.0);
        let mut v = (0.1 * s * reach(0.0)).cbrt().min(0.5);
        for _ in 0..MOST_STEPS {
            let f = excess(v);
            if f < 0.0 {
                low = v;
            } else {
                high = v;
            }
            let step = f / (slope(v) + s * span);
            let next = if (low..=high).contains(&(v - step)) {
                v - step
            } else {
                0.5 * (low + high)
            };
            let done = (next - v).abs() <= f64::EPSILON * v;
            v = next;
            if done {
                break;
            }
        }
        let (r, w_slope) = (reach(v), slope(v) / span);
        (s * r, r * w_slope / (w_slope + s))
    }

    /// `(w, dw/dr)` at distance `r` [Å].
    #[inline]
    pub fn switch(&self, r: f64) -> (f64, f64) {
        if r < self.from {
            (1.0, 0.0)
        } else if r < self.to {
            let u = (r - self.from) / self.span;
            let uu = u * u;
            let polynomial = -6.0 * uu + 15.0 * u - 10.0;
            (
                uu * u * polynomial + 1.0,
                (3.0 * uu * polynomial + uu * u * (-12.0 * u + 15.0)) / self.span,
            )
        } else {
            (0.0, 0.0)
        }
    }
}

/// Weights and hyper-parameters of a descriptor.
#[derive(Clone, Debug)]
pub struct Descriptor {
    /// Which formula.
    pub kind: Kind,
    /// The switch, and with it the cutoff.
    pub smoothing: Smoothing,
    /// Slots for neighbours of each type, `[n_types]`; where types share them, what they share.
    pub sel: Vec<usize>,
    /// Which neighbours are kept where they do not all fit.
    pub selection: Selection,
    /// `N`: the number of slots, whether filled or not, and five times that in `se_e2_r`; not used in `se_e3`.
    pub divisor: f64,
    /// Mean of environment rows by centre and neighbour type, `[n_types, n_types, 4]`; the last three are 0 in `se_e2_r`.
    pub mean: Array3<f64>,
    /// Deviation of environment rows by centre and neighbour type, `[n_types, n_types, 4]`; the last three are 1 in `se_e2_r`.
    pub deviation: Array3<f64>,
    /// The distinct embedding curves, from 1 input to `M1` outputs.
    pub embeddings: Vec<Embedding>,
    /// Index into `embeddings` by centre and neighbour type, and in `se_e3` by the types `a <= b` of two neighbours; `None`
    /// contributes nothing at all, `[n_types, n_types]`.
    pub embedding_of: Array2<Option<usize>>,
    /// What is excluded, by centre and neighbour type, `[n_types, n_types]`.
    pub excluded: Array2<Exclusion>,
    /// Curves of empty slots by centre type, `[n_types]`, where types share them and they contribute something.
    pub empty_curves: Vec<Embedding>,
}

impl Descriptor {
    /// `M1`, outputs of the embedding networks.
    pub fn m1(&self) -> usize {
        self.embeddings[0].outputs()
    }

    /// Length of the flat descriptor.
    pub fn width(&self) -> usize {
        match self.kind {
            Kind::SeE2A { axis } => self.m1() * axis,
            Kind::SeE2R | Kind::SeE3 => self.m1(),
        }
    }

    /// Cutoff [Å].
    pub fn cutoff(&self) -> f64 {
        self.smoothing.to
    }

    /// All slots, `sum(sel)`.
    pub fn slots(&self) -> usize {
        match self.selection.shared_slots() {
            Some(slots) => slots,
            None => self.sel.iter().sum(),
        }
    }

    /// The row of an empty slot, `-mean/deviation`.
    pub fn padding_row(&self, centre: usize, neighbour: usize) -> [f64; 4] {
        std::array::from_fn(|c| {
            -self.mean[[centre, neighbour, c]] / self.deviation[[centre, neighbour, c]]
        })
    }

    /// The embedding that real neighbours go through; `None` where they contribute nothing that moves with them.
    pub fn curve(&self, centre: usize, neighbour: usize) -> Option<&Embedding> {
        let index = self.embedding_of[[centre, neighbour]]?;
        let seen = matches!(
            self.excluded[[centre, neighbour]],
            Exclusion::None | Exclusion::FromList
        );
        seen.then_some(&self.embeddings[index])
    }

    /// Whether both see the same neighbours with the same switch, so that one set of environment rows, before mean and
    /// deviation, serves both.
    pub fn shares_environment(&self, other: &Self) -> bool {
        let removed = |d: &Self| d.excluded.mapv(|e| e == Exclusion::FromList);
        self.smoothing == other.smoothing
            && self.sel == other.sel
            && self.selection == other.selection
            && removed(self) == removed(other)
    }

    /// The item that does not fit, and why, if there is one.
    pub(super) fn fault(&self, n_types: usize) -> Option<(String, String)> {
        let fault = |item: &str, what: String| Some((item.to_owned(), what));
        let Smoothing {
            from,
            to,
            protection,
            ..
        } = self.smoothing;
        if !(from.is_finite() && to.is_finite() && 0.0 <= from && from < to) {
            return fault(
                "cutoff",
                format!("rcut_smth = {from} and rcut = {to} do not obey 0 <= rcut_smth < rcut"),
            );
        }
        if let Some(what) = cutoff_fault(to) {
            return fault("rcut", what);
        }
        if !(protection.is_finite() && protection >= 0.0) {
            return fault(
                "env_protection",
                format!("{protection} is not a length of zero or more"),
            );
        }
        if n_types == 0 || self.sel.len() != n_types {
            return fault(
                "sel",
                format!("{} entries for {n_types} types", self.sel.len()),
            );
        }
        // A frozen graph stores four numbers a slot and type; far more slots than a sphere of atoms holds is no model.
        if self.slots() == 0 || self.sel.iter().any(|&slots| slots > MOST_SLOTS) {
            return fault(
                "sel",
                format!("{:?} is not a possible number of neighbours", self.sel),
            );
        }
        if !(self.divisor.is_finite() && self.divisor > 0.0) {
            return fault(
                "sel",
                format!("the divisor {} is not positive", self.divisor),
            );
        }
        let pairs = (n_types, n_types);
        let rows = (n_types, n_types, 4);
        if self.mean.dim() != rows || self.deviation.dim() != rows {
            return fault(
                "davg, dstd",
                format!(
                    "shapes {:?} and {:?} where {rows:?} is needed",
                    self.mean.dim(),
                    self.deviation.dim()
                ),
            );
        }
        if self.mean.iter().any(|value| !value.is_finite()) {
            return fault("davg", "it holds a number that is not finite".to_owned());
        }
        if self
            .deviation
            .iter()
            .any(|value| !(value.is_finite() && *value > 0.0))
        {
            return fault(
                "dstd",
                "it holds a number that is not positive and finite".to_owned(),
            );
        }
        if self.selection.shared_slots().is_some() && !matches!(self.kind, Kind::SeE2A { .. }) {
            return fault("sel", "one number for all types".to_owned());
        }
        if !(self.empty_curves.is_empty() || self.empty_curves.len() == n_types) {
            return fault(
                "embedding nets",
                "curves of empty slots do not fit the number of types".to_owned(),
            );
        }
        if self.embedding_of.dim() != pairs || self.excluded.dim() != pairs {
            return fault(
                "embedding nets",
                "the table of pairs does not fit the number of types".to_owned(),
            );
        }
        if self.embeddings.is_empty() {
            return fault("embedding nets", "there is none".to_owned());
        }
        let m1 = self.m1();
        let embeddings = self.embeddings.iter().chain(&self.empty_curves);
        for (k, embedding) in embeddings.enumerate() {
            if let Some(what) = embedding.fault(m1) {
                return fault(&format!("embedding net {k}"), what);
            }
        }
        if self
            .embedding_of
            .iter()
            .flatten()
            .any(|&k| k >= self.embeddings.len())
        {
            return fault(
                "embedding nets",
                "a pair of types names a net that does not exist".to_owned(),
            );
        }
        match self.kind {
            Kind::SeE2A { axis } if axis == 0 || axis > m1 => fault(
                "axis_neuron",
                format!("{axis} is not between 1 and the {m1} outputs of the embedding nets"),
            ),
            Kind::SeE3 if self.mean.slice(s![.., .., 1..]).iter().any(|x| *x != 0.0) => fault(
                "davg",
                "a mean direction that is not zero makes no sense with three-body angles"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// Statistics of environment rows by centre type and section of slots, `[n_types, sections, 4]`, from those by slot,
/// `[n_types, components slots]` or `[n_types, slots, components]`, with 4 components or, in `se_e2_r`, 1; what a file does not
/// hold is `otherwise`. A section has the slots of one neighbour type, or the only one those of all.
///
/// Training writes the same numbers for every slot of a section, and only such models are read: a statistic that
/// depends on the rank of a neighbour would make the energy jump whenever two neighbours swap places.
pub(super) fn by_section(
    (shape, values): &Shaped,
    n_types: usize,
    sections: &[usize],
    components: usize,
    otherwise: f64,
) -> Result<Array3<f64>, String> {
    let slots: usize = sections.iter().sum();
    if values.len() != n_types * slots * components || shape.first() != Some(&n_types) {
        return Err(format!(
            "shape {shape:?} does not fit {n_types} types with {slots} slots"
        ));
    }
    let mut statistics = Array3::from_elem((n_types, sections.len(), 4), otherwise);
    for centre in 0..n_types {
        let width = slots * components;
        let mut rows = values[centre * width..][..width].chunks_exact(components);
        for (neighbour, &count) in sections.iter().enumerate() {
            let mut section = rows.by_ref().take(count);
            let Some(first) = section.next() else {
                continue;
            };
            if section.any(|row| row != first) {
                return Err(format!(
                    "it differs between the slots of centre type {centre} and neighbour type {neighbour}, which training never writes and which would make the energy discontinuous"
                ));
            }
            for (c, value) in first.iter().enumerate() {
                statistics[[centre, neighbour, c]] = *value;
            }
        }
    }
    Ok(statistics)
}

/// The same where all types share the slots: equal numbers for all neighbour types, `[n_types, n_types, 4]`.
pub(super) fn by_centre(
    values: &Shaped,
    n_types: usize,
    slots: usize,
) -> Result<Array3<f64>, String> {
    let statistics = by_section(values, n_types, &[slots], 4, 0.0)?;
    let all = statistics.broadcast((n_types, n_types, 4));
    Ok(all.expect("one section stands for all").to_owned())
}

#[cfg(test)]
mod tests {
    use super::Smoothing;

    #[test]
    fn the_switch_by_its_quotient_is_that_by_the_distance() {
        for protection in [0.0, 0.2] {
            let smoothing = Smoothing {
                protection,
                ..Smoothing::double(0.5, 6.0)
            };
            for step in 1..600 {
                let r = 0.01 * f64::from(step);
                let (w, w_slope) = smoothing.switch(r);
                let s = w / (r + protection);
                let s_slope = (w_slope - s) / (r + protection);
                let (found, slope) = smoothing.switch_by_inverse(s);
                assert!((found - w).abs() < 1e-14, "{r}: {found} {w}");
                let along = slope * s_slope;
                assert!((along - w_slope).abs() < 1e-12, "{r}: {along} {w_slope}");
            }
            let edge = (0.0, 6.0 + protection);
            assert_eq!(smoothing.switch_by_inverse(0.0), edge);
            assert_eq!(smoothing.switch_by_inverse(-1.0), (-edge.1, edge.1));
            let near = smoothing.switch_by_inverse(1e-300);
            assert!(near.0 > 0.0 && (near.1 - edge.1).abs() < 1e-12, "{near:?}");
        }
    }
}
