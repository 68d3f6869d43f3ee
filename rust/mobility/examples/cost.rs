//! What a window costs on one core, in microseconds an atom: the whole analysis with its baselines, and its parts.
//!
//! `cargo run --release -p deepdms-mobility --example cost [atoms ...]`

use std::time::Instant;

use deepdms_mobility::analysis::AtomHistory;
use deepdms_mobility::cage::Cages;
use deepdms_mobility::calibration::Frozen;
use deepdms_mobility::cell::Vector;
use deepdms_mobility::classes::descending;
use deepdms_mobility::disjoint::Disjoint;
use deepdms_mobility::minimum::Minimum;
use deepdms_mobility::observation::Observation;
use deepdms_mobility::pairs::Pairs;
use deepdms_mobility::percolation::Thresholds;
use deepdms_mobility::random::Random;
use deepdms_mobility::settings::Threshold;
use deepdms_mobility::table::Table;
use deepdms_mobility::window::Centre;
use deepdms_mobility::{Analysis, Atoms, Frame, Geometry, Settings, Window};

/// Neighbour distance [length].
const NEAR: f64 = 2.5;
/// Share of atoms that hop to a neighbouring site in a window.
const HOPS: f64 = 0.05;

const GEOMETRY: Geometry = Geometry {
    periodic: [true; 3],
    dimension: 3,
    centre: Centre::System,
};

/// A hot crystal of two types whose IDs have nothing to do with where atoms are, as in a melt.
struct Sample {
    matrix: [Vector; 3],
    sites: Vec<Vector>,
    atoms: Atoms,
    random: Random,
}

impl Sample {
    fn new(about: usize) -> Self {
        let cells = (about as f64 / 4.0).cbrt().round() as usize;
        let basis = [[0.0; 3], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]];
        let mut random = Random::new(1, 2, 3);
        let mut pool: Vec<u32> = (0..4 * (cells * cells * cells) as u32).collect();
        let count = pool.len();
        let mut sites = Vec::with_capacity(count);
        while let Some(site) = random.take(&mut pool) {
            let (home, part) = (site as usize / 4, site as usize % 4);
            let corner = [home / (cells * cells), home / cells % cells, home % cells];
            sites.push(std::array::from_fn(|axis| {
                (corner[axis] as f64 + basis[part][axis]) / cells as f64
            }));
        }
        let edge = cells as f64 * NEAR * 2f64.sqrt();
        Sample {
            matrix: std::array::from_fn(|row| {
                std::array::from_fn(|column| if row == column { edge } else { 0.0 })
            }),
            sites,
            atoms: Atoms::all(
                (1..=count as u64).collect(),
                (0..count as u32).map(|i| 1 + i % 3 / 2).collect(),
                vec![1.0; count],
            ),
            random,
        }
    }

    /// A configuration in which some of the atoms have moved on by a lattice vector for good.
    fn next(&mut self) -> Vec<Vector> {
        let edge = self.matrix[0][0];
        let random = &mut self.random;
        for site in &mut self.sites {
            if random.unit() < HOPS {
                let axis = random.below(3);
                for (k, part) in site.iter_mut().enumerate() {
                    if k != axis {
                        *part += NEAR / 2f64.sqrt() / edge * (2.0 * random.below(2) as f64 - 1.0);
                    }
                }
            }
        }
        let mut noise = || (0..3).map(|_| random.unit() - 0.5).sum::<f64>() * 0.2 / edge;
        self.sites
            .iter()
            .map(|site| std::array::from_fn(|axis| site[axis] + noise()))
            .collect()
    }
}

fn micro(atoms: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6 / atoms as f64
}

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![8_000, 1_000_000]
    } else {
        sizes
    };
    for about in sizes {
        let mut sample = Sample::new(about);
        let count = sample.atoms.len();
        let settings = Settings {
            threshold: Threshold::Given(vec![0.5 * NEAR; 2]),
            cutoffs: [(1, 1), (1, 2), (2, 2)]
                .map(|(a, b)| (a, b, 1.2 * NEAR))
                .to_vec(),
            percolation: true,
            ..Settings::new(2, GEOMETRY, 1.0)
        };
        let most = settings.history() as usize + 1;
        let mut analysis = Analysis::new(settings.clone()).expect("the settings are sound");
        let mut histories = vec![AtomHistory::default(); count];
        let mut held: Vec<Vec<Vector>> = vec![sample.next()];
        println!("{count} atoms");
        for window in 1..=7 {
            held.push(sample.next());
            if held.len() > most {
                held.remove(0);
            }
            let frames: Vec<Frame> = held
                .iter()
                .map(|scaled| Frame {
                    step: 0,
                    matrix: sample.matrix,
                    scaled,
                })
                .collect();
            let spent = micro(count, || {
                analysis
                    .advance(&sample.atoms, &frames, None, &mut histories)
                    .expect("the frames are sound");
            });
            println!("  window {window}: {spent:.2} us an atom");
        }
        parts(&sample, &held, &settings);
    }
}

/// The parts of one window.
fn parts(sample: &Sample, held: &[Vec<Vector>], settings: &Settings) {
    let count = sample.atoms.len();
    let frame = |scaled| Frame {
        step: 0,
        matrix: sample.matrix,
        scaled,
    };
    let [.., first, second] = held else { return };
    let types = &sample.atoms.types;
    let mut window = None;
    let displacements = micro(count, || {
        window = Window::new(&sample.atoms, &frame(first), &frame(second), &GEOMETRY).ok();
    });
    let Some(window) = window else { return };
    let cutoffs = Table::filled(2, 1.2 * NEAR);
    let mut pairs = None;
    let neighbours = micro(count, || pairs = Some(Pairs::new(&window, types, &cutoffs)));
    let Some(pairs) = pairs else { return };
    let cages = micro(count, || {
        drop(Cages::new(&window, types, &pairs, &cutoffs, 1.2))
    });
    let mut trees = Disjoint::new(count);
    let mut order = Vec::new();
    let sort = micro(count, || order = descending(&window.lengths));
    let addition = micro(count, || {
        Thresholds::by_addition(&pairs, [true; 3], order.iter().copied(), &mut trees);
    });
    let frozen = Frozen {
        r_nn: NEAR,
        minima: vec![Minimum::given(0.5 * NEAR); 2],
        all: Minimum::given(0.5 * NEAR),
        cutoffs: cutoffs.clone(),
        peaks: Table::filled(2, NEAR),
        delta: Table::filled(2, 0.6 * NEAR),
        overlap: 0.3 * NEAR,
    };
    let mut bare = settings.clone();
    (bare.percolation, bare.shuffles) = (false, 0);
    let without = micro(count, || {
        drop(Observation::new(&window, types.clone(), &bare, &frozen, 1));
    });
    println!(
        "  displacements {displacements:.2}, neighbours {neighbours:.2}, cages {cages:.2}, sort {sort:.2}, ordered addition \
         {addition:.2}, all without percolation and shuffles {without:.2}"
    );
}
