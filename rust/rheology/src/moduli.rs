//! Complex moduli, and the elastic constants of an isotropic body from one uniaxial response.

use std::ops::{Add, Div, Mul, Sub};

/// A complex number, here always a modulus or a ratio of moduli.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Complex {
    /// Storage part.
    pub re: f64,
    /// Loss part.
    pub im: f64,
}

impl Complex {
    /// `re` + i `im`.
    pub fn new(re: f64, im: f64) -> Self {
        Complex { re, im }
    }

    /// e^(i`angle`), `angle` in radians.
    pub fn turn(angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Complex::new(cos, sin)
    }

    /// Absolute value.
    pub fn abs(self) -> f64 {
        self.re.hypot(self.im)
    }
}

impl Add for Complex {
    type Output = Complex;
    fn add(self, other: Complex) -> Complex {
        Complex::new(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Complex;
    fn sub(self, other: Complex) -> Complex {
        Complex::new(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Complex;
    fn mul(self, other: Complex) -> Complex {
        Complex::new(
            self.re * other.re - self.im * other.im,
            self.re * other.im + self.im * other.re,
        )
    }
}

impl Mul<f64> for Complex {
    type Output = Complex;
    fn mul(self, factor: f64) -> Complex {
        Complex::new(self.re * factor, self.im * factor)
    }
}

impl Div for Complex {
    type Output = Complex;
    fn div(self, other: Complex) -> Complex {
        let square = other.re * other.re + other.im * other.im;
        Complex::new(
            (self.re * other.re + self.im * other.im) / square,
            (self.im * other.re - self.re * other.im) / square,
        )
    }
}

/// Complex elastic constants of an isotropic body.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Isotropic {
    /// Bulk modulus K*.
    pub bulk: Complex,
    /// Shear modulus G*.
    pub shear: Complex,
    /// Young's modulus E*.
    pub young: Complex,
    /// Poisson's ratio ν*.
    pub poisson: Complex,
}

impl Isotropic {
    /// The constants from C11* (stress along the strain) and C12* (mean of the lateral stresses), lateral lengths fixed,
    /// in `dimension` dimensions: G = (C11 − C12)/2 and K = (C11 + (d−1) C12)/d.
    pub fn from_uniaxial(c11: Complex, c12: Complex, dimension: usize) -> Self {
        let d = dimension as f64;
        let shear = (c11 - c12) * 0.5;
        let bulk = (c11 + c12 * (d - 1.0)) * (1.0 / d);
        // E = 9KG/(3K + G) and ν = (3K − 2G)/(2(3K + G)), or 4KG/(K + G) and (K − G)/(K + G) in the plane
        let (young, poisson) = if dimension == 2 {
            let sum = bulk + shear;
            (bulk * shear * 4.0 / sum, (bulk - shear) / sum)
        } else {
            let sum = bulk * 3.0 + shear;
            let contrast = bulk * 3.0 - shear * 2.0;
            (bulk * shear * 9.0 / sum, contrast / (sum * 2.0))
        };
        Isotropic {
            bulk,
            shear,
            young,
            poisson,
        }
    }

    /// The constants from Young's modulus E* and the relative change of the volume over the strain, 1 − (d−1)ν*, of a
    /// body whose lateral dimensions are free.
    pub fn from_tension(young: Complex, volume: Complex, dimension: usize) -> Self {
        let lateral = (dimension - 1) as f64;
        let one = Complex::new(1.0, 0.0);
        let poisson = (one - volume) * (1.0 / lateral);
        Isotropic {
            bulk: young / (volume * dimension as f64),
            shear: young / ((one + poisson) * 2.0),
            young,
            poisson,
        }
    }

    /// K', K'', G', G'', E', E'', ν', ν''.
    pub fn parts(&self) -> [f64; 8] {
        let Isotropic {
            bulk,
            shear,
            young,
            poisson,
        } = self;
        [
            bulk.re, bulk.im, shear.re, shear.im, young.re, young.im, poisson.re, poisson.im,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{Complex, Isotropic};

    #[test]
    fn lame_constants_come_back() {
        // From K = 160 + 2i and G = 35 + 1.5i: C11 = K + 4G/3, C12 = K − 2G/3.
        let (k, g) = (Complex::new(160.0, 2.0), Complex::new(35.0, 1.5));
        let found = Isotropic::from_uniaxial(k + g * (4.0 / 3.0), k - g * (2.0 / 3.0), 3);
        assert!((found.bulk - k).abs() < 1e-12 && (found.shear - g).abs() < 1e-12);
        // E = 2G(1 + ν) = 3K(1 − 2ν)
        let one = Complex::new(1.0, 0.0);
        assert!((found.young - g * 2.0 * (one + found.poisson)).abs() < 1e-12);
        assert!((found.young - k * 3.0 * (one - found.poisson * 2.0)).abs() < 1e-11);
        assert!((found.poisson.re - 0.398).abs() < 1e-3);
    }

    #[test]
    fn constants_of_the_plane_come_back() {
        // C11 = K + G, C12 = K − G, and E = 2G(1 + ν) = 2K(1 − ν)
        let (k, g) = (Complex::new(60.0, 1.0), Complex::new(35.0, 1.5));
        let found = Isotropic::from_uniaxial(k + g, k - g, 2);
        let one = Complex::new(1.0, 0.0);
        assert!((found.bulk - k).abs() < 1e-12 && (found.shear - g).abs() < 1e-12);
        assert!((found.young - g * 2.0 * (one + found.poisson)).abs() < 1e-12);
        assert!((found.young - k * 2.0 * (one - found.poisson)).abs() < 1e-12);
    }

    #[test]
    fn tension_with_free_sides_gives_the_same_constants() {
        let (k, g) = (Complex::new(160.0, 2.0), Complex::new(35.0, 1.5));
        for dimension in [2, 3] {
            let d = dimension as f64;
            let along = k + g * (2.0 * (d - 1.0) / d);
            let fixed = Isotropic::from_uniaxial(along, k - g * (2.0 / d), dimension);
            let volume = Complex::new(1.0, 0.0) - fixed.poisson * (d - 1.0);
            let free = Isotropic::from_tension(fixed.young, volume, dimension);
            for (one, other) in fixed.parts().iter().zip(free.parts()) {
                assert!((one - other).abs() < 1e-11, "{one} {other}");
            }
        }
    }
}
