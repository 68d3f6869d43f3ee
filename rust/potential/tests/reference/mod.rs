//! The model, straight from its formulas: one atom at a time, no blocks, no gradients. Slow and readable; it judges the
//! engines. Symbols as in `deepdms_potential::model::SeA`.

use deepdms_potential::Model;
use deepdms_potential::model::Selection;
use ndarray::{Array1, Array2, Axis, s};

/// Energy of the atom at the origin, of type `centre`, with neighbours `(type, d)` [eV].
pub fn atom_energy(model: &Model, centre: usize, neighbours: &[(usize, [f64; 3])]) -> f64 {
    let descriptor = &model.descriptor;
    let length = |d: &[f64; 3]| (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt();
    let mut within: Vec<_> = neighbours
        .iter()
        .filter(|(_, d)| length(d) < descriptor.cutoff())
        .collect();
    within.sort_by(|(_, a), (_, b)| length(a).total_cmp(&length(b)));
    if descriptor.selection == Selection::OverallThenPerType {
        within.truncate(descriptor.slots());
    }

    let mut moments = Array2::<f64>::zeros((4, descriptor.m1()));
    for (b, &slots) in descriptor.sel.iter().enumerate() {
        let Some(curve) = descriptor.embedding_of[[centre, b]] else {
            continue;
        };
        let mut real: Vec<_> = within
            .iter()
            .filter(|(t, _)| *t == b)
            .map(|(_, d)| *d)
            .collect();
        real.truncate(slots);
        for slot in 0..slots {
            let raw = match real.get(slot) {
                Some(d) => {
                    let r = length(d);
                    let s = descriptor.smoothing.switch(r).0 / r;
                    [s, s * d[0] / r, s * d[1] / r, s * d[2] / r]
                }
                None => [0.0; 4],
            };
            let mut row = Array1::from_shape_fn(4, |c| {
                (raw[c] - descriptor.mean[[centre, b, c]]) / descriptor.deviation[[centre, b, c]]
            });
            if descriptor.masked[[centre, b]] && slot < real.len() {
                row.fill(0.0);
            }
            let g = descriptor.embeddings[curve].apply(row[0]);
            moments += &row.insert_axis(Axis(1)).dot(&g.insert_axis(Axis(0)));
        }
    }
    moments /= descriptor.divisor;
    let axis = moments.slice(s![.., ..descriptor.axis]);
    let flat: Array1<f64> = moments.t().dot(&axis).iter().copied().collect();
    let network = model.fitting[centre].apply(&flat)[0];
    network * model.energy_scale[centre] + model.energy_bias[centre]
}
