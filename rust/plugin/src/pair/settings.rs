//! The words after `pair_style deepmd`.

use super::parameters::ParameterSettings;
use super::words::{Words, unknown};
use deepdms_potential::splines::{Accuracy, Precision};

/// Which evaluator is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// The CPU engine of this project.
    Native,
    /// libtorch.
    Torch,
}

/// What happens where something went beyond the range of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// A warning, once for each pair of types.
    Warn,
    /// The run ends.
    Error,
}

/// A parsed `pair_style deepmd` line.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Paths of the model files; the first drives the run.
    pub models: Vec<String>,
    /// `engine native|torch`
    pub engine: EngineChoice,
    /// `device cpu|cuda|cuda:N`, for `engine torch`
    pub device: String,
    /// `threads N`, for `engine native`
    pub threads: usize,
    /// `tolerance T|exact` and `precision double|mixed`: the error of forces that is accepted.
    pub accuracy: Accuracy,
    /// `on_overflow warn|error`: more neighbours than the model has room for.
    pub on_overflow: Reaction,
    /// `on_extrapolation warn|error`: lookups outside of the tables of a compressed model.
    pub on_extrapolation: Reaction,
    /// `script checked|trusted`: whether a program in a model file may run whatever it does.
    pub trusted: bool,
    /// Where frame and atom parameters come from.
    pub parameters: ParameterSettings,
    /// What is done with the models after the first.
    pub deviation: DeviationSettings,
}

/// How the deviation between several models is reported.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviationSettings {
    /// `out_freq`: steps between lines; 0 for none.
    pub every: u32,
    /// `out_file`
    pub file: String,
    /// `atomic`: a column for each atom.
    pub atomic: bool,
    /// `relative`: level for forces.
    pub relative: Option<f64>,
    /// `relative_v`: level for virials.
    pub relative_v: Option<f64>,
}

/// Smallest `tolerance` [eV/Å]: what is left of a force after rounding.
const ROUNDING: f64 = 1e-12;
/// Largest `tolerance` [eV/Å]: forces of solids at room temperature are of this size.
const COARSEST: f64 = 1.0;
/// `tolerance` [eV/Å] where none is given.
const TOLERANCE: f64 = 1e-6;
/// The same for `precision mixed`.
const MIXED_TOLERANCE: f64 = 1e-4;
/// Smallest `tolerance` [eV/Å] that `precision mixed` keeps.
const LEAST_MIXED: f64 = 1e-5;

/// Most threads: more are a slip of the pen.
const MOST_THREADS: usize = 1024;

impl Settings {
    /// Parses the words after the style's name.
    ///
    /// # Errors
    /// Names the word that is wrong and what is expected there.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let (models, mut words) = Words::after_files(words);
        if models.is_empty() {
            return Err(
                "pair_style deepmd needs a model file: pair_style deepmd model.pb".to_owned(),
            );
        }
        // a misspelt keyword would be taken for a file; model files have a suffix
        if let Some(word) = models.iter().skip(1).find(|word| !word.contains('.')) {
            return Err(unknown(word));
        }
        let mut settings = Self {
            models: models.to_vec(),
            engine: EngineChoice::Native,
            device: "cpu".to_owned(),
            threads: 1,
            accuracy: Accuracy::Exact,
            on_overflow: Reaction::Warn,
            on_extrapolation: Reaction::Warn,
            trusted: false,
            parameters: ParameterSettings::default(),
            deviation: DeviationSettings {
                every: 100,
                file: "model_devi.out".to_owned(),
                atomic: false,
                relative: None,
                relative_v: None,
            },
        };
        let (mut tolerance, mut precision) = (None, None);
        let mut given = Vec::new();
        while let Some(keyword) = words.next() {
            if given.contains(&keyword) {
                return Err(format!(
                    "Illegal {keyword}, given twice: remove one of them"
                ));
            }
            given.push(keyword);
            match keyword {
                "tolerance" => tolerance = Some(accepted_error(words.value(keyword)?)?),
                "precision" => precision = Some(wanted_precision(words.value(keyword)?)?),
                _ => settings.option(keyword, &mut words)?,
            }
        }
        settings.accuracy = accuracy(tolerance, precision)?;
        settings.parameters.check()?;
        if settings.engine == EngineChoice::Native && settings.device != "cpu" {
            return Err(format!(
                "device {} needs 'engine torch': the native engine runs on the CPU",
                settings.device
            ));
        }
        if settings.engine == EngineChoice::Torch && settings.threads != 1 {
            return Err(format!(
                "threads {} needs 'engine native': the libtorch engine runs in one thread",
                settings.threads
            ));
        }
        Ok(settings)
    }

    fn option(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<(), String> {
        match keyword {
            "engine" => {
                self.engine = match words.value(keyword)? {
                    "native" => EngineChoice::Native,
                    "torch" => EngineChoice::Torch,
                    other => {
                        return Err(format!(
                            "engine '{other}' is unknown: use 'native' or 'torch'"
                        ));
                    }
                }
            }
            "device" => {
                let device = words.value(keyword)?;
                let number = device.strip_prefix("cuda:").map(str::parse::<u32>);
                if !(device == "cpu" || device == "cuda" || matches!(number, Some(Ok(_)))) {
                    return Err(format!(
                        "device '{device}' is unknown: use 'cpu', 'cuda' or 'cuda:N'"
                    ));
                }
                self.device = device.to_owned();
            }
            "threads" => {
                let word = words.value(keyword)?;
                let threads = word.parse().ok();
                self.threads = threads
                    .filter(|threads| (1..=MOST_THREADS).contains(threads))
                    .ok_or_else(|| {
                        format!("Illegal threads, {word} is not a number from 1 to {MOST_THREADS}")
                    })?;
            }
            "on_overflow" => self.on_overflow = reaction(keyword, words)?,
            "on_extrapolation" => self.on_extrapolation = reaction(keyword, words)?,
            "script" => {
                self.trusted = match words.value(keyword)? {
                    "checked" => false,
                    "trusted" => true,
                    other => {
                        return Err(format!(
                            "script '{other}' is unknown: use 'checked' or 'trusted'"
                        ));
                    }
                };
            }
            "out_freq" => {
                let word = words.value(keyword)?;
                let every = word.parse().ok();
                self.deviation.every = every.ok_or_else(|| {
                    format!("Illegal out_freq, {word} is not a number of steps, 0 or more")
                })?;
            }
            "out_file" => self.deviation.file = words.value(keyword)?.to_owned(),
            "atomic" => self.deviation.atomic = true,
            "relative" => self.deviation.relative = Some(words.number(keyword)?),
            "relative_v" => self.deviation.relative_v = Some(words.number(keyword)?),
            "virtual_len" | "spin_norm" => {
                return Err(format!(
                    "{keyword} is for models with spin, which pair_style deepmd does not take: remove it"
                ));
            }
            _ if self.parameters.option(keyword, words)? => {}
            other => return Err(unknown(other)),
        }
        Ok(())
    }
}

/// The number after `tolerance`; `None` for `exact`.
fn accepted_error(word: &str) -> Result<Option<f64>, String> {
    if word == "exact" {
        return Ok(None);
    }
    let tolerance = word.parse().ok();
    let tolerance = tolerance.filter(|value: &f64| (ROUNDING..=COARSEST).contains(value));
    tolerance.map(Some).ok_or_else(|| {
        format!(
            "Illegal tolerance, {word} is neither 'exact' nor a force in eV/A between {ROUNDING:e}, where rounding begins, and {COARSEST}, as large as forces"
        )
    })
}

/// The word after `precision`.
fn wanted_precision(word: &str) -> Result<Precision, String> {
    match word {
        "double" => Ok(Precision::Double),
        "mixed" => Ok(Precision::Single),
        other => Err(format!(
            "precision '{other}' is unknown: use 'double' or 'mixed'"
        )),
    }
}

/// What `tolerance` (`Some(None)` for `exact`) and `precision` ask for together.
fn accuracy(
    tolerance: Option<Option<f64>>,
    precision: Option<Precision>,
) -> Result<Accuracy, String> {
    let mixed = precision == Some(Precision::Single);
    let usual = if mixed { MIXED_TOLERANCE } else { TOLERANCE };
    let tolerance = match tolerance {
        Some(None) if mixed => {
            return Err(
                "precision mixed has no exact evaluation: give a tolerance in eV/A, or use 'precision double'".to_owned(),
            );
        }
        Some(None) => return Ok(Accuracy::Exact),
        Some(Some(tolerance)) if mixed && tolerance < LEAST_MIXED => {
            return Err(format!(
                "precision mixed does not keep forces within {tolerance:e} eV/A: give a tolerance of {LEAST_MIXED:e} or more, or leave precision out"
            ));
        }
        Some(Some(tolerance)) => tolerance,
        None => usual,
    };
    Ok(Accuracy::Within {
        tolerance,
        precision: precision.unwrap_or_else(|| Precision::for_tolerance(tolerance)),
    })
}

fn reaction(keyword: &str, words: &mut Words<'_>) -> Result<Reaction, String> {
    match words.value(keyword)? {
        "warn" => Ok(Reaction::Warn),
        "error" => Ok(Reaction::Error),
        other => Err(format!(
            "Illegal {keyword}, '{other}' is unknown: use 'warn' or 'error'"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Accuracy, EngineChoice, Precision, Reaction, Settings};

    fn parse(line: &str) -> Result<Settings, String> {
        Settings::parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_line_of_deepmd_kit_is_understood() {
        let settings = parse("graph.pb out_freq 10 out_file md.out atomic relative 1.0").unwrap();
        assert_eq!(settings.models, ["graph.pb"]);
        let deviation = &settings.deviation;
        assert_eq!(
            (deviation.every, deviation.file.as_str(), deviation.atomic),
            (10, "md.out", true)
        );
        assert_eq!(
            (deviation.relative, deviation.relative_v),
            (Some(1.0), None)
        );
        assert_eq!(
            parse("a.pb b.dp c.pth out_freq 10").unwrap().models.len(),
            3
        );
        assert_eq!(settings.engine, EngineChoice::Native);
        assert_eq!(
            parse("m.dp engine torch device cuda:1").unwrap().device,
            "cuda:1"
        );
    }

    #[test]
    fn what_deepmd_kit_has_not_is_understood() {
        let within = |tolerance, precision| Accuracy::Within {
            tolerance,
            precision,
        };
        let settings = parse("m.pb").unwrap();
        assert_eq!(settings.threads, 1);
        assert_eq!(settings.on_overflow, Reaction::Warn);
        assert_eq!(settings.on_extrapolation, Reaction::Warn);
        let settings =
            parse("m.pb threads 4 on_overflow error on_extrapolation error precision double")
                .unwrap();
        assert_eq!(settings.threads, 4);
        assert_eq!(settings.on_overflow, Reaction::Error);
        assert_eq!(settings.on_extrapolation, Reaction::Error);
        let cases = [
            ("m.pb", within(1e-6, Precision::Differences)),
            ("m.pb precision double", within(1e-6, Precision::Double)),
            ("m.pb tolerance 1e-7", within(1e-7, Precision::Double)),
            ("m.pb tolerance 1e-3", within(1e-3, Precision::Single)),
            ("m.pb precision mixed", within(1e-4, Precision::Single)),
            (
                "m.pb precision mixed tolerance 1e-5",
                within(1e-5, Precision::Single),
            ),
            ("m.pb tolerance exact", Accuracy::Exact),
            ("m.pb precision double tolerance exact", Accuracy::Exact),
        ];
        for (line, accuracy) in cases {
            assert_eq!(parse(line).unwrap().accuracy, accuracy, "{line}");
        }
        assert!(!parse("m.pth").unwrap().trusted);
        assert!(parse("m.pth script trusted").unwrap().trusted);
    }

    #[test]
    fn every_mistake_is_named() {
        let cases = [
            (
                "",
                "pair_style deepmd needs a model file: pair_style deepmd model.pb",
            ),
            ("m.pb relative", "Illegal relative, not provided"),
            ("m.pb relative_v atomic", "Illegal relative_v, not provided"),
            (
                "m.pb out_freq -1",
                "Illegal out_freq, -1 is not a number of steps, 0 or more",
            ),
            (
                "m.pb engine fast",
                "engine 'fast' is unknown: use 'native' or 'torch'",
            ),
            (
                "m.pb engine torch device gpu",
                "device 'gpu' is unknown: use 'cpu', 'cuda' or 'cuda:N'",
            ),
            (
                "m.pb device cuda",
                "device cuda needs 'engine torch': the native engine runs on the CPU",
            ),
            (
                "m.pb precision single",
                "precision 'single' is unknown: use 'double' or 'mixed'",
            ),
            (
                "a.pb b.pb relative x",
                "Illegal relative, x is not a number",
            ),
            (
                "m.pb virtual_len 0.4",
                "virtual_len is for models with spin, which pair_style deepmd does not take: remove it",
            ),
            (
                "m.pb spin_norm",
                "spin_norm is for models with spin, which pair_style deepmd does not take: remove it",
            ),
            (
                "m.pb tolerance exact precision mixed",
                "precision mixed has no exact evaluation: give a tolerance in eV/A, or use 'precision double'",
            ),
            (
                "m.pb tolerance 1e-6 precision mixed",
                "precision mixed does not keep forces within 1e-6 eV/A: give a tolerance of 1e-5 or more, or leave precision out",
            ),
            ("m.pb threads", "Illegal threads, not provided"),
            (
                "m.pb threads 0",
                "Illegal threads, 0 is not a number from 1 to 1024",
            ),
            (
                "m.pb threads omp",
                "Illegal threads, omp is not a number from 1 to 1024",
            ),
            (
                "m.pth engine torch threads 2",
                "threads 2 needs 'engine native': the libtorch engine runs in one thread",
            ),
            (
                "m.pb tolerance 1e-13",
                "Illegal tolerance, 1e-13 is neither 'exact' nor a force in eV/A between 1e-12, where rounding begins, and 1, as large as forces",
            ),
            (
                "m.pb tolerance nan",
                "Illegal tolerance, nan is neither 'exact' nor a force in eV/A between 1e-12, where rounding begins, and 1, as large as forces",
            ),
            (
                "m.pb tolerance 1e308",
                "Illegal tolerance, 1e308 is neither 'exact' nor a force in eV/A between 1e-12, where rounding begins, and 1, as large as forces",
            ),
            (
                "m.pb threads 2 tolerance exact threads 3",
                "Illegal threads, given twice: remove one of them",
            ),
            (
                "m.pb fparam 1 2 fparam 3",
                "Illegal fparam, given twice: remove one of them",
            ),
            (
                "a.pb b.pb atomic atomic",
                "Illegal atomic, given twice: remove one of them",
            ),
            (
                "m.pb on_overflow stop",
                "Illegal on_overflow, 'stop' is unknown: use 'warn' or 'error'",
            ),
            (
                "m.pb on_extrapolation",
                "Illegal on_extrapolation, not provided",
            ),
            (
                "m.pth script yes",
                "script 'yes' is unknown: use 'checked' or 'trusted'",
            ),
        ];
        for (line, message) in cases {
            assert_eq!(parse(line).unwrap_err(), message, "{line}");
        }
        for line in [
            "m.pb out_frequency 10",
            "m.pb atomic 10",
            "a.pb b.pb outfreq 10",
            "m.pb engine native nonsense",
        ] {
            let message = parse(line).unwrap_err();
            assert!(
                message.starts_with("pair_style deepmd has no keyword '"),
                "{line}: {message}"
            );
        }
    }
}
