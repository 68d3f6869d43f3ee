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
    /// The constants from C11* (stress along the strain) and C12* (mean of the two lateral stresses), lateral lengths
    /// fixed: G = (C11 − C12)/2, K = (C11 + 2 C12)/3, E = 9KG/(3K + G), ν = (3K − 2G)/(2(3K + G)).
    pub fn from_uniaxial(c11: Complex, c12: Complex) -> Self {
        let shear = (c11 - c12) * 0.5;
        let bulk = (c11 + c12 * 2.0) * (1.0 / 3.0);
        let sum = bulk * 3.0 + shear;
        Isotropic {
            bulk,
            shear,
            young: bulk * shear * 9.0 / sum,
            poisson: (bulk * 3.0 - shear * 2.0) / (sum * 2.0),
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
        let found = Isotropic::from_uniaxial(k + g * (4.0 / 3.0), k - g * (2.0 / 3.0));
        assert!((found.bulk - k).abs() < 1e-12 && (found.shear - g).abs() < 1e-12);
        // E = 2G(1 + ν) = 3K(1 − 2ν)
        let one = Complex::new(1.0, 0.0);
        assert!((found.young - g * 2.0 * (one + found.poisson)).abs() < 1e-12);
        assert!((found.young - k * 3.0 * (one - found.poisson * 2.0)).abs() < 1e-11);
        assert!((found.poisson.re - 0.398).abs() < 1e-3);
    }
}
