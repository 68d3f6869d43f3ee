//! Thresholds and distances, found in the first windows and then kept: what follows the data cannot be compared.

use deepdms_statistics::{Error, Merge, Stored, Stream};

use crate::histogram::Histogram;
use crate::minimum::Minimum;
use crate::moments::Moments;
use crate::radial::{Radial, first_peak};
use crate::settings::{Nearness, Settings, Threshold};
use crate::table::Table;
use crate::window::Window;

/// Overlap distance in units of r_nn.
const OVERLAP: f64 = 0.3;

/// What is gathered before thresholds are fixed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Position of the first peak of g(r); zero before the first window.
    pub r_nn: f64,
    /// Displacements of each window, of all atoms and of each type.
    windows: Vec<Vec<Histogram>>,
    moments: Vec<Moments>,
    radial: Radial,
}

/// What was fixed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Frozen {
    /// Position of the first peak of g(r) [length].
    pub r_nn: f64,
    /// Thresholds of the types.
    pub minima: Vec<Minimum>,
    /// The threshold of all atoms together, for comparison; nothing uses it.
    pub all: Minimum,
    /// Cutoffs of neighbours [length].
    pub cutoffs: Table,
    /// First peaks [length].
    pub peaks: Table,
    /// Distances of links [length].
    pub delta: Table,
    /// Overlap distance [length].
    pub overlap: f64,
}

impl Calibration {
    /// Takes a window of atoms of `types`. Fails where there is no neighbour distance.
    pub fn add(
        &mut self,
        window: &Window,
        types: &[u32],
        settings: &Settings,
    ) -> Result<(), Error> {
        let kinds = settings.types + 1;
        if self.windows.is_empty() {
            self.r_nn = first_peak(window)?;
            let half = 0.5 * window.cell.smallest_height();
            self.radial = Radial::partial(settings.types, self.r_nn, half);
            self.moments = vec![Moments::default(); kinds];
        }
        self.radial.add(window, types);
        let mut histograms = vec![Histogram::new(self.r_nn); kinds];
        for (&kind, &u) in types.iter().zip(&window.lengths) {
            histograms[0].add(u);
            histograms[kind as usize].add(u);
        }
        for (kind, moments) in self.moments.iter_mut().enumerate() {
            let own = types
                .iter()
                .zip(&window.lengths)
                .filter(|(of, _)| kind == 0 || **of as usize == kind)
                .map(|(_, u)| *u);
            moments.merge(&Moments::of(own, 0.0, &[], window.cell.dimension()));
        }
        self.windows.push(histograms);
        Ok(())
    }

    /// Windows taken.
    pub fn taken(&self) -> u64 {
        self.windows.len() as u64
    }

    /// Fixes what `settings` leave open, and comments on it: each remark with what it is about. Fails where a cutoff cannot be found.
    pub fn freeze(&self, settings: &Settings) -> Result<(Frozen, Vec<(String, String)>), Error> {
        let r_nn = self.r_nn;
        let mut remarks = Vec::new();
        let threshold = |kind: usize| {
            let windows: Vec<Histogram> =
                self.windows.iter().map(|all| all[kind].clone()).collect();
            match &settings.threshold {
                Threshold::Given(values) if kind > 0 => Minimum::given(values[kind - 1]),
                Threshold::Gaussian => {
                    let mut total = windows[0].clone();
                    windows[1..].iter().for_each(|window| total.merge(window));
                    let square = self.moments[kind].square();
                    Minimum::gaussian(&total, square, settings.geometry.dimension, r_nn)
                }
                _ => Minimum::of_windows(&windows, r_nn),
            }
        };
        let minima: Vec<Minimum> = (1..=settings.types).map(threshold).collect();
        for (kind, minimum) in (1..).zip(&minima) {
            let present = self.moments[kind].count > 0;
            if minimum.fallback && present {
                let text = format!(
                    "no second peak of p(u) for type {kind} (z = {:.1}): threshold falls back to half the neighbour \
                     distance, {:.4}",
                    minimum.significance, minimum.u_min
                );
                remarks.push((format!("umin {kind}"), text));
            }
        }
        let given = |values: &[(u32, u32, f64)], table: &mut Table| {
            for &(a, b, value) in values {
                table.set(a, b, value);
            }
        };
        let mut cutoffs = Table::filled(settings.types, 0.0);
        given(&settings.cutoffs, &mut cutoffs);
        let peaks = match self.radial.shells(r_nn) {
            Ok(shells) => {
                for (a, b) in shells.cutoffs.pairs() {
                    if cutoffs.get(a, b) > 0.0 {
                        continue;
                    }
                    cutoffs.set(a, b, shells.cutoffs.get(a, b));
                    if shells.avoided.contains(&(a, b)) {
                        let text = format!(
                            "types {a} and {b} have no first shell; the cutoff of all pairs, {:.4}, is used",
                            cutoffs.get(a, b)
                        );
                        remarks.push((format!("shell {a} {b}"), text));
                    }
                }
                shells.peaks
            }
            Err((a, b)) => {
                if let Some((a, b)) = cutoffs.pairs().find(|&(a, b)| cutoffs.get(a, b) == 0.0) {
                    return Err(Error::new(format!(
                        "no first minimum of g(r) for types {a} and {b}; give cutoff {a} {b} R"
                    )));
                }
                if matches!(settings.nearness, Nearness::Fraction(_)) && settings.strings.is_some()
                {
                    let text = format!(
                        "no first peak of g(r) for types {a} and {b}: delta is a fraction of the neighbour distance, {r_nn:.4}"
                    );
                    remarks.push((format!("peak {a} {b}"), text));
                }
                Table::filled(settings.types, r_nn)
            }
        };
        let mut delta = Table::filled(settings.types, 0.0);
        match &settings.nearness {
            Nearness::Given(values) => given(values, &mut delta),
            Nearness::Fraction(fraction) => {
                for (a, b) in peaks.pairs() {
                    delta.set(a, b, fraction * peaks.get(a, b));
                }
            }
        }
        let frozen = Frozen {
            r_nn,
            minima,
            all: threshold(0),
            cutoffs,
            peaks,
            delta,
            overlap: settings.overlap.unwrap_or(OVERLAP * r_nn),
        };
        Ok((frozen, remarks))
    }
}

impl Frozen {
    /// Fails where the cell of `window` is too small for unique images within the largest distance.
    pub fn check(&self, window: &Window, hysteresis: f64) -> Result<(), Error> {
        let height = window.cell.smallest_height();
        let (a, b, cutoff) = self.cutoffs.largest();
        let (c, d, delta) = self.delta.largest();
        for (a, b, reach, name) in [
            (a, b, hysteresis * cutoff, "cutoff"),
            (c, d, delta, "delta"),
        ] {
            if 2.0 * reach > height {
                return Err(Error::new(format!(
                    "{name} {reach:.4} of types {a} and {b} exceeds half the cell height, {:.4}; use a larger cell",
                    0.5 * height
                )));
            }
        }
        Ok(())
    }
}

impl Stored for Calibration {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.r_nn.pass(stream)?;
        self.windows.pass(stream)?;
        self.moments.pass(stream)?;
        self.radial.pass(stream)
    }
}

impl Stored for Frozen {
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        self.r_nn.pass(stream)?;
        self.minima.pass(stream)?;
        self.all.pass(stream)?;
        self.cutoffs.pass(stream)?;
        self.peaks.pass(stream)?;
        self.delta.pass(stream)?;
        self.overlap.pass(stream)
    }
}
