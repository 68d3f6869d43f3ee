//! The variable in which knots stand at equal distances: it spreads the curvature of embedding curves evenly.
//!
//! `x = b u + sum over i of a_i u^n/(u^n + c_i^n)`, `u = s - start`, `n = 1, 2, 4`, with `a_i, b >= 0`: smooth, and it rises for every
//! `s >= start`.
//! Each term is a step of one width on the logarithmic scale, so that six of them follow densities of knots that fall over several
//! scales and have a maximum where the curves of a trained network bend most.

/// Steps of each exponent.
const EACH: usize = 2;
/// Terms: two with `n = 1`, two with `n = 2`, two with `n = 4`.
pub const TERMS: usize = EXPONENTS.len() * EACH;
/// Places of steps that are tried, relative to the largest `s`: from the first on, each further by the factor.
const PLACES: (f64, f64, usize) = (0.006, 1.26, 30);
/// Exponents `n`.
const EXPONENTS: [i32; 3] = [1, 2, 4];
/// Intervals of the coarsest spline, which resolve every step, three of them on its way.
const FEWEST: f64 = 24.0;
/// Sweeps of the descent that finds the strengths.
const SWEEPS: usize = 200;
/// Rounds in which places are moved.
const ROUNDS: usize = 5;
/// Weight of a density that is too small: the error grows with its eighth power.
const MISSED_BELOW: f64 = 9.0;

/// `x(s)`
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The `s` of `x = 0`.
    pub start: f64,
    /// `b`
    pub linear: f64,
    /// `a`
    pub strengths: [f64; TERMS],
    /// `c^n`
    pub places: [f64; TERMS],
}

impl Variable {
    /// The variable that begins at `start` and whose slope follows a density of knots `(s - start, density)`, in relative terms.
    ///
    /// Terms are taken one by one, where the density is missed most; then each is moved as long as that helps.
    pub fn fit(start: f64, density: &[(f64, f64)]) -> Self {
        let largest = density.iter().fold(0.0, |most, (s, _)| f64::max(most, *s));
        let mut fit = Fit::new(density, largest);
        fit.choose();
        fit.improve();
        let (strengths, _) = fit.solve(&fit.chosen, SWEEPS);
        let term = |i: usize| {
            (
                strengths[i + 1],
                fit.place(fit.chosen[i]).powi(EXPONENTS[i / EACH]),
            )
        };
        Self {
            start,
            linear: strengths[0],
            strengths: std::array::from_fn(|i| term(i).0),
            places: std::array::from_fn(|i| term(i).1),
        }
    }

    /// The same with all values times `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            start: self.start,
            linear: self.linear * factor,
            strengths: self.strengths.map(|a| a * factor),
            places: self.places,
        }
    }

    /// `(x, dx/ds)`
    #[inline(always)]
    pub fn at(&self, s: f64) -> (f64, f64) {
        let s = s - self.start;
        let powers = [s, s * s, (s * s) * (s * s)];
        let below = [1.0, 2.0 * s, 4.0 * s * s * s];
        let mut denominators = [0.0; TERMS];
        for i in 0..TERMS {
            denominators[i] = powers[i / EACH] + self.places[i];
        }
        // one division for all: the inverse of the product times the products of the others
        let mut before = [1.0; TERMS];
        for i in 1..TERMS {
            before[i] = before[i - 1] * denominators[i - 1];
        }
        let mut inverse = 1.0 / (before[TERMS - 1] * denominators[TERMS - 1]);
        let (mut x, mut slope) = (self.linear * s, self.linear);
        for i in (0..TERMS).rev() {
            let own = inverse * before[i];
            inverse *= denominators[i];
            let step = self.strengths[i] * own;
            x += step * powers[i / EACH];
            slope += step * own * self.places[i] * below[i / EACH];
        }
        (x, slope)
    }

    /// The `s` of an `x >= 0`.
    pub fn inverse(&self, x: f64) -> f64 {
        let (mut low, mut high) = (self.start, self.start + 1.0);
        while self.at(high).0 < x {
            (low, high) = (high, 2.0 * high - self.start);
        }
        let mut s = 0.5 * (low + high);
        for _ in 0..200 {
            let (value, slope) = self.at(s);
            if value < x {
                low = s;
            } else {
                high = s;
            }
            let next = s - (value - x) / slope;
            let next = if next > low && next < high {
                next
            } else {
                0.5 * (low + high)
            };
            if (next - s).abs() <= 4.0 * f64::EPSILON * (s - self.start) {
                return next;
            }
            s = next;
        }
        s
    }
}

/// A search for terms.
struct Fit<'a> {
    density: &'a [(f64, f64)],
    largest: f64,
    /// Weight of each point: what is missed from below counts more.
    weights: Vec<f64>,
    /// Place of each term, by number.
    chosen: [usize; TERMS],
    /// Smallest `c/n` of a place, by its number.
    narrowest: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

impl<'a> Fit<'a> {
    fn new(density: &'a [(f64, f64)], largest: f64) -> Self {
        let mut fit = Self {
            density,
            largest,
            weights: vec![1.0; density.len()],
            chosen: [PLACES.2 - 1; TERMS],
            narrowest: Vec::new(),
            columns: Vec::new(),
        };
        // steps that knots do not resolve would bend the curves more than they are bent
        let pairs = density.windows(2);
        let length: f64 = pairs
            .map(|p| 0.5 * (p[0].1 + p[1].1) * (p[1].0 - p[0].0))
            .sum();
        fit.narrowest = (0..PLACES.2)
            .map(|k| {
                let c = fit.place(k);
                let at = density
                    .partition_point(|(s, _)| *s < c)
                    .min(density.len() - 1);
                length / FEWEST / density[at].1
            })
            .collect();
        let column = |shape: &dyn Fn(f64) -> f64| -> Vec<f64> {
            density.iter().map(|(s, rho)| shape(*s) / rho).collect()
        };
        fit.columns.push(column(&|_| 1.0));
        for n in EXPONENTS {
            for k in 0..PLACES.2 {
                let place = fit.place(k).powi(n);
                let shape =
                    |s: f64| f64::from(n) * place * s.powi(n - 1) / (s.powi(n) + place).powi(2);
                fit.columns.push(column(&shape));
            }
        }
        fit
    }

    /// `c` of a place.
    fn place(&self, number: usize) -> f64 {
        let (first, factor, _) = PLACES;
        first * factor.powi(number as i32) * self.largest
    }

    /// Whether the `i`-th term may stand at a place.
    fn allowed(&self, i: usize, place: usize) -> bool {
        let width = self.place(place) / f64::from(EXPONENTS[i / EACH]);
        width >= self.narrowest[place] || place == PLACES.2 - 1
    }

    /// The column of the `i`-th term at a place.
    fn column(&self, i: usize, place: usize) -> &[f64] {
        &self.columns[1 + i / EACH * PLACES.2 + place]
    }

    /// Strengths of a constant and of terms at `places`, none negative, and what they miss, squared.
    fn solve(&self, places: &[usize], sweeps: usize) -> (Vec<f64>, f64) {
        let mut columns = vec![&self.columns[0][..]];
        columns.extend(
            places
                .iter()
                .enumerate()
                .map(|(i, &place)| self.column(i, place)),
        );
        let dot = |a: &[f64], b: &[f64]| -> f64 {
            let products = a.iter().zip(b).zip(&self.weights);
            products.map(|((a, b), w)| a * b * w).sum()
        };
        let norms: Vec<f64> = columns.iter().map(|column| dot(column, column)).collect();
        let mut strengths = vec![0.0; columns.len()];
        let mut rest = vec![1.0; self.density.len()];
        for _ in 0..sweeps {
            for ((strength, column), norm) in strengths.iter_mut().zip(&columns).zip(&norms) {
                let next = f64::max(*strength + dot(column, &rest) / norm, 0.0);
                let change = next - *strength;
                if change != 0.0 {
                    rest.iter_mut()
                        .zip(*column)
                        .for_each(|(r, c)| *r -= change * c);
                    *strength = next;
                }
            }
        }
        let missed = dot(&rest, &rest);
        (strengths, missed)
    }

    /// What is left of a density of 1 with these places.
    fn rest(&self, places: &[usize]) -> Vec<f64> {
        let (strengths, _) = self.solve(places, SWEEPS / 4);
        let mut rest = vec![1.0; self.density.len()];
        let mut take = |column: &[f64], strength: f64| {
            rest.iter_mut()
                .zip(column)
                .for_each(|(r, c)| *r -= strength * c);
        };
        take(&self.columns[0], strengths[0]);
        for (i, &place) in places.iter().enumerate() {
            take(self.column(i, place), strengths[i + 1]);
        }
        rest
    }

    /// Takes terms one after another, each where it goes best with what is left.
    fn choose(&mut self) {
        for i in 0..TERMS {
            let rest = self.rest(&self.chosen[..i]);
            let fits = |place: usize| {
                let column = self.column(i, place);
                let along: f64 = column.iter().zip(&rest).map(|(c, r)| c * r).sum();
                along / column.iter().map(|c| c * c).sum::<f64>().sqrt()
            };
            let places = (0..PLACES.2).filter(|&place| self.allowed(i, place));
            let best = places.max_by(|&a, &b| fits(a).total_cmp(&fits(b)));
            self.chosen[i] = best.expect("the last place is always allowed");
        }
    }

    /// Moves terms to places where less is missed.
    fn improve(&mut self) {
        for _ in 0..ROUNDS {
            let rest = self.rest(&self.chosen);
            for (weight, rest) in self.weights.iter_mut().zip(rest) {
                *weight = if rest > 0.0 { MISSED_BELOW } else { 1.0 };
            }
            let (_, mut missed) = self.solve(&self.chosen, SWEEPS / 4);
            for i in 0..TERMS {
                for step in [-4, -1, 1, 4] {
                    let mut moved = self.chosen;
                    moved[i] = moved[i].saturating_add_signed(step).min(PLACES.2 - 1);
                    let (_, found) = self.solve(&moved, SWEEPS / 4);
                    if found < missed && self.allowed(i, moved[i]) {
                        (self.chosen, missed) = (moved, found);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Variable;

    fn density(s: f64) -> f64 {
        3.0 / (0.07 + s) + 20.0 / (1.0 + (s - 0.4).powi(2) / 0.02) + 1.0
    }

    fn example() -> Variable {
        let s = (0..300).map(|k| 2.5 * f64::from(k) / 299.0);
        Variable::fit(-0.1, &s.map(|s| (s, density(s))).collect::<Vec<_>>())
    }

    #[test]
    fn a_falling_density_with_a_maximum_is_followed() {
        let variable = example();
        for s in [0.02, 0.1, 0.3, 0.4, 0.5, 1.0, 2.0] {
            let (_, slope) = variable.at(s - 0.1);
            let ratio = slope / density(s);
            assert!((0.6..1.6).contains(&ratio), "{s}: {ratio}");
        }
    }

    #[test]
    fn slope_and_inverse_belong_to_the_value() {
        let variable = example().scaled(12.0);
        assert_eq!(variable.at(-0.1).0, 0.0);
        for s in [-0.05, 0.003, 0.1, 0.7, 2.0, 7.0] {
            let (x, slope) = variable.at(s);
            let step = 1e-5 * (s + 0.1);
            let quotient = (variable.at(s + step).0 - variable.at(s - step).0) / (2.0 * step);
            assert!((quotient / slope - 1.0).abs() < 1e-8);
            assert!((variable.inverse(x) - s).abs() < 1e-13 * (s + 0.1));
        }
    }
}
