//! Embedding curves: what the engine makes of many inputs against the readable evaluation of one, and that against differences.

mod common;

use common::model;
use deepdms_potential::descriptor::embedding::{Scratch, evaluate};
use deepdms_potential::simd;

const MODELS: [&str; 12] = [
    "two_sided.pb",
    "widths.pb",
    "silut_linear.pb",
    "two_sided_compressed.pb",
    "type_embedding_rich.pb",
    "type_embedding_strip.pb",
    "atten_one_sided.dp",
    "atten_smooth.dp",
    "atten_smooth_compressed.pth",
    "atten_strip_compressed.pth",
    "atten_tf_smooth.pb",
    "dpa1.pth",
];

/// From far below the cutoff to atoms nearer than any.
const INPUTS: [f64; 9] = [-1.4, -0.56, -0.1, 0.003, 0.2, 0.77, 1.9, 4.1, 9.3];

#[test]
fn values_and_slopes_of_all_curves() {
    let kernels = simd::detect().unwrap();
    let (mut scratch, mut g, mut h) = (Scratch::default(), Vec::new(), Vec::new());
    for file in MODELS {
        for curve in &model(file).descriptors[0].embeddings {
            evaluate(curve, kernels, &INPUTS, &mut scratch, &mut g, &mut h);
            let m = curve.outputs();
            let rows = g.chunks_exact(m).zip(h.chunks_exact(m));
            for (&x, (g, h)) in INPUTS.iter().zip(rows) {
                let (values, slopes) = curve.apply_with_slope(x);
                let step = 1e-6;
                let difference = (curve.apply(x + step) - curve.apply(x - step)) / (2.0 * step);
                for p in 0..m {
                    let size = 1.0 + values[p].abs() + slopes[p].abs();
                    let [value, slope, along] = [
                        g[p] - values[p],
                        h[p] - slopes[p],
                        difference[p] - slopes[p],
                    ];
                    assert!(value.abs() < 1e-13 * size, "{file}, {x}: {value:e}");
                    assert!(slope.abs() < 1e-12 * size, "{file}, {x}: {slope:e}");
                    assert!(along.abs() < 1e-7 * size, "{file}, {x}: {along:e}");
                }
            }
        }
    }
}
