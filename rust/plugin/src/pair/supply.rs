//! Where the frame and atom parameters of a step come from.

use super::ffi::{Origin, Source};
use super::parameters::ParameterSettings;
use deepdms_potential::engine::Interface;

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

impl Sources {
    /// Decides where the parameters of `models`, which were read from `files`, come from.
    ///
    /// # Errors
    /// Says what the models need, and which keyword gives it.
    pub fn decide(
        settings: &ParameterSettings,
        models: &[&Interface],
        files: &[String],
    ) -> Result<Self, String> {
        let (first, file) = (models[0], &files[0]);
        let (n_frame, n_atom) = (first.frame_parameters, first.atom_parameters);
        for (model, other) in models.iter().zip(files) {
            if (model.frame_parameters, model.atom_parameters) != (n_frame, n_atom) {
                return Err(format!(
                    "{other} takes {} frame and {} atom parameters, and {file} takes {n_frame} and {n_atom}: models whose deviation is wanted need the same",
                    model.frame_parameters, model.atom_parameters,
                ));
            }
        }
        let frame = match &settings.ttm {
            Some(id) if n_atom == 0 && n_frame > 0 => frame_from_ttm(settings, id, n_frame, file)?,
            _ => for_frame(settings, n_frame, models, file)?,
        };
        let atom = for_atoms(settings, n_atom, file)?;
        let mut warnings = Vec::new();
        let mut useless = |keyword: &str, kind: &str| {
            warnings.push(format!(
                "{keyword} has no use: {file} takes no {kind} parameters"
            ));
        };
        if n_frame == 0 {
            let keywords = settings.for_frame().into_iter();
            keywords
                .filter(|&keyword| keyword != "fparam")
                .for_each(|keyword| useless(keyword, "frame"));
        }
        if n_atom == 0 && settings.aparam_from_compute.is_some() {
            useless("aparam_from_compute", "atom");
        }
        if n_atom == 0 && n_frame == 0 && settings.ttm.is_some() {
            useless("ttm", "frame or atom");
        }
        Ok(Self {
            frame,
            atom,
            warnings,
        })
    }
}

fn for_atoms(settings: &ParameterSettings, n: usize, file: &str) -> Result<Supply, String> {
    if let Some(numbers) = &settings.aparam {
        return fixed("aparam", numbers, n);
    }
    if n == 0 {
        return Ok(Supply::Nowhere);
    }
    if let Some(id) = &settings.aparam_from_compute {
        return Ok(Supply::Compute(id.clone()));
    }
    match &settings.ttm {
        Some(id) if n == 1 => Ok(Supply::Ttm(id.clone())),
        Some(_) => Err(format!(
            "ttm gives one number for each atom and {file} takes {n} atom parameters: use aparam_from_compute"
        )),
        None => Err(format!(
            "{file} takes {} for each atom and none is given: add 'aparam' with {}{}",
            counted(n, "atom parameter"),
            counted(n, "number"),
            match n {
                1 => ", 'aparam_from_compute ID' or 'ttm ID'",
                _ => " or 'aparam_from_compute ID'",
            }
        )),
    }
}

fn for_frame(
    settings: &ParameterSettings,
    n: usize,
    models: &[&Interface],
    file: &str,
) -> Result<Supply, String> {
    if let Some(numbers) = &settings.fparam {
        return fixed("fparam", numbers, n);
    }
    if n == 0 {
        return Ok(Supply::Nowhere);
    }
    if let Some(id) = &settings.fparam_from_compute {
        return Ok(Supply::Compute(id.clone()));
    }
    if let Some((id, index)) = &settings.fparam_from_fix {
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
fn frame_from_ttm(
    settings: &ParameterSettings,
    id: &str,
    n: usize,
    file: &str,
) -> Result<Supply, String> {
    if let [keyword, ..] = settings.for_frame()[..] {
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
    pub fn source(&self, count: usize) -> Source {
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
    pub fn describe(&self) -> String {
        match self {
            Self::Nowhere | Self::Numbers(_) => "the command".to_owned(),
            Self::Compute(id) => format!("compute {id}"),
            Self::Fix(id, _) => format!("fix {id}"),
            Self::Ttm(id) => format!("fix ttm {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sources, Supply};
    use crate::pair::settings::Settings;
    use deepdms_potential::engine::Interface;
    use deepdms_potential::model::Format;

    fn model(frame: usize, atom: usize) -> Interface {
        Interface {
            format: Format::FrozenGraph,
            type_map: vec!["Cu".to_owned()],
            cutoff: 6.0,
            sel: vec![10],
            frame_parameters: frame,
            atom_parameters: atom,
            default_frame_parameters: None,
        }
    }

    pub fn decide(line: &str, models: &[Interface]) -> Result<Sources, String> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let settings = Settings::parse(&words).unwrap();
        let models: Vec<_> = models.iter().collect();
        Sources::decide(&settings.parameters, &models, &settings.models)
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let cases = [
            (
                "m.pb",
                (2, 0),
                "m.pb takes 2 frame parameters and none is given: add 'fparam' with 2 numbers, 'fparam_from_compute ID' or 'fparam_from_fix ID'",
            ),
            (
                "m.pb fparam 1",
                (1, 1),
                "m.pb takes 1 atom parameter for each atom and none is given: add 'aparam' with 1 number, 'aparam_from_compute ID' or 'ttm ID'",
            ),
            (
                "m.pb",
                (0, 3),
                "m.pb takes 3 atom parameters for each atom and none is given: add 'aparam' with 3 numbers or 'aparam_from_compute ID'",
            ),
            (
                "m.pb fparam 1",
                (2, 0),
                "Illegal fparam, the dimension should be 2",
            ),
            (
                "m.pb fparam 1 2 3",
                (2, 0),
                "Illegal fparam, the dimension should be 2",
            ),
            (
                "m.pb fparam 1",
                (0, 0),
                "Illegal fparam, the dimension should be 0",
            ),
            (
                "m.pb aparam",
                (0, 1),
                "Illegal aparam, the dimension should be 1",
            ),
            (
                "m.pb ttm t",
                (0, 2),
                "ttm gives one number for each atom and m.pb takes 2 atom parameters: use aparam_from_compute",
            ),
            (
                "m.pb ttm t",
                (2, 0),
                "ttm gives one frame parameter and m.pb takes 2: use fparam_from_compute or fparam_from_fix",
            ),
            (
                "m.pb ttm t fparam 1",
                (1, 0),
                "fparam and ttm should NOT be set simultaneously: m.pb takes no atom parameters, and ttm would give the frame parameter",
            ),
        ];
        for (line, (frame, atom), message) in cases {
            let outcome = decide(line, &[model(frame, atom)]);
            assert_eq!(outcome.unwrap_err(), message, "{line}");
        }
    }

    #[test]
    fn several_models_need_the_same_parameters() {
        let outcome = decide("a.pb b.pb fparam 1", &[model(1, 0), model(1, 1)]);
        assert_eq!(
            outcome.unwrap_err(),
            "b.pb takes 1 frame and 1 atom parameters, and a.pb takes 1 and 0: models whose deviation is wanted need the same"
        );
        let mut own = [model(1, 0), model(1, 0)];
        own[1].default_frame_parameters = Some(vec![0.5]);
        assert_eq!(
            decide("a.pb b.pb", &own).unwrap_err(),
            "the models have different frame parameters of their own: add 'fparam' with 1 number"
        );
        own[0].default_frame_parameters = Some(vec![0.5]);
        let sources = decide("a.pb b.pb", &own).unwrap();
        assert_eq!(sources.frame, Supply::Numbers(vec![0.5]));
        let sources = decide("a.pb b.pb fparam 2", &own).unwrap();
        assert_eq!(sources.frame, Supply::Numbers(vec![2.0]));
    }

    #[test]
    fn sources_are_taken_where_the_model_has_a_use_for_them() {
        let sources = decide("m.pb fparam_from_fix f 2 ttm t", &[model(1, 1)]).unwrap();
        assert_eq!(sources.frame, Supply::Fix("f".to_owned(), Some(1)));
        assert_eq!(sources.atom, Supply::Ttm("t".to_owned()));
        let sources = decide("m.pb ttm t", &[model(1, 0)]).unwrap();
        assert_eq!(sources.frame, Supply::Ttm("t".to_owned()));
        assert_eq!(sources.atom, Supply::Nowhere);

        let line = "m.pb fparam_from_compute c aparam_from_compute d";
        let sources = decide(line, &[model(0, 0)]).unwrap();
        assert_eq!(sources.frame, Supply::Nowhere);
        assert_eq!(
            sources.warnings,
            [
                "fparam_from_compute has no use: m.pb takes no frame parameters",
                "aparam_from_compute has no use: m.pb takes no atom parameters"
            ]
        );
        let sources = decide("m.pb fparam aparam", &[model(0, 0)]).unwrap();
        assert!(sources.warnings.is_empty(), "{:?}", sources.warnings);
    }
}
