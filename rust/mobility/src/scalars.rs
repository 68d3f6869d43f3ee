//! The numbers of one window that are averaged over windows: their names and values, in one order for files and summaries.

use crate::baseline;
use crate::cell::dot;
use crate::clusters::Percolation;
use crate::observation::{CLASSES, Observation};
use crate::settings::Settings;
use crate::strings::Rule;
use crate::tally::{Kind, StringSums, WRAPS};
use crate::window::Window;

/// Names of fast and slow, in the order of [`CLASSES`].
pub const CLASS_NAMES: [&str; 2] = ["fast", "slow"];

/// Name of a quantity of all atoms, `kind` 0, or of a type.
pub fn of_kind(name: &str, kind: usize) -> String {
    match kind {
        0 => format!("{name}_all"),
        _ => format!("{name}_{kind}"),
    }
}

/// Names and values as they are listed.
struct List(Vec<(String, f64)>);

impl List {
    fn put(&mut self, name: impl Into<String>, value: f64) {
        self.0.push((name.into(), value));
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// Names of the scalars.
pub fn names(settings: &Settings) -> Vec<String> {
    list(settings, None)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

/// Values of the scalars of one window, in the order of [`names`]; NaN where one is not defined.
pub fn values(settings: &Settings, window: &Window, observation: &Observation) -> Vec<f64> {
    list(settings, Some((window, observation)))
        .into_iter()
        .map(|(_, value)| value)
        .collect()
}

fn list(settings: &Settings, seen: Option<(&Window, &Observation)>) -> Vec<(String, f64)> {
    let mut list = List(Vec::new());
    let observation = seen.map(|(_, observation)| observation);
    let tally = observation.map(|observation| &observation.tally);
    let fast = observation.map_or(0, |observation| observation.fast.len() as u64);
    for (class, name) in CLASSES.iter().zip(CLASS_NAMES) {
        let count = observation.map_or(0, |seen| {
            seen.class.iter().filter(|of| *of == class).count()
        });
        list.put(format!("n_{name}"), count as f64);
    }
    if settings.strings.is_some() {
        let none = StringSums::default();
        for rule in Rule::ALL {
            let sums = tally.map_or(&none, |tally| &tally.strings[rule as usize]);
            strings(&mut list, settings, rule, sums, fast);
        }
        let chance = seen.map_or(f64::NAN, |(window, observation)| {
            isolated(window, observation)
        });
        list.put("random_string_share", chance);
    }
    for (index, name) in CLASS_NAMES.iter().enumerate() {
        clusters(&mut list, settings, observation, index, name);
    }
    if settings.percolation && settings.shuffles > 0 {
        let random = tally.map_or(&[][..], |tally| &tally.random);
        let sum: f64 = random.iter().sum();
        list.put("phi_random", sum / random.len() as f64);
    }
    let drift = seen.map_or(0.0, |(window, _)| dot(window.drift, window.drift).sqrt());
    list.put("drift", drift);
    let none = Kind::default();
    for kind in 0..=settings.types {
        let sums = tally.map_or(&none, |tally| &tally.kinds[kind]);
        of_atoms(&mut list, settings, kind, sums);
    }
    list.0
}

fn strings(list: &mut List, settings: &Settings, rule: Rule, sums: &StringSums, fast: u64) {
    let mut put = |name: &str, value: f64| {
        list.put(format!("{name}_{}", Rule::NAMES[rule as usize]), value);
    };
    put("n_str", sums.atoms as f64);
    put("n_long", sums.long as f64);
    put("string_share", share(sums.atoms, fast));
    put("long_share", share(sums.long, sums.atoms));
    put("l1", sums.sizes.mean(1));
    put("l2", sums.sizes.mean(2));
    put("lw", sums.sizes.weighted());
    put("longest", sums.sizes.largest() as f64);
    put("branched_share", share(sums.branched, sums.atoms));
    put("ring_atoms", sums.ring_atoms as f64);
    put("ring_share", share(sums.ring_atoms, sums.atoms));
    put("swaps", sums.swaps as f64);
    put("wrapped", sums.wrapped as f64);
    if settings.shuffles > 0 {
        let [atoms, long, all] = sums.shuffled;
        put("shuffled_n_str", share(atoms, settings.shuffles));
        put("shuffled_string_share", share(atoms, all));
        put("shuffled_long_share", share(long, atoms));
    }
}

/// Share of fast atoms in strings (`donati`) that uncorrelated ends would have, with the mean distance of a link.
fn isolated(window: &Window, observation: &Observation) -> f64 {
    let density = observation.fast.len() as f64 / window.cell.volume();
    1.0 - baseline::isolated(density, observation.mean_delta, window.cell.dimension())
}

fn clusters(
    list: &mut List,
    settings: &Settings,
    observation: Option<&Observation>,
    index: usize,
    name: &str,
) {
    let found = observation.map(|observation| &observation.clusters[index]);
    let largest = found
        .and_then(|clusters| clusters.largest())
        .map_or(0, |cluster| cluster.size);
    let atoms = observation.map_or(0, |observation| observation.types.len());
    let (squares, sizes) = found.map_or((0, 0), |clusters| clusters.mean_size_sums());
    let periodic = settings.geometry.periodic;
    let wraps = found.map_or_else(Percolation::default, |clusters| {
        clusters.percolation(periodic)
    });
    let class = observation.map_or(0, |observation| observation.tally.clusters[index].atoms);
    list.put(format!("largest_{name}"), f64::from(largest));
    list.put(
        format!("largest_share_{name}"),
        f64::from(largest) / atoms as f64,
    );
    list.put(
        format!("largest_class_share_{name}"),
        share(u64::from(largest), class),
    );
    list.put(format!("mean_size_{name}"), share(squares, sizes));
    list.put(format!("rank_{name}"), wraps.rank as f64);
    for (flag, axis) in wraps.flags.into_iter().zip(["a", "b", "c"]) {
        list.put(format!("wraps_{axis}_{name}"), f64::from(flag));
    }
    if settings.percolation {
        let sums = observation.map(|observation| &observation.tally.clusters[index]);
        for (which, wrap) in WRAPS.iter().enumerate() {
            let value = sums.and_then(|sums| sums.fractions[which].first().copied());
            let ending = if which == 0 {
                String::new()
            } else {
                format!("_{wrap}")
            };
            list.put(format!("phi_{name}{ending}"), value.unwrap_or(f64::NAN));
        }
        let u = sums.and_then(|sums| sums.displacements.first().copied());
        list.put(format!("u_{name}"), u.unwrap_or(f64::NAN));
    }
}

fn of_atoms(list: &mut List, settings: &Settings, kind: usize, sums: &Kind) {
    let mut put = |name: &str, value: f64| list.put(of_kind(name, kind), value);
    put("f", share(sums.jumped, sums.atoms));
    put("c", share(sums.broken, sums.caged));
    put("b", sums.bonds.total() / sums.caged as f64);
    for (name, count) in ["neighbours", "lost", "lost_at_cutoff", "gained"]
        .into_iter()
        .zip(sums.neighbours)
    {
        put(name, share(count, sums.atoms));
    }
    if settings.lags[0] == 1 {
        let moments = sums.lags.first().cloned().unwrap_or_default();
        put("msd", moments.square());
        put("alpha2", moments.alpha2(settings.geometry.dimension));
        put("q", moments.overlap());
        let mut waves = moments.scattering();
        for number in 1..=settings.waves.len() {
            put(&format!("fs{number}"), waves.next().unwrap_or(f64::NAN));
        }
    }
}
