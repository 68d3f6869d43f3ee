//! What is worth knowing while windows come in.

use crate::analysis::Analysis;
use crate::calibration::Frozen;
use crate::cell::dot;
use crate::diffusion::{DIFFUSIVE, diffusion};
use crate::frame::{Atoms, Frame};
use crate::strings::Rule;
use crate::window::Window;

/// Used windows from which statistics are commented on.
const ENOUGH: u64 = 4;
/// Used windows from which a slope is.
const ENOUGH_FOR_SLOPE: u64 = 8;
/// Fast atoms a window below which ratios of strings are noise.
const FEW_FAST: f64 = 20.0;
/// Relative difference of heights from which the quantile for percolation is not exact.
const UNEQUAL: f64 = 1.2;
/// Difference of boxes of start and end that needs a reason.
const BOX_CHANGE: f64 = 1e-3;
/// Displacement of the centre of mass, in units of r_nn, that needs one.
const DRIFT: f64 = 0.1;
/// Standard errors of a slope that is one.
const SLOPE: f64 = 3.0;

/// Comments on the frames of a window.
pub(crate) fn on_window(
    analysis: &mut Analysis,
    atoms: &Atoms,
    frames: (&Frame<'_>, &Frame<'_>),
    window: &Window,
) {
    let change = Window::box_change(frames.0, frames.1);
    if change > BOX_CHANGE && !analysis.settings().box_varies {
        analysis.remark(
            "box",
            format!(
                "boxes of start and end differ by {change:.2e}: is the window a whole number of strain periods?"
            ),
        );
    }
    if let Some(index) = window.farthest {
        let id = atoms.ids[window.places[index as usize] as usize];
        analysis.remark(
            "image",
            format!("atom {id} moved more than half the box: image flags reset?"),
        );
    }
    let drift = dot(window.drift, window.drift).sqrt();
    let r_nn = analysis
        .frozen()
        .map_or(f64::INFINITY, |frozen| frozen.r_nn);
    if drift > DRIFT * r_nn {
        analysis.remark(
            "drift",
            format!("centre of mass moved {drift:.4} per window: use fix momentum"),
        );
    }
    let (_, ratio, _) = analysis.cell();
    if ratio > UNEQUAL && analysis.settings().percolation {
        analysis.remark(
            "heights",
            format!(
                "cell heights differ by {:.0} %: the 0.46 rule for percolation is not exact, medians are given",
                100.0 * (ratio - 1.0)
            ),
        );
    }
}

/// Comments on the statistics after a used window.
pub(crate) fn on_results(analysis: &mut Analysis, frozen: &Frozen) {
    if let Some(rule) = analysis.settings().strings {
        on_strings(analysis, rule, frozen);
    }
    for name in ["c_all", "f_all", "n_fast"] {
        let series = analysis.series(name);
        let slope = series.slope() / series.slope_error();
        if series.count() >= ENOUGH_FOR_SLOPE && slope.abs() > SLOPE && slope.is_finite() {
            let what = match name {
                "c_all" => "C",
                "f_all" => "the jump fraction",
                _ => "N_fast",
            };
            analysis.remark(
                "slope",
                format!(
                    "mobility drifts: slope of {what} is {slope:.1} standard errors per window"
                ),
            );
        }
    }
    on_diffusion(analysis);
}

fn on_strings(analysis: &mut Analysis, rule: Rule, frozen: &Frozen) {
    let name = Rule::NAMES[rule as usize];
    let fast = analysis.series("n_fast");
    if fast.count() >= ENOUGH && fast.mean() < FEW_FAST {
        analysis.remark(
            "few",
            format!(
                "fewer than {FEW_FAST} fast atoms per window on average: string ratios are noise"
            ),
        );
    }
    let measured = analysis.series(&format!("string_share_{name}"));
    let chance = analysis.series(&format!("shuffled_string_share_{name}"));
    if measured.count() >= ENOUGH && chance.mean() > 0.5 * measured.mean() {
        analysis.remark(
            "chance",
            format!(
                "chance alone gives N_str/N_fast = {:.3} (measured {:.3})",
                chance.mean(),
                measured.mean()
            ),
        );
    }
    let wrapped = analysis.series(&format!("wrapped_{name}"));
    let count = wrapped.mean() * wrapped.count() as f64;
    let longest = analysis
        .blocks()
        .blocks()
        .last()
        .map_or(0, |block| block.strings[rule as usize].sizes.largest());
    if count > 0.5 {
        analysis.remark(
            "wrapped",
            format!("{count:.0} strings wrap around the cell: finite-size effect"),
        );
    } else if longest as f64 * frozen.r_nn > analysis.cell().0 {
        analysis.remark(
            "long",
            format!(
                "a string of {longest} atoms is as long as the cell is high: finite-size effect"
            ),
        );
    }
}

fn on_diffusion(analysis: &mut Analysis) {
    let settings = analysis.settings();
    if settings.lags.len() < 2 || analysis.blocks().samples() < ENOUGH + settings.history() {
        return;
    }
    let times: Vec<f64> = settings
        .lags
        .iter()
        .map(|&lag| lag as f64 * settings.time)
        .collect();
    let dimension = settings.geometry.dimension;
    let Some(total) = analysis.blocks().total() else {
        return;
    };
    for (kind, sums) in total.kinds.iter().enumerate().skip(1) {
        let squares: Vec<f64> = sums.lags.iter().map(|lag| lag.square()).collect();
        let found = diffusion(&times, &squares, dimension);
        if !found.diffusive && found.exponent.is_finite() {
            analysis.remark(
                "diffusion",
                format!(
                    "d ln MSD/d ln t = {:.2}, not within {} and {}: D of type {kind} is not a diffusion coefficient",
                    found.exponent, DIFFUSIVE.0, DIFFUSIVE.1
                ),
            );
        }
    }
}
