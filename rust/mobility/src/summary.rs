//! Everything that was found, as JSON. What is not defined is null.

use deepdms_statistics::{Estimate, Series};
use serde_json::{Map, Value, json};

use crate::analysis::Analysis;
use crate::calibration::Frozen;
use crate::counts::Sizes;
use crate::minimum::Minimum;
use crate::moments::Moments;
use crate::percolation::QUANTILE;
use crate::returns::Fate;
use crate::scalars::CLASS_NAMES;
use crate::strings::Rule;
use crate::table::Table;
use crate::tally::{ClusterSums, Kind, StringSums, Tally, WRAPS};

/// The summary of `analysis`.
pub fn summary(analysis: &Analysis) -> Value {
    let settings: Map<String, Value> = analysis
        .settings()
        .words()
        .into_iter()
        .map(|(keyword, value)| (keyword.to_owned(), json!(value)))
        .collect();
    let remarks: Vec<&str> = analysis.remarks().collect();
    let means: Map<String, Value> = analysis
        .names()
        .iter()
        .map(|name| (name.clone(), series(&analysis.series(name))))
        .collect();
    let mut top = json!({
        "settings": settings,
        "windows": analysis.windows(),
        "used": analysis.blocks().samples(),
        "blocks": analysis.blocks().blocks().len(),
        "thresholds": analysis.frozen().map(frozen),
        "means": means,
        "warnings": remarks,
    });
    let Some(total) = analysis.blocks().total() else {
        return top;
    };
    let kinds: Vec<Value> = (0..total.kinds.len())
        .map(|kind| of_kind(analysis, &total, kind))
        .collect();
    top["atoms"] = json!(kinds);
    if analysis.settings().strings.is_some() {
        let rules: Map<String, Value> = Rule::ALL
            .iter()
            .map(|&rule| {
                let name = Rule::NAMES[rule as usize].to_owned();
                (name, strings(analysis, &total, rule))
            })
            .collect();
        top["strings"] = Value::Object(rules);
        let types = analysis.settings().types;
        let rows: Vec<&[u64]> = total.links.chunks_exact(types).collect();
        top["links_by_type_that_left_and_came"] = json!(rows);
    }
    let classes: Map<String, Value> = CLASS_NAMES
        .iter()
        .enumerate()
        .map(|(class, name)| ((*name).to_owned(), clusters(analysis, &total, class)))
        .collect();
    top["clusters"] = Value::Object(classes);
    if analysis.settings().percolation {
        let random = analysis.random_threshold();
        top["percolation"] = json!({
            "quantile": QUANTILE,
            "random": estimate(random),
            "fast_minus_random": analysis.threshold_of(0, 0).value - random.value,
            "slow_minus_random": analysis.threshold_of(1, 0).value - random.value,
        });
    }
    let [neither, broken, jumped, both] = total.table;
    top["jumps_and_cages"] = json!({
        "neither": neither,
        "only_broken": broken,
        "only_jumped": jumped,
        "both": both,
        "broken_of_jumped": both as f64 / (jumped + both) as f64,
        "jumped_of_broken": both as f64 / (broken + both) as f64,
    });
    top
}

fn estimate(estimate: Estimate) -> Value {
    json!({ "value": estimate.value, "error": estimate.error })
}

fn series(series: &Series) -> Value {
    match series.count() {
        0 => json!({ "value": null, "n": 0 }),
        1 => json!({ "value": series.mean(), "n": 1 }),
        count => json!({
            "value": series.mean(),
            "sd": series.variance().sqrt(),
            "error": series.error(),
            "n": count,
            "n_eff": series.effective(),
            "slope": series.slope(),
            "slope_error": series.slope_error(),
        }),
    }
}

fn minimum(minimum: &Minimum) -> Value {
    json!({
        "u_min": minimum.u_min,
        "error": minimum.error,
        "interval": [minimum.low, minimum.high],
        "z": minimum.significance,
        "u_out": minimum.u_out,
        "misclassified": minimum.misclassified,
        "fallback": minimum.fallback,
    })
}

fn table(table: &Table) -> Value {
    let rows: Vec<&[f64]> = table.rows().collect();
    json!(rows)
}

fn frozen(frozen: &Frozen) -> Value {
    let types: Vec<Value> = frozen.minima.iter().map(minimum).collect();
    json!({
        "r_nn": frozen.r_nn,
        "overlap": frozen.overlap,
        "types": types,
        "all": minimum(&frozen.all),
        "cutoffs": table(&frozen.cutoffs),
        "peaks": table(&frozen.peaks),
        "delta": table(&frozen.delta),
    })
}

/// One type, or all atoms.
fn of_kind(analysis: &Analysis, total: &Tally, kind: usize) -> Value {
    let settings = analysis.settings();
    let sums: &Kind = &total.kinds[kind];
    let blocks = analysis.blocks();
    let dimension = settings.geometry.dimension;
    let ratio = |part: fn(&Kind) -> [u64; 2]| {
        estimate(blocks.ratio(|tally| part(&tally.kinds[kind]).map(|sum| sum as f64)))
    };
    let lags: Vec<Value> = settings
        .lags
        .iter()
        .enumerate()
        .map(|(index, &lag)| {
            let scattering: Vec<Value> = (0..settings.waves.len())
                .map(|wave| {
                    let found = analysis.of_moments(kind, index, |moments| {
                        moments.scattering().nth(wave).unwrap_or(f64::NAN)
                    });
                    json!({ "q": settings.waves[wave], "fs": estimate(found) })
                })
                .collect();
            json!({
                "lag": lag,
                "time": lag as f64 * settings.time,
                "displacements": sums.lags.get(index).map_or(0, |moments| moments.count),
                "msd": estimate(analysis.of_moments(kind, index, Moments::square)),
                "alpha2": estimate(analysis.of_moments(kind, index, |moments| moments.alpha2(dimension))),
                "overlap": estimate(analysis.of_moments(kind, index, Moments::overlap)),
                "scattering": scattering,
            })
        })
        .collect();
    let (found, largest) = analysis.diffusion(kind);
    let returns: Vec<Value> = (1..=sums.fates.len())
        .map(|k| {
            let fates = |string: usize| {
                let names = Fate::NAMES.iter().zip(sums.fates[k - 1][string]);
                names
                    .map(|(name, count)| ((*name).to_owned(), json!(count)))
                    .collect::<Map<String, Value>>()
            };
            json!({
                "windows_later": k,
                "returned": estimate(analysis.returned(kind, k)),
                "alone": fates(0),
                "in_strings": fates(1),
            })
        })
        .collect();
    let mut value = json!({
        "type": if kind == 0 { json!("all") } else { json!(kind) },
        "atoms": analysis.atoms(kind),
        "jump_fraction": ratio(|sums| [sums.jumped, sums.atoms]),
        "broken_cages": ratio(|sums| [sums.broken, sums.caged]),
        "bond_survival": estimate(blocks.ratio(|tally| {
            let sums = &tally.kinds[kind];
            [sums.bonds.total(), sums.caged as f64]
        })),
        "lags": lags,
        "chi4": analysis.susceptibility(kind),
        "diffusion": {
            "largest_lag": estimate(largest),
            "slope": found.slope,
            "exponent": found.exponent,
            "diffusive": found.diffusive,
        },
        "events_followed": { "alone": sums.events[0], "in_strings": sums.events[1] },
        "irreversible": ratio(|sums| [sums.for_good.iter().sum(), sums.events.iter().sum()]),
        "irreversible_alone": ratio(|sums| [sums.for_good[0], sums.events[0]]),
        "irreversible_in_strings": ratio(|sums| [sums.for_good[1], sums.events[1]]),
        "returns": returns,
        "distribution": {
            "bin": sums.histogram.width(),
            "counts": sums.histogram.counts(),
            "beyond": sums.histogram.overflow(),
        },
    });
    if settings.halves {
        let [first, second, reversible, whole] = sums.halves;
        value["half_periods"] = json!({
            "first": first,
            "second": second,
            "driven_there_and_back": reversible,
            "whole_period": whole,
        });
    }
    value
}

fn sizes(sizes: &Sizes) -> Value {
    let pairs: Vec<(u64, u64)> = sizes.iter().collect();
    json!(pairs)
}

fn strings(analysis: &Analysis, total: &Tally, rule: Rule) -> Value {
    let blocks = analysis.blocks();
    let sums: &StringSums = &total.strings[rule as usize];
    let ratio = |part: &dyn Fn(&StringSums, u64) -> [f64; 2]| {
        estimate(blocks.ratio(|tally| part(&tally.strings[rule as usize], tally.clusters[0].atoms)))
    };
    let count = |a: u64, b: u64| [a as f64, b as f64];
    let length =
        |least: u64| ratio(&|sums, _| [sums.sizes.sum(least, 1), sums.sizes.sum(least, 0)]);
    let (geometric, decay) = sums.sizes.geometric();
    let range = sums.sizes.fit_range();
    json!({
        "string_share": ratio(&|sums, fast| count(sums.atoms, fast)),
        "long_share": ratio(&|sums, _| count(sums.long, sums.atoms)),
        "shuffled_string_share": ratio(&|sums, _| count(sums.shuffled[0], sums.shuffled[2])),
        "shuffled_long_share": ratio(&|sums, _| count(sums.shuffled[1], sums.shuffled[0])),
        "l1": length(1),
        "l2": length(2),
        "lw": ratio(&|sums, _| [sums.sizes.sum(2, 2), sums.sizes.sum(2, 1)]),
        "longest": sums.sizes.largest(),
        "branched_share": ratio(&|sums, _| count(sums.branched, sums.atoms)),
        "ring_share": ratio(&|sums, _| count(sums.ring_atoms, sums.atoms)),
        "swaps": sums.swaps,
        "wrapped": sums.wrapped,
        "sizes": sizes(&sums.sizes),
        "shuffled_sizes": sizes(&sums.shuffled_sizes),
        "exponential": {
            "ratio": geometric,
            "decay_length": decay,
            "fit_range": range,
            "ratio_within_range": range.map(|range| sums.sizes.geometric_within(range)),
        },
    })
}

fn clusters(analysis: &Analysis, total: &Tally, class: usize) -> Value {
    let sums: &ClusterSums = &total.clusters[class];
    let blocks = analysis.blocks();
    let (height, _, _) = analysis.cell();
    let named = |of: &dyn Fn(usize) -> Estimate| {
        WRAPS
            .iter()
            .enumerate()
            .map(|(which, name)| ((*name).to_owned(), estimate(of(which))))
            .collect::<Map<String, Value>>()
    };
    let fractal = sums.radii.fit(height);
    let dimension = blocks.estimate(
        |tally| tally.clusters[class].radii.clone(),
        |radii| radii.fit(height).dimension,
    );
    let bins: Vec<Value> = fractal
        .bins
        .iter()
        .map(|&(size, radius, slope)| json!({ "size": size, "radius": radius, "slope": slope }))
        .collect();
    let mut value = json!({
        "sizes": sizes(&sums.sizes),
        "mean_size": estimate(blocks.ratio(|tally| {
            tally.clusters[class].mean.map(|sum| sum as f64)
        })),
        "wrapping": named(&|which| analysis.wrapping(class, which)),
        "fractal_dimension": {
            "value": dimension.value,
            "error": dimension.error,
            "sizes": fractal.range,
            "bins": bins,
        },
    });
    if analysis.settings().percolation {
        value["thresholds"] = Value::Object(named(&|which| analysis.threshold_of(class, which)));
        let u = analysis.threshold(|tally| &tally.clusters[class].displacements);
        value["threshold_displacement"] = estimate(u);
    }
    value
}
