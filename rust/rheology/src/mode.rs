//! The strained component and the parts of the cell that it touches.

use crate::error::Error;

/// Number of independent stress components, in the order xx, yy, zz, xy, xz, yz.
pub const COMPONENTS: usize = 6;

/// Names of the stress components in the order in which they are stored.
pub const COMPONENT_NAMES: [&str; COMPONENTS] = ["xx", "yy", "zz", "xy", "xz", "yz"];

/// Which component of the strain is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Uniaxial along x.
    Xx,
    /// Uniaxial along y.
    Yy,
    /// Uniaxial along z.
    Zz,
    /// Simple shear, displacement along x, gradient along y.
    Xy,
    /// Simple shear, displacement along x, gradient along z.
    Xz,
    /// Simple shear, displacement along y, gradient along z.
    Yz,
}

impl Mode {
    /// Every mode, in the order of the stress components.
    pub const ALL: [Mode; COMPONENTS] =
        [Mode::Xx, Mode::Yy, Mode::Zz, Mode::Xy, Mode::Xz, Mode::Yz];

    /// The mode with this name (`xx`, `yy`, `zz`, `xy`, `xz` or `yz`); any other name is an error.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Mode::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| {
                Error::new(format!(
                    "unknown mode '{name}': the mode is one of xx, yy, zz, xy, xz, yz"
                ))
            })
    }

    /// Name of the mode, the same as that of its stress component.
    pub fn name(self) -> &'static str {
        COMPONENT_NAMES[self.component()]
    }

    /// Index of the driven stress component, 0 to 5.
    pub fn component(self) -> usize {
        self as usize
    }

    /// Whether the volume stays constant under this strain.
    pub fn is_shear(self) -> bool {
        self.component() >= 3
    }

    /// Row and column (0 x, 1 y, 2 z) of the driven entry of the deformation gradient.
    pub fn axes(self) -> (usize, usize) {
        [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)][self.component()]
    }

    /// The two directions at right angles to a uniaxial strain; `None` for shear.
    pub fn lateral(self) -> Option<[usize; 2]> {
        match self {
            Mode::Xx => Some([1, 2]),
            Mode::Yy => Some([0, 2]),
            Mode::Zz => Some([0, 1]),
            _ => None,
        }
    }

    /// The modulus that this strain measures with `free` or fixed lateral dimensions.
    pub fn modulus(self, lateral_free: bool) -> &'static str {
        match (self.is_shear(), lateral_free) {
            (true, _) => "shear modulus",
            (false, true) => "Young's modulus",
            (false, false) => "longitudinal modulus",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn names_components_and_axes_agree() {
        for (index, mode) in Mode::ALL.into_iter().enumerate() {
            assert_eq!(mode.component(), index);
            assert_eq!(Mode::parse(mode.name()).unwrap(), mode);
            let (row, column) = mode.axes();
            let letters = ['x', 'y', 'z'];
            assert_eq!(mode.name(), format!("{}{}", letters[row], letters[column]));
            assert_eq!(mode.is_shear(), row != column);
        }
    }

    #[test]
    fn an_unknown_mode_lists_the_known_ones() {
        assert_eq!(
            Mode::parse("yx").unwrap_err().to_string(),
            "unknown mode 'yx': the mode is one of xx, yy, zz, xy, xz, yz"
        );
    }
}
