use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::splines::{Accuracy, Precision};
use deepdms_potential::{model, virial::Output};
struct Cell {
    positions: Vec<f64>,
    types: Vec<i32>,
    list: NeighbourList,
    n: usize,
}
fn read(file: &str, rep: usize, noise: f64, cutoff: f64, skin: f64) -> Cell {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lo = [0.0; 3];
    let mut len = [0.0; 3];
    let mut atoms: Vec<(i32, [f64; 3])> = vec![];
    let mut in_atoms = false;
    for line in text.lines() {
        let w: Vec<&str> = line.split_whitespace().collect();
        for (k, name) in ["xlo", "ylo", "zlo"].iter().enumerate() {
            if w.len() >= 4 && w[2] == *name {
                lo[k] = w[0].parse().unwrap();
                len[k] = w[1].parse::<f64>().unwrap() - lo[k];
            }
        }
        if line.starts_with("Atoms") {
            in_atoms = true;
            continue;
        }
        if line.starts_with("Velocities") {
            break;
        }
        if in_atoms && w.len() >= 5 {
            atoms.push((
                w[1].parse::<i32>().unwrap() - 1,
                [2, 3, 4].map(|c| w[c].parse().unwrap()),
            ));
        }
    }
    let mut seed = 1u64;
    let mut draw = || {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut pos = vec![];
    let mut types = vec![];
    for i in 0..rep {
        for j in 0..rep {
            for k in 0..rep {
                for (t, p) in &atoms {
                    for a in 0..3 {
                        pos.push(p[a] - lo[a] + [i, j, k][a] as f64 * len[a] + noise * draw());
                    }
                    types.push(*t);
                }
            }
        }
    }
    let l = len.map(|x| x * rep as f64);
    let n = types.len();
    let reach = cutoff + skin;
    // ghosts
    for i in 0..n {
        let p: [f64; 3] = [pos[3 * i], pos[3 * i + 1], pos[3 * i + 2]];
        let m = l.map(|l| (reach / l).ceil() as i32);
        for x in -m[0]..=m[0] {
            for y in -m[1]..=m[1] {
                for z in -m[2]..=m[2] {
                    if (x, y, z) == (0, 0, 0) {
                        continue;
                    }
                    let q = [
                        p[0] + x as f64 * l[0],
                        p[1] + y as f64 * l[1],
                        p[2] + z as f64 * l[2],
                    ];
                    if (0..3).all(|a| q[a] > -reach && q[a] < l[a] + reach) {
                        pos.extend(q);
                        types.push(types[i]);
                    }
                }
            }
        }
    }
    let all = types.len();
    let cells = l.map(|l| ((l + 2.0 * reach) / reach).ceil() as usize);
    let cell = |i: usize| {
        let c: Vec<usize> = (0..3)
            .map(|a| ((pos[3 * i + a] + reach) / reach) as usize)
            .collect();
        (c[0], c[1], c[2])
    };
    let mut grid = vec![vec![]; (cells[0] + 1) * (cells[1] + 1) * (cells[2] + 1)];
    let at = |c: (usize, usize, usize)| (c.0 * (cells[1] + 1) + c.1) * (cells[2] + 1) + c.2;
    for i in 0..all {
        grid[at(cell(i))].push(i as u32);
    }
    let mut list = NeighbourList::default();
    for i in 0..n {
        let c = cell(i);
        let mut around = vec![];
        for x in c.0.saturating_sub(1)..=(c.0 + 1).min(cells[0]) {
            for y in c.1.saturating_sub(1)..=(c.1 + 1).min(cells[1]) {
                for z in c.2.saturating_sub(1)..=(c.2 + 1).min(cells[2]) {
                    for &j in &grid[at((x, y, z))] {
                        if j as usize == i {
                            continue;
                        }
                        let d: f64 = (0..3)
                            .map(|a| (pos[3 * j as usize + a] - pos[3 * i + a]).powi(2))
                            .sum();
                        if d < reach * reach {
                            around.push(j);
                        }
                    }
                }
            }
        }
        list.push(i as u32, around);
    }
    Cell {
        positions: pos,
        types,
        list,
        n,
    }
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (file, data, rep, noise) = (
        &args[1],
        &args[2],
        args[3].parse().unwrap(),
        args[4].parse().unwrap(),
    );
    let names: Vec<&str> = args
        .get(5)
        .map(|s| s.split(',').collect())
        .unwrap_or_default();
    let bytes = std::fs::read(file).unwrap();
    let model = model::read(file, &bytes).unwrap();
    let mut cell = read(data, rep, noise, model.cutoff(), 2.0);
    if !names.is_empty() {
        for t in &mut cell.types {
            *t = model
                .type_map
                .iter()
                .position(|m| m == names[*t as usize])
                .unwrap() as i32;
        }
    }
    let atoms = Atoms {
        positions: &cell.positions,
        types: &cell.types,
        list: &cell.list,
        frame_parameters: &[],
        atom_parameters: &[],
        origin: [0.0; 3],
        exchange: None,
    };
    let used: Vec<bool> = (0..model.n_types())
        .map(|t| cell.types.contains(&(t as i32)))
        .collect();
    let mut exact = NativeEngine::new(vec![model.clone()]).unwrap();
    let mut reference = [Output::default()];
    exact.evaluate(&atoms, false, &mut reference).unwrap();
    let t = std::time::Instant::now();
    exact.evaluate(&atoms, false, &mut reference).unwrap();
    println!(
        "{} atoms, {} neighbours each; exact {:.1} us/atom, largest force {:.1}",
        cell.n,
        cell.list.bytes() / 4 / cell.n,
        t.elapsed().as_secs_f64() / cell.n as f64 * 1e6,
        reference[0]
            .forces
            .iter()
            .fold(0.0f64, |a, b| a.max(b.abs()))
    );
    for (name, accuracy) in [
        (
            "1e-9",
            Accuracy::Within {
                tolerance: 1e-9,
                precision: Precision::Double,
            },
        ),
        (
            "default",
            Accuracy::Within {
                tolerance: 1e-6,
                precision: Precision::Differences,
            },
        ),
        (
            "mixed",
            Accuracy::Within {
                tolerance: 1e-4,
                precision: Precision::Single,
            },
        ),
    ] {
        let mut engine = NativeEngine::new(vec![model.clone()]).unwrap();
        let t = std::time::Instant::now();
        let report = engine.set_accuracy(accuracy, &used);
        let load = t.elapsed().as_secs_f64();
        let mut out = [Output::default()];
        let error = |out: &Output| {
            out.forces
                .iter()
                .zip(&reference[0].forces)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max)
        };
        let t = std::time::Instant::now();
        engine.evaluate(&atoms, false, &mut out).unwrap();
        let first = (t.elapsed().as_secs_f64(), error(&out[0]));
        engine.evaluate(&atoms, false, &mut out).unwrap();
        let before = engine.times().seconds();
        let mut best = f64::INFINITY;
        let repeats = (20000 / cell.n).max(3);
        for _ in 0..repeats {
            let t = std::time::Instant::now();
            engine.evaluate(&atoms, false, &mut out).unwrap();
            best = best.min(t.elapsed().as_secs_f64());
        }
        let phases: Vec<String> = engine
            .times()
            .seconds()
            .iter()
            .zip(before)
            .map(|(a, b)| format!("{:.1}", (a - b) / repeats as f64 / cell.n as f64 * 1e6))
            .collect();
        println!(
            "{name:8} {}\n    load {load:.2} s, first step {:.2} s {:.1e}; {:.2} us/atom [{}], force error {:.1e}, energy/atom {:.1e}; {:?}; {} MB",
            report[0],
            first.0,
            first.1,
            best / cell.n as f64 * 1e6,
            phases.join(" "),
            error(&out[0]),
            (out[0].energy - reference[0].energy).abs() / cell.n as f64,
            engine.steps(),
            engine.bytes() >> 20
        );
    }
}
