//! What no model goes beyond, whatever reads it: a file that says otherwise is damaged, or made to do harm.

/// Types of a model: no element has more, and tables of pairs of types stay small.
pub const MOST_TYPES: usize = 256;

/// Slots for neighbours of one type: more than any sphere of atoms fills.
pub const MOST_SLOTS: usize = 1_000_000;

/// Cutoff [Å]: LAMMPS would look for neighbours without end.
pub const LARGEST_CUTOFF: f64 = 100.0;

/// Frame parameters, atom parameters, and numbers for charge and spin.
pub const MOST_PARAMETERS: usize = 10_000;

/// What is wrong with the names of types, if anything: `pair_coeff` has to tell them apart, and they are words there.
pub fn names_fault(names: &[String]) -> Option<String> {
    if let Some(t) = names.iter().position(String::is_empty) {
        return Some(format!("type {} has no name", t + 1));
    }
    let splits = |name: &&String| name.contains(char::is_whitespace);
    if let Some(name) = names.iter().find(splits) {
        return Some(format!(
            "the name '{}' is more than a word",
            super::brief(name)
        ));
    }
    let twice = |(t, name): &(usize, &String)| names[..*t].contains(name);
    let (_, name) = names.iter().enumerate().find(twice)?;
    Some(format!("two types have the name {}", super::brief(name)))
}

/// What is wrong with a cutoff [Å], if anything.
pub fn cutoff_fault(cutoff: f64) -> Option<String> {
    let possible = cutoff > 0.0 && cutoff <= LARGEST_CUTOFF;
    (!possible).then(|| format!("{cutoff:?} is not a length between 0 and {LARGEST_CUTOFF} A"))
}
