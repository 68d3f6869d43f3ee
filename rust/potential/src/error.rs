//! One error type; each message says what is wrong, where, and what to do.

use thiserror::Error as ThisError;

/// Everything that can go wrong between opening a model file and returning forces.
#[derive(Debug, ThisError)]
pub enum Error {
    // Reading
    /// The bytes are not a whole file of the format.
    #[error("{file}: not a complete {format} file: {what}. Copy or freeze the model again")]
    Malformed {
        /// Path as the user gave it.
        file: String,
        /// Format that was tried, in words.
        format: &'static str,
        /// What was found, and where.
        what: String,
    },
    /// The file is of a format that is not read.
    #[error("{file}: {what}")]
    UnknownFormat {
        /// Path as the user gave it.
        file: String,
        /// Why, and the remedy.
        what: String,
    },
    /// The model is whole but uses something that is not implemented.
    #[error("{file}: {feature} is not supported. {remedy}")]
    Unsupported {
        /// Path as the user gave it.
        file: String,
        /// The feature by the name users know.
        feature: String,
        /// What to do instead.
        remedy: String,
    },
    /// A whole TorchScript model of energies uses something that has no reader here; libtorch can run the file as it is.
    #[error("{file}: {feature} is evaluated by libtorch only")]
    NeedsLibtorch {
        /// Path as the user gave it.
        file: String,
        /// The feature by the name users know.
        feature: String,
    },
    /// An item of the model is missing, or does not fit the others.
    #[error("{file}: {item}: {what}")]
    Inconsistent {
        /// Path as the user gave it.
        file: String,
        /// Tensor or entry by its name in the file.
        item: String,
        /// What is wrong with it.
        what: String,
    },

    // Evaluating
    /// A coordinate is not a number.
    #[error("the coordinates of atom {atom} are not finite ({x}, {y}, {z})")]
    NotFinite {
        /// Index of the atom in the arrays that were passed in.
        atom: usize,
        /// Coordinates [Å].
        x: f64,
        /// Coordinates [Å].
        y: f64,
        /// Coordinates [Å].
        z: f64,
    },
    /// Two atoms sit on the same point.
    #[error("atoms {first} and {second} overlap: their distance is {distance:.3e} A")]
    Overlap {
        /// Index of the centre atom.
        first: usize,
        /// Index of its neighbour.
        second: usize,
        /// Distance [Å].
        distance: f64,
    },
    /// The model gave infinity or not-a-number for an atom whose coordinates are fine.
    #[error(
        "the model gives a force that is not finite on atom {atom}; its nearest neighbour is atom {neighbour} at {distance:.4} A"
    )]
    ForceNotFinite {
        /// Index of the atom.
        atom: usize,
        /// Index of its nearest neighbour, or the atom itself where it has none.
        neighbour: usize,
        /// Distance to it [Å].
        distance: f64,
    },
    /// An engine could not do its work for a reason of its own.
    #[error("{0}")]
    Engine(String),
}

impl Error {
    /// Indices of the atoms that the error is about (twice the same where it is only one), if it is about atoms.
    pub fn atoms(&self) -> Option<(usize, usize)> {
        match *self {
            Self::NotFinite { atom, .. } => Some((atom, atom)),
            Self::Overlap { first, second, .. } => Some((first, second)),
            Self::ForceNotFinite {
                atom, neighbour, ..
            } => Some((atom, neighbour)),
            _ => None,
        }
    }

    /// The message with the ids of the two atoms of [`Self::atoms`] in the place of their indices, and the remedy.
    pub fn with_ids(&self, first_id: i64, second_id: i64) -> String {
        match self {
            Self::NotFinite { x, y, z, .. } => format!(
                "the coordinates of atom {first_id} are not finite ({x}, {y}, {z}). The run has gone unstable before this step: use a shorter time step or a better starting configuration"
            ),
            Self::Overlap { distance, .. } => format!(
                "atoms {first_id} and {second_id} overlap: their distance is {distance:.3e} A. Move or delete one of them (delete_atoms overlap)"
            ),
            Self::ForceNotFinite { distance, .. } => format!(
                "the force on atom {first_id} is not finite; its nearest neighbour is atom {second_id} at {distance:.4} A. The configuration is far from what the model was trained on"
            ),
            other => other.to_string(),
        }
    }
}
