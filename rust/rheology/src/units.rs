//! Units of the moduli.

use crate::error::Error;

/// In which unit stresses and moduli are reported.
#[derive(Debug, Clone, PartialEq)]
pub struct StressUnit {
    /// Name, as printed.
    pub name: String,
    /// Reported value = `factor` × value in the pressure unit of the simulation.
    pub factor: f64,
}

/// GPa per pressure unit of each unit style; `lj` has none.
fn gigapascal(style: &str) -> Option<f64> {
    match style {
        "metal" => Some(1e-4),
        "real" => Some(1.01325e-4),
        "si" | "electron" => Some(1e-9),
        "cgs" => Some(1e-10),
        "micro" => Some(1e-6),
        "nano" => Some(1e-3),
        _ => None,
    }
}

/// Name of the pressure unit of each unit style.
fn native(style: &str) -> &'static str {
    match style {
        "metal" => "bar",
        "real" => "atm",
        "si" | "electron" => "Pa",
        "cgs" => "barye",
        "micro" => "pg/um/us^2",
        "nano" => "ag/nm/ns^2",
        _ => "reduced",
    }
}

impl StressUnit {
    /// The unit `choice` (`gpa`, `native`, or nothing for the default) in a simulation of unit style `style`. The
    /// default is GPa, and native in reduced units, where GPa is an error.
    pub fn choose(choice: Option<&str>, style: &str) -> Result<Self, Error> {
        let in_native = StressUnit {
            name: native(style).to_owned(),
            factor: 1.0,
        };
        match (choice, gigapascal(style)) {
            (Some("native") | None, None) | (Some("native"), _) => Ok(in_native),
            (Some("gpa") | None, Some(factor)) => Ok(StressUnit {
                name: "GPa".to_owned(),
                factor,
            }),
            (Some("gpa"), None) => Err(Error::new(format!(
                "moduli in GPa do not exist in units {style}: use 'units native'"
            ))),
            (Some(other), _) => Err(Error::new(format!(
                "unknown unit '{other}': the keyword units takes gpa or native"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StressUnit;

    #[test]
    fn one_gigapascal_in_every_unit_style() {
        // 1 GPa = 1e4 bar = 9869.2326671601 atm = 1e9 Pa = 1e10 barye = 1e6 pg/um/us^2 = 1e3 ag/nm/ns^2
        let table = [
            ("metal", 1e4),
            ("real", 9869.2326671601),
            ("si", 1e9),
            ("electron", 1e9),
            ("cgs", 1e10),
            ("micro", 1e6),
            ("nano", 1e3),
        ];
        for (style, pressure) in table {
            let unit = StressUnit::choose(None, style).unwrap();
            assert!((unit.factor * pressure - 1.0).abs() < 1e-13, "{style}");
            assert_eq!(unit.name, "GPa");
            assert_eq!(
                StressUnit::choose(Some("native"), style).unwrap().factor,
                1.0
            );
        }
        assert_eq!(StressUnit::choose(None, "lj").unwrap().name, "reduced");
    }

    #[test]
    fn impossible_units_are_refused() {
        let message = |choice| {
            StressUnit::choose(Some(choice), "lj")
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message("gpa"),
            "moduli in GPa do not exist in units lj: use 'units native'"
        );
        assert_eq!(
            message("mpa"),
            "unknown unit 'mpa': the keyword units takes gpa or native"
        );
    }
}
