//! The words of the command `fix ID all dms Nevery mode A P keyword values ...`.

use deepdms_rheology::atoms::AtomSampling;
use deepdms_rheology::mode::Lateral;
use deepdms_rheology::regression::Detrend;
use deepdms_rheology::request::Stop;
use deepdms_rheology::tones::{MOST_TONES, ToneRequest, Tones};
use deepdms_rheology::{Cell, Error, Mode, Request};

use super::ffi::DmsBoxKind;
use super::words::{COUNT, Words};

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
mod tests {
    use super::{Command, DmsBoxKind, Lateral, Mode, Request, Tones, check_box};

    fn parse(line: &str) -> Result<Command, String> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Command::parse(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn every_keyword_is_understood() {
        let command = parse(
            "100 xx 0.01 1000.0 cycles 22 nskip 2 block 3 detrend quadratic harmonics 2 ramp 1 phase 90 lateral free \
             ref values 10 11 12.5 stress virial file a.csv summary a.json units native round yes vscale yes \
             stop rel 0.05 min 8 fdt no checkpoint b.state resume c.state",
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
        assert!(request.round && request.virial_headline && request.scale_velocities);
        assert!(request.lateral == Lateral::Free && !request.fluctuations);
        let stop = request.stop.unwrap();
        assert_eq!((stop.relative, stop.cycles), (0.05, 8));
        assert_eq!(command.reference_lengths, Some([10.0, 11.0, 12.5]));
        assert_eq!(
            (command.file.as_deref(), command.summary.as_deref()),
            (Some("a.csv"), Some("a.json"))
        );
        let states = (command.checkpoint.as_deref(), command.resume.as_deref());
        assert_eq!(states, (Some("b.state"), Some("c.state")));
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
            "unknown keyword 'skip': the keywords are cycles, nskip, block, detrend, harmonics, \
             ramp, phase, lateral, tones, tones/auto, vscale, drive, ref, stress, stop, fdt, peratom, atomvolume, shell, nonaffine, \
             file, summary, checkpoint, resume, units, round"
        );
        assert_eq!(
            message("10 xx 0.01 1 lateral open"),
            "lateral 'open' does not exist: it is one of fixed, volume, free"
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
            message("10 none 0 1 ref values 10 11 12.5"),
            "ref belongs to a strain, and mode none has none: leave ref out"
        );
        assert_eq!(
            message("10 xx 0.01 1 peratom cs"),
            "the interval of peratom has no value"
        );
        assert_eq!(
            message("10 xx 0.01 1 peratom cs 10 atomvolume c_v[0]"),
            "atomvolume 'c_v[0]' does not exist: it is mean, c_ID or c_ID[i]"
        );
        assert_eq!(
            message("10 xx 0.01 1 peratom cs 10 shell -1"),
            "shell -1: the radius of the neighbours to average over must be positive"
        );
        assert_eq!(
            message("10 xx 0.01 1 nonaffine yes shell 3"),
            "shell is for the moduli of atoms: give peratom, too, or leave it out"
        );
        assert_eq!(
            message("10 xx 0.01 1 atomvolume c_v"),
            "atomvolume is for the moduli of atoms: give peratom, too, or leave it out"
        );
        assert_eq!(
            message("10 xx 0.01 1 stop 0.1"),
            "stop: the word 'rel' is expected, not '0.1'"
        );
        assert_eq!(
            message("10 xx 0.01 1 stop rel 0.1 20"),
            "stop: the word 'min' is expected, not '20'"
        );
        assert_eq!(
            message("10 xx 0.01 1 tones 2 1 1.0 0 3 0.5"),
            "the phase of tone 2 has no value"
        );
        assert_eq!(
            message("10 xx 0.01 1 tones 20"),
            "tones 20: between 1 and 8 tones are possible"
        );
        assert_eq!(
            message("10 xx 0.01 1 drive external lag now"),
            "drive external lag needs a whole number of 0 or more, not 'now'"
        );
        assert_eq!(message("10 xx 0.01 1 file"), "file has no value");
    }

    #[test]
    fn tones_and_drive_are_understood() {
        let request = |line| parse(line).unwrap().request;
        let Tones::List(tones) = request("10 xx 0.01 1 tones 2 1 1.0 0 5 0.5 -90 nskip 2").tones
        else {
            panic!("a list of tones")
        };
        assert_eq!((tones[1].multiple, tones[1].phase), (5, -90.0));
        assert_eq!(
            request("10 xx 0.01 1 tones/auto 3").tones,
            Tones::Automatic(3)
        );
        let lag = |line| request(line).external;
        assert_eq!(lag("10 xx 0.01 1 drive external lag 3"), Some(3));
        assert_eq!(lag("10 xx 0.01 1 drive external nskip 2"), Some(1));
        assert_eq!(lag("10 xx 0.01 1 drive internal"), None);
    }

    #[test]
    fn atoms_are_understood() {
        let command =
            parse("10 xx 0.01 1 peratom c_cs 20 atomvolume c_v[1] nonaffine yes shell 3.5")
                .unwrap();
        let atoms = command.request.atoms.unwrap();
        assert_eq!(
            (atoms.every, atoms.stress, atoms.displacement),
            (20, true, true)
        );
        assert!(atoms.shell && command.shell == Some(3.5));
        assert_eq!(command.atom_stress.as_deref(), Some("cs"));
        assert_eq!(command.atom_volume, Some(("v".to_owned(), 1)));
        let atoms = parse("10 xx 0.01 1 nonaffine yes").unwrap().request.atoms;
        let atoms = atoms.unwrap();
        assert_eq!(
            (atoms.every, atoms.stress, atoms.displacement),
            (10, false, true)
        );
        assert!(
            parse("10 xx 0.01 1 nonaffine no")
                .unwrap()
                .request
                .atoms
                .is_none()
        );
    }

    #[test]
    fn boxes_that_cannot_be_strained() {
        let kind = |triclinic, dimension, periodic| DmsBoxKind {
            triclinic,
            dimension,
            periodic,
        };
        let request = |mode| Request::new(1, mode, 0.01, 1.0);
        let message =
            |mode, kind: DmsBoxKind| check_box(&request(mode), &kind).unwrap_err().to_string();
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
        assert_eq!(
            message(Mode::Iso, kind(false, 3, [true, true, false])),
            "mode iso needs a periodic box along z: change the boundary command"
        );
        let mut volume = request(Mode::Xx);
        volume.lateral = Lateral::Volume;
        assert_eq!(
            check_box(&volume, &kind(false, 3, [true, false, true]))
                .unwrap_err()
                .to_string(),
            "mode xx with lateral volume needs a periodic box along y: change the boundary command"
        );
        for mode in [Mode::Xx, Mode::Iso] {
            assert!(check_box(&request(mode), &kind(false, 2, [true; 3])).is_ok());
        }
    }
}
