//! Errors on their way across: those about atoms as what they are, all others as their message.

use crate::answer::Answer;
use deepdms_potential::Error;

/// The last numbers of an answer that is an error: which, two atoms, and three numbers about them.
const NUMBERS: usize = 6;

const NOT_FINITE: f64 = 1.0;
const OVERLAP: f64 = 2.0;
const FORCE_NOT_FINITE: f64 = 3.0;

pub(crate) fn encode(error: &Error) -> Answer {
    let numbers: [f64; NUMBERS] = match *error {
        Error::NotFinite { atom, x, y, z } => [NOT_FINITE, atom as f64, atom as f64, x, y, z],
        Error::Overlap {
            first,
            second,
            distance,
        } => [OVERLAP, first as f64, second as f64, distance, 0.0, 0.0],
        Error::ForceNotFinite {
            atom,
            neighbour,
            distance,
        } => [
            FORCE_NOT_FINITE,
            atom as f64,
            neighbour as f64,
            distance,
            0.0,
            0.0,
        ],
        _ => [0.0; NUMBERS],
    };
    Answer {
        texts: vec![error.to_string().into_bytes()],
        numbers: numbers.to_vec(),
    }
}

pub(crate) fn decode(answer: &Answer) -> Error {
    let &[kind, first, second, x, y, z] = &answer.numbers[..] else {
        return Error::Engine(text(answer));
    };
    let (first, second) = (first as usize, second as usize);
    if kind == NOT_FINITE {
        let atom = first;
        Error::NotFinite { atom, x, y, z }
    } else if kind == OVERLAP {
        Error::Overlap {
            first,
            second,
            distance: x,
        }
    } else if kind == FORCE_NOT_FINITE {
        Error::ForceNotFinite {
            atom: first,
            neighbour: second,
            distance: x,
        }
    } else {
        Error::Engine(text(answer))
    }
}

fn text(answer: &Answer) -> String {
    answer.strings().pop().unwrap_or_default()
}
