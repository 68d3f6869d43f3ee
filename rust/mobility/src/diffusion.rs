//! Diffusion coefficients and activation energies.

use deepdms_statistics::{Error, Estimate};

/// Range of d ln MSD/d ln t in which motion counts as diffusive.
pub const DIFFUSIVE: (f64, f64) = (0.9, 1.1);

/// What mean squared displacements at several lags give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diffusion {
    /// MSD/(2 d t) at the largest lag.
    pub largest: f64,
    /// Slope of the MSD over the diffusive lags, over 2 d; NaN where fewer than two are diffusive.
    pub slope: f64,
    /// d ln MSD/d ln t between the two largest lags; NaN with one.
    pub exponent: f64,
    /// Whether that lies within [`DIFFUSIVE`].
    pub diffusive: bool,
}

/// The diffusion coefficients of the mean squared displacements `squares` at ascending `times` in `dimension` dimensions. A lag
/// counts as diffusive by the slope to its neighbours on both sides, or on the one side that it has.
pub fn diffusion(times: &[f64], squares: &[f64], dimension: usize) -> Diffusion {
    let directions = 2.0 * dimension as f64;
    let none = Diffusion {
        largest: f64::NAN,
        slope: f64::NAN,
        exponent: f64::NAN,
        diffusive: false,
    };
    let count = times.len();
    let Some(last) = count.checked_sub(1) else {
        return none;
    };
    let between = |a: usize, b: usize| (squares[b] / squares[a]).ln() / (times[b] / times[a]).ln();
    let within = |exponent: f64| exponent >= DIFFUSIVE.0 && exponent <= DIFFUSIVE.1;
    let mut result = Diffusion {
        largest: squares[last] / (directions * times[last]),
        ..none
    };
    if count < 2 {
        return result;
    }
    result.exponent = between(last - 1, last);
    result.diffusive = within(result.exponent);
    let chosen: Vec<usize> = (0..count)
        .filter(|&lag| within(between(lag.saturating_sub(1), (lag + 1).min(last))))
        .collect();
    if chosen.len() >= 2 {
        let n = chosen.len() as f64;
        let t = chosen.iter().map(|&lag| times[lag]).sum::<f64>() / n;
        let s = chosen.iter().map(|&lag| squares[lag]).sum::<f64>() / n;
        let (mut above, mut below) = (0.0, 0.0);
        for &lag in &chosen {
            above += (times[lag] - t) * (squares[lag] - s);
            below += (times[lag] - t).powi(2);
        }
        result.slope = above / below / directions;
    }
    result
}

/// ln D = ln D0 − E/(k_B T), fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrhenius {
    /// Activation energy [energy unit of k_B T].
    pub energy: Estimate,
    /// ln D0.
    pub logarithm: Estimate,
    /// Covariance of both.
    pub covariance: f64,
    /// Σ ((ln D − fit)·D/σ)².
    pub chi2: f64,
    /// Points less two.
    pub freedom: usize,
}

/// Weighted fit of the diffusion coefficients `d` with the standard errors `errors` at the `temperatures`. Fails with fewer
/// than two temperatures, or where a value or an error is not positive.
pub fn arrhenius(
    temperatures: &[f64],
    d: &[f64],
    errors: &[f64],
    boltzmann: f64,
) -> Result<Arrhenius, Error> {
    check(temperatures, d, errors)?;
    let points = || {
        (0..d.len()).map(|i| {
            let x = 1.0 / (boltzmann * temperatures[i]);
            (x, d[i].ln(), (d[i] / errors[i]).powi(2))
        })
    };
    let weight: f64 = points().map(|(_, _, w)| w).sum();
    let x0 = points().map(|(x, _, w)| w * x).sum::<f64>() / weight;
    let y0 = points().map(|(_, y, w)| w * y).sum::<f64>() / weight;
    let xx: f64 = points().map(|(x, _, w)| w * (x - x0).powi(2)).sum();
    if xx <= 0.0 {
        return Err(Error::new(
            "an activation energy needs diffusion coefficients at two different temperatures or more",
        ));
    }
    let xy: f64 = points().map(|(x, y, w)| w * (x - x0) * (y - y0)).sum();
    let slope = xy / xx;
    let chi2 = points()
        .map(|(x, y, w)| w * (y - y0 - slope * (x - x0)).powi(2))
        .sum();
    Ok(Arrhenius {
        energy: Estimate {
            value: -slope,
            error: xx.sqrt().recip(),
        },
        logarithm: Estimate {
            value: y0 - slope * x0,
            error: (1.0 / weight + x0 * x0 / xx).sqrt(),
        },
        covariance: x0 / xx,
        chi2,
        freedom: d.len() - 2,
    })
}

/// The activation energy −k_B d ln D/d(1/T) at each temperature but the first and the last, from its two neighbours.
pub fn differential(
    temperatures: &[f64],
    d: &[f64],
    errors: &[f64],
    boltzmann: f64,
) -> Result<Vec<(f64, Estimate)>, Error> {
    check(temperatures, d, errors)?;
    Ok((1..d.len() - 1)
        .map(|i| {
            let (a, b) = (i - 1, i + 1);
            let step = (1.0 / temperatures[b] - 1.0 / temperatures[a]) / boltzmann;
            let energy = Estimate {
                value: -(d[b] / d[a]).ln() / step,
                error: (errors[a] / d[a]).hypot(errors[b] / d[b]) / step.abs(),
            };
            (temperatures[i], energy)
        })
        .collect())
}

fn check(temperatures: &[f64], d: &[f64], errors: &[f64]) -> Result<(), Error> {
    if temperatures.len() != d.len() || errors.len() != d.len() || d.len() < 2 {
        return Err(Error::new(format!(
            "an activation energy needs temperatures, diffusion coefficients and errors in equal numbers of two or more, not \
             {}, {} and {}",
            temperatures.len(),
            d.len(),
            errors.len()
        )));
    }
    for (name, values) in [
        ("temperature", temperatures),
        ("diffusion coefficient", d),
        ("standard error", errors),
    ] {
        if let Some(wrong) = values.iter().find(|value| value.is_nan() || **value <= 0.0) {
            return Err(Error::new(format!(
                "an activation energy cannot be had from the {name} {wrong}: it must be positive"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{arrhenius, differential, diffusion};

    #[test]
    fn an_exact_law_is_found_again() {
        let (boltzmann, energy, d0) = (8.617_333e-5f64, 1.7f64, 3e4f64);
        let temperatures = [450.0, 480.0, 530.0, 600.0, 700.0];
        let d: Vec<f64> = temperatures
            .iter()
            .map(|t| d0 * (-energy / (boltzmann * t)).exp())
            .collect();
        let errors: Vec<f64> = d
            .iter()
            .enumerate()
            .map(|(i, d)| d * 0.01 * (i + 1) as f64)
            .collect();
        let fit = arrhenius(&temperatures, &d, &errors, boltzmann).unwrap();
        assert!((fit.energy.value / energy - 1.0).abs() < 1e-10);
        assert!((fit.logarithm.value - d0.ln()).abs() < 1e-9);
        assert!(fit.chi2 < 1e-15);
        for (_, local) in differential(&temperatures, &d, &errors, boltzmann).unwrap() {
            assert!((local.value / energy - 1.0).abs() < 1e-10);
        }
    }

    #[test]
    fn the_errors_are_those_of_weighted_least_squares() {
        // two points determine the line: E = (y0 − y1)/(x1 − x0)
        let fit = arrhenius(&[1.0, 0.5], &[2.0, 1.0], &[0.2, 0.05], 1.0).unwrap();
        assert!((fit.energy.value - 2f64.ln()).abs() < 1e-14);
        assert!((fit.energy.error - 0.1f64.hypot(0.05)).abs() < 1e-14);
        assert!((fit.logarithm.error - 0.2f64.hypot(0.05)).abs() < 1e-14);
        assert!((fit.covariance - (2.0 * 0.01 + 0.0025)).abs() < 1e-14);
    }

    #[test]
    fn what_gives_no_energy_is_named() {
        let message =
            |t: &[f64], d: &[f64], e: &[f64]| arrhenius(t, d, e, 1.0).unwrap_err().to_string();
        assert_eq!(
            message(&[1.0, 2.0], &[1.0, 0.0], &[0.1, 0.1]),
            "an activation energy cannot be had from the diffusion coefficient 0: it must be positive"
        );
        assert!(message(&[1.0], &[1.0], &[0.1]).contains("not 1, 1 and 1"));
        assert!(
            message(&[2.0, 2.0], &[1.0, 1.0], &[0.1, 0.1]).contains("two different temperatures")
        );
    }

    #[test]
    fn a_plateau_does_not_diffuse() {
        let line = diffusion(&[1.0, 2.0, 4.0], &[6.0, 12.0, 24.0], 3);
        assert!(line.diffusive);
        assert!((line.largest - 1.0).abs() < 1e-15 && (line.slope - 1.0).abs() < 1e-14);
        let plateau = diffusion(&[1.0, 2.0, 4.0], &[6.0, 6.1, 6.3], 3);
        assert!(!plateau.diffusive && plateau.slope.is_nan());
        assert!(diffusion(&[1.0], &[6.0], 3).exponent.is_nan());
        assert!(diffusion(&[], &[], 3).largest.is_nan());
    }
}
