//! The whole: frames go in one after another, and out come windows and what they add up to.

use deepdms_statistics::{Blocks, Error, Series, Stored, Stream};

use crate::advice;
use crate::calibration::{Calibration, Frozen};
use crate::frame::{Atoms, Frame};
use crate::moments::Moments;
use crate::observation::Observation;
use crate::returns::{Fate, Jumps, halves};
use crate::scalars;
use crate::settings::Settings;
use crate::strings::Rule;
use crate::tally::Tally;
use crate::window::Window;

/// What an atom did so far; the caller keeps it with the atom.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AtomHistory {
    /// Used windows in which it jumped.
    pub jumps: u64,
    /// Jumps that were followed and undone at some time.
    pub returned: u64,
    /// Jumps that were followed and neither undone nor refilled at any time.
    pub for_good: u64,
    /// Used windows in which its cage broke.
    pub breaks: u64,
    /// Used windows in which it was in a string.
    pub strings: u64,
    /// Used windows in which it was in a long string.
    pub long: u64,
    /// Σ |u| over used windows [length].
    pub moved: f64,
    /// Whether it was in a string, one bit a window, the newest lowest.
    pub recent: u64,
}

impl AtomHistory {
    /// Numbers that hold it.
    pub const WIDTH: usize = 8;

    /// The history as numbers.
    pub fn to_row(self) -> [f64; Self::WIDTH] {
        [
            self.jumps as f64,
            self.returned as f64,
            self.for_good as f64,
            self.breaks as f64,
            self.strings as f64,
            self.long as f64,
            self.moved,
            self.recent as f64,
        ]
    }

    /// The history of [`AtomHistory::to_row`].
    pub fn from_row(row: &[f64; Self::WIDTH]) -> Self {
        let [
            jumps,
            returned,
            for_good,
            breaks,
            strings,
            long,
            moved,
            recent,
        ] = *row;
        AtomHistory {
            jumps: jumps as u64,
            returned: returned as u64,
            for_good: for_good as u64,
            breaks: breaks as u64,
            strings: strings as u64,
            long: long as u64,
            moved,
            recent: recent as u64,
        }
    }
}

/// Bits of [`AtomHistory::recent`] that are kept, so that a number holds them exactly.
const RECENT: u64 = (1 << 52) - 1;

/// One window.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Number of the window, from 1.
    pub number: u64,
    /// Steps of its first and its last frame.
    pub steps: (i64, i64),
    /// Whether it counts.
    pub used: bool,
    /// Starts and displacements.
    pub window: Window,
    /// What it shows; none before thresholds are fixed.
    pub observation: Option<Observation>,
    /// Values of the scalars, in the order of [`scalars::names`]; empty without an observation.
    pub scalars: Vec<f64>,
}

/// A running analysis.
#[derive(Debug, Clone)]
pub struct Analysis {
    settings: Settings,
    names: Vec<String>,
    calibration: Calibration,
    frozen: Option<Frozen>,
    windows: u64,
    series: Vec<Series>,
    blocks: Blocks<Tally>,
    /// Smallest height of the cell of the last window.
    height: f64,
    /// Largest over smallest height of the same.
    height_ratio: f64,
    /// Volume of the same.
    volume: f64,
    /// Scalars of the last window; empty before the first.
    last: Vec<f64>,
    /// Remarks that have not been taken.
    remarks: Vec<String>,
    /// What they were about, and all remarks, in the order in which they were made.
    said: Vec<[String; 2]>,
}

impl Analysis {
    /// An analysis that has seen nothing. Fails where a setting cannot be.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let names = scalars::names(&settings);
        Ok(Analysis {
            series: vec![Series::default(); names.len()],
            names,
            settings,
            calibration: Calibration::default(),
            frozen: None,
            windows: 0,
            blocks: Blocks::default(),
            height: f64::NAN,
            height_ratio: 1.0,
            volume: f64::NAN,
            last: Vec::new(),
            remarks: Vec::new(),
            said: Vec::new(),
        })
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether boxes may differ between the ends of a window without a comment.
    pub fn set_box_varies(&mut self, varies: bool) {
        self.settings.box_varies = varies;
    }

    /// Names of the scalars.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Statistics of the scalar `name` over used windows.
    pub fn series(&self, name: &str) -> Series {
        let index = self.names.iter().position(|of| of == name);
        index.map_or_else(Series::default, |index| self.series[index])
    }

    /// Thresholds and distances, once they are fixed.
    pub fn frozen(&self) -> Option<&Frozen> {
        self.frozen.as_ref()
    }

    /// Sums over used windows.
    pub fn blocks(&self) -> &Blocks<Tally> {
        &self.blocks
    }

    /// Windows so far, used or not.
    pub fn windows(&self) -> u64 {
        self.windows
    }

    /// Smallest height, largest over smallest height, and volume of the cell of the last window.
    pub fn cell(&self) -> (f64, f64, f64) {
        (self.height, self.height_ratio, self.volume)
    }

    /// What is worth knowing, since the last call; each is said once.
    pub fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Everything that was worth knowing so far.
    pub fn remarks(&self) -> impl Iterator<Item = &str> {
        self.said.iter().map(|[_, text]| text.as_str())
    }

    /// Says `text`, unless something about `subject` has been said.
    pub(crate) fn remark(&mut self, subject: &str, text: String) {
        if self.said.iter().all(|[known, _]| known != subject) {
            self.said.push([subject.to_owned(), text.clone()]);
            self.remarks.push(text);
        }
    }

    /// The scalar `name` of the last window; NaN before there is one.
    pub fn last(&self, name: &str) -> f64 {
        let index = self.names.iter().position(|of| of == name);
        index
            .and_then(|index| self.last.get(index).copied())
            .unwrap_or(f64::NAN)
    }

    /// Takes the window between the last two of `frames`, which are the newest and those before it, the newest last, a window
    /// apart. Of the frames before it [`Settings::history`] are of use, and as many are needed once there are so many. `middle`
    /// is the frame half a window before the newest, where the settings say so. `histories` has one entry for each atom.
    ///
    /// Fails where the atoms are not the same in all frames, or the cell does not suffice.
    pub fn advance(
        &mut self,
        atoms: &Atoms,
        frames: &[Frame<'_>],
        middle: Option<&Frame<'_>>,
        histories: &mut [AtomHistory],
    ) -> Result<Outcome, Error> {
        atoms.check(self.settings.types)?;
        let [.., first, second] = frames else {
            return Err(Error::new("a window needs two frames"));
        };
        if histories.len() != atoms.len() {
            return Err(Error::new("every atom needs a history"));
        }
        let number = self.windows + 1;
        let geometry = self.settings.geometry;
        let window = Window::new(atoms, first, second, &geometry)?;
        let types: Vec<u32> = window
            .places
            .iter()
            .map(|&place| atoms.types[place as usize])
            .collect();
        self.height = window.cell.smallest_height();
        self.height_ratio = window.cell.height_ratio();
        self.volume = window.cell.volume();
        if window.is_empty() {
            return Err(Error::new("no atoms are analysed: the group is empty"));
        }
        if number <= self.settings.calibration {
            self.calibration.add(&window, &types, &self.settings)?;
        }
        if self.frozen.is_none() && self.calibration.taken() == self.settings.calibration {
            let (frozen, remarks) = self.calibration.freeze(&self.settings)?;
            for (subject, text) in remarks {
                self.remark(&subject, text);
            }
            self.frozen = Some(frozen);
            self.calibration = Calibration::default();
        }
        self.windows = number;
        advice::on_window(self, atoms, (first, second), &window);
        let mut outcome = Outcome {
            number,
            steps: (first.step, second.step),
            used: self.is_used(number),
            window,
            observation: None,
            scalars: Vec::new(),
        };
        let Some(frozen) = self.frozen.clone() else {
            return Ok(outcome);
        };
        frozen.check(&outcome.window, self.settings.hysteresis)?;
        let mut observation =
            Observation::new(&outcome.window, types, &self.settings, &frozen, number);
        self.remember(&outcome, &observation, histories);
        if outcome.used {
            self.add_lags(atoms, frames, &outcome.window, &mut observation)?;
            self.follow_jumps(atoms, frames, &frozen, &mut observation, histories)?;
            if let Some(middle) = middle {
                let frames = [first, middle, second];
                let types = &observation.types;
                let found = halves(atoms, types, frames, &geometry, &frozen.minima)?;
                for (kind, halves) in (1..).zip(&found) {
                    observation.tally.kinds[0].add_halves(halves);
                    observation.tally.kinds[kind].add_halves(halves);
                }
            }
        }
        outcome.scalars = scalars::values(&self.settings, &outcome.window, &observation);
        self.last.clone_from(&outcome.scalars);
        if outcome.used {
            for (series, &value) in self.series.iter_mut().zip(&outcome.scalars) {
                if value.is_finite() {
                    series.push(value);
                }
            }
            self.blocks.push(observation.tally.clone());
            advice::on_results(self, &frozen);
        }
        outcome.observation = Some(observation);
        Ok(outcome)
    }

    /// Whether window `number` counts.
    fn is_used(&self, number: u64) -> bool {
        number > self.settings.skip && number >= self.settings.calibration
    }

    /// Enters a window in the histories of its atoms.
    fn remember(
        &self,
        outcome: &Outcome,
        observation: &Observation,
        histories: &mut [AtomHistory],
    ) {
        let sizes = observation.string_sizes(self.settings.strings.unwrap_or(Rule::Donati));
        for (i, &place) in outcome.window.places.iter().enumerate() {
            let history = &mut histories[place as usize];
            let string = u64::from(sizes[i] >= 2);
            history.recent = (history.recent << 1 | string) & RECENT;
            if outcome.used {
                history.jumps += u64::from(observation.jumped[i]);
                history.breaks += u64::from(observation.broken[i]);
                history.strings += string;
                history.long += u64::from(sizes[i] >= self.settings.long);
                history.moved += outcome.window.lengths[i];
            }
        }
    }

    /// Moments of the longer lags that end with this window, and begin after the windows that are not used.
    fn add_lags(
        &self,
        atoms: &Atoms,
        frames: &[Frame<'_>],
        window: &Window,
        observation: &mut Observation,
    ) -> Result<(), Error> {
        let geometry = self.settings.geometry;
        let overlap = self.frozen.as_ref().map_or(0.0, |frozen| frozen.overlap);
        let newest = frames.len() - 1;
        for (index, &lag) in self.settings.lags.iter().enumerate() {
            let begins = self.windows.checked_sub(lag);
            let known = begins.is_some_and(|before| self.is_used(before + 1));
            if lag == 1 || !known {
                continue;
            }
            let Some(first) = newest.checked_sub(lag as usize) else {
                return Err(Error::new(format!(
                    "a lag of {lag} windows needs {lag} frames before the newest, and there are {newest}"
                )));
            };
            let long = Window::new(atoms, &frames[first], &frames[newest], &geometry)?;
            for (kind, sums) in observation.tally.kinds.iter_mut().enumerate() {
                let own = observation
                    .types
                    .iter()
                    .zip(&long.lengths)
                    .filter(|(of, _)| kind == 0 || **of as usize == kind)
                    .map(|(_, u)| *u);
                let dimension = window.cell.dimension();
                sums.lags[index] = Moments::of(own, overlap, &self.settings.waves, dimension);
            }
        }
        Ok(())
    }

    /// Looks again at the jumps of the used window that ended `returns` windows ago.
    fn follow_jumps(
        &self,
        atoms: &Atoms,
        frames: &[Frame<'_>],
        frozen: &Frozen,
        observation: &mut Observation,
        histories: &mut [AtomHistory],
    ) -> Result<(), Error> {
        let later = self.settings.returns as usize;
        for kind in &mut observation.tally.kinds {
            kind.fates = vec![[[0; 4]; 2]; later];
        }
        let event = self.windows.saturating_sub(later as u64);
        if later == 0 || event == 0 || !self.is_used(event) {
            return Ok(());
        }
        let Some(first) = frames.len().checked_sub(later + 2) else {
            return Err(Error::new(format!(
                "jumps are followed through {later} windows, which needs {} frames before the newest, and there are {}",
                later + 1,
                frames.len() - 1
            )));
        };
        let geometry = self.settings.geometry;
        let window = Window::new(atoms, &frames[first], &frames[first + 1], &geometry)?;
        let types = observation.types.clone();
        let jumped: Vec<u32> = (0..window.len() as u32)
            .filter(|&i| {
                let minimum = &frozen.minima[types[i as usize] as usize - 1];
                let u = window.lengths[i as usize];
                u >= minimum.u_min && u < minimum.u_out
            })
            .collect();
        let jumps = Jumps {
            window: &window,
            first: &frames[first],
            types: &types,
            jumped: &jumped,
            minima: &frozen.minima,
            delta: &frozen.delta,
        };
        let fates = (1..=later)
            .map(|k| jumps.fates(atoms, &frames[first + 1 + k], &geometry))
            .collect::<Result<Vec<Vec<Fate>>, Error>>()?;
        for (place, &i) in jumped.iter().enumerate() {
            let history = &mut histories[window.places[i as usize] as usize];
            let string = (history.recent >> later & 1) as usize;
            let undone = |fate: Fate| fate == Fate::Returned || fate == Fate::Refilled;
            let returned = fates.iter().any(|fates| fates[place] == Fate::Returned);
            let for_good = !fates.iter().any(|fates| undone(fates[place]));
            history.returned += u64::from(returned);
            history.for_good += u64::from(for_good);
            for kind in [0, types[i as usize] as usize] {
                let sums = &mut observation.tally.kinds[kind];
                sums.events[string] += 1;
                sums.for_good[string] += u64::from(for_good);
                for (k, fates) in fates.iter().enumerate() {
                    sums.fates[k][string][fates[place] as usize] += 1;
                }
            }
        }
        Ok(())
    }
}

impl Stored for Analysis {
    /// Passes the state. Reading fails where it was written with another setting, and says which.
    fn pass(&mut self, stream: &mut dyn Stream) -> Result<(), Error> {
        for (keyword, value) in self.settings.words() {
            let mut written = value.clone();
            written.pass(stream)?;
            if written != value {
                return Err(Error::new(format!(
                    "restart file was written with keyword {keyword} = {written}, the command says {value}"
                )));
            }
        }
        self.calibration.pass(stream)?;
        self.frozen.pass(stream)?;
        self.windows.pass(stream)?;
        self.series.pass(stream)?;
        if self.series.len() != self.names.len() {
            return Err(Error::new(
                "the stored state is damaged: it has another number of quantities",
            ));
        }
        self.blocks.pass(stream)?;
        self.height.pass(stream)?;
        self.height_ratio.pass(stream)?;
        self.volume.pass(stream)?;
        self.last.pass(stream)?;
        self.remarks.pass(stream)?;
        self.said.pass(stream)
    }
}
