//! A model of a hundred types costs what those cost that occur.

mod common;

use cap::Cap;
use common::{Configuration, largest_difference, models};
use deepdms_potential::engine::NativeEngine;
use deepdms_potential::model::{Embedding, read};
use serde_json::{Value, json};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const TYPES: usize = 118;
/// What a model with 118 types and a thousand weights, and its engine, may hold [bytes]: not a net for each of 13,924 pairs.
const MOST_MEMORY: usize = 16 << 20;

/// Repeats the rows of an array for more types.
fn repeat(rows: &mut Value) {
    let known = rows.as_array().unwrap();
    *rows = (0..TYPES).map(|t| known[t % known.len()].clone()).collect();
}

#[test]
fn nets_are_made_for_pairs_that_occur_only() {
    let text = std::fs::read(models().join("atten_concat.yaml")).unwrap();
    let concat: Value = serde_yaml_ng::from_slice(&text).unwrap();
    let mut strip = concat.clone();
    give_types_a_net(&mut strip["model"]["descriptor"]);
    for mut tree in [concat, strip] {
        let small = tree.to_string();
        let model = &mut tree["model"];
        model["type_map"] = (0..TYPES).map(|t| json!(format!("E{t}"))).collect();
        for key in ["davg", "dstd"] {
            repeat(&mut model["descriptor"]["@variables"][key]["value"]);
        }
        let net = &mut model["descriptor"]["type_embedding"]["embedding"];
        repeat(&mut net["layers"][0]["@variables"]["w"]["value"]);
        repeat(&mut model["fitting"]["@variables"]["bias_atom_e"]["value"]);
        repeat(&mut model["@variables"]["out_bias"]["value"][0]);
        let large = tree.to_string();
        drop(tree);

        let configuration = Configuration::stored("dense");
        let energies = |text: &str| {
            let before = ALLOCATOR.allocated();
            let model = read("m.json", text.as_bytes()).unwrap();
            let held = ALLOCATOR.allocated() - before;
            let mut engine = NativeEngine::new(vec![model]).unwrap();
            let output = configuration.evaluate(&mut engine);
            (output.atom_energies, output.forces, held)
        };
        let expected = energies(&small);
        let found = energies(&large);
        println!("{} bytes are held", found.2);
        assert!(found.2 < MOST_MEMORY, "{} bytes are held", found.2);
        assert!(largest_difference(&found.0, &expected.0) < 1e-13);
        assert!(largest_difference(&found.1, &expected.1) < 1e-13);

        let model = read("m.json", large.as_bytes()).unwrap();
        let shared =
            |embedding: &Embedding| matches!(embedding, Embedding::Pair(_) | Embedding::Scaled(_));
        assert_eq!(model.descriptors[0].embeddings.len(), TYPES * TYPES);
        assert!(model.descriptors[0].embeddings.iter().all(shared));
    }
}

/// Gives the types a net of their own, made from the weights of the common one.
fn give_types_a_net(descriptor: &mut Value) {
    let rows = |net: &mut Value, kept: std::ops::Range<usize>| {
        let weights = &mut net["layers"][0]["@variables"]["w"]["value"];
        *weights = weights.as_array().unwrap()[kept].to_vec().into();
    };
    descriptor["tebd_input_mode"] = "strip".into();
    descriptor["smooth_type_embedding"] = true.into();
    descriptor["embeddings_strip"] = descriptor["embeddings"].clone();
    rows(&mut descriptor["embeddings"]["networks"][0], 0..1);
    rows(&mut descriptor["embeddings_strip"]["networks"][0], 1..9);
}
