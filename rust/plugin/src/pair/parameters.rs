//! What the command says about frame and atom parameters.

use super::words::Words;

/// What the command says about parameters. How many numbers belong there, only the models know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParameterSettings {
    /// `fparam`: frame parameters.
    pub fparam: Option<Vec<f64>>,
    /// `fparam_from_compute`: id of a compute.
    pub fparam_from_compute: Option<String>,
    /// `fparam_from_fix`: id of a fix, and where in its vector the parameters start, from 0.
    pub fparam_from_fix: Option<(String, Option<usize>)>,
    /// `aparam`: parameters of every atom.
    pub aparam: Option<Vec<f64>>,
    /// `aparam_from_compute`: id of a compute.
    pub aparam_from_compute: Option<String>,
    /// `ttm`: id of a fix ttm.
    pub ttm: Option<String>,
    /// `charge_spin`: total charge and spin.
    pub charge_spin: Option<Vec<f64>>,
}

impl ParameterSettings {
    /// Takes a keyword with its values, if it is about parameters.
    ///
    /// # Errors
    /// Says what is missing or wrong.
    pub fn option(&mut self, keyword: &str, words: &mut Words<'_>) -> Result<bool, String> {
        let mut id = |form: &str| {
            let id = words.optional().map(str::to_owned);
            id.ok_or_else(|| format!("invalid {keyword} key: should be {keyword} {form}"))
        };
        match keyword {
            "fparam" => self.fparam = Some(words.numbers(keyword)?),
            "aparam" => self.aparam = Some(words.numbers(keyword)?),
            "charge_spin" => self.charge_spin = Some(words.numbers(keyword)?),
            "fparam_from_compute" => {
                self.fparam_from_compute = Some(id("compute_fparam_id(str)")?);
            }
            "aparam_from_compute" => {
                self.aparam_from_compute = Some(id("compute_aparam_id(str)")?);
            }
            "ttm" => self.ttm = Some(id("ttm_fix_id(str)")?),
            "fparam_from_fix" => {
                let id = id("fix_fparam_id(str) [fix_vector_index]")?;
                let index = words.optional().map(|word| {
                    let index = word.parse().ok();
                    index.filter(|&index: &usize| index > 0).ok_or(
                        "invalid fparam_from_fix key: vector index must be a positive 1-based integer",
                    )
                });
                self.fparam_from_fix = Some((id, index.transpose()?.map(|index| index - 1)));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Refuses what contradicts itself.
    ///
    /// # Errors
    /// Names the keywords.
    pub fn check(&self) -> Result<(), String> {
        let atom = [
            self.aparam.is_some(),
            self.aparam_from_compute.is_some(),
            self.ttm.is_some(),
        ];
        if atom.iter().filter(|&&given| given).count() > 1 {
            return Err(
                "aparam, aparam_from_compute, and ttm should NOT be set simultaneously".to_owned(),
            );
        }
        match self.for_frame()[..] {
            [first, second, ..] => Err(format!(
                "{first} and {second} should NOT be set simultaneously"
            )),
            _ => Ok(()),
        }
    }

    /// The keywords for frame parameters that are given.
    pub fn for_frame(&self) -> Vec<&'static str> {
        let keywords = [
            ("fparam", self.fparam.is_some()),
            ("fparam_from_compute", self.fparam_from_compute.is_some()),
            ("fparam_from_fix", self.fparam_from_fix.is_some()),
        ];
        let given = keywords.iter().filter(|(_, given)| *given);
        given.map(|&(keyword, _)| keyword).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::pair::settings::Settings;

    fn error(line: &str) -> String {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Settings::parse(&words).unwrap_err()
    }

    #[test]
    fn mistakes_have_the_words_of_deepmd_kit() {
        let cases = [
            ("ttm", "invalid ttm key: should be ttm ttm_fix_id(str)"),
            (
                "ttm atomic",
                "invalid ttm key: should be ttm ttm_fix_id(str)",
            ),
            (
                "fparam_from_compute",
                "invalid fparam_from_compute key: should be fparam_from_compute compute_fparam_id(str)",
            ),
            (
                "aparam_from_compute",
                "invalid aparam_from_compute key: should be aparam_from_compute compute_aparam_id(str)",
            ),
            (
                "fparam_from_fix",
                "invalid fparam_from_fix key: should be fparam_from_fix fix_fparam_id(str) [fix_vector_index]",
            ),
            (
                "fparam_from_fix f 0",
                "invalid fparam_from_fix key: vector index must be a positive 1-based integer",
            ),
            (
                "fparam_from_fix f 1.5",
                "invalid fparam_from_fix key: vector index must be a positive 1-based integer",
            ),
            (
                "aparam 1 aparam_from_compute c",
                "aparam, aparam_from_compute, and ttm should NOT be set simultaneously",
            ),
            (
                "ttm t aparam 1",
                "aparam, aparam_from_compute, and ttm should NOT be set simultaneously",
            ),
            (
                "fparam 1 2 fparam_from_compute c",
                "fparam and fparam_from_compute should NOT be set simultaneously",
            ),
            (
                "fparam_from_fix f fparam 1 2",
                "fparam and fparam_from_fix should NOT be set simultaneously",
            ),
            (
                "fparam_from_fix f 2 fparam_from_compute c",
                "fparam_from_compute and fparam_from_fix should NOT be set simultaneously",
            ),
            ("fparam 1 x", "Illegal fparam, x is not a number"),
            ("aparam inf", "Illegal aparam, inf is not a number"),
        ];
        for (words, message) in cases {
            assert_eq!(error(&format!("m.pb {words}")), message, "{words}");
        }
    }

    #[test]
    fn a_keyword_ends_a_list_of_numbers() {
        let words = ["m.pb", "fparam", "1", "-2.5e1", "aparam", "3"].map(str::to_owned);
        let parameters = Settings::parse(&words).unwrap().parameters;
        assert_eq!(parameters.fparam, Some(vec![1.0, -25.0]));
        assert_eq!(parameters.aparam, Some(vec![3.0]));
        let words = ["m.pb", "fparam_from_fix", "f", "3", "atomic"].map(str::to_owned);
        let parameters = Settings::parse(&words).unwrap().parameters;
        assert_eq!(parameters.fparam_from_fix, Some(("f".to_owned(), Some(2))));
    }
}
