//! The first fitting layer on products of the few curves' coefficients.
//!
//! With `T = A V^T / N`, `A` `[4, K]`, the descriptor `D = T^T T[:, ..M2]` is linear in the symmetric matrix `S = A^T A`. The first
//! layer is linear in `D`, so it is linear in `S`: `z = b + sum over i <= j of S_ij M_ij`, with the matrix `M` made once.

use crate::model::Descriptor;
use ndarray::{Array2, ArrayView2, Axis, s};

/// `M`: one row for each pair `i <= j`, in the order of [`Fold::index`].
#[derive(Clone, Debug)]
pub struct Fold {
    columns: usize,
    /// `[K (K + 1) / 2, outputs]`
    pub rows: Array2<f64>,
    /// Length of each row.
    pub norms: Vec<f64>,
}

impl Fold {
    /// Folds the weights `[M1 M2, outputs]` of a layer behind a descriptor with `axis` columns.
    pub fn new(
        descriptor: &Descriptor,
        axis: usize,
        vectors: &Array2<f64>,
        weights: ArrayView2<'_, f64>,
    ) -> Self {
        let (m1, columns) = vectors.dim();
        let outputs = weights.ncols();
        let weights = weights.to_owned();
        let wide = weights
            .to_shape((m1, axis * outputs))
            .expect("row-major weights");
        // X[i, q, h] = sum over p of V[p, i] W[p, q, h]
        let left = vectors.t().dot(&wide);
        let right = vectors.slice(s![..axis, ..]);
        let scale = descriptor.divisor.powi(-2);
        let mut rows = Array2::zeros((columns * (columns + 1) / 2, outputs));
        for (i, left) in left.axis_iter(Axis(0)).enumerate() {
            let left = left.to_shape((axis, outputs)).expect("row-major product");
            // Y[i, j, h] = sum over q of V[q, j] X[i, q, h]
            let both = right.t().dot(&left);
            for (j, both) in both.axis_iter(Axis(0)).enumerate() {
                let mut row = rows.row_mut(Self::place(columns, i.min(j), i.max(j)));
                row.scaled_add(scale, &both);
            }
        }
        let norms = rows
            .axis_iter(Axis(0))
            .map(|row| row.dot(&row).sqrt())
            .collect();
        Self {
            columns,
            rows,
            norms,
        }
    }

    /// Where the pair `i <= j` stands.
    pub fn index(&self, i: usize, j: usize) -> usize {
        Self::place(self.columns, i, j)
    }

    fn place(columns: usize, i: usize, j: usize) -> usize {
        i * columns - i * (i + 1) / 2 + j
    }
}
