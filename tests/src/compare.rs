//! Numbers against numbers.

/// How far a list of numbers may be from its reference: `absolute + relative * max |reference|`, the maximum over the
/// whole list, so that a component that vanishes by symmetry needs no tolerance of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Relative to the largest number of the reference.
    pub relative: f64,
    /// Added to it.
    pub absolute: f64,
}

/// The largest deviation of `values` from `reference`; an error names the worst place. A number that is not finite is
/// never close to anything.
pub fn compare(
    what: &str,
    values: &[f64],
    reference: &[f64],
    tolerance: Tolerance,
) -> Result<f64, String> {
    if values.len() != reference.len() {
        return Err(format!(
            "{what}: {} numbers where {} are expected",
            values.len(),
            reference.len()
        ));
    }
    let scale = reference
        .iter()
        .fold(0.0_f64, |scale, number| scale.max(number.abs()));
    let allowed = tolerance.absolute + tolerance.relative * scale;
    let mut worst = (0.0_f64, 0);
    for (index, (value, expected)) in values.iter().zip(reference).enumerate() {
        let deviation = (value - expected).abs();
        let deviation = if deviation.is_finite() {
            deviation
        } else {
            f64::INFINITY
        };
        if deviation > worst.0 {
            worst = (deviation, index);
        }
    }
    let (deviation, index) = worst;
    if deviation <= allowed {
        return Ok(deviation);
    }
    Err(format!(
        "{what}: number {} of {} is {:.17e}, expected {:.17e}; they differ by {deviation:.2e}, allowed are {allowed:.2e}",
        index + 1,
        values.len(),
        values[index],
        reference[index],
    ))
}

#[cfg(test)]
mod tests {
    use super::{Tolerance, compare};

    #[test]
    fn the_tolerance_is_relative_to_the_largest_reference() {
        let tolerance = Tolerance {
            relative: 1e-3,
            absolute: 0.0,
        };
        assert!(compare("x", &[100.05, 0.05], &[100.0, 0.0], tolerance).is_ok());
        let message = compare("x", &[100.0, 0.2], &[100.0, 0.0], tolerance).unwrap_err();
        assert!(message.starts_with("x: number 2 of 2 is 2.0"), "{message}");
    }

    #[test]
    fn not_a_number_is_not_close() {
        let tolerance = Tolerance {
            relative: 0.0,
            absolute: 1e300,
        };
        assert!(compare("x", &[f64::NAN], &[1.0], tolerance).is_err());
        assert!(compare("x", &[1.0], &[f64::INFINITY], tolerance).is_err());
    }

    #[test]
    fn lists_of_different_length_differ() {
        assert_eq!(
            compare("forces", &[1.0], &[1.0, 2.0], Tolerance::default()).unwrap_err(),
            "forces: 1 numbers where 2 are expected"
        );
    }
}
