//! How accurate an evaluation is to be, and what that came to.

use std::fmt;

/// How forces may differ from those of the networks as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Accuracy {
    /// Not at all: the networks are evaluated as they are, in double precision.
    Exact,
    /// By so much in each component [eV/Å], with this precision of the loops.
    Within {
        /// Largest error [eV/Å].
        tolerance: f64,
        /// What is evaluated in single precision.
        precision: Precision,
    },
}

/// What is evaluated in single precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Nothing.
    Double,
    /// The fitting networks, as differences from mean descriptors.
    Differences,
    /// Splines, moments and fitting networks; environment, energies, forces and virials in double.
    Single,
}

impl Precision {
    /// Below this tolerance [eV/Å] nothing is rounded to single precision.
    const DIFFERENCES_FROM: f64 = 5e-7;
    /// From this tolerance on [eV/Å] everything is.
    const SINGLE_FROM: f64 = 1e-5;

    /// The one that keeps a tolerance [eV/Å].
    pub fn for_tolerance(tolerance: f64) -> Self {
        if tolerance >= Self::SINGLE_FROM {
            Self::Single
        } else if tolerance >= Self::DIFFERENCES_FROM {
            Self::Differences
        } else {
            Self::Double
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Double => "double precision",
            Self::Differences => "fitting in single precision about means",
            Self::Single => "single precision",
        })
    }
}

/// How a model is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// With its networks as they are, because of this.
    Exact(String),
    /// From splines.
    Splines {
        /// What is asked for [eV/Å].
        tolerance: f64,
        /// What is evaluated in single precision.
        precision: Precision,
        /// Curves, one for each pair of types that occurs.
        curves: usize,
        /// Knots of the curve that has most.
        knots: usize,
        /// Distance [Å] below which the networks themselves are evaluated.
        nearest: f64,
        /// Descriptors that stay as they are, in words; empty if there are none.
        others: String,
    },
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(reason) => write!(f, "networks as they are ({reason}), double precision"),
            Self::Splines {
                tolerance,
                precision,
                curves,
                knots,
                nearest,
                others,
            } => {
                let plural = if *curves == 1 { "" } else { "s" };
                write!(
                    f,
                    "{curves} curve{plural} as spline{plural} of up to {knots} knots beyond {nearest:.2} A{others}, {precision}, forces within {tolerance:e} eV/A"
                )
            }
        }
    }
}
