//! How far several models of one system disagree: the numbers by which active learning chooses configurations.
//!
//! With the forces `f_k(i)` of `M` models, `D_f(i) = sqrt(mean over k of |f_k(i) - mean f(i)|²)`; with their virials `W_k` and `N`
//! atoms, `D_v(c)` is the population standard deviation of `W_k(c) / N`, component by component. A relative deviation is
//! divided by the magnitude of the mean plus a level. Source: the documentation of deepmd-kit's pair style; Zhang et al.,
//! Phys. Rev. Materials 3, 023804 (2019).

/// Deviation of the force on each atom [eV/Å], or without unit where `level` [eV/Å] makes it relative.
///
/// `forces` holds one list `[n, 3]` a model; only the first `n` atoms are looked at.
pub fn of_forces(forces: &[&[f64]], n: usize, level: Option<f64>) -> Vec<f64> {
    let models = forces.len() as f64;
    (0..n)
        .map(|i| {
            let (mut size, mut square) = (0.0, 0.0);
            for a in 3 * i..3 * i + 3 {
                let mean = forces.iter().map(|f| f[a]).sum::<f64>() / models;
                size += mean * mean;
                square += forces.iter().map(|f| (f[a] - mean).powi(2)).sum::<f64>();
            }
            relative((square / models).sqrt(), size.sqrt(), level)
        })
        .collect()
}

/// Deviation of the nine components of the virial an atom [eV], or without unit where `level` [eV] makes it relative.
pub fn of_virials(virials: &[[f64; 9]], n_atoms: f64, level: Option<f64>) -> [f64; 9] {
    let models = virials.len() as f64;
    std::array::from_fn(|c| {
        let mean = virials.iter().map(|w| w[c] / n_atoms).sum::<f64>() / models;
        let square: f64 = virials
            .iter()
            .map(|w| (w[c] / n_atoms - mean).powi(2))
            .sum();
        relative((square / models).sqrt(), mean.abs(), level)
    })
}

fn relative(deviation: f64, size: f64, level: Option<f64>) -> f64 {
    match level {
        Some(level) => deviation / (size + level),
        None => deviation,
    }
}

/// Largest, smallest and average number of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The largest.
    pub largest: f64,
    /// The smallest.
    pub smallest: f64,
    /// The mean of forces' deviations, the root mean square of virials'.
    pub average: f64,
}

impl Spread {
    /// Of the nine components of [`of_virials`].
    pub fn of_components(deviations: &[f64; 9]) -> Self {
        Self {
            largest: deviations.iter().fold(0.0, |most, d| d.max(most)),
            smallest: deviations
                .iter()
                .fold(f64::INFINITY, |least, d| d.min(least)),
            average: (deviations.iter().map(|d| d * d).sum::<f64>() / 9.0).sqrt(),
        }
    }
}

/// The first line of a deviation file, with the label of the columns of atoms where they are wanted.
pub fn header(by_atom: bool) -> String {
    let labels = [
        "max_devi_v",
        "min_devi_v",
        "avg_devi_v",
        "max_devi_f",
        "min_devi_f",
        "avg_devi_f",
        "atm_devi_f(N)",
    ];
    let mut line = format!("#{:>11}", "step");
    for label in &labels[..if by_atom { 7 } else { 6 }] {
        line += &format!("{label:>19}");
    }
    line + "\n"
}

/// One line: step, virial, force, and the deviation of each atom's force where wanted.
pub fn line(step: i64, virial: Spread, force: Spread, atoms: &[f64]) -> String {
    let mut line = format!("{step:>12}");
    for spread in [virial, force] {
        for value in [spread.largest, spread.smallest, spread.average] {
            line += &column(value);
        }
    }
    atoms.iter().for_each(|value| line += &column(*value));
    line + "\n"
}

/// A blank and 18 characters, as C++ streams write them: six digits and at least two of the exponent.
fn column(value: f64) -> String {
    let text = format!("{value:.6e}");
    let number = match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => text.to_ascii_lowercase(),
    };
    format!(" {number:>18}")
}

#[cfg(test)]
mod tests {
    use super::{Spread, header, line, of_forces, of_virials};

    #[test]
    fn two_models_deviate_by_half_their_difference() {
        let forces: [&[f64]; 2] = [
            &[1.0, 0.0, 0.0, 0.0, 0.0, 2.0],
            &[3.0, 0.0, 0.0, 0.0, 0.0, 2.0],
        ];
        assert_eq!(of_forces(&forces, 2, None), [1.0, 0.0]);
        assert_eq!(of_forces(&forces, 1, Some(0.5)), [1.0 / 2.5]);
        let virials = [[2.0; 9], [-6.0; 9]];
        assert_eq!(of_virials(&virials, 2.0, None), [2.0; 9]);
        assert_eq!(of_virials(&virials, 2.0, Some(1.0)), [1.0; 9]);
    }

    #[test]
    fn lines_have_deepmd_kits_columns() {
        assert_eq!(
            header(false),
            "#       step         max_devi_v         min_devi_v         avg_devi_v         max_devi_f         min_devi_f         avg_devi_f\n"
        );
        assert!(header(true).ends_with("         avg_devi_f      atm_devi_f(N)\n"));
        let virial = Spread {
            largest: 1.553614e-1,
            smallest: 3.558839e-2,
            average: 9.817294e-2,
        };
        let force = Spread {
            largest: 6.98813e-1,
            smallest: 4.772359e-1,
            average: 1.5e102,
        };
        assert_eq!(
            line(0, virial, force, &[0.0]),
            "           0       1.553614e-01       3.558839e-02       9.817294e-02       6.988130e-01       4.772359e-01      1.500000e+102       0.000000e+00\n"
        );
    }

    #[test]
    fn the_average_over_components_is_a_root_mean_square() {
        let mut deviations = [0.0; 9];
        deviations[4] = 3.0;
        let spread = Spread::of_components(&deviations);
        assert_eq!(
            spread,
            Spread {
                largest: 3.0,
                smallest: 0.0,
                average: 1.0
            }
        );
    }
}
