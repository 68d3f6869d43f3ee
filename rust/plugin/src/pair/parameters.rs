//! Where the frame and atom parameters of a step come from.

use super::Potential;
use super::ffi::{Origin, Source};
use super::words::Words;
use crate::guard::{BridgeError, guard};
use deepdms_potential::Error;
use deepdms_potential::engine::Interface;

/// What the command says about parameters. How many numbers belong there, only the models know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterSettings {
    fparam: Option<Vec<f64>>,
    fparam_from_compute: Option<String>,
    /// Id of a fix, and where in its vector the parameters start, from 0.
    fparam_from_fix: Option<(String, Option<usize>)>,
    aparam: Option<Vec<f64>>,
    aparam_from_compute: Option<String>,
    ttm: Option<String>,
    /// `charge_spin`: total charge and spin.
    pub charge_spin: Option<Vec<f64>>,
}

/// Where the numbers of one kind come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Supply {
    /// The models take none.
    #[default]
    Nowhere,
    /// They are always the same.
    Numbers(Vec<f64>),
    /// The compute with this id.
    Compute(String),
    /// The fix with this id: its scalar, or its vector from there on.
    Fix(String, Option<usize>),
    /// The electron temperatures of the fix ttm with this id.
    Ttm(String),
}

/// Where the parameters of all models come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// Frame parameters.
    pub frame: Supply,
    /// Atom parameters.
    pub atom: Supply,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl ParameterSettings {
    /// Takes a keyword with its values, if it is about parameters.
    ///
    /// # Errors
    /// Says what is missing or wrong.
    pub fn option(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<bool, String> {
        let mut id = |form: &str| {
            let id = words.optional().map(str::to_owned);
            id.ok_or_else(|| format!("invalid {keyword} key: should be {keyword} {form}"))
        };
        match keyword {
            "fparam" => self.fparam = Some(words.numbers(keyword)?),
            "aparam" => self.aparam = Some(words.numbers(keyword)?),
            "charge_spin" => self.charge_spin = Some(words.numbers(keyword)?),
            "fparam_from_compute" => {
                self.fparam_from_compute = Some(id("compute_fparam_id(str)")?);
            }
            "aparam_from_compute" => {
                self.aparam_from_compute = Some(id("compute_aparam_id(str)")?);
            }
            "ttm" => self.ttm = Some(id("ttm_fix_id(str)")?),
            "fparam_from_fix" => {
                let id = id("fix_fparam_id(str) [fix_vector_index]")?;
                let index = words.optional().map(|word| {
                    let index = word.parse().ok();
                    index.filter(|&index: &usize| index > 0).ok_or(
                        "invalid fparam_from_fix key: vector index must be a positive 1-based integer",
                    )
                });
                self.fparam_from_fix = Some((id, index.transpose()?.map(|index| index - 1)));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// Names the keywords.
    pub fn check(&self) -> Result<(), String> {
        let atom = [
            self.aparam.is_some(),
            self.aparam_from_compute.is_some(),
            self.ttm.is_some(),
        ];
        if atom.iter().filter(|&&given| given).count() > 1 {
            return Err(
                "aparam, aparam_from_compute, and ttm should NOT be set simultaneously".to_owned(),
            );
        }
        let frame = [
            ("fparam", self.fparam.is_some()),
            ("fparam_from_compute", self.fparam_from_compute.is_some()),
            ("fparam_from_fix", self.fparam_from_fix.is_some()),
        ];
        let given: Vec<_> = frame.iter().filter(|(_, given)| *given).collect();
        match given[..] {
            [(first, _), (second, _), ..] => Err(format!(
                "{first} and {second} should NOT be set simultaneously"
            )),
            _ => Ok(()),
        }
    }

    /// Decides where the parameters of `models`, which were read from `files`, come from.
    ///
    /// # Errors
    /// Says what the models need, and which keyword gives it.
    pub fn resolve(&self, models: &[&Interface], files: &[String]) -> Result<Sources, String> {
        let (first, file) = (models[0], &files[0]);
        let counts = |model: &Interface| (model.frame_parameters, model.atom_parameters);
        for (model, other) in models.iter().zip(files) {
            if counts(model) != counts(first) {
                return Err(format!(
                    "{other} takes {} frame and {} atom parameters, and {file} takes {} and {}: models whose deviation is wanted need the same",
                    model.frame_parameters,
                    model.atom_parameters,
                    first.frame_parameters,
                    first.atom_parameters
                ));
            }
        }
        let mut warnings = Vec::new();
        let (n_frame, n_atom) = counts(first);
        let ttm_for_frame = self.ttm.as_ref().filter(|_| n_atom == 0 && n_frame > 0);
        let frame = match ttm_for_frame {
            Some(id) => self.frame_from_ttm(id, n_frame, file)?,
            None => self.frame_source(n_frame, models, file)?,
        };
        let atom = self.atom_source(n_atom, file)?;
        let unused = [
            (
                "fparam_from_compute",
                self.fparam_from_compute.is_some() && n_frame == 0,
                "frame",
            ),
            (
                "fparam_from_fix",
                self.fparam_from_fix.is_some() && n_frame == 0,
                "frame",
            ),
            (
                "aparam_from_compute",
                self.aparam_from_compute.is_some() && n_atom == 0,
                "atom",
            ),
            (
                "ttm",
                self.ttm.is_some() && n_atom == 0 && n_frame == 0,
                "frame or atom",
            ),
        ];
        for (keyword, _, kind) in unused.iter().filter(|(_, unused, _)| *unused) {
            warnings.push(format!(
                "{keyword} has no use: {file} takes no {kind} parameters"
            ));
        }
        Ok(Sources {
            frame,
            atom,
            warnings,
        })
    }

    fn atom_source(&self, n: usize, file: &str) -> Result<Supply, String> {
        if let Some(numbers) = &self.aparam {
            return fixed("aparam", numbers, n);
        }
        if n == 0 {
            return Ok(Supply::Nowhere);
        }
        if let Some(id) = &self.aparam_from_compute {
            return Ok(Supply::Compute(id.clone()));
        }
        match &self.ttm {
            Some(id) if n == 1 => Ok(Supply::Ttm(id.clone())),
            Some(_) => Err(format!(
                "ttm gives one number for each atom and {file} takes {n} atom parameters: use aparam_from_compute"
            )),
            None => Err(format!(
                "{file} takes {} for each atom and none is given: add 'aparam' with {n} number{}, 'aparam_from_compute ID' or 'ttm ID'",
                counted(n, "atom parameter"),
                if n == 1 { "" } else { "s" }
            )),
        }
    }

    fn frame_source(&self, n: usize, models: &[&Interface], file: &str) -> Result<Supply, String> {
        if let Some(numbers) = &self.fparam {
            return fixed("fparam", numbers, n);
        }
        if n == 0 {
            return Ok(Supply::Nowhere);
        }
        if let Some(id) = &self.fparam_from_compute {
            return Ok(Supply::Compute(id.clone()));
        }
        if let Some((id, index)) = &self.fparam_from_fix {
            return Ok(Supply::Fix(id.clone(), *index));
        }
        let default = &models[0].default_frame_parameters;
        let same = models
            .iter()
            .all(|model| &model.default_frame_parameters == default);
        match default {
            Some(numbers) if same => Ok(Supply::Numbers(numbers.clone())),
            _ if !same => Err(format!(
                "the models have different frame parameters of their own: add 'fparam' with {}",
                counted(n, "number")
            )),
            _ => Err(format!(
                "{file} takes {} and none is given: add 'fparam' with {}, 'fparam_from_compute ID' or 'fparam_from_fix ID'",
                counted(n, "frame parameter"),
                counted(n, "number")
            )),
        }
    }

    /// A model with one frame parameter and no atom parameters takes the mean electron temperature.
    fn frame_from_ttm(&self, id: &str, n: usize, file: &str) -> Result<Supply, String> {
        let other = [
            ("fparam", self.fparam.is_some()),
            ("fparam_from_compute", self.fparam_from_compute.is_some()),
            ("fparam_from_fix", self.fparam_from_fix.is_some()),
        ];
        if let Some((keyword, _)) = other.iter().find(|(_, given)| *given) {
            return Err(format!(
                "{keyword} and ttm should NOT be set simultaneously: {file} takes no atom parameters, and ttm would give the frame parameter"
            ));
        }
        if n > 1 {
            return Err(format!(
                "ttm gives one frame parameter and {file} takes {n}: use fparam_from_compute or fparam_from_fix"
            ));
        }
        Ok(Supply::Ttm(id.to_owned()))
    }
}

/// Numbers of the command, of which there must be `n`.
fn fixed(keyword: &str, numbers: &[f64], n: usize) -> Result<Supply, String> {
    match (numbers.len(), n) {
        (0, 0) => Ok(Supply::Nowhere),
        (given, _) if given == n => Ok(Supply::Numbers(numbers.to_vec())),
        _ => Err(format!("Illegal {keyword}, the dimension should be {n}")),
    }
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

impl Supply {
    /// The same for the shim, which fetches `count` numbers.
    fn source(&self, count: usize) -> Source {
        let (origin, id, index) = match self {
            Self::Nowhere | Self::Numbers(_) => (Origin::Settled, "", None),
            Self::Compute(id) => (Origin::Compute, id.as_str(), None),
            Self::Fix(id, index) => (Origin::Fix, id.as_str(), *index),
            Self::Ttm(id) => (Origin::Ttm, id.as_str(), None),
        };
        Source {
            origin,
            id: id.to_owned(),
            whole: index.is_none(),
            index: index.unwrap_or(0),
            count,
        }
    }

    /// Where they come from, in words.
    fn describe(&self) -> String {
        match self {
            Self::Nowhere | Self::Numbers(_) => "the command".to_owned(),
            Self::Compute(id) => format!("compute {id}"),
            Self::Fix(id, _) => format!("fix {id}"),
            Self::Ttm(id) => format!("fix ttm {id}"),
        }
    }
}

impl Potential {
    /// Decides where parameters come from, once the models have their engines.
    pub(super) fn prepare_parameters(&mut self) -> Result<(), Error> {
        let settings = &self.settings.parameters;
        let models: Vec<_> = self.engines.iter().flat_map(|e| e.models()).collect();
        let sources = settings.resolve(&models, &self.settings.models);
        self.sources = sources.map_err(Error::Engine)?;
        if let Supply::Numbers(numbers) = &self.sources.frame {
            self.frame_parameters.clone_from(numbers);
        }
        if let Some(values) = &settings.charge_spin {
            for engine in &mut self.engines {
                engine.set_charge_spin(values)?;
            }
        }
        Ok(())
    }

    /// What the user should know about the parameters.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.sources.warnings.clone()
    }

    /// What the shim must fetch before each step: frame parameters.
    pub(super) fn frame_source(&self) -> Source {
        self.sources.frame.source(self.first().frame_parameters)
    }

    /// What the shim must fetch before each step: atom parameters.
    pub(super) fn atom_source(&self) -> Source {
        self.sources.atom.source(self.first().atom_parameters)
    }

    /// Takes the frame parameters of the step.
    pub(super) fn set_frame_parameters(&mut self, values: &[f64]) -> Result<(), BridgeError> {
        guard("frame parameters", || {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(format!(
                    "{} gives the frame parameter {value}",
                    self.sources.frame.describe()
                ));
            }
            self.frame_parameters.clear();
            self.frame_parameters.extend_from_slice(values);
            Ok(())
        })
    }

    /// Takes the atom parameters of the step, `[n_local, d]`.
    pub(super) fn set_atom_parameters(&mut self, values: &[f64]) -> Result<(), BridgeError> {
        guard("atom parameters", || {
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                return Err(format!(
                    "{} gives the atom parameter {value}",
                    self.sources.atom.describe()
                ));
            }
            self.atom_parameters.clear();
            self.atom_parameters.extend_from_slice(values);
            Ok(())
        })
    }

    /// Gives each of `n` atoms the atom parameters that the command gives to all.
    pub(super) fn repeat_atom_parameters(&mut self, n: usize) {
        if let Supply::Numbers(numbers) = &self.sources.atom
            && self.atom_parameters.len() != n * numbers.len()
        {
            self.atom_parameters.clear();
            let rows = std::iter::repeat_n(numbers, n);
            self.atom_parameters.extend(rows.flatten());
        }
    }
}
