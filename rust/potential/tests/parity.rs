//! Energies, forces and virials of the native engine against those that deepmd-kit 3.2.0 gave for the same files.
//!
//! `tests/models/` holds the models, the reference numbers and the scripts that made both.

mod common;

use common::{Configuration, json, largest_difference, model, numbers};
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, NativeEngine};
use deepdms_potential::simd;
use deepdms_potential::virial::Output;

/// What is allowed between the two programs.
struct Tolerance {
    /// [eV/Å]
    force: f64,
    /// [eV] an atom
    energy: f64,
    /// relative, global virial
    virial: f64,
}

const DOUBLE: Tolerance = Tolerance {
    force: 1e-10,
    energy: 1e-10,
    virial: 1e-9,
};
/// Models whose networks deepmd-kit evaluates in float32, while ours are always float64.
const SINGLE: Tolerance = Tolerance {
    force: 2e-4,
    energy: 1e-5,
    virial: 1e-4,
};

fn check(file: &str, tolerance: &Tolerance) {
    let references = json(&format!("{file}.json"));
    let configurations = references["configurations"].as_object().unwrap();
    assert!(!configurations.is_empty());
    let mut engine = NativeEngine::new(vec![model(file)]).unwrap();
    for (name, reference) in configurations {
        let mut configuration = Configuration::stored(name);
        let given = |key: &str| reference.get(key).map(numbers).unwrap_or_default();
        configuration.frame_parameters = given("fparam");
        if configuration.frame_parameters.is_empty() {
            let default = &engine.models()[0].default_frame_parameters;
            configuration.frame_parameters = default.clone().unwrap_or_default();
        }
        configuration.atom_parameters = given("aparam");
        let output = configuration.evaluate(&mut engine);
        let n = configuration.len() as f64;
        let energy = (output.energy - reference["energy"].as_f64().unwrap()).abs() / n;
        let atom_energy =
            largest_difference(&output.atom_energies, &numbers(&reference["atom_energies"]));
        println!("{file} {name}: energy {energy:.1e} eV/atom, atom energy {atom_energy:.1e} eV");
        assert!(
            energy < tolerance.energy,
            "{file} {name}: energy differs by {energy:e} eV/atom"
        );
        assert!(
            atom_energy < 10.0 * tolerance.energy,
            "{file} {name}: an atom's energy differs by {atom_energy:e} eV"
        );
        if reference["forces"].is_null() {
            continue;
        }
        let force = largest_difference(&output.forces, &numbers(&reference["forces"]));
        let expected = numbers(&reference["virial"]);
        let size = expected.iter().fold(0.0f64, |size, w| size.max(w.abs()));
        let virial = largest_difference(&output.virial, &expected) / size;
        let atom_virials: Vec<_> = output.atom_virials.iter().flatten().copied().collect();
        let expected = reference.get("atom_virials").map(numbers);
        let atom_virial =
            expected.map_or(0.0, |expected| largest_difference(&atom_virials, &expected));
        println!(
            "    force {force:.1e} eV/A, virial {virial:.1e} (relative), atom virial {atom_virial:.1e} eV"
        );
        assert!(
            force < tolerance.force,
            "{file} {name}: a force differs by {force:e} eV/A"
        );
        assert!(
            virial < tolerance.virial,
            "{file} {name}: the virial differs by {virial:e}, relative"
        );
        assert!(
            atom_virial < 10.0 * tolerance.force,
            "{file} {name}: an atom's virial differs by {atom_virial:e} eV"
        );
    }
}

/// Diamond, whose 12 second neighbours at one distance do not all fit.
#[test]
fn neighbours_at_one_distance_are_those_that_deepmd_kit_keeps() {
    let reference = json("ties.json");
    let positions = numbers(&reference["positions"]);
    let types: Vec<_> = numbers(&reference["types"])
        .iter()
        .map(|&kind| kind as i32)
        .collect();
    let mut list = NeighbourList::default();
    for (centre, around) in reference["lists"].as_array().unwrap().iter().enumerate() {
        list.push(centre as u32, numbers(around).iter().map(|&j| j as u32));
    }
    let atoms = Atoms {
        positions: &positions,
        types: &types,
        list: &list,
        frame_parameters: &[],
        atom_parameters: &[],
        origin: [0.0; 3],
        exchange: None,
    };
    for file in ["overflow.pth", "overflow.dp"] {
        let mut engine = NativeEngine::new(vec![model(file)]).unwrap();
        let mut outputs = [Output::default()];
        engine.evaluate(&atoms, false, &mut outputs).unwrap();
        let [output] = outputs;
        let expected = numbers(&reference["atom_energies"]);
        let energies = &output.atom_energies[..expected.len()];
        let energy = largest_difference(energies, &expected);
        let force = largest_difference(&output.forces, &numbers(&reference["forces"]));
        assert!(
            energy < 1e-10 && force < 1e-10,
            "{file}: {energy:e} {force:e}"
        );
    }
}

macro_rules! parity {
    ($($test:ident: $file:literal, $tolerance:expr;)*) => {
        $(#[test]
        fn $test() {
            check($file, &$tolerance);
        })*
    };
}

parity! {
    one_sided_frozen_graph: "one_sided.pb", DOUBLE;
    one_sided_native_hdf5: "one_sided.dp", DOUBLE;
    wide: "wide.dp", DOUBLE;
    one_sided_native_yaml: "one_sided.yaml", DOUBLE;
    two_sided_frozen_graph: "two_sided.pb", DOUBLE;
    two_sided_native_hdf5: "two_sided.dp", DOUBLE;
    more_neighbours_than_sel_frozen_graph: "overflow.pb", DOUBLE;
    more_neighbours_than_sel_native: "overflow.dp", DOUBLE;
    compressed_one_sided: "one_sided_compressed.pb", DOUBLE;
    compressed_two_sided: "two_sided_compressed.pb", DOUBLE;
    davg_set_to_zero: "zero_davg.pb", DOUBLE;
    excluded_types_one_sided: "exclude_one_sided.pb", DOUBLE;
    excluded_types_two_sided: "exclude_two_sided.pb", DOUBLE;
    energies_counted_from_the_free_atom: "atom_ener.pb", DOUBLE;
    float32_networks: "float32.pb", SINGLE;
    one_sided_torch_script: "one_sided.pth", DOUBLE;
    two_sided_torch_script: "two_sided.pth", DOUBLE;
    more_neighbours_than_sel_torch_script: "overflow.pth", DOUBLE;
    unequal_widths_torch_script: "widths.pth", DOUBLE;
    excluded_types_torch_script: "exclude_one_sided.pth", DOUBLE;
    trained_by_pytorch_torch_script: "trained_native.pth", DOUBLE;
    trained_by_pytorch_hdf5: "trained_native.dp", DOUBLE;
    unequal_widths_frozen_graph: "widths.pb", DOUBLE;
    unequal_widths_native_hdf5: "widths.dp", DOUBLE;
    without_timestep: "no_timestep.pb", DOUBLE;
    the_papers_shape: "paper_shape.pb", DOUBLE;
    gelu_and_silu: "gelu_silu.pb", DOUBLE;
    gelu_tf_and_sigmoid: "gelutf_sigmoid.pb", DOUBLE;
    relu6_and_tanh: "relu6_tanh.pb", DOUBLE;
    silut_and_linear: "silut_linear.pb", DOUBLE;
    softplus_and_relu: "softplus_relu.pb", DOUBLE;
    radial_frozen_graph: "radial_one_sided.pb", DOUBLE;
    radial_two_sided_frozen_graph: "radial_two_sided.pb", DOUBLE;
    radial_with_excluded_types_frozen_graph: "radial_exclude.pb", DOUBLE;
    three_body_frozen_graph: "three_body.pb", DOUBLE;
    hybrid_with_radial_frozen_graph: "hybrid_ar.pb", DOUBLE;
    hybrid_with_three_body_frozen_graph: "hybrid_a3.pb", DOUBLE;
    hybrid_of_two_cutoffs_frozen_graph: "hybrid_aa.pb", DOUBLE;
    frame_and_atom_parameters_frozen_graph: "parameters.pb", DOUBLE;
    frame_parameters_of_the_free_atom: "parameters_atom_ener.pb", DOUBLE;
    type_embedding_frozen_graph: "type_embedding.pb", DOUBLE;
    type_embedding_one_sided_frozen_graph: "type_embedding_one_sided.pb", DOUBLE;
    type_embedding_with_all_settings: "type_embedding_rich.pb", DOUBLE;
    type_embedding_apart_from_distances: "type_embedding_strip.pb", DOUBLE;
    hybrid_with_excluded_types: "hybrid_exclude.pb", DOUBLE;
    compressed_hybrid_with_excluded_types: "hybrid_exclude_compressed.pb", DOUBLE;
    compressed_radial: "radial_one_sided_compressed.pb", DOUBLE;
    compressed_three_body: "three_body_compressed.pb", DOUBLE;
    compressed_hybrid_with_radial: "hybrid_ar_compressed.pb", DOUBLE;
    compressed_hybrid_with_three_body: "hybrid_a3_compressed.pb", DOUBLE;
    graph_of_deepmd_kit_0_12: "generation_0.pb", DOUBLE;
    graph_of_deepmd_kit_1: "generation_1.pb", DOUBLE;
    graph_of_deepmd_kit_1_converted: "generation_1_converted.pb", DOUBLE;
    graph_of_deepmd_kit_2_compressed: "generation_2.pb", DOUBLE;
    radial_native: "radial_one_sided.dp", DOUBLE;
    radial_torch_script: "radial_one_sided.pth", DOUBLE;
    radial_with_excluded_types_native: "radial_exclude.dp", DOUBLE;
    radial_with_excluded_types_torch_script: "radial_exclude.pth", DOUBLE;
    three_body_native: "three_body.dp", DOUBLE;
    three_body_torch_script: "three_body.pth", DOUBLE;
    hybrid_with_radial_native: "hybrid_ar.dp", DOUBLE;
    hybrid_with_radial_torch_script: "hybrid_ar.pth", DOUBLE;
    hybrid_with_three_body_native: "hybrid_a3.dp", DOUBLE;
    hybrid_with_three_body_torch_script: "hybrid_a3.pth", DOUBLE;
    hybrid_of_two_cutoffs_native: "hybrid_aa.dp", DOUBLE;
    hybrid_of_two_cutoffs_torch_script: "hybrid_aa.pth", DOUBLE;
    frame_and_atom_parameters_native: "parameters.dp", DOUBLE;
    frame_and_atom_parameters_torch_script: "parameters.pth", DOUBLE;
    default_frame_parameters_native: "default_fparam.dp", DOUBLE;
    default_frame_parameters_torch_script: "default_fparam.pth", DOUBLE;
    float32_networks_torch_script: "float32.pth", SINGLE;
    compressed_one_sided_torch_script: "one_sided_compressed.pth", DOUBLE;
    compressed_three_body_torch_script: "three_body_compressed.pth", DOUBLE;
    radial_exported: "radial_one_sided.pt2", DOUBLE;
    pairs_off_the_list_native: "pairs_off.dp", DOUBLE;
    pairs_off_the_list_torch_script: "pairs_off.pth", DOUBLE;
    atoms_without_energy_native: "atoms_off.dp", DOUBLE;
    atoms_without_energy_torch_script: "atoms_off.pth", DOUBLE;
    compressed_radial_native: "radial_compressed.dp", DOUBLE;
    compressed_radial_torch_script: "radial_one_sided_compressed.pth", DOUBLE;
    attentionless_concat_torch_script: "atten_concat.pth", DOUBLE;
    attentionless_concat_hdf5: "atten_concat.dp", DOUBLE;
    attentionless_concat_yaml: "atten_concat.yaml", DOUBLE;
    attentionless_one_sided_torch_script: "atten_one_sided.pth", DOUBLE;
    attentionless_one_sided_hdf5: "atten_one_sided.dp", DOUBLE;
    attentionless_strip_torch_script: "atten_strip.pth", DOUBLE;
    attentionless_strip_hdf5: "atten_strip.dp", DOUBLE;
    attentionless_strip_compressed: "atten_strip_compressed.pth", DOUBLE;
    attentionless_types_by_electrons: "atten_shells.pth", DOUBLE;
    attentionless_smooth_torch_script: "atten_smooth.pth", DOUBLE;
    attentionless_smooth_hdf5: "atten_smooth.dp", DOUBLE;
    attentionless_smooth_compressed: "atten_smooth_compressed.pth", DOUBLE;
    attentionless_exported: "atten_mean.pt2", DOUBLE;
    attentionless_second_version: "dpa1.pth", DOUBLE;
    attentionless_second_version_compressed: "dpa1_compressed.pth", DOUBLE;
    attentionless_concat_frozen_graph: "atten_tf_concat.pb", DOUBLE;
    attentionless_faded_frozen_graph: "atten_tf_faded.pb", DOUBLE;
    attentionless_strip_frozen_graph: "atten_tf_strip.pb", DOUBLE;
    attentionless_strip_frozen_graph_compressed: "atten_tf_strip_compressed.pb", DOUBLE;
    attentionless_smooth_frozen_graph: "atten_tf_smooth.pb", DOUBLE;
    attentionless_smooth_frozen_graph_compressed: "atten_tf_smooth_compressed.pb", DOUBLE;
}

#[test]
fn every_instruction_set_gives_the_same_numbers() {
    let configuration = Configuration::stored("triclinic");
    let outputs: Vec<_> = simd::available()
        .map(|kernels| {
            let mut engine = NativeEngine::with_kernels(vec![model("two_sided.pb")], kernels);
            (kernels.name, configuration.evaluate(&mut engine))
        })
        .collect();
    for (name, output) in &outputs {
        let difference = largest_difference(&output.forces, &outputs[0].1.forces);
        assert!(
            difference < 1e-12,
            "{name} and {}: {difference:e} eV/A",
            outputs[0].0
        );
    }
}
