//! Frame and atom parameters of a step: who knows them, and what they are.

use super::Potential;
use super::ffi::Source;
use super::supply::{Sources, Supply};
use crate::guard::{BridgeError, guard};
use deepdms_potential::Error;

impl Potential {
    /// Decides where parameters come from, once the models have their engines.
    pub(super) fn prepare_parameters(&mut self) -> Result<(), Error> {
        let settings = &self.settings.parameters;
        let models: Vec<_> = self.engines.iter().flat_map(|e| e.models()).collect();
        let sources = Sources::decide(settings, &models, &self.settings.models);
        self.sources = sources.map_err(Error::Engine)?;
        if let Supply::Numbers(numbers) = &self.sources.frame {
            self.frame_parameters.clone_from(numbers);
        }
        let charge_spin = settings.charge_spin.as_deref().unwrap_or_default();
        for engine in &mut self.engines {
            engine.set_charge_spin(charge_spin)?;
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
            let source = &self.sources.frame;
            take(&mut self.frame_parameters, values, source, "frame")
        })
    }

    /// Takes the atom parameters of the step, `[n_local, d]`.
    pub(super) fn set_atom_parameters(&mut self, values: &[f64]) -> Result<(), BridgeError> {
        guard("atom parameters", || {
            let source = &self.sources.atom;
            take(&mut self.atom_parameters, values, source, "atom")
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

/// Copies what `source` gave, unless it is not finite.
fn take(
    parameters: &mut Vec<f64>,
    values: &[f64],
    source: &Supply,
    kind: &str,
) -> Result<(), String> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        let source = source.describe();
        return Err(format!("{source} gives the {kind} parameter {value}"));
    }
    parameters.clear();
    parameters.extend_from_slice(values);
    Ok(())
}
