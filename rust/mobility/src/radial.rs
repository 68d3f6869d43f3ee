//! Pair distribution functions of the starts, and the lengths that they give: first peaks, and first minima as cutoffs.

use deepdms_statistics::{Error, Stored, Stream};

use std::f64::consts::PI;

use crate::grid::Grid;
use crate::histogram::smoothed;
use crate::table::Table;
use crate::window::Window;

/// Bin of the partial functions, in units of r_nn.
const BIN: f64 = 0.02;
/// Width of their smoothing.
const SMOOTHING: f64 = 0.04;
/// Where the first peak of a pair must lie.
const PEAK_WITHIN: f64 = 1.4;
/// Where its first minimum must lie, in units of the position of its peak.
const MINIMUM_WITHIN: (f64, f64) = (1.05, 1.8);

/// The length of the cube that one of `atoms` atoms has, or the square in the plane.
fn spacing(window: &Window) -> f64 {
    let own = window.cell.volume() / window.len().max(1) as f64;
    own.powf(1.0 / window.cell.dimension() as f64)
}

/// Position r_nn of the first peak of the distribution of all pairs. Fails where there is none in half of the cell.
pub fn first_peak(window: &Window) -> Result<f64, Error> {
    let scale = spacing(window);
    let range = (2.0 * scale).min(0.5 * window.cell.smallest_height());
    let width = 0.01 * scale;
    let mut radial = Radial::new(1, width, range);
    radial.add(window, &vec![1; window.len()]);
    let g = radial.smoothed(1, 1, 0.02 * scale);
    let peak = |low: usize, high: usize| -> Option<usize> {
        let high = high.min(g.len().saturating_sub(1));
        (low.max(1)..high).find(|&bin| g[bin] > 1.0 && g[bin] >= g[bin - 1] && g[bin] > g[bin + 1])
    };
    let first = peak(1, g.len()).ok_or_else(|| {
        Error::new(
            "the distribution of distances has no first peak in half of the cell: use a larger cell, or a group with more \
             atoms",
        )
    })?;
    // several pairs of types may make several maxima
    let end = ((PEAK_WITHIN * first as f64) as usize).min(g.len() - 1);
    let highest = (first..=end).fold(first, |best, bin| if g[bin] > g[best] { bin } else { best });
    Ok((highest as f64 + 0.5) * width)
}

/// Counts of distances of every pair of types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Radial {
    types: u64,
    width: f64,
    range: f64,
    /// Ordered pairs in each bin, for every ordered pair of types.
    counts: Vec<Vec<u64>>,
    /// Σ over frames of N_a N_b/V, for every ordered pair of types.
    densities: Vec<f64>,
    dimension: u64,
}

impl Radial {
    fn new(types: usize, width: f64, range: f64) -> Self {
        let bins = (range / width).ceil().max(1.0) as usize;
        Radial {
            types: types as u64,
            width,
            range,
            counts: vec![vec![0; bins]; types * types],
            densities: vec![0.0; types * types],
            dimension: 3,
        }
    }

    /// Empty counts for `types` types at the first peak `r_nn`, as far as needed and as half the smallest height allows.
    pub fn partial(types: usize, r_nn: f64, half: f64) -> Self {
        let range = (PEAK_WITHIN * MINIMUM_WITHIN.1 + 3.0 * SMOOTHING) * r_nn;
        Radial::new(types, BIN * r_nn, range.min(half))
    }

    /// Adds the starts of `window`, of atoms of `types`.
    pub fn add(&mut self, window: &Window, types: &[u32]) {
        let count = self.types as usize;
        self.dimension = window.cell.dimension() as u64;
        self.range = self.range.min(0.5 * window.cell.smallest_height());
        let all: Vec<u32> = (0..window.len() as u32).collect();
        let grid = Grid::new(&window.cell, &window.scaled, &all, self.range);
        let types: Vec<u32> = grid.numbers().iter().map(|&i| types[i as usize]).collect();
        let (width, counts) = (self.width, &mut self.counts);
        grid.pairs(self.range, |i, j, _, square| {
            let (a, b) = (types[i as usize] as usize, types[j as usize] as usize);
            let bins = &mut counts[(a - 1) * count + b - 1];
            let bin = ((square.sqrt() / width) as usize).min(bins.len() - 1);
            bins[bin] += 1;
        });
        let mut numbers = vec![0.0; count];
        types
            .iter()
            .for_each(|&kind| numbers[kind as usize - 1] += 1.0);
        for a in 0..count {
            for b in 0..count {
                self.densities[a * count + b] += numbers[a] * numbers[b] / window.cell.volume();
            }
        }
    }

    /// g_ab in the middle of each bin, smoothed by a Gaussian of `width`; zero where there are no such atoms.
    fn smoothed(&self, a: u32, b: u32, width: f64) -> Vec<f64> {
        let index = (a as usize - 1) * self.types as usize + b as usize - 1;
        self.normalised(&self.counts[index], self.densities[index], width)
    }

    /// g of all pairs.
    fn total(&self) -> Vec<f64> {
        let mut counts = vec![0; self.counts[0].len()];
        for bins in &self.counts {
            counts
                .iter_mut()
                .zip(bins)
                .for_each(|(sum, bin)| *sum += bin);
        }
        self.normalised(
            &counts,
            self.densities.iter().sum(),
            SMOOTHING / BIN * self.width,
        )
    }

    fn normalised(&self, counts: &[u64], density: f64, width: f64) -> Vec<f64> {
        let shell = |bin: usize| {
            let (low, high) = (bin as f64 * self.width, (bin as f64 + 1.0) * self.width);
            match self.dimension {
                2 => PI * (high * high - low * low),
                _ => 4.0 / 3.0 * PI * (high.powi(3) - low.powi(3)),
            }
        };
        let g: Vec<f64> = counts
            .iter()
            .enumerate()
            .map(|(bin, &count)| match density {
                0.0 => 0.0,
                _ => count as f64 / (density * shell(bin)),
            })
            .collect();
        smoothed(&g, width / self.width)
    }

    /// Positions of the first maximum of `g` and of the minimum behind it, where there are such.
    fn shell(&self, g: &[f64], r_nn: f64) -> Option<(f64, f64)> {
        let middle = |bin: usize| (bin as f64 + 0.5) * self.width;
        let local = |bin: usize| g[bin] >= g[bin - 1] && g[bin] > g[bin + 1];
        let peak = (1..g.len().saturating_sub(1))
            .take_while(|&bin| middle(bin) < PEAK_WITHIN * r_nn)
            .find(|&bin| g[bin] > 1.0 && local(bin))?;
        let (low, high) = MINIMUM_WITHIN;
        let (low, high) = (low * middle(peak), high * middle(peak));
        let within: Vec<usize> = (1..g.len().saturating_sub(1))
            .filter(|&bin| (low..=high).contains(&middle(bin)))
            .collect();
        let first = within
            .iter()
            .copied()
            .reduce(|best, bin| if g[bin] < g[best] { bin } else { best })?;
        if first == within[0] || first == within[within.len() - 1] {
            return None;
        }
        // a plateau, such as the gap between the shells of a crystal, is split in the middle
        let last = (first..g.len() - 1)
            .take_while(|&bin| g[bin] <= g[first])
            .last()
            .unwrap_or(first);
        Some((middle(peak), 0.5 * (middle(first) + middle(last))))
    }

    /// First peaks and cutoffs of all pairs, and the pairs of types that avoid each other, which take the cutoff of all pairs
    /// together. Fails, with the pair, where that has none either.
    pub fn shells(&self, r_nn: f64) -> Result<Shells, (u32, u32)> {
        let types = self.types as usize;
        let mut shells = Shells {
            peaks: Table::filled(types, r_nn),
            cutoffs: Table::filled(types, 0.0),
            avoided: Vec::new(),
        };
        let total = self.shell(&self.total(), r_nn);
        for (a, b) in shells.peaks.clone().pairs() {
            let g = self.smoothed(a, b, SMOOTHING / BIN * self.width);
            let present = self.densities[(a as usize - 1) * types + b as usize - 1] > 0.0;
            let (peak, cutoff) = match self.shell(&g, r_nn) {
                Some(shell) => shell,
                None => {
                    let (_, cutoff) = total.ok_or((a, b))?;
                    if present {
                        shells.avoided.push((a, b));
                    }
                    (r_nn, cutoff)
                }
            };
            shells.peaks.set(a, b, peak);
            shells.cutoffs.set(a, b, cutoff);
        }
        Ok(shells)
    }
}

/// What the partial distributions give.
#[derive(Debug, Clone, PartialEq)]
pub struct Shells {
    /// First peak of each pair.
    pub peaks: Table,
    /// First minimum of each pair.
    pub cutoffs: Table,
    /// Pairs without a first shell.
    pub avoided: Vec<(u32, u32)>,
}

impl Stored for Radial {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.types.pass(stream)?;
        self.width.pass(stream)?;
        self.range.pass(stream)?;
        self.counts.pass(stream)?;
        self.densities.pass(stream)?;
        self.dimension.pass(stream)
    }
}
