//! Damaged model files of every format: whatever the damage, reading gives a model or an error that names the file, in
//! bounded memory and without a panic; a model that is read can be evaluated.
//!
//! `DEEPDMS_FUZZ` sets the number of damaged inputs of all formats together (`cargo xtask fuzz` sends a million); without it a
//! few hundred of each are tried. Inputs follow from their number, so that a failure can be repeated.

#[path = "../common/mod.rs"]
mod common;
mod mutation;

use cap::Cap;
use common::models;
use deepdms_potential::Model;
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::model::read;
use deepdms_potential::virial::Output;
use mutation::{Archive, Bytes, Mutate, Text};
use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// No damaged file of these sizes may make the readers hold more than this at once [bytes].
const MOST_MEMORY: usize = 400 << 20;
/// Nor take longer than this; generous, since test machines are busy.
const MOST_TIME: Duration = Duration::from_secs(20);

/// One format with the valid files that are damaged.
struct Campaign {
    name: &'static str,
    files: &'static [&'static str],
    mutate: &'static dyn Mutate,
}

const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "frozen graph (.pb)",
        files: &[
            "one_sided.pb",
            "two_sided_compressed.pb",
            "exclude_two_sided.pb",
            "atom_ener.pb",
            "radial_one_sided.pb",
            "three_body.pb",
            "atten_tf_faded.pb",
            "atten_tf_smooth_compressed.pb",
        ],
        mutate: &Bytes,
    },
    Campaign {
        name: "native (.dp)",
        files: &[
            "one_sided.dp",
            "two_sided.dp",
            "radial_one_sided.dp",
            "three_body.dp",
            "hybrid_ar.dp",
            "parameters.dp",
            "radial_compressed.dp",
            "atten_one_sided.dp",
            "atten_smooth.dp",
        ],
        mutate: &Bytes,
    },
    Campaign {
        name: "native (.yaml)",
        files: &["one_sided.yaml", "atten_concat.yaml"],
        mutate: &Text,
    },
    Campaign {
        name: "native (.json)",
        files: &["radial_one_sided.json"],
        mutate: &Text,
    },
    Campaign {
        name: "exported (.pt2), bytes of its members",
        files: &["radial_one_sided.pt2", "atten_mean.pt2"],
        mutate: &Archive,
    },
    Campaign {
        name: "TorchScript (.pth), bytes of the archive",
        files: &["one_sided.pth", "radial_one_sided.pth", "three_body.pth"],
        mutate: &Bytes,
    },
    Campaign {
        name: "TorchScript (.pth), bytes of its members",
        files: &[
            "one_sided.pth",
            "exclude_one_sided.pth",
            "radial_one_sided.pth",
            "three_body_compressed.pth",
            "default_fparam.pth",
            "pairs_off.pth",
            "atoms_off.pth",
            "atten_concat.pth",
            "atten_smooth_compressed.pth",
        ],
        mutate: &Archive,
    },
];

#[test]
fn damaged_files_are_errors_with_names_or_models_that_can_be_evaluated() {
    let total = match std::env::var("DEEPDMS_FUZZ") {
        Ok(text) => text.parse().expect("DEEPDMS_FUZZ is a number of inputs"),
        Err(_) => 300 * CAMPAIGNS.len() as u64,
    };
    let mut sent = 0;
    for (campaign, count) in CAMPAIGNS.iter().zip(shares(total)) {
        let sources: Vec<_> = campaign
            .files
            .iter()
            .map(|name| (*name, std::fs::read(models().join(name)).unwrap()))
            .collect();
        let (mut read_count, mut slowest) = (0u64, Duration::ZERO);
        let start = Instant::now();
        for number in 0..count {
            let (name, whole) = &sources[number as usize % sources.len()];
            let mut random = fastrand::Rng::with_seed(number);
            let damaged = campaign.mutate.mutate(whole, &mut random);
            let begin = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| judge(name, &damaged)));
            let took = begin.elapsed();
            slowest = slowest.max(took);
            let case = format!("{}, {name}, input {number}", campaign.name);
            match outcome {
                Ok(Ok(was_read)) => read_count += u64::from(was_read),
                Ok(Err(what)) => panic!("{case}: {what}"),
                Err(_) => panic!("{case}: it panicked"),
            }
            assert!(took < MOST_TIME, "{case}: it took {took:?}");
            sent += 1;
            let held = ALLOCATOR.max_allocated();
            assert!(held < MOST_MEMORY, "{case}: {held} bytes were held");
        }
        println!(
            "{}: {count} inputs, {read_count} still models, {} refused, slowest {slowest:.1?}, {:.1?} in all, at most {} MB held",
            campaign.name,
            count - read_count,
            start.elapsed(),
            ALLOCATOR.max_allocated() >> 20
        );
    }
    assert_eq!(sent, total);
    println!("{sent} damaged model files in all");
}

/// Inputs of each campaign, as many as `total` together.
fn shares(total: u64) -> impl Iterator<Item = u64> {
    let n = CAMPAIGNS.len() as u64;
    (0..n).map(move |k| total / n + u64::from(k < total % n))
}

#[test]
fn campaigns_send_what_is_asked_for() {
    for total in [0, 1, 6, 7, 2000, 1_000_000] {
        assert_eq!(shares(total).sum::<u64>(), total);
    }
}

/// Whether the bytes are still a model; an error says what is wrong with the readers.
fn judge(name: &str, damaged: &[u8]) -> Result<bool, String> {
    match read(name, damaged) {
        Ok(model) => {
            evaluate(model)?;
            Ok(true)
        }
        Err(error) => {
            let message = error.to_string();
            if message.starts_with(name) && message.len() < 2000 {
                Ok(false)
            } else {
                Err(format!("its message is no good: {message:.300}"))
            }
        }
    }
}

/// Two atoms near each other: energies may be wild or not finite, but nothing may panic.
fn evaluate(model: Model) -> Result<(), String> {
    let types = [0, (model.n_types() - 1) as i32];
    let mut list = NeighbourList::default();
    list.push(0, [1]);
    list.push(1, [0]);
    let frame_parameters = vec![0.5; model.frame_parameters.len()];
    let atom_parameters = vec![0.5; 2 * model.atom_parameters.len()];
    let atoms = Atoms {
        positions: &[0.0, 0.0, 0.0, 1.9, 0.3, 0.1],
        types: &types,
        list: &list,
        frame_parameters: &frame_parameters,
        atom_parameters: &atom_parameters,
        origin: [0.0; 3],
        exchange: None,
    };
    let mut engine = NativeEngine::new(vec![model]).map_err(|error| error.to_string())?;
    match engine.evaluate(&atoms, true, &mut [Output::default()]) {
        Err(error) if error.to_string().is_empty() => Err("an error without a message".to_owned()),
        _ => Ok(()),
    }
}
