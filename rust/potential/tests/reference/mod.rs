//! The model, straight from its formulas: one atom at a time, no blocks, no gradients. Slow and readable; it judges the
//! engines. Symbols as in `deepdms_potential::model::Descriptor`.

use deepdms_potential::Model;
use deepdms_potential::model::{Descriptor, Exclusion, Kind, Selection};
use ndarray::{Array1, Array2, Axis, concatenate, s};

/// Energy of the atom at the origin, of type `centre`, with neighbours `(type, d)` [eV]; parameters as given by the user.
pub fn atom_energy(
    model: &Model,
    centre: usize,
    neighbours: &[(usize, [f64; 3])],
    frame_parameters: &[f64],
    atom_parameters: &[f64],
) -> f64 {
    let descriptors: Vec<_> = model
        .descriptors
        .iter()
        .map(|descriptor| flat(descriptor, centre, neighbours))
        .collect();
    let views: Vec<_> = descriptors.iter().map(|d| d.view()).collect();
    let d = concatenate(Axis(0), &views).unwrap();
    let parameters: Array1<f64> = model
        .frame_parameters
        .normalised(frame_parameters)
        .chain(model.atom_parameters.normalised(atom_parameters))
        .collect();
    let net = |d: Array1<f64>| {
        let input = concatenate(Axis(0), &[d.view(), parameters.view()]).unwrap();
        model.fitting[centre].apply(&input)[0]
    };
    let vacuum = if model.from_vacuum[centre] {
        net(Array1::zeros(d.len()))
    } else {
        0.0
    };
    (net(d) - vacuum) * model.energy_scale[centre] + model.energy_bias[centre]
}

/// One descriptor of the atom at the origin.
fn flat(descriptor: &Descriptor, centre: usize, neighbours: &[(usize, [f64; 3])]) -> Array1<f64> {
    if descriptor.selection.shared_slots().is_some() {
        return of_shared_slots(descriptor, centre, neighbours);
    }
    // rows of all slots, by neighbour type
    let rows: Vec<Vec<Array1<f64>>> = slots(descriptor, centre, neighbours);
    let curve = |a: usize, b: usize| {
        descriptor.embedding_of[[a, b]].map(|index| &descriptor.embeddings[index])
    };
    let m1 = descriptor.m1();
    match descriptor.kind {
        Kind::SeE2A { axis } => {
            let mut moments = Array2::<f64>::zeros((4, m1));
            for (b, rows) in rows.iter().enumerate() {
                let Some(curve) = curve(centre, b) else {
                    continue;
                };
                for row in rows {
                    let g = curve.apply(row[0]);
                    let row = row.view().insert_axis(Axis(1));
                    moments += &row.dot(&g.insert_axis(Axis(0)));
                }
            }
            moments /= descriptor.divisor;
            let left = moments.slice(s![.., ..axis]);
            moments.t().dot(&left).iter().copied().collect()
        }
        Kind::SeE2R => {
            let mut sum = Array1::<f64>::zeros(m1);
            for (b, rows) in rows.iter().enumerate() {
                let Some(curve) = curve(centre, b) else {
                    continue;
                };
                for row in rows {
                    sum += &curve.apply(row[0]);
                }
            }
            sum / descriptor.divisor
        }
        Kind::SeE3 => {
            let mut sum = Array1::<f64>::zeros(m1);
            for a in 0..rows.len() {
                for b in a..rows.len() {
                    let Some(curve) = curve(a, b) else {
                        continue;
                    };
                    let slots = (rows[a].len() * rows[b].len()) as f64;
                    for u in &rows[a] {
                        for v in &rows[b] {
                            let q = u.slice(s![1..]).dot(&v.slice(s![1..]));
                            sum += &(curve.apply(q) * (q / slots));
                        }
                    }
                }
            }
            sum
        }
    }
}

/// `se_e2_a` where all types share the slots.
fn of_shared_slots(
    descriptor: &Descriptor,
    centre: usize,
    neighbours: &[(usize, [f64; 3])],
) -> Array1<f64> {
    let Kind::SeE2A { axis } = descriptor.kind else {
        panic!("only se_e2_a shares slots");
    };
    let mut moments = Array2::<f64>::zeros((4, descriptor.m1()));
    let mut add = |row: [f64; 4], g: Array1<f64>| {
        let row = Array1::from_vec(row.to_vec()).insert_axis(Axis(1));
        moments += &row.dot(&g.insert_axis(Axis(0)));
    };
    let kept = nearest(descriptor, centre, neighbours);
    for (b, d) in &kept {
        let curve = &descriptor.embeddings[descriptor.embedding_of[[centre, *b]].unwrap()];
        match descriptor.excluded[[centre, *b]] {
            Exclusion::Neighbours | Exclusion::Slots => {}
            Exclusion::Means => {
                let row = [descriptor.mean[[centre, *b, 0]]; 4];
                add(row, curve.apply_faded(row[0]));
            }
            Exclusion::None | Exclusion::FromList => {
                let raw = raw_row(descriptor, d);
                let row: [f64; 4] = std::array::from_fn(|c| {
                    (raw[c] - descriptor.mean[[centre, *b, c]])
                        / descriptor.deviation[[centre, *b, c]]
                });
                add(row, curve.apply(row[0]));
            }
        }
    }
    if let Some(curve) = descriptor.empty_curves.get(centre) {
        let row = descriptor.padding_row(centre, 0);
        for _ in kept.len()..descriptor.slots() {
            add(row, curve.apply_faded(row[0]));
        }
    }
    moments /= descriptor.divisor;
    let left = moments.slice(s![.., ..axis]);
    moments.t().dot(&left).iter().copied().collect()
}

fn length(d: &[f64; 3]) -> f64 {
    (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
}

/// Neighbours within the cutoff that are kept, nearest first, as far as their type does not matter.
fn nearest(
    descriptor: &Descriptor,
    centre: usize,
    neighbours: &[(usize, [f64; 3])],
) -> Vec<(usize, [f64; 3])> {
    let within = |(_, d): &&(usize, [f64; 3])| length(d) < descriptor.cutoff();
    let mut within: Vec<_> = neighbours.iter().filter(within).copied().collect();
    within.sort_by(|(_, a), (_, b)| length(a).total_cmp(&length(b)));
    if let Selection::OverallThenPerType(most) | Selection::Together(most) = descriptor.selection {
        within.truncate(most);
    }
    within.retain(|(b, _)| descriptor.excluded[[centre, *b]] != Exclusion::FromList);
    within
}

/// An environment row before mean and deviation.
fn raw_row(descriptor: &Descriptor, d: &[f64; 3]) -> [f64; 4] {
    let (w, _) = descriptor.smoothing.switch(length(d));
    let r = length(d) + descriptor.smoothing.protection;
    let q = w / (r * r);
    [w / r, q * d[0], q * d[1], q * d[2]]
}

/// Rows of all slots, filled or not, by neighbour type.
fn slots(
    descriptor: &Descriptor,
    centre: usize,
    neighbours: &[(usize, [f64; 3])],
) -> Vec<Vec<Array1<f64>>> {
    let within = nearest(descriptor, centre, neighbours);
    let of_type = |b: usize, slots: usize| {
        let mut real = within.iter().filter(|(t, _)| *t == b).take(slots);
        let rows = (0..slots).map(|_| {
            let (raw, empty) = match real.next() {
                Some((_, d)) => (raw_row(descriptor, d), false),
                None => ([0.0; 4], true),
            };
            match descriptor.excluded[[centre, b]] {
                Exclusion::Slots => Array1::zeros(4),
                Exclusion::Neighbours if !empty => Array1::zeros(4),
                _ => Array1::from_shape_fn(4, |c| {
                    (raw[c] - descriptor.mean[[centre, b, c]])
                        / descriptor.deviation[[centre, b, c]]
                }),
            }
        });
        rows.collect()
    };
    let sel = descriptor.sel.iter().enumerate();
    sel.map(|(b, &slots)| of_type(b, slots)).collect()
}
