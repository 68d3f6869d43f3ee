//! The words of a command, one after the other. A keyword ends every list of values, and is never a value.

/// Keywords of `pair_style deepmd`, deepmd-kit's first.
const KEYWORDS: [&str; 22] = [
    "out_freq",
    "out_file",
    "fparam",
    "aparam",
    "fparam_from_compute",
    "fparam_from_fix",
    "aparam_from_compute",
    "charge_spin",
    "ttm",
    "atomic",
    "relative",
    "relative_v",
    "virtual_len",
    "spin_norm",
    "engine",
    "device",
    "precision",
    "tolerance",
    "threads",
    "on_overflow",
    "on_extrapolation",
    "script",
];

/// The complaint about a word where a keyword belongs.
pub fn unknown(word: &str) -> String {
    format!(
        "pair_style deepmd has no keyword '{word}'. Keywords are {}",
        KEYWORDS.join(", ")
    )
}

/// Words that are not read yet.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    rest: &'a [String],
}

impl<'a> Words<'a> {
    /// Splits the words of a command into the files and what starts with the first keyword.
    pub fn after_files(words: &'a [String]) -> (&'a [String], Self) {
        let is_keyword = |word: &String| KEYWORDS.contains(&word.as_str());
        let first = words.iter().position(is_keyword);
        let (files, rest) = words.split_at(first.unwrap_or(words.len()));
        (files, Self { rest })
    }

    /// The next word, whatever it is.
    pub fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next word, unless it is a keyword.
    pub fn optional(&mut self) -> Option<&'a str> {
        let next = self.rest.first()?;
        if KEYWORDS.contains(&next.as_str()) {
            return None;
        }
        self.next()
    }

    /// The value of `keyword`.
    ///
    /// # Errors
    /// Says that there is none.
    pub fn value(&mut self, keyword: &str) -> Result<&'a str, String> {
        self.optional()
            .ok_or_else(|| format!("Illegal {keyword}, not provided"))
    }

    /// The number after `keyword`.
    ///
    /// # Errors
    /// Says that there is none.
    pub fn number(&mut self, keyword: &str) -> Result<f64, String> {
        number(keyword, self.value(keyword)?)
    }

    /// All numbers up to the next keyword.
    ///
    /// # Errors
    /// Names a word that is not a number.
    pub fn numbers(&mut self, keyword: &str) -> Result<Vec<f64>, String> {
        std::iter::from_fn(|| self.optional())
            .map(|word| number(keyword, word))
            .collect()
    }
}

fn number(keyword: &str, word: &str) -> Result<f64, String> {
    let number = word.parse().ok();
    number
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| format!("Illegal {keyword}, {word} is not a number"))
}
