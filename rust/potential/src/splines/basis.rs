//! Uniform B-splines: the weights of the coefficients that meet in one interval.

/// Coefficients that meet in an interval: degree 7.
pub const WEIGHTS: usize = 8;

/// The weights of one interval as polynomials of the offset from its start: `[power][weight]`.
pub type Weights = [[f64; WEIGHTS]; WEIGHTS];

/// Weights of splines of a degree of at most 7; those that such a spline lacks are 0.
///
/// Source: the truncated powers of Schoenberg, Quart. Appl. Math. 4, 45 (1946): the weight of the *m*-th coefficient of degree
/// *p* is `1/p! sum over j <= p - m of (-1)^j binomial(p + 1, j) (t + p - m - j)^p`.
pub fn weights(degree: usize) -> Weights {
    let mut weights = [[0.0; WEIGHTS]; WEIGHTS];
    let factorial: f64 = (1..=degree).map(|k| k as f64).product();
    for m in 0..=degree {
        for j in 0..=degree - m {
            let sign = if j % 2 == 0 { 1.0 } else { -1.0 };
            let shift = (degree - m - j) as f64;
            for (power, row) in weights.iter_mut().enumerate().take(degree + 1) {
                // integers below 2^53 until the division: exact
                row[m] += sign
                    * binomial(degree + 1, j)
                    * binomial(degree, power)
                    * shift.powi((degree - power) as i32);
            }
        }
    }
    weights.map(|row| row.map(|weight| weight / factorial))
}

/// The slopes of weights, in the same form.
pub fn slopes(weights: &Weights) -> Weights {
    let mut slopes = [[0.0; WEIGHTS]; WEIGHTS];
    for power in 1..WEIGHTS {
        slopes[power - 1] = weights[power].map(|weight| power as f64 * weight);
    }
    slopes
}

/// The weights at an offset.
pub fn at(weights: &Weights, offset: f64) -> [f64; WEIGHTS] {
    let mut sums = [0.0; WEIGHTS];
    for row in weights.iter().rev() {
        for (sum, weight) in sums.iter_mut().zip(row) {
            *sum = *sum * offset + weight;
        }
    }
    sums
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |product, i| product * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::{WEIGHTS, at, slopes, weights};

    #[test]
    fn weights_add_up_to_one_and_go_on_smoothly() {
        for degree in [6, 7] {
            let mut derivative = weights(degree);
            for order in 0..degree {
                let (end, start) = (at(&derivative, 1.0), at(&derivative, 0.0));
                let expected = if order == 0 { 1.0 } else { 0.0 };
                assert!((start.iter().sum::<f64>() - expected).abs() < 1e-12);
                // at the end of an interval a coefficient has the weight that it has at the start of the next
                assert!(end[0].abs() < 1e-12);
                for m in 1..WEIGHTS {
                    assert!(
                        (end[m] - start[m - 1]).abs() < 1e-12,
                        "{degree} {order} {m}"
                    );
                }
                derivative = slopes(&derivative);
            }
        }
    }

    #[test]
    fn the_slope_is_the_spline_of_differences() {
        // coefficients of one weight each: its slope is a difference of two weights of the degree below
        let (seven, six) = (slopes(&weights(7)), weights(6));
        for offset in [0.0, 0.3, 0.9] {
            let (slope, below) = (at(&seven, offset), at(&six, offset));
            for m in 0..WEIGHTS {
                let before = if m == 0 { 0.0 } else { below[m - 1] };
                assert!((slope[m] - (before - below[m])).abs() < 1e-13);
            }
        }
    }
}
