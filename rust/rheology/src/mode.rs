//! The strained component, and what becomes of the dimensions at right angles to it.

use crate::error::Error;

/// Number of independent stress components, in the order xx, yy, zz, xy, xz, yz.
pub const COMPONENTS: usize = 6;

/// Names of the stress components in the order in which they are stored.
pub const COMPONENT_NAMES: [&str; COMPONENTS] = ["xx", "yy", "zz", "xy", "xz", "yz"];

/// Names of the modes in the order of [`Mode::ALL`].
const MODE_NAMES: [&str; 8] = ["xx", "yy", "zz", "xy", "xz", "yz", "iso", "none"];

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
    /// The same strain along every dimension.
    Iso,
    /// No strain: the stress noise of equilibrium.
    None,
}

impl Mode {
    /// Every mode; the first six in the order of the stress components.
    pub const ALL: [Mode; 8] = [
        Mode::Xx,
        Mode::Yy,
        Mode::Zz,
        Mode::Xy,
        Mode::Xz,
        Mode::Yz,
        Mode::Iso,
        Mode::None,
    ];

    /// The mode with this name (`xx`, `yy`, `zz`, `xy`, `xz`, `yz`, `iso` or `none`); any other name is an error.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Mode::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| {
                Error::new(format!(
                    "unknown mode '{name}': the mode is one of {}",
                    MODE_NAMES.join(", ")
                ))
            })
    }

    /// Name of the mode; of the first six, that of the stress component.
    pub fn name(self) -> &'static str {
        MODE_NAMES[self as usize]
    }

    /// Index of the driven stress component, 0 to 5; `None` where it is not a single one.
    pub fn component(self) -> Option<usize> {
        Some(self as usize).filter(|component| *component < COMPONENTS)
    }

    /// Whether this is simple shear.
    pub fn is_shear(self) -> bool {
        matches!(self, Mode::Xy | Mode::Xz | Mode::Yz)
    }

    /// Whether this strains one dimension.
    pub fn is_uniaxial(self) -> bool {
        matches!(self, Mode::Xx | Mode::Yy | Mode::Zz)
    }

    /// Row and column (0 x, 1 y, 2 z) of the driven entry of the deformation gradient; `None` where it is not a single
    /// one.
    pub fn axes(self) -> Option<(usize, usize)> {
        let axes = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)];
        self.component().map(|component| axes[component])
    }
}

/// What becomes of the two dimensions at right angles to a uniaxial strain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lateral {
    /// They keep their lengths.
    #[default]
    Fixed,
    /// They move against the strain so that the volume stays constant.
    Volume,
    /// A barostat moves them.
    Free,
}

impl Lateral {
    /// Names of the conditions, in the order of the variants.
    pub const NAMES: [&str; 3] = ["fixed", "volume", "free"];

    /// Every condition.
    pub const ALL: [Lateral; 3] = [Lateral::Fixed, Lateral::Volume, Lateral::Free];

    /// Name of the condition.
    pub fn name(self) -> &'static str {
        Lateral::NAMES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPONENT_NAMES, Lateral, Mode};

    #[test]
    fn names_components_and_axes_agree() {
        for (index, name) in COMPONENT_NAMES.into_iter().enumerate() {
            let mode = Mode::parse(name).unwrap();
            assert_eq!(mode.component(), Some(index));
            let (row, column) = mode.axes().unwrap();
            let letters = ['x', 'y', 'z'];
            assert_eq!(mode.name(), format!("{}{}", letters[row], letters[column]));
            assert_eq!(mode.is_shear(), row != column);
            assert_eq!(mode.is_uniaxial(), row == column);
        }
        for mode in [Mode::Iso, Mode::None] {
            assert_eq!(Mode::parse(mode.name()).unwrap(), mode);
            assert_eq!((mode.component(), mode.axes()), (None, None));
        }
        for (index, lateral) in Lateral::ALL.into_iter().enumerate() {
            assert_eq!(lateral.name(), Lateral::NAMES[index]);
        }
    }

    #[test]
    fn an_unknown_mode_lists_the_known_ones() {
        assert_eq!(
            Mode::parse("yx").unwrap_err().to_string(),
            "unknown mode 'yx': the mode is one of xx, yy, zz, xy, xz, yz, iso, none"
        );
    }
}
