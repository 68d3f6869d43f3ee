//! The words of the command `fix ID all dms Nevery mode A P keyword values ...`.

use std::slice::Iter;
use std::str::FromStr;

use deepdms_rheology::regression::Detrend;
use deepdms_rheology::{Cell, Error, Mode, Request};

use super::ffi::DmsBoxKind;

/// The command, understood.
#[derive(Debug)]
pub struct Command {
    /// The strain protocol.
    pub request: Request,
    /// Whether a barostat moves the lateral dimensions.
    pub lateral_free: bool,
    /// Whether the headline numbers come from the virial-only stress.
    pub virial_headline: bool,
    /// Lengths of the reference box, where they are given.
    pub reference_lengths: Option<[f64; 3]>,
    /// Name of the block file.
    pub file: Option<String>,
    /// Name of the summary file.
    pub summary: Option<String>,
    /// Unit of the moduli, where it is given.
    pub unit: Option<String>,
}

const KEYWORDS: &str = "cycles, nskip, block, detrend, harmonics, ramp, phase, lateral, ref, stress, file, summary, units, round";

/// The words behind a keyword.
struct Words<'a> {
    rest: Iter<'a, String>,
}

impl<'a> Words<'a> {
    fn next(&mut self, of: &str) -> Result<&'a str, Error> {
        self.rest
            .next()
            .map(String::as_str)
            .ok_or_else(|| Error::new(format!("{of} has no value")))
    }

    fn number<T: FromStr>(&mut self, of: &str, kind: &str) -> Result<T, Error> {
        let word = self.next(of)?;
        word.parse()
            .map_err(|_| Error::new(format!("{of} needs {kind}, not '{word}'")))
    }

    fn count(&mut self, of: &str) -> Result<u64, Error> {
        self.number(of, "a whole number of 0 or more")
    }

    fn real(&mut self, of: &str) -> Result<f64, Error> {
        self.number(of, "a number")
    }

    /// The index of the next word among `choices`.
    fn choice(&mut self, of: &str, choices: &[&str]) -> Result<usize, Error> {
        let word = self.next(of)?;
        choices
            .iter()
            .position(|choice| *choice == word)
            .ok_or_else(|| {
                Error::new(format!(
                    "{of} '{word}' does not exist: it is one of {}",
                    choices.join(", ")
                ))
            })
    }
}

impl Command {
    /// Reads the words after `fix ID group dms`. Fails at the first that is wrong or missing, and says which.
    pub fn parse(words: &[String]) -> Result<Self, Error> {
        let mut words = Words { rest: words.iter() };
        let sample_every = words.count("Nevery")?;
        let mode = Mode::parse(words.next("the mode")?)?;
        let amplitude = words.real("the amplitude")?;
        let period = words.real("the period")?;
        let mut command = Command {
            request: Request::new(sample_every, mode, amplitude, period),
            lateral_free: false,
            virial_headline: false,
            reference_lengths: None,
            file: None,
            summary: None,
            unit: None,
        };
        while let Some(keyword) = words.rest.next() {
            command.keyword(keyword, &mut words)?;
        }
        if command.lateral_free && mode.is_shear() {
            return Err(Error::new(format!(
                "lateral free belongs to the modes xx, yy and zz, not to {}",
                mode.name()
            )));
        }
        Ok(command)
    }

    fn keyword(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<(), Error> {
        let request = &mut self.request;
        match keyword {
            "cycles" => request.cycles = Some(words.count(keyword)?),
            "nskip" => request.skip = Some(words.count(keyword)?),
            "block" => request.block = words.count(keyword)?,
            "detrend" => request.detrend = Detrend::parse(words.next(keyword)?)?,
            "harmonics" => request.harmonics = words.count(keyword)?,
            "ramp" => request.ramp = words.count(keyword)?,
            "phase" => request.phase = words.real(keyword)?,
            "lateral" => self.lateral_free = words.choice(keyword, &["fixed", "free"])? == 1,
            "ref" => {
                self.reference_lengths = match words.choice(keyword, &["current", "values"])? {
                    0 => None,
                    _ => Some(reference_lengths(words)?),
                }
            }
            "stress" => self.virial_headline = words.choice(keyword, &["total", "virial"])? == 1,
            "file" => self.file = Some(words.next(keyword)?.to_owned()),
            "summary" => self.summary = Some(words.next(keyword)?.to_owned()),
            "units" => self.unit = Some(words.next(keyword)?.to_owned()),
            "round" => request.round = words.choice(keyword, &["no", "yes"])? == 1,
            _ => {
                return Err(Error::new(format!(
                    "unknown keyword '{keyword}': the keywords are {KEYWORDS}"
                )));
            }
        }
        Ok(())
    }

    /// The cell of zero strain: `current`, or with the given lengths about its centre.
    pub fn reference(&self, current: &Cell) -> Cell {
        let mut cell = *current;
        if let Some(lengths) = self.reference_lengths {
            for (axis, length) in lengths.into_iter().enumerate() {
                let centre = 0.5 * (current.low[axis] + current.high[axis]);
                (cell.low[axis], cell.high[axis]) = (centre - 0.5 * length, centre + 0.5 * length);
            }
        }
        cell
    }
}

fn reference_lengths(words: &mut Words<'_>) -> Result<[f64; 3], Error> {
    let mut lengths = [0.0; 3];
    for length in &mut lengths {
        *length = words.real("ref values")?;
        if *length <= 0.0 {
            return Err(Error::new(format!(
                "ref values: the box length {length} is not positive"
            )));
        }
    }
    Ok(lengths)
}

/// Fails where a box of this kind cannot be strained in `mode`.
pub fn check_box(mode: Mode, kind: &DmsBoxKind) -> Result<(), Error> {
    let name = mode.name();
    let (row, column) = mode.axes();
    if kind.dimension == 2 && column == 2 {
        return Err(Error::new(format!(
            "mode {name} needs a three-dimensional system"
        )));
    }
    for axis in [row, column] {
        if !kind.periodic[axis] {
            return Err(Error::new(format!(
                "mode {name} needs a periodic box along {}: change the boundary command",
                ["x", "y", "z"][axis]
            )));
        }
    }
    if mode.is_shear() && !kind.triclinic {
        return Err(Error::new(format!(
            "mode {name} needs a triclinic box: use 'change_box all triclinic' before the fix"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Command, DmsBoxKind, Mode, check_box};

    fn parse(line: &str) -> Result<Command, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Command::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn every_keyword_is_understood() {
        let command = parse(
            "100 xx 0.01 1000.0 cycles 22 nskip 2 block 3 detrend quadratic harmonics 2 ramp 1 phase 90 lateral free \
             ref values 10 11 12.5 stress virial file a.csv summary a.json units native round yes",
        )
        .unwrap();
        let request = &command.request;
        assert_eq!(
            (request.sample_every, request.cycles, request.skip),
            (100, Some(22), Some(2))
        );
        assert_eq!((request.block, request.harmonics, request.ramp), (3, 2, 1));
        assert_eq!(
            (request.amplitude, request.period, request.phase),
            (0.01, 1000.0, 90.0)
        );
        assert!(request.round && command.lateral_free && command.virial_headline);
        assert_eq!(command.reference_lengths, Some([10.0, 11.0, 12.5]));
        assert_eq!(
            (command.file.as_deref(), command.summary.as_deref()),
            (Some("a.csv"), Some("a.json"))
        );
    }

    #[test]
    fn mistakes_are_named() {
        let message = |line| parse(line).unwrap_err();
        assert_eq!(message("100 xx 0.01"), "the period has no value");
        assert_eq!(
            message("ten xx 0.01 1"),
            "Nevery needs a whole number of 0 or more, not 'ten'"
        );
        assert_eq!(
            message("10 xx 1% 1"),
            "the amplitude needs a number, not '1%'"
        );
        assert_eq!(
            message("10 xx 0.01 1 skip 2"),
            "unknown keyword 'skip': the keywords are cycles, nskip, block, detrend, harmonics, ramp, phase, lateral, \
             ref, stress, file, summary, units, round"
        );
        assert_eq!(
            message("10 xx 0.01 1 lateral volume"),
            "lateral 'volume' does not exist: it is one of fixed, free"
        );
        assert_eq!(
            message("10 xx 0.01 1 detrend cubic"),
            "unknown trend 'cubic': the keyword detrend takes none, linear or quadratic"
        );
        assert_eq!(
            message("10 xx 0.01 1 ref values 1 0 1"),
            "ref values: the box length 0 is not positive"
        );
        assert_eq!(
            message("10 xy 0.01 1 lateral free"),
            "lateral free belongs to the modes xx, yy and zz, not to xy"
        );
        assert_eq!(message("10 xx 0.01 1 file"), "file has no value");
    }

    #[test]
    fn boxes_that_cannot_be_strained() {
        let kind = |triclinic, dimension, periodic| DmsBoxKind {
            triclinic,
            dimension,
            periodic,
        };
        let message = |mode, kind: DmsBoxKind| check_box(mode, &kind).unwrap_err().to_string();
        assert_eq!(
            message(Mode::Xy, kind(false, 3, [true; 3])),
            "mode xy needs a triclinic box: use 'change_box all triclinic' before the fix"
        );
        assert_eq!(
            message(Mode::Zz, kind(false, 3, [true, true, false])),
            "mode zz needs a periodic box along z: change the boundary command"
        );
        assert_eq!(
            message(Mode::Xz, kind(true, 2, [true; 3])),
            "mode xz needs a three-dimensional system"
        );
        assert!(check_box(Mode::Xx, &kind(false, 2, [true; 3])).is_ok());
    }
}
