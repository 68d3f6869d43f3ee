//! The floor that thermal stress noise sets (fluctuation-dissipation theorem).
//!
//! The stress of a cell of volume V fluctuates with the two-sided power S(ω) = 2 k_B T E''/(ωV), and a lock-in
//! coefficient over n cycles has the variance 2S/(n t_ω). Stresses and moduli are in one pressure unit, and `thermal` is
//! k_B T/V in that same unit.

use std::f64::consts::{PI, TAU};

/// Predicted standard error of E'' after `cycles` used periods of the tone, (1/ε0)·√(2 k_B T E''/(π n V)). Zero where
/// E'' ≤ 0 or nothing is strained.
pub fn predicted_error(amplitude: f64, thermal: f64, loss: f64, cycles: f64) -> f64 {
    if loss <= 0.0 || cycles <= 0.0 || amplitude <= 0.0 {
        return 0.0;
    }
    (2.0 * thermal * loss / (PI * cycles)).sqrt() / amplitude
}

/// E'' from the scatter `variance` of the loss coefficient b (a stress) over single cycles of `periods` periods of the
/// tone each, π n V Var(b)/(2 k_B T). Zero at T = 0.
pub fn fluctuation_loss(variance: f64, thermal: f64, periods: f64) -> f64 {
    if thermal <= 0.0 {
        0.0
    } else {
        PI * periods * variance / (2.0 * thermal)
    }
}

/// Relative standard error √(2/(n − 1)) of a loss from the scatter of `count` cycles; zero with fewer than two.
pub fn fluctuation_error(count: u64) -> f64 {
    if count < 2 {
        0.0
    } else {
        (2.0 / (count as f64 - 1.0)).sqrt()
    }
}

/// Share of the variance that comes from sampling every `per_period`-th of a period of the tone: Δ·s_r²/S(ω), with the residual
/// variance s_r². Zero where E'' ≤ 0 or T = 0, where the thermal noise is unknown.
pub fn sampling_penalty(residual: f64, per_period: f64, thermal: f64, loss: f64) -> f64 {
    if loss <= 0.0 || thermal <= 0.0 {
        return 0.0;
    }
    // Δ·ω = 2π/M
    residual * (TAU / per_period) / (2.0 * thermal * loss)
}

/// Cycles after which E'' is known to the fraction `relative`.
pub fn cycles_for(amplitude: f64, thermal: f64, loss: f64, relative: f64) -> f64 {
    (predicted_error(amplitude, thermal, loss, 1.0) / (relative * loss)).powi(2)
}

#[cfg(test)]
mod tests {
    use super::{cycles_for, fluctuation_loss, predicted_error};

    /// k_B T/V in GPa for `atoms` atoms of 13.25 Å³ at 433 K.
    fn thermal(atoms: f64) -> f64 {
        1.380649e-23 * 433.0 / (atoms * 13.25e-30) * 1e-9
    }

    #[test]
    fn error_bars_of_the_metallic_glass() {
        // 433 K, ε0 = 1 %, E'' = 5 GPa, 13.25 Å³ an atom
        for (atoms, one, ten, tenth) in [(500.0, 5.4, 1.7, 115.0), (8000.0, 1.35, 0.42, 7.2)] {
            assert!((predicted_error(0.01, thermal(atoms), 5.0, 1.0) / one - 1.0).abs() < 0.02);
            assert!((predicted_error(0.01, thermal(atoms), 5.0, 10.0) / ten - 1.0).abs() < 0.02);
            assert!((cycles_for(0.01, thermal(atoms), 5.0, 0.1) / tenth - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn the_scatter_of_single_cycles_returns_the_loss() {
        let (thermal, loss, amplitude) = (0.9, 5.0, 0.01);
        let scatter = (amplitude * predicted_error(amplitude, thermal, loss, 1.0)).powi(2);
        assert!((fluctuation_loss(scatter, thermal, 1.0) / loss - 1.0).abs() < 1e-14);
    }
}
