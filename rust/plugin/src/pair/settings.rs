//! The words after `pair_style deepmd`.

/// Which evaluator is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// The CPU engine of this project.
    Native,
    /// libtorch.
    Torch,
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

/// Keywords of the style, deepmd-kit's included: each ends the list of model files.
const KEYWORDS: [&str; 17] = [
    "out_freq",
    "out_file",
    "fparam",
    "aparam",
    "fparam_from_compute",
    "fparam_from_fix",
    "aparam_from_compute",
    "charge_spin",
    "ttm",
    "atomic",
    "relative",
    "relative_v",
    "virtual_len",
    "spin_norm",
    "engine",
    "device",
    "precision",
];

impl Settings {
    /// Parses the words after the style's name.
    ///
    /// # Errors
    /// Names the word that is wrong and what is expected there.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let first = words
            .iter()
            .position(|word| KEYWORDS.contains(&word.as_str()));
        let (models, options) = words.split_at(first.unwrap_or(words.len()));
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
            deviation: DeviationSettings {
                every: 100,
                file: "model_devi.out".to_owned(),
                atomic: false,
                relative: None,
                relative_v: None,
            },
        };
        let mut words = options.iter();
        while let Some(keyword) = words.next() {
            settings.option(keyword, &mut words)?;
        }
        if settings.device != "cpu" && settings.engine == EngineChoice::Native {
            return Err(format!(
                "device {} needs 'engine torch': the native engine runs on the CPU",
                settings.device
            ));
        }
        Ok(settings)
    }

    fn option<'a>(
        &mut self,
        keyword: &str,
        words: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let mut value = || {
            words
                .next()
                .filter(|word| !KEYWORDS.contains(&word.as_str()))
                .ok_or_else(|| format!("Illegal {keyword}, not provided"))
        };
        match keyword {
            "engine" => {
                self.engine = match value()?.as_str() {
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
                let device = value()?;
                let number = device.strip_prefix("cuda:").map(str::parse::<u32>);
                if !(device == "cpu" || device == "cuda" || matches!(number, Some(Ok(_)))) {
                    return Err(format!(
                        "device '{device}' is unknown: use 'cpu', 'cuda' or 'cuda:N'"
                    ));
                }
                self.device.clone_from(device);
            }
            "precision" => {
                let precision = value()?;
                if precision != "double" {
                    return Err(format!(
                        "precision '{precision}' is not available in this version: use 'double'"
                    ));
                }
            }
            "out_freq" => {
                let word = value()?;
                let every = word.parse().ok();
                self.deviation.every = every.ok_or_else(|| {
                    format!("Illegal out_freq, {word} is not a number of steps, 0 or more")
                })?;
            }
            "out_file" => self.deviation.file.clone_from(value()?),
            "atomic" => self.deviation.atomic = true,
            "relative" | "relative_v" => {
                let word = value()?;
                let level = word.parse::<f64>().ok().filter(|level| level.is_finite());
                let level =
                    level.ok_or_else(|| format!("Illegal {keyword}, {word} is not a number"))?;
                match keyword {
                    "relative" => self.deviation.relative = Some(level),
                    _ => self.deviation.relative_v = Some(level),
                }
            }
            "fparam"
            | "aparam"
            | "fparam_from_compute"
            | "fparam_from_fix"
            | "aparam_from_compute"
            | "ttm" => {
                return Err(format!(
                    "{keyword}: models with frame or atom parameters are not available in this version"
                ));
            }
            "charge_spin" | "virtual_len" | "spin_norm" => {
                return Err(format!(
                    "{keyword}: models with charge or spin are not available in this version"
                ));
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }
}

fn unknown(word: &str) -> String {
    format!(
        "pair_style deepmd has no keyword '{word}'. Keywords are {}",
        KEYWORDS.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::{EngineChoice, Settings};

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
                "precision 'single' is not available in this version: use 'double'",
            ),
            (
                "a.pb b.pb relative x",
                "Illegal relative, x is not a number",
            ),
            (
                "m.pb fparam 0.1",
                "fparam: models with frame or atom parameters are not available in this version",
            ),
            (
                "m.pb charge_spin 1 0",
                "charge_spin: models with charge or spin are not available in this version",
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
