//! What is to be analysed, and how.

use deepdms_statistics::Error;

use crate::cage::Broken;
use crate::classes::{Fast, Slow};
use crate::strings::Rule;
use crate::window::{Centre, Geometry};

/// Where the threshold between vibration and jump comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Threshold {
    /// The minimum of p(u).
    Automatic,
    /// The outermost crossing with a Gaussian of the same width.
    Gaussian,
    /// Values of the types [length].
    Given(Vec<f64>),
}

/// How near the end of one atom must lie to the start of another.
#[derive(Debug, Clone, PartialEq)]
pub enum Nearness {
    /// A fraction of the first peak of the pair of types.
    Fraction(f64),
    /// Distances of pairs of types [length].
    Given(Vec<(u32, u32, f64)>),
}

/// Most later frames that a jump can be followed through.
pub const MOST_RETURNS: u64 = 50;

/// The settings of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Number of types.
    pub types: usize,
    /// How cells repeat, and what is held at rest.
    pub geometry: Geometry,
    /// Length of a window [time].
    pub time: f64,
    /// First windows that are not used.
    pub skip: u64,
    /// Windows that fix thresholds and cutoffs; the last of them is the first that is evaluated.
    pub calibration: u64,
    /// Lags in windows, ascending.
    pub lags: Vec<u64>,
    /// Later frames at which jumps are looked at again.
    pub returns: u64,
    /// Where u_min comes from.
    pub threshold: Threshold,
    /// Fast atoms.
    pub fast: Fast,
    /// Slow atoms.
    pub slow: Slow,
    /// Whether atoms are ranked and shuffled within their types.
    pub by_type: bool,
    /// Cutoffs of neighbours that are given [length]; those of other pairs are found.
    pub cutoffs: Vec<(u32, u32, f64)>,
    /// When a cage is broken.
    pub broken: Broken,
    /// Distance, in units of the cutoff, beyond which a neighbour is lost.
    pub hysteresis: f64,
    /// The rule behind the headline numbers of strings, if there are any.
    pub strings: Option<Rule>,
    /// Links of strings.
    pub nearness: Nearness,
    /// Atoms of a long string.
    pub long: u32,
    /// Whether thresholds of percolation are found.
    pub percolation: bool,
    /// Random baselines a window.
    pub shuffles: u64,
    /// Their seed.
    pub seed: u64,
    /// Wave numbers of F_s [1/length].
    pub waves: Vec<f64>,
    /// Overlap distance [length]; 0.3 r_nn without.
    pub overlap: Option<f64>,
    /// Whether D²_min is computed.
    pub nonaffine: bool,
    /// Whether frames at half a period are handed in.
    pub halves: bool,
    /// Whether the box may differ between the ends of a window.
    pub box_varies: bool,
}

impl Settings {
    /// The defaults for `types` types, and windows of `time`.
    pub fn new(types: usize, geometry: Geometry, time: f64) -> Self {
        Settings {
            types,
            geometry,
            time,
            skip: 0,
            calibration: 1,
            lags: vec![1],
            returns: 3,
            threshold: Threshold::Automatic,
            fast: Fast::Minimum,
            slow: Slow::Rest,
            by_type: false,
            cutoffs: Vec::new(),
            broken: Broken::Share(0.5),
            hysteresis: 1.2,
            strings: Some(Rule::Donati),
            nearness: Nearness::Fraction(0.6),
            long: 6,
            percolation: true,
            shuffles: 4,
            seed: 12345,
            waves: Vec::new(),
            overlap: None,
            nonaffine: false,
            halves: false,
            box_varies: false,
        }
    }

    /// Frames before the newest that the analysis needs.
    pub fn history(&self) -> u64 {
        let longest = self.lags.last().copied().unwrap_or(1);
        let followed = if self.returns > 0 {
            self.returns + 1
        } else {
            1
        };
        longest.max(followed)
    }

    /// Fails at the first setting that cannot be, and says which.
    pub fn check(&self) -> Result<(), Error> {
        let fail = |text: String| Err(Error::new(text));
        if self.types == 0 {
            return fail("there are no atom types".into());
        }
        if !(self.time > 0.0 && self.time.is_finite()) {
            return fail(format!(
                "the window of {} time units must be positive",
                self.time
            ));
        }
        if self.calibration == 0 {
            return fail("calib 0: at least one window is needed to fix the thresholds".into());
        }
        let ascending = self.lags.windows(2).all(|pair| pair[0] < pair[1]);
        if self.lags.is_empty() || self.lags[0] == 0 || !ascending {
            return fail(
                "lags must be whole numbers of 1 or more, each larger than the one before".into(),
            );
        }
        if self.returns > MOST_RETURNS {
            return fail(format!(
                "returns {}: a jump is followed through {MOST_RETURNS} later frames at most",
                self.returns
            ));
        }
        if let Threshold::Given(values) = &self.threshold {
            self.each("umin", values)?;
        }
        let mut fractions = 0.0;
        match &self.fast {
            Fast::Cut(values) => self.each("fast cut", values)?,
            Fast::Top(fraction) => {
                fractions += fraction;
                Self::fraction(*fraction)?;
            }
            Fast::Minimum | Fast::Region => {}
        }
        match &self.slow {
            Slow::Cut(values) => self.each("slow cut", values)?,
            Slow::Bottom(fraction) => {
                fractions += fraction;
                Self::fraction(*fraction)?;
            }
            Slow::Rest => {}
        }
        if fractions > 1.0 {
            return Self::fraction(f64::NAN);
        }
        self.pairs("cutoff", &self.cutoffs)?;
        match &self.nearness {
            Nearness::Fraction(fraction) if !(*fraction > 0.0 && fraction.is_finite()) => {
                return fail(format!("delta {fraction}: the fraction must be positive"));
            }
            Nearness::Fraction(_) => {}
            Nearness::Given(values) => {
                self.pairs("delta", values)?;
                for a in 1..=self.types as u32 {
                    for b in a..=self.types as u32 {
                        let found = values
                            .iter()
                            .any(|&(c, d, _)| (c, d) == (a, b) || (c, d) == (b, a));
                        if !found {
                            return fail(format!(
                                "a delta is missing for types {a} and {b}: give one for every pair"
                            ));
                        }
                    }
                }
            }
        }
        match self.broken {
            Broken::Share(share) if !(share > 0.0 && share <= 1.0) => {
                return fail(format!(
                    "cage {share}: the share of lost neighbours must lie between 0 and 1"
                ));
            }
            Broken::Count(0) => {
                return fail("cage lost 0: at least one neighbour must be lost".into());
            }
            _ => {}
        }
        if !(self.hysteresis >= 1.0 && self.hysteresis.is_finite()) {
            return fail(format!(
                "cage: the factor {} at which a neighbour is lost must be 1 or more",
                self.hysteresis
            ));
        }
        if self.long < 2 {
            return fail(format!("long {}: a string has 2 atoms or more", self.long));
        }
        let positive = |value: &f64| *value > 0.0 && value.is_finite();
        if let Some(q) = self.waves.iter().find(|q| !positive(q)) {
            return fail(format!("fs: the wave number {q} must be positive"));
        }
        if let Some(overlap) = self.overlap.filter(|overlap| !positive(overlap)) {
            return fail(format!("overlap {overlap}: the distance must be positive"));
        }
        Ok(())
    }

    fn fraction(fraction: f64) -> Result<(), Error> {
        if fraction > 0.0 && fraction < 1.0 {
            Ok(())
        } else {
            Err(Error::new(
                "top and bottom fractions must be between 0 and 1 and not overlap",
            ))
        }
    }

    /// Fails unless there is a positive value for every type.
    fn each(&self, keyword: &str, values: &[f64]) -> Result<(), Error> {
        if values.len() < self.types {
            return Err(Error::new(format!(
                "a value of {keyword} is missing for type {}: give one for every type",
                values.len() + 1
            )));
        }
        if values.len() > self.types {
            return Err(Error::new(format!(
                "{keyword} has {} values, and there are {} types",
                values.len(),
                self.types
            )));
        }
        match values.iter().find(|value| value.is_nan() || **value < 0.0) {
            Some(value) => Err(Error::new(format!(
                "{keyword} {value}: a displacement is not negative"
            ))),
            None => Ok(()),
        }
    }

    fn pairs(&self, keyword: &str, values: &[(u32, u32, f64)]) -> Result<(), Error> {
        for &(a, b, value) in values {
            for kind in [a, b] {
                if kind == 0 || kind as usize > self.types {
                    return Err(Error::new(format!(
                        "{keyword} {a} {b}: types are from 1 to {}",
                        self.types
                    )));
                }
            }
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::new(format!(
                    "{keyword} {a} {b} {value}: the distance must be positive"
                )));
            }
        }
        Ok(())
    }

    /// Keywords and their values, as far as they change results.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let list = |values: &[f64]| {
            let words: Vec<String> = values.iter().map(f64::to_string).collect();
            words.join(" ")
        };
        let pairs = |values: &[(u32, u32, f64)]| {
            let words: Vec<String> = values
                .iter()
                .map(|(a, b, v)| format!("{a} {b} {v}"))
                .collect();
            words.join(" ")
        };
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
        let lags: Vec<String> = self.lags.iter().map(u64::to_string).collect();
        vec![
            ("types", self.types.to_string()),
            ("window", self.time.to_string()),
            ("nskip", self.skip.to_string()),
            ("calib", self.calibration.to_string()),
            ("lags", lags.join(" ")),
            ("returns", self.returns.to_string()),
            (
                "com",
                Centre::NAMES[self.geometry.centre as usize].to_owned(),
            ),
            (
                "umin",
                match &self.threshold {
                    Threshold::Automatic => "auto".to_owned(),
                    Threshold::Gaussian => "gauss".to_owned(),
                    Threshold::Given(values) => list(values),
                },
            ),
            (
                "fast",
                match &self.fast {
                    Fast::Minimum => "umin".to_owned(),
                    Fast::Region => "region".to_owned(),
                    Fast::Cut(values) => format!("cut {}", list(values)),
                    Fast::Top(fraction) => format!("top {fraction}"),
                },
            ),
            (
                "slow",
                match &self.slow {
                    Slow::Rest => "rest".to_owned(),
                    Slow::Cut(values) => format!("cut {}", list(values)),
                    Slow::Bottom(fraction) => format!("bottom {fraction}"),
                },
            ),
            ("bytype", yes(self.by_type)),
            (
                "cutoff",
                if self.cutoffs.is_empty() {
                    "auto".to_owned()
                } else {
                    pairs(&self.cutoffs)
                },
            ),
            (
                "cage",
                match self.broken {
                    Broken::Share(share) => format!("{share} {}", self.hysteresis),
                    Broken::Count(count) => format!("lost {count} {}", self.hysteresis),
                },
            ),
            (
                "strings",
                self.strings
                    .map_or("no", |rule| Rule::NAMES[rule as usize])
                    .to_owned(),
            ),
            (
                "delta",
                match &self.nearness {
                    Nearness::Fraction(fraction) => fraction.to_string(),
                    Nearness::Given(values) => pairs(values),
                },
            ),
            ("long", self.long.to_string()),
            ("percolation", yes(self.percolation)),
            ("shuffle", format!("{} {}", self.shuffles, self.seed)),
            ("fs", list(&self.waves)),
            (
                "overlap",
                self.overlap
                    .map_or("0.3 r_nn".to_owned(), |value| value.to_string()),
            ),
            ("d2min", yes(self.nonaffine)),
            ("half", yes(self.halves)),
        ]
    }
}
