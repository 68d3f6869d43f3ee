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
    /// Path of the model file.
    pub model: String,
    /// `engine native|torch`
    pub engine: EngineChoice,
    /// `device cpu|cuda|cuda:N`, for `engine torch`
    pub device: String,
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
        let model = match models {
            [] => {
                return Err(
                    "pair_style deepmd needs a model file: pair_style deepmd model.pb".to_owned(),
                );
            }
            [model] => model.clone(),
            [_, second, ..] if !second.contains('.') => {
                return Err(format!(
                    "pair_style deepmd has no keyword '{second}'. Keywords are {}",
                    known()
                ));
            }
            several => {
                return Err(format!(
                    "pair_style deepmd was given {} models; the deviation between models is not available in this version, so give one",
                    several.len()
                ));
            }
        };
        let mut settings = Self {
            model,
            engine: EngineChoice::Native,
            device: "cpu".to_owned(),
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
            // What belongs to the deviation between several models has no effect with one, here as in deepmd-kit.
            "out_freq" => {
                let word = value()?;
                if word.parse::<u32>().is_err() {
                    return Err(format!(
                        "Illegal out_freq, {word} is not a number of steps, 0 or more"
                    ));
                }
            }
            "out_file" => {
                value()?;
            }
            "atomic" => {}
            "relative" | "relative_v" => {
                let word = value()?;
                if word.parse::<f64>().is_err() {
                    return Err(format!("Illegal {keyword}, {word} is not a number"));
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
            other => {
                return Err(format!(
                    "pair_style deepmd has no keyword '{other}'. Keywords are {}",
                    known()
                ));
            }
        }
        Ok(())
    }
}

fn known() -> String {
    KEYWORDS.join(", ")
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
        assert_eq!(settings.model, "graph.pb");
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
                "a.pb b.pb out_freq 10",
                "pair_style deepmd was given 2 models; the deviation between models is not available in this version, so give one",
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
