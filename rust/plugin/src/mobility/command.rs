//! The words of the command `fix ID group mobility W keyword values ...`.

use deepdms_mobility::cage::Broken;
use deepdms_mobility::classes::{Fast, Slow};
use deepdms_mobility::settings::{Nearness, Threshold};
use deepdms_mobility::strings::Rule;
use deepdms_mobility::window::Centre;
use deepdms_mobility::{Error, Geometry, Settings};

use super::clock::Clock;
use super::ffi::MobilityHost;
use crate::words::Words;

/// The command, understood.
#[derive(Debug, Clone)]
pub struct Command {
    /// What is analysed.
    pub settings: Settings,
    /// When configurations are taken.
    pub clock: Clock,
    /// Name of the file with a line a window.
    pub file: Option<String>,
    /// Name of the summary.
    pub summary: Option<String>,
    /// Name of the file with a line a long string.
    pub members: Option<String>,
    /// Name of the file with the distributions.
    pub hist: Option<String>,
    /// Whether any number of atoms is taken.
    pub force: bool,
}

const KEYWORDS: &str = "nskip, phase, half, lags, returns, smooth, com, umin, fast, slow, bytype, cutoff, cage, strings, \
                        delta, long, percolation, shuffle, fs, overlap, d2min, calib, hist, file, summary, members, force";

/// Answers of a keyword that is on or off.
const NO_YES: [&str; 2] = ["no", "yes"];

/// What a number of windows, and the like, is given behind.
fn yes(words: &mut Words<'_>, keyword: &str) -> Result<bool, Error> {
    Ok(words.choice(keyword, &NO_YES)? == 1)
}

impl Command {
    /// Reads the words after `fix ID group mobility`. Fails at the first that is wrong or missing, and says which.
    pub fn parse(words: &[String], host: &MobilityHost) -> Result<Self, Error> {
        let mut words = Words::new(words);
        let interval = if words.follows("dms") {
            words.next("dms")?;
            let periods = words.count("the number of periods of fix dms")?;
            if periods == 0 {
                return Err(Error::new(
                    "a window has one period of fix dms or more, not 0",
                ));
            }
            periods * host.period.unsigned_abs()
        } else {
            whole_window(words.real("the window")?, host.timestep)?
        };
        let geometry = Geometry {
            periodic: host.periodic,
            dimension: host.dimension as usize,
            centre: Centre::System,
        };
        let time = interval as f64 * host.timestep;
        let mut settings = Settings::new(host.types as usize, geometry, time);
        let period = host.period.unsigned_abs();
        if let Some(periods) = interval.checked_div(period) {
            // cycles that the moduli do not use are not used here either
            settings.skip = host.skip.unsigned_abs().div_ceil(periods);
        }
        let mut command = Command {
            clock: Clock::new(interval, period),
            settings,
            file: None,
            summary: None,
            members: None,
            hist: None,
            force: false,
        };
        let mut calibration = None;
        let mut phase = 0.0;
        while let Some(keyword) = words.keyword() {
            match keyword {
                "calib" => calibration = Some(words.count(keyword)?),
                "phase" => phase = words.real(keyword)?,
                "file" => command.file = Some(words.next(keyword)?.to_owned()),
                "summary" => command.summary = Some(words.next(keyword)?.to_owned()),
                "members" => command.members = Some(words.next(keyword)?.to_owned()),
                "hist" => command.hist = Some(words.next(keyword)?.to_owned()),
                "force" => command.force = yes(&mut words, keyword)?,
                "half" => command.settings.halves = yes(&mut words, keyword)?,
                "smooth" => {
                    command.clock.snapshots = words.count("the number of snapshots of smooth")?;
                    command.clock.spacing = words.count("the interval of smooth")?;
                }
                _ => setting(&mut command.settings, keyword, &mut words)?,
            }
        }
        command.settings.calibration = calibration.unwrap_or(command.settings.skip.max(1));
        command.clock.set_phase(phase)?;
        command.clock.halves = command.settings.halves;
        command.clock.check()?;
        command.settings.check()?;
        Ok(command)
    }
}

/// Steps of a window of `time` at this `timestep`.
fn whole_window(time: f64, timestep: f64) -> Result<u64, Error> {
    let steps = time / timestep;
    if !(time > 0.0 && steps.is_finite()) {
        return Err(Error::new(format!(
            "the window of {time} time units must be positive"
        )));
    }
    let whole = steps.round();
    if whole < 1.0 || (steps - whole).abs() > 1e-9 * steps {
        let below = steps.floor().max(1.0);
        return Err(Error::new(format!(
            "window of {time} time units is not a whole number of timesteps; nearest are {} and {}",
            below * timestep,
            (below + 1.0) * timestep
        )));
    }
    Ok(whole as u64)
}

/// A keyword that changes what is analysed.
fn setting(settings: &mut Settings, keyword: &str, words: &mut Words<'_>) -> Result<(), Error> {
    match keyword {
        "nskip" => settings.skip = words.count(keyword)?,
        "lags" => {
            let count = words.count(keyword)?;
            settings.lags = (0..count)
                .map(|_| words.count(keyword))
                .collect::<Result<Vec<u64>, Error>>()?;
        }
        "returns" => settings.returns = words.count(keyword)?,
        "com" => settings.geometry.centre = Centre::ALL[words.choice(keyword, &Centre::NAMES)?],
        "umin" => {
            settings.threshold = if words.follows("auto") {
                Threshold::Automatic
            } else if words.follows("gauss") {
                Threshold::Gaussian
            } else {
                Threshold::Given(values(words, "umin", "auto, gauss, or")?)
            };
        }
        "fast" => {
            settings.fast = match words.choice(keyword, &["umin", "region", "cut", "top"])? {
                0 => Fast::Minimum,
                1 => Fast::Region,
                2 => Fast::Cut(values(words, "fast cut", "")?),
                _ => Fast::Top(words.real("fast top")?),
            };
        }
        "slow" => {
            settings.slow = match words.choice(keyword, &["rest", "cut", "bottom"])? {
                0 => Slow::Rest,
                1 => Slow::Cut(values(words, "slow cut", "")?),
                _ => Slow::Bottom(words.real("slow bottom")?),
            };
        }
        "bytype" => settings.by_type = yes(words, keyword)?,
        "cutoff" => {
            if !words.follows("auto") {
                let pair = pair(words, keyword)?;
                settings.cutoffs.push(pair);
            }
        }
        "cage" => {
            settings.broken = if words.follows("lost") {
                Broken::Count(words.number("cage lost", "a whole number of 0 or more")?)
            } else {
                Broken::Share(words.real(keyword)?)
            };
            settings.hysteresis = words.real("the factor of cage")?;
        }
        "strings" => {
            settings.strings = match words.choice(keyword, &["donati", "chain", "no"])? {
                0 => Some(Rule::Donati),
                1 => Some(Rule::Chain),
                _ => None,
            };
        }
        "delta" => match words.reals()[..] {
            [fraction] => settings.nearness = Nearness::Fraction(fraction),
            [a, b, distance] if a.fract() == 0.0 && b.fract() == 0.0 && a >= 0.0 && b >= 0.0 => {
                let pair = (a as u32, b as u32, distance);
                match &mut settings.nearness {
                    Nearness::Given(pairs) => pairs.push(pair),
                    Nearness::Fraction(_) => settings.nearness = Nearness::Given(vec![pair]),
                }
            }
            _ => {
                return Err(Error::new(
                    "delta needs a fraction, or two types and a distance",
                ));
            }
        },
        "long" => settings.long = words.number(keyword, "a whole number of 2 or more")?,
        "percolation" => settings.percolation = yes(words, keyword)?,
        "shuffle" => {
            settings.shuffles = words.count("the number of shuffles")?;
            settings.seed = words.count("the seed of shuffle")?;
        }
        "fs" => {
            let count = words.count(keyword)?;
            settings.waves = (0..count)
                .map(|_| words.real(keyword))
                .collect::<Result<Vec<f64>, Error>>()?;
        }
        "overlap" => settings.overlap = Some(words.real(keyword)?),
        "d2min" => settings.nonaffine = yes(words, keyword)?,
        _ => {
            return Err(Error::new(format!(
                "unknown keyword '{keyword}': the keywords are {KEYWORDS}"
            )));
        }
    }
    Ok(())
}

/// The values that come next, one a type at least.
fn values(words: &mut Words<'_>, of: &str, instead: &str) -> Result<Vec<f64>, Error> {
    let found = words.reals();
    if found.is_empty() {
        return Err(Error::new(
            format!("{of} needs {instead} a value for every type").replace("  ", " "),
        ));
    }
    Ok(found)
}

fn pair(words: &mut Words<'_>, keyword: &str) -> Result<(u32, u32, f64), Error> {
    let kind = "a type";
    Ok((
        words.number(keyword, kind)?,
        words.number(keyword, kind)?,
        words.real(keyword)?,
    ))
}

#[cfg(test)]
mod tests;
