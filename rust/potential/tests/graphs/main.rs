//! Frozen graphs that say the same in another way, that hold something else, and that have been damaged in one place.

#[path = "../common/mod.rs"]
mod common;
mod editor;
mod faults;
mod refused;

use common::Configuration;
use deepdms_potential::Model;
use deepdms_potential::engine::NativeEngine;
use deepdms_potential::model::{Exclusion, read};
use editor::{Constant, Graph};

fn model(graph: &Graph) -> Model {
    read("m.pb", &graph.bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// What the reader says against a graph.
fn message(graph: &Graph) -> String {
    match read("m.pb", &graph.bytes()) {
        Ok(_) => "it was read".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn energies(graph: &Graph) -> Vec<f64> {
    let model = model(graph);
    let mut configuration = Configuration::stored("orthogonal");
    let spread = |count: usize| (0..count).map(|k| 0.7 - 0.4 * (k % 5) as f64).collect();
    configuration.frame_parameters = spread(model.frame_parameters.len());
    configuration.atom_parameters = spread(configuration.len() * model.atom_parameters.len());
    let mut engine = NativeEngine::new(vec![model]).unwrap();
    configuration.evaluate(&mut engine).atom_energies
}

fn assert_equal(found: &[f64], expected: &[f64], what: &str) {
    let difference = common::largest_difference(found, expected);
    assert!(difference < 1e-12, "{what}: {difference:e} eV");
}

#[test]
fn without_a_training_script_the_rest_of_the_graph_says_the_same() {
    let files = [
        "atom_ener.pb",
        "exclude_one_sided.pb",
        "exclude_two_sided.pb",
        "gelu_silu.pb",
        "gelutf_sigmoid.pb",
        "softplus_relu.pb",
        "relu6_tanh.pb",
        "silut_linear.pb",
        "radial_exclude.pb",
        "radial_two_sided.pb",
        "hybrid_ar_compressed.pb",
        "hybrid_a3_compressed.pb",
        "hybrid_exclude_compressed.pb",
        "generation_2.pb",
        "type_embedding.pb",
        "type_embedding_rich.pb",
    ];
    for file in files {
        let graph = Graph::of(file);
        let without = graph.clone().without("train_attr/training_script");
        assert_equal(&energies(&without), &energies(&graph), file);
    }
}

#[test]
fn types_without_names_have_numbers() {
    let graph = Graph::of("one_sided.pb");
    let names = |graph: Graph| model(&graph).type_map.join(" ");
    assert_eq!(names(graph.clone()), "Pd Cu P");
    assert_eq!(names(graph.clone().without("model_attr/tmap")), "1 2 3");
    let first = graph.with("model_attr/tmap", &Constant::Text("Pd"));
    assert_eq!(names(first), "Pd 2 3");
}

#[test]
fn layers_that_share_their_weights_are_found_by_their_name() {
    let graph = Graph::of("one_sided.pb");
    let own = ["layer_0", "layer_1", "layer_2", "final_layer"];
    let shared = ["first", "second", "third", "last"];
    let renamed = graph.clone().renamed(|name| {
        let pairs = own.iter().zip(shared);
        pairs.fold(name.to_owned(), |name, (own, shared)| {
            name.replace(&format!("{own}_type"), &format!("share_{shared}_type"))
        })
    });
    let renamed = renamed.with_script(|script| {
        script["model"]["fitting_net"]["layer_name"] = shared.to_vec().into();
    });
    assert_equal(&energies(&renamed), &energies(&graph), "layer_name");
}

#[test]
fn tables_of_deepmd_kit_2_0_have_no_scope() {
    for file in ["two_sided_compressed.pb", "one_sided_compressed.pb"] {
        let graph = Graph::of(file);
        // What stood in the scope of a centre type follows what stood in those before it.
        let mut old = graph.clone().renamed(|name| {
            let Some((scope, node)) = name
                .strip_prefix("filter_type_")
                .and_then(|rest| rest.split_once('/'))
            else {
                return name.to_owned();
            };
            let centre: usize = scope.parse().unwrap_or(0);
            let (node, rest) = node.split_at(node.find('/').unwrap_or(node.len()));
            let (kind, number) = match node.rsplit_once('_') {
                Some((kind, number)) if number.parse::<usize>().is_ok() => {
                    (kind, number.parse().unwrap())
                }
                _ => (node, 0usize),
            };
            format!("{kind}_{}{rest}", 1000 * (centre + 1) + number)
        });
        for node in &mut old.nodes {
            if node.op == "TabulateFusionSeA" {
                node.op = "TabulateFusion".to_owned();
            }
        }
        assert_equal(&energies(&old), &energies(&graph), file);
    }
}

#[test]
fn sums_are_divided_by_the_slots_of_the_training() {
    let graph = Graph::of("zero_davg.pb");
    let divisor = |graph: &Graph| model(graph).descriptors[0].divisor;
    assert_eq!(divisor(&graph), 52.0);
    let shrunk = graph.with(
        "descrpt_attr/original_sel",
        &Constant::Integers(&[24, 20, 16]),
    );
    assert_eq!(divisor(&shrunk), 60.0);
    let stated = shrunk.with("filter_type_0/nnei", &Constant::Integer(64));
    assert_eq!(divisor(&stated), 64.0);
}

#[test]
fn energies_of_atoms_before_2_2_stood_elsewhere() {
    let mut graph = Graph::of("atom_ener.pb");
    let bias = graph.floats("fitting_attr/t_bias_atom_e");
    let last = graph.floats("final_layer_type_1/bias")[0];
    let old = graph
        .clone()
        .without("fitting_attr/t_bias_atom_e")
        .with("atom_0_ener", &Constant::Floats(&[], &bias[..1]))
        .with("atom_2_ener", &Constant::Floats(&[], &bias[2..]))
        .with(
            "final_layer_type_1/bias",
            &Constant::Floats(&[1], &[last + bias[1]]),
        );
    assert_equal(&energies(&old), &energies(&graph), "atom_ener");
    assert_eq!(
        message(&old.without("atom_2_ener")),
        "m.pb: atom_2_ener: the graph has no such tensor"
    );

    let graph = Graph::of("type_embedding.pb");
    let old = graph
        .clone()
        .renamed(|name| name.replace("fitting_attr/t_bias_atom_e", "fitting_attr/bias_atom_ei"));
    assert_equal(&energies(&old), &energies(&graph), "bias_atom_ei");
}

#[test]
fn deepmd_kit_2_2_spelt_the_keys_of_se_atten_otherwise() {
    // as se_atten, which these settings make of it
    let graph = Graph::of("atten_tf_smooth.pb");
    let old = graph
        .clone()
        .without("model_attr/model_attr/t_out_bias")
        .without("model_attr/model_attr/t_out_std")
        .with_script(|script| {
            let descriptor = &mut script["model"]["descriptor"];
            descriptor["type"] = "se_atten".into();
            descriptor["stripped_type_embedding"] = true.into();
            descriptor["smooth_type_embdding"] = true.into();
            let keys = descriptor.as_object_mut().unwrap();
            keys.retain(|key, _| key != "smooth_type_embedding" && key != "tebd_input_mode");
        });
    assert_equal(&energies(&old), &energies(&graph), "2.2");
}

#[test]
fn rows_of_excluded_neighbours_were_zeros_before_3_0() {
    let exclusion = |graph: &Graph| model(graph).descriptors[0].excluded[[0, 1]];
    let mut graph = Graph::of("atten_tf_faded.pb");
    assert_eq!(exclusion(&graph), Exclusion::Means);
    let select = graph.node("Select");
    let [mask, rows, _] = &select.inputs[..] else {
        panic!("{:?}", select.inputs);
    };
    select.inputs = vec![rows.clone(), mask.clone()];
    select.op = "Mul".to_owned();
    assert_eq!(exclusion(&graph), Exclusion::Neighbours);
}
