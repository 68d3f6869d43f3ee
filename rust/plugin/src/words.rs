//! The words of a command, taken one by one.

use std::slice::Iter;
use std::str::FromStr;

use deepdms_rheology::Error;

/// What a count must be.
pub const COUNT: &str = "a whole number of 0 or more";

/// The words behind a keyword.
pub struct Words<'a> {
    rest: Iter<'a, String>,
}

impl<'a> Words<'a> {
    /// The words of a command.
    pub fn new(words: &'a [String]) -> Self {
        Words { rest: words.iter() }
    }

    /// The next keyword, if there is one.
    pub fn keyword(&mut self) -> Option<&'a str> {
        self.rest.next().map(String::as_str)
    }

    /// The next word; `of` is what it belongs to.
    pub fn next(&mut self, of: &str) -> Result<&'a str, Error> {
        self.rest
            .next()
            .map(String::as_str)
            .ok_or_else(|| Error::new(format!("{of} has no value")))
    }

    /// Whether the next word is `word`; if so, it is taken.
    pub fn follows(&mut self, word: &str) -> bool {
        let found = self
            .rest
            .as_slice()
            .first()
            .is_some_and(|next| next == word);
        if found {
            self.rest.next();
        }
        found
    }

    /// Takes `word`, which must come next.
    pub fn expect(&mut self, of: &str, word: &str) -> Result<(), Error> {
        let next = self.next(of)?;
        if next == word {
            Ok(())
        } else {
            Err(Error::new(format!(
                "{of}: the word '{word}' is expected, not '{next}'"
            )))
        }
    }

    /// The next word as a number, of which `kind` says what it must be.
    pub fn number<T: FromStr>(&mut self, of: &str, kind: &str) -> Result<T, Error> {
        let word = self.next(of)?;
        word.parse()
            .map_err(|_| Error::new(format!("{of} needs {kind}, not '{word}'")))
    }

    /// The next word as a whole number.
    pub fn count(&mut self, of: &str) -> Result<u64, Error> {
        self.number(of, COUNT)
    }

    /// The next word as a real number.
    pub fn real(&mut self, of: &str) -> Result<f64, Error> {
        self.number(of, "a number")
    }

    /// The next words as far as they are numbers.
    pub fn reals(&mut self) -> Vec<f64> {
        let mut numbers = Vec::new();
        while let Some(number) = self
            .rest
            .as_slice()
            .first()
            .and_then(|word| word.parse().ok())
        {
            self.rest.next();
            numbers.push(number);
        }
        numbers
    }

    /// The index of the next word among `choices`.
    pub fn choice(&mut self, of: &str, choices: &[&str]) -> Result<usize, Error> {
        let word = self.next(of)?;
        choices
            .iter()
            .position(|choice| *choice == word)
            .ok_or_else(|| {
                Error::new(format!(
                    "{of} '{word}' does not exist: it is one of {}",
                    choices.join(", ")
                ))
            })
    }
}
