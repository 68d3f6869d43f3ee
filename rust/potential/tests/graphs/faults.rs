//! Graphs with one thing missing or changed: each is refused with the name of what does not fit.

use super::editor::{Constant, Graph};
use super::message;
use serde_json::json;

/// Checks what the reader says against changes of one model.
fn check(file: &str, cases: &[(&dyn Fn(Graph) -> Graph, &str)]) {
    let graph = Graph::of(file);
    for (change, expected) in cases {
        assert_eq!(message(&change(graph.clone())), format!("m.pb: {expected}"));
    }
}

/// Replaces the slices that tables are told by with others.
fn moved(graph: Graph, slice: &str, begin: &[i64]) -> Graph {
    graph.with(&format!("{slice}/begin"), &Constant::Integers(begin))
}

#[test]
fn environment_rows() {
    let no_rows = "ProdEnvMatA: the graph has no such node; is it a Deep Potential model?";
    check(
        "one_sided.pb",
        &[
            (&|g| g.with_op("ProdEnvMatA", "NoOp"), no_rows),
            (
                &|g| g.without_attribute("ProdEnvMatA", "rcut_r"),
                "ProdEnvMatA: attribute rcut_r is missing",
            ),
            (
                &|g| g.without_attribute("ProdEnvMatA", "rcut_r_smth"),
                "ProdEnvMatA: attribute rcut_r_smth is missing",
            ),
            (
                &|g| g.without_attribute("ProdEnvMatA", "sel_a"),
                "ProdEnvMatA: attribute sel_a is missing",
            ),
            (
                &|mut g| {
                    let node = g.node("ProdEnvMatA");
                    let sel = node.attributes.iter_mut().find(|(key, _)| key == "sel_a");
                    // a list of the integers -1 and 5
                    let minus_one = [vec![0xff; 9], vec![1]].concat();
                    let list = [vec![0x18], minus_one, vec![0x18, 5]].concat();
                    sel.unwrap().1 = [vec![0x0a, list.len() as u8], list].concat();
                    g
                },
                "ProdEnvMatA: [-1, 5] is not a possible number of neighbours",
            ),
            (
                &|g| g.with("descrpt_attr/ntypes", &Constant::Integer(4)),
                "descrpt_attr/ntypes: 4 types where ProdEnvMatA has 3",
            ),
            (
                &|g| g.with("model_attr/tmap", &Constant::Text("A B C D")),
                "model_attr/tmap: 4 names for 3 types",
            ),
            (
                &|g| g.without("descrpt_attr/t_avg"),
                "descrpt_attr/t_avg: the graph has no such tensor",
            ),
            (
                &|g| g.with("descrpt_attr/t_std", &Constant::Equal(&[3, 20], 1.0)),
                "descrpt_attr/t_std: shape [3, 20] does not fit 3 types with 52 slots",
            ),
            (
                &|g| g.with("descrpt_attr/t_std", &Constant::Integers(&[1])),
                "descrpt_attr/t_std: it does not hold floating-point numbers",
            ),
            (
                &|g| {
                    g.with(
                        "descrpt_attr/original_sel",
                        &Constant::Integers(&[0, -3, 0]),
                    )
                },
                "descrpt_attr/original_sel: -3 is not a number of neighbours",
            ),
        ],
    );
    check(
        "hybrid_aa.pb",
        &[
            (
                &|mut g| {
                    let sel = g.node("ProdEnvMatA_1").attributes.iter_mut();
                    for (_, value) in sel.filter(|(key, _)| key == "sel_a") {
                        *value = vec![0x0a, 4, 0x18, 52, 0x18, 0];
                    }
                    g
                },
                "ProdEnvMatA_1: it has 2 types where ProdEnvMatA has 3",
            ),
            (
                &|mut g| {
                    let first = g.node("ProdEnvMatA").inputs.clone();
                    g.node("ProdEnvMatA_1").inputs = first;
                    g
                },
                "ProdEnvMatA_1: it cannot be told from ProdEnvMatA",
            ),
        ],
    );
}

#[test]
fn the_training_script() {
    let script = "train_attr/training_script";
    check(
        "one_sided.pb",
        &[
            (
                &|g| g.with(script, &Constant::Text("{")),
                "train_attr/training_script: it is not JSON (EOF while parsing an object at line 1 column 1)",
            ),
            (
                &|g| g.with(script, &Constant::Integer(1)),
                "train_attr/training_script: it is not a single string",
            ),
            (
                &|g| g.with_script(|s| s["model"]["descriptor"]["exclude_types"] = json!([[0, 3]])),
                "exclude_types of the training script: [0,3] is not a pair of types",
            ),
        ],
    );
}

#[test]
fn embedding_nets() {
    check(
        "one_sided.pb",
        &[
            (
                &|g| g.without("filter_type_all/matrix_1_1"),
                "filter_type_all/matrix_1_1: the graph has no such tensor",
            ),
            (
                &|g| g.without("filter_type_all/bias_2_1"),
                "filter_type_all/bias_2_1: the graph has no such tensor",
            ),
            (
                &|g| g.with("filter_type_all/matrix_2_1", &Constant::Equal(&[4], 0.1)),
                "filter_type_all/matrix_2_1: shape [4] is not that of a matrix",
            ),
            (
                &|g| g.with("filter_type_all/bias_2_1", &Constant::Equal(&[9], 0.1)),
                "embedding net 1: layer 1: its bias has 9 entries for 8 outputs",
            ),
            (
                &|g| {
                    g.with(
                        "filter_type_all/matrix_3_1",
                        &Constant::Floats(&[8, 0], &[]),
                    )
                },
                "embedding net 1: layer 2: its matrix is empty, [8, 0]",
            ),
            (
                &|g| {
                    g.without("train_attr/training_script")
                        .with_op("filter_type_all/Tanh", "Erf")
                },
                "filter_type_all: no known activation function follows it, only [\"Erf\"]",
            ),
        ],
    );
    check(
        "exclude_two_sided.pb",
        &[
            (
                &|g| g.without("filter_type_0/matrix_1_1"),
                "filter_type_0/matrix_1_1: the graph has no such tensor",
            ),
            (
                &|g| {
                    let kept = |name: &str| !name.starts_with("filter_type_");
                    let mut g = g.without("train_attr/training_script");
                    g.nodes.retain(|node| kept(&node.name));
                    g
                },
                "filter_type_0: the graph has neither embedding nets nor tables there",
            ),
        ],
    );
    check(
        "three_body.pb",
        &[(
            &|g| g.without("filter_type_all/matrix_1_1_2"),
            "filter_type_all/matrix_1_1_2: the graph has no such tensor",
        )],
    );
    check(
        "type_embedding.pb",
        &[
            (
                &|g| g.with("type_embed_net/matrix_1", &Constant::Equal(&[4, 3], 0.1)),
                "type_embed_net/matrix_1: layer 0 takes 4 inputs where 3 come in",
            ),
            (
                &|g| g.without("type_embed_net/matrix_1"),
                "type_embed_net/matrix_1: the graph has no such tensor",
            ),
            (
                &|g| g.with("filter_type_all/matrix_1", &Constant::Equal(&[9, 4], 0.1)),
                "filter_type_all/matrix_1: layer 0 takes 9 inputs where 13 come in",
            ),
        ],
    );
    check(
        "type_embedding_strip.pb",
        &[(
            &|g| {
                g.with(
                    "filter_type_all/matrix_2_two_side_ebd",
                    &Constant::Equal(&[4, 6], 0.1),
                )
                .with(
                    "filter_type_all/bias_2_two_side_ebd",
                    &Constant::Equal(&[6], 0.1),
                )
            },
            "filter_type_all/matrix_1: the types give 6 factors where the curve has 8 outputs",
        )],
    );
}

#[test]
fn type_embeddings_without_attention() {
    let tabulate = "filter_type_all/TabulateFusionSeAtten";
    check(
        "atten_tf_concat.pb",
        &[
            (
                &|g| g.without("train_attr/training_script"),
                "train_attr/training_script: it says nothing of the descriptor, and without it no model with se_atten can be read",
            ),
            (
                &|g| g.with("descrpt_attr/t_avg", &Constant::Equal(&[3, 120], 0.0)),
                "descrpt_attr/t_avg: shape [3, 120] does not fit 3 types with 40 slots",
            ),
            (
                &|g| g.with("descrpt_attr/t_avg", &Constant::Equal(&[257, 160], 0.0)),
                "descrpt_attr/t_avg: 257 is not a possible number of types",
            ),
            (
                &|mut g| {
                    let mut mean = g.floats("descrpt_attr/t_avg");
                    mean[4] += 0.1;
                    g.with("descrpt_attr/t_avg", &Constant::Floats(&[3, 160], &mean))
                },
                "descrpt_attr/t_avg: it differs between the slots of centre type 0 and neighbour type 0, which training never writes and which would make the energy discontinuous",
            ),
            (
                &|g| g.with("filter_type_all/matrix_1", &Constant::Equal(&[9, 4], 0.1)),
                "filter_type_all/matrix_1: layer 0 takes 9 inputs where 13 come in",
            ),
            (
                &|mut g| {
                    let op = "ProdEnvMatA".to_owned();
                    let other = Graph::of("one_sided.pb").node(&op).attributes.clone();
                    g.node("ProdEnvMatAMix").attributes = other;
                    g
                },
                "ProdEnvMatAMix: [20, 20, 12] is not a possible number of neighbours",
            ),
        ],
    );
    check(
        "atten_tf_smooth_compressed.pb",
        &[
            (
                &|mut g| {
                    g.node(tabulate).inputs.truncate(4);
                    g
                },
                "filter_type_all/TabulateFusionSeAtten: it has no factors of types",
            ),
            (
                &|g| {
                    let table = "filter_type_all/embedding_lookup/params_0";
                    g.with(table, &Constant::Equal(&[9, 8], 0.1))
                },
                "filter_type_all/TabulateFusionSeAtten: 9 rows of factors where 3 types need 16",
            ),
        ],
    );
}

#[test]
fn tables() {
    let table = "filter_type_all/TabulateFusionSeA_1";
    let for_whom =
        "filter_type_all/TabulateFusionSeA_1: the neighbours that it is for cannot be told";
    check(
        "one_sided_compressed.pb",
        &[
            (
                &|g| g.with_op(table, "NoOp"),
                "filter_type_all/matrix_1_1: the graph has no such tensor",
            ),
            (
                &|g| g.without_attribute(table, "last_layer_size"),
                "filter_type_all/TabulateFusionSeA_1: attribute last_layer_size is missing",
            ),
            (&|g| moved(g, "filter_type_all/Slice_2", &[0, 76]), for_whom),
            (&|g| moved(g, "filter_type_all/Slice_2", &[0]), for_whom),
            (
                &|mut g| {
                    g.node(table).inputs.clear();
                    g
                },
                for_whom,
            ),
            (
                &|mut g| {
                    let info = g.node(table).inputs[1].clone();
                    g.with(&info, &Constant::Equal(&[4], 1.0))
                },
                "filter_type_all/TabulateFusionSeA_1: its description has 4 numbers where 6 are needed",
            ),
        ],
    );
    check(
        "two_sided_compressed.pb",
        &[(
            &|g| {
                g.renamed(|name| match name.strip_prefix("filter_type_1/Tabulate") {
                    Some(rest) => format!("Tabulate{rest}"),
                    None => name.to_owned(),
                })
            },
            "TabulateFusion: there are tables for 1 centre types where 3 are needed",
        )],
    );
}

#[test]
fn fitting_nets_and_parameters() {
    check(
        "one_sided.pb",
        &[
            (
                &|g| g.without("final_layer_type_1/matrix"),
                "final_layer_type_1/matrix: the graph has no such tensor",
            ),
            (
                &|g| g.without("layer_1_type_1/bias"),
                "layer_1_type_1/bias: the graph has no such tensor",
            ),
            (
                &|g| g.with("layer_1_type_0/matrix", &Constant::Equal(&[15, 16], 0.1)),
                "layer_0_type_0/matrix: layer 1 takes 15 inputs where 16 come in",
            ),
            (
                &|g| g.with("layer_0_type_1/matrix", &Constant::Equal(&[63, 16], 0.1)),
                "fitting net of type 1: layer 0 takes 63 inputs where 64 come in",
            ),
            (
                &|g| g.with("fitting_attr/t_bias_atom_e", &Constant::Equal(&[2], 0.1)),
                "fitting_attr/t_bias_atom_e: 2 numbers where 3 are needed",
            ),
            (
                &|g| g.with("fitting_attr/dfparam", &Constant::Integers(&[1, 1])),
                "fitting_attr/dfparam: it is not a single number",
            ),
            (
                &|g| g.with("fitting_attr/dfparam", &Constant::Equal(&[], 1.0)),
                "fitting_attr/dfparam: it does not hold integers",
            ),
            (
                &|g| g.with("fitting_attr/dfparam", &Constant::Integer(1)),
                "fitting_attr/t_fparam_avg: the graph has no such tensor",
            ),
        ],
    );
    check(
        "parameters.pb",
        &[
            (
                &|g| g.with("fitting_attr/dfparam", &Constant::Integer(3)),
                "fitting_attr/t_fparam_avg: 2 numbers where 3 are needed",
            ),
            (
                &|g| {
                    g.with("fitting_attr/daparam", &Constant::Integer(100))
                        .with("fitting_attr/t_aparam_avg", &Constant::Equal(&[100], 0.0))
                        .with("fitting_attr/t_aparam_istd", &Constant::Equal(&[100], 1.0))
                },
                "layer_0_type_0/matrix: 19 rows are fewer than the 102 inputs that are no descriptor",
            ),
        ],
    );
}

#[test]
fn tensors() {
    let matrix = "filter_type_all/matrix_1_1";
    let shape =
        |extents: &'static [usize]| move |g: Graph| g.with(matrix, &Constant::Equal(extents, 1.0));
    check(
        "one_sided.pb",
        &[
            (
                &shape(&[1 << 20, 1 << 20]),
                "filter_type_all/matrix_1_1: its shape [1048576, 1048576] is impossibly large",
            ),
            (
                &shape(&[1; 9]),
                "filter_type_all/matrix_1_1: its shape has 9 dimensions",
            ),
            (
                &shape(&[1 << 12, 1 << 12]),
                "filter_type_all/matrix_1_1: 1 values are stored for 16777216 elements, which no model repeats so often",
            ),
            (
                &|g| {
                    g.with_op(matrix, "Const")
                        .without_attribute(matrix, "value")
                },
                "filter_type_all/matrix_1_1: it is not a constant",
            ),
        ],
    );
}
