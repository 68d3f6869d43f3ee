//! Graphs of other models than those that are evaluated: each is refused by its name.

use super::common::models;
use super::editor::{Constant, Graph};
use super::message;
use deepdms_potential::model::read;
use serde_json::json;

const READ: &str = " is not supported. Energy models with descriptors se_e2_a, se_e2_r, se_e3, hybrids of them, and se_atten without attention layers are";

#[test]
fn models_of_other_kinds_are_refused_by_name() {
    let graph = || Graph::of("one_sided.pb");
    let kind = |kind| graph().with("model_attr/model_type", &Constant::Text(kind));
    assert_eq!(
        message(&kind("dipole")),
        "m.pb: a model of type 'dipole' is not supported. pair_style deepmd needs an energy model ('ener')"
    );
    let newer = graph().with("model_attr/model_version", &Constant::Text("1.2"));
    assert_eq!(
        message(&newer),
        "m.pb: model version 1.2 is not supported. Versions up to 1.1 (deepmd-kit 3.2) are known; convert the model with 'dp convert-backend'"
    );
    let spin = graph().with("spin_attr/ntypes_spin", &Constant::Integer(1));
    assert_eq!(
        message(&spin),
        "m.pb: spin is not supported. Use deepmd-kit's own plugin, or train a model without spin"
    );
    let modifier = graph().with("modifier_attr/type", &Constant::Text("dipole_charge"));
    assert_eq!(
        message(&modifier),
        "m.pb: the dipole-charge modifier (DPLR) is not supported. Use deepmd-kit's own plugin with fix dplr, or train a model without modifier"
    );
}

#[test]
fn models_that_deepmd_kit_made_of_other_kinds_are_refused_by_name() {
    let cases = [
        (
            "refused_dipole.pb",
            "a model of type 'dipole' is not supported. pair_style deepmd needs an energy model ('ener')",
        ),
        (
            "refused_spin.pb",
            "spin is not supported. Use deepmd-kit's own plugin, or train a model without spin",
        ),
    ];
    for (file, expected) in cases {
        let bytes = std::fs::read(models().join(file)).unwrap();
        let found = read(file, &bytes).map(|_| ()).unwrap_err().to_string();
        assert_eq!(found, format!("{file}: {expected}"));
    }
}

#[test]
fn other_descriptors_are_refused_by_name() {
    let cases = [
        ("ProdEnvMatA", "Descrpt", "descriptor loc_frame"),
        ("ProdEnvMatA", "DescrptSeAEf", "descriptor se_a_ef"),
        ("ProdEnvMatA", "DescrptSeAMask", "descriptor se_a_mask"),
        (
            "ProdEnvMatA",
            "ProdEnvMatANvnmdQuantize",
            "a model for NVNMD hardware",
        ),
    ];
    for (node, op, expected) in cases {
        let graph = Graph::of("one_sided.pb").with_op(node, op);
        assert_eq!(message(&graph), format!("m.pb: {expected}{READ}"));
    }
    let attention = Graph::of("atten_tf_strip.pb").with(
        "attention_layer_0/c_query/matrix",
        &Constant::Equal(&[8, 8], 0.1),
    );
    assert_eq!(
        message(&attention),
        "m.pb: descriptor se_atten (DPA-1) with attention layers is not supported. As TorchScript it can be run by libtorch: dp convert-backend m.pb model.pth"
    );
    let hybrid = Graph::of("hybrid_aa.pb").renamed(|name| name.replace("descrpt_attr_", "attr_"));
    let mut hybrid = hybrid.with_op("ProdEnvMatA_1", "ProdEnvMatAMix");
    let single = hybrid.node("ProdEnvMatA_1").attributes.clone();
    let mut of_atten = Graph::of("atten_tf_strip.pb");
    let sel = of_atten.node("ProdEnvMatAMix").attributes.clone();
    hybrid.node("ProdEnvMatA_1").attributes = single
        .into_iter()
        .filter(|(key, _)| key != "sel_a")
        .chain(sel.into_iter().filter(|(key, _)| key == "sel_a"))
        .collect();
    assert_eq!(
        message(&hybrid),
        "m.pb: a hybrid with descriptor se_atten (DPA-1) is not supported. As TorchScript it can be run by libtorch: dp convert-backend m.pb model.pth"
    );
    let table = "filter_type_all/TabulateFusionSeA";
    let compressed = Graph::of("one_sided_compressed.pb").with_op(table, "TabulateFusionSeAtten");
    assert_eq!(
        message(&compressed),
        "m.pb: a compressed descriptor with type embedding is not supported. Use the model from before 'dp compress'"
    );
}

#[test]
fn settings_of_the_training_that_are_not_evaluated_are_refused_by_name() {
    let changed = |path: &str, value: serde_json::Value| {
        let graph = Graph::of("one_sided.pb").with_script(|script| {
            let (parent, key) = path.rsplit_once('/').unwrap();
            script.pointer_mut(parent).unwrap()[key] = value.clone();
        });
        message(&graph)
    };
    let cases = [
        (
            "/model/type",
            json!("linear_ener"),
            "a model of type 'linear_ener' is not supported. Freeze its models one by one and combine them with pair_style hybrid/scaled",
        ),
        (
            "/model/fitting_net/tot_ener_zero",
            json!(true),
            "tot_ener_zero is not supported. The energy of an atom would depend on all others; train the model without it",
        ),
        (
            "/model/fitting_net/use_aparam_as_mask",
            json!(true),
            "use_aparam_as_mask is not supported. Delete atoms in LAMMPS instead of masking them",
        ),
        (
            "/model/descriptor/activation_function",
            json!("swish"),
            "activation function 'swish' is not supported. See the documentation of pair_style deepmd for those that are",
        ),
    ];
    for (path, value, expected) in cases {
        assert_eq!(changed(path, value), format!("m.pb: {expected}"));
    }
    assert_eq!(
        changed("/model/type", json!("pairtab")),
        format!("m.pb: a model of type 'pairtab'{READ}")
    );
    assert_eq!(
        changed("/model/descriptor/type", json!("se_a_tpe")),
        format!("m.pb: descriptor se_a_tpe{READ}")
    );
    let list = json!([{"type": "se_e2_a"}, {"type": "se_a_mask"}]);
    assert_eq!(
        changed("/model/descriptor/list", list),
        format!("m.pb: descriptor se_a_mask{READ}")
    );
    let sum = Graph::of("hybrid_aa.pb").renamed(|name| name.replace("attr_1/", "attr_model1/"));
    assert_eq!(
        message(&sum),
        "m.pb: a model of type 'linear_ener' is not supported. Freeze its models one by one and combine them with pair_style hybrid/scaled"
    );
}

#[test]
fn type_embeddings_that_cannot_be_taken_out_are_refused_by_name() {
    let mut graph = Graph::of("type_embedding_strip.pb");
    let mut mean = graph.floats("descrpt_attr/t_avg");
    mean.iter_mut().step_by(4).for_each(|mean| *mean = 0.1);
    let shape = [3, mean.len() / 3];
    let shifted = graph.with("descrpt_attr/t_avg", &Constant::Floats(&shape, &mean));
    assert_eq!(
        message(&shifted),
        "m.pb: type embedding in the form 'strip' (se_a_ebd_v2) with set_davg_zero false is not supported. Train se_e2_a with type_embedding, or with set_davg_zero true"
    );
}

#[test]
fn slots_that_were_added_after_training_are_refused_where_they_differ() {
    let mut graph = Graph::of("zero_davg.pb");
    let mut deviation = graph.floats("descrpt_attr/t_std");
    // the last slot of the first section
    deviation[4 * 19] *= 2.0;
    let shape = [3, deviation.len() / 3];
    let changed = graph.with("descrpt_attr/t_std", &Constant::Floats(&shape, &deviation));
    assert_eq!(
        message(&changed),
        "m.pb: descrpt_attr/t_std: it differs between the slots of centre type 0 and neighbour type 0, which training never writes and which would make the energy discontinuous"
    );
    let enlarged = changed.with(
        "descrpt_attr/original_sel",
        &Constant::Integers(&[19, 20, 12]),
    );
    assert_eq!(
        message(&enlarged),
        "m.pb: a sel that was enlarged after training, which leaves new slots with another dstd than old ones is not supported. Freeze the model with the sel that it was trained with"
    );
}
