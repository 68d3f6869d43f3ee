//! The words of the command `fix ID all dms Nevery mode A P keyword values ...`.

use deepdms_rheology::atoms::AtomSampling;
use deepdms_rheology::mode::Lateral;
use deepdms_rheology::regression::Detrend;
use deepdms_rheology::request::Stop;
use deepdms_rheology::tones::{MOST_TONES, ToneRequest, Tones};
use deepdms_rheology::{Cell, Error, Mode, Request};

use super::ffi::DmsBoxKind;
use crate::words::{COUNT, Words};

/// The command, understood.
#[derive(Debug)]
pub struct Command {
    /// The strain protocol.
    pub request: Request,
    /// Lengths of the reference box, where they are given.
    pub reference_lengths: Option<[f64; 3]>,
    /// Name of the block file.
    pub file: Option<String>,
    /// Name of the summary file.
    pub summary: Option<String>,
    /// Name of the file that holds the state after each cycle.
    pub checkpoint: Option<String>,
    /// Name of such a file to start from.
    pub resume: Option<String>,
    /// Unit of the moduli, where it is given.
    pub unit: Option<String>,
    /// ID of the compute that gives the stress of each atom.
    pub atom_stress: Option<String>,
    /// Radius of averages over neighbours.
    pub shell: Option<f64>,
    /// ID of the compute that gives the volume of each atom, and its column from 1, or 0 for a vector.
    pub atom_volume: Option<(String, usize)>,
}

const KEYWORDS: &str = "cycles, nskip, block, detrend, harmonics, ramp, phase, lateral, tones, tones/auto, vscale, \
                        drive, ref, stress, stop, fdt, peratom, atomvolume, shell, nonaffine, file, summary, checkpoint, resume, \
                        units, round";

/// Answers of a keyword that is on or off.
const NO_YES: [&str; 2] = ["no", "yes"];

impl Command {
    /// Reads the words after `fix ID group dms`. Fails at the first that is wrong or missing, and says which.
    pub fn parse(words: &[String]) -> Result<Self, Error> {
        let mut words = Words::new(words);
        let sample_every = words.count("Nevery")?;
        let mode = Mode::parse(words.next("the mode")?)?;
        let amplitude = words.real("the amplitude")?;
        let period = words.real("the period")?;
        let mut command = Command {
            request: Request::new(sample_every, mode, amplitude, period),
            reference_lengths: None,
            file: None,
            summary: None,
            checkpoint: None,
            resume: None,
            unit: None,
            atom_stress: None,
            atom_volume: None,
            shell: None,
        };
        let mut atoms = AtomSampling {
            every: sample_every,
            stress: false,
            displacement: false,
            shell: false,
        };
        while let Some(keyword) = words.keyword() {
            command.keyword(keyword, &mut words, &mut atoms)?;
        }
        if atoms.stress || atoms.displacement {
            command.request.atoms = Some(atoms);
        }
        for (keyword, given) in [
            ("atomvolume", command.atom_volume.is_some()),
            ("shell", command.shell.is_some()),
        ] {
            if given && !atoms.stress {
                return Err(Error::new(format!(
                    "{keyword} is for the moduli of atoms: give peratom, too, or leave it out"
                )));
            }
        }
        if mode == Mode::None && command.reference_lengths.is_some() {
            return Err(Error::new(
                "ref belongs to a strain, and mode none has none: leave ref out",
            ));
        }
        Ok(command)
    }

    fn keyword(
        &mut self,
        keyword: &str,
        words: &mut Words<'_>,
        atoms: &mut AtomSampling,
    ) -> Result<(), Error> {
        let request = &mut self.request;
        match keyword {
            "cycles" => request.cycles = Some(words.count(keyword)?),
            "nskip" => request.skip = Some(words.count(keyword)?),
            "block" => request.block = words.count(keyword)?,
            "detrend" => request.detrend = Detrend::parse(words.next(keyword)?)?,
            "harmonics" => request.harmonics = words.count(keyword)?,
            "ramp" => request.ramp = words.count(keyword)?,
            "phase" => request.phase = words.real(keyword)?,
            "lateral" => {
                request.lateral = Lateral::ALL[words.choice(keyword, &Lateral::NAMES)?];
            }
            "tones" => request.tones = Tones::List(tones(words)?),
            "tones/auto" => request.tones = Tones::Automatic(words.number(keyword, COUNT)?),
            "vscale" => request.scale_velocities = words.choice(keyword, &NO_YES)? == 1,
            "drive" => {
                request.external = match words.choice(keyword, &["internal", "external"])? {
                    0 => None,
                    _ if words.follows("lag") => Some(words.count("drive external lag")?),
                    _ => Some(1),
                }
            }
            "stop" => request.stop = Some(stop(words)?),
            "fdt" => request.fluctuations = words.choice(keyword, &NO_YES)? == 1,
            "ref" => {
                self.reference_lengths = match words.choice(keyword, &["current", "values"])? {
                    0 => None,
                    _ => Some(reference_lengths(words)?),
                }
            }
            "stress" => {
                request.virial_headline = words.choice(keyword, &["total", "virial"])? == 1;
            }
            "peratom" => {
                let id = words.next(keyword)?;
                self.atom_stress = Some(id.strip_prefix("c_").unwrap_or(id).to_owned());
                atoms.every = words.count("the interval of peratom")?;
                atoms.stress = true;
            }
            "atomvolume" => self.atom_volume = atom_volume(words.next(keyword)?)?,
            "shell" => {
                let radius = words.real(keyword)?;
                if !(radius > 0.0 && radius.is_finite()) {
                    return Err(Error::new(format!(
                        "shell {radius}: the radius of the neighbours to average over must be positive"
                    )));
                }
                self.shell = Some(radius);
                atoms.shell = true;
            }
            "nonaffine" => atoms.displacement = words.choice(keyword, &NO_YES)? == 1,
            "file" => self.file = Some(words.next(keyword)?.to_owned()),
            "summary" => self.summary = Some(words.next(keyword)?.to_owned()),
            "checkpoint" => self.checkpoint = Some(words.next(keyword)?.to_owned()),
            "resume" => self.resume = Some(words.next(keyword)?.to_owned()),
            "units" => self.unit = Some(words.next(keyword)?.to_owned()),
            "round" => request.round = words.choice(keyword, &NO_YES)? == 1,
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

/// mean, c_ID or c_ID[i].
fn atom_volume(word: &str) -> Result<Option<(String, usize)>, Error> {
    if word == "mean" {
        return Ok(None);
    }
    let source = word.strip_prefix("c_").and_then(|id| {
        let Some((id, rest)) = id.split_once('[') else {
            return Some((id.to_owned(), 0));
        };
        let column: usize = rest.strip_suffix(']')?.parse().ok()?;
        (column > 0).then(|| (id.to_owned(), column))
    });
    match source {
        Some(source) => Ok(Some(source)),
        None => Err(Error::new(format!(
            "atomvolume '{word}' does not exist: it is mean, c_ID or c_ID[i]"
        ))),
    }
}

/// K and then K times h, w and φ.
fn tones(words: &mut Words<'_>) -> Result<Vec<ToneRequest>, Error> {
    let count = words.count("tones")?;
    if count == 0 || count > MOST_TONES as u64 {
        return Err(Error::new(format!(
            "tones {count}: between 1 and {MOST_TONES} tones are possible"
        )));
    }
    (1..=count)
        .map(|number| {
            Ok(ToneRequest {
                multiple: words.count(&format!("the number of periods of tone {number}"))?,
                weight: words.real(&format!("the weight of tone {number}"))?,
                phase: words.real(&format!("the phase of tone {number}"))?,
            })
        })
        .collect()
}

/// rel x min n.
fn stop(words: &mut Words<'_>) -> Result<Stop, Error> {
    words.expect("stop", "rel")?;
    let relative = words.real("stop rel")?;
    words.expect("stop", "min")?;
    let cycles = words.count("stop min")?;
    Ok(Stop { relative, cycles })
}

/// Fails where a box of this kind cannot be strained, or not in the way of `request`.
pub fn check_box(request: &Request, kind: &DmsBoxKind) -> Result<(), Error> {
    let mode = request.mode;
    let name = mode.name();
    let dimensions = kind.dimension as usize;
    let axes: Vec<usize> = match mode.axes() {
        Some((row, column)) if kind.dimension == 2 && (row == 2 || column == 2) => {
            return Err(Error::new(format!(
                "mode {name} needs a three-dimensional system"
            )));
        }
        Some(_) if request.lateral == Lateral::Volume => (0..dimensions).collect(),
        Some((row, column)) => vec![row, column],
        None if mode == Mode::Iso => (0..dimensions).collect(),
        None => Vec::new(),
    };
    for axis in axes {
        if !kind.periodic[axis] {
            let lateral = match request.lateral {
                Lateral::Volume => " with lateral volume",
                _ => "",
            };
            return Err(Error::new(format!(
                "mode {name}{lateral} needs a periodic box along {}: change the boundary command",
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
mod tests;
