//! Whole files that hold something else than a model that can be evaluated: each is refused by the name of what is wrong; and
//! some that may look so.
//! The native form and TorchScript; the tree of the native form is changed as JSON, and both others hold the same.

mod common;

/// What is done to a sound model.
type Damage<'a> = &'a dyn Fn(&mut Value);

use common::models;
use deepdms_potential::Error;
use deepdms_potential::model::read;
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(models().join(name)).unwrap()
}

fn tree() -> Value {
    serde_json::from_slice(&bytes("radial_one_sided.json")).unwrap()
}

fn message(file: &str, bytes: &[u8]) -> String {
    read(file, bytes).map(|_| ()).unwrap_err().to_string()
}

/// The message about the model in JSON after a change.
fn changed(path: &str, value: Value) -> String {
    let mut tree = tree();
    *tree.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    message("m.json", tree.to_string().as_bytes())
}

const LIBTORCH: &str = " is not supported. As TorchScript it can be run by libtorch: dp convert-backend m.json model.pth";

#[test]
fn models_of_other_kinds_are_refused_by_name() {
    let cases = [
        (
            "/model/type",
            json!("linear"),
            "a linear combination of models",
        ),
        (
            "/model/type",
            json!("zbl"),
            "a model joined to a tabulated pair potential",
        ),
        (
            "/model/type",
            json!("pairtab"),
            "a tabulated pair potential",
        ),
        ("/model/type", json!("new"), "a model of type 'new'"),
        ("/model/descriptor/type", json!("dpa2"), "descriptor dpa2"),
        (
            "/model/descriptor/env_mat/use_exp_switch",
            json!(true),
            "use_exp_switch",
        ),
        (
            "/model/fitting/mixed_types",
            json!(true),
            "one fitting net for all types (mixed_types)",
        ),
        (
            "/model/fitting/dim_case_embd",
            json!(2),
            "case embedding (dim_case_embd)",
        ),
        (
            "/model/descriptor/embeddings/networks/0/layers/0/activation_function",
            json!("swish"),
            "activation function 'swish'",
        ),
    ];
    for (path, value, feature) in cases {
        assert_eq!(changed(path, value), format!("m.json: {feature}{LIBTORCH}"));
    }
    let mut mask = tree();
    mask["model"]["fitting"]["use_aparam_as_mask"] = true.into();
    mask["model"]["fitting"]["numb_aparam"] = 1.into();
    assert_eq!(
        message("m.json", mask.to_string().as_bytes()),
        format!("m.json: use_aparam_as_mask{LIBTORCH}")
    );

    let cases = [
        (
            "/model/type",
            json!("spin_ener"),
            "a model with spin is not supported. Energy models without spin are",
        ),
        (
            "/model/fitting/type",
            json!("dipole"),
            "a model of another quantity than energy (dipole) is not supported. Energy models are",
        ),
        (
            "/model/fitting/tot_ener_zero",
            json!(true),
            "tot_ener_zero is not supported. Energy models without tot_ener_zero are",
        ),
        (
            "/model/descriptor/spin",
            json!({"use_spin": [true]}),
            "spin is not supported. Energy models without spin are",
        ),
        (
            "/model/@version",
            json!(3),
            "version 3 of a model is not supported. Versions up to 2 are, which deepmd-kit 3.2 writes",
        ),
        (
            "/model/descriptor/@version",
            json!(4),
            "version 4 of a descriptor is not supported. Versions up to 3 are, which deepmd-kit 3.2 writes",
        ),
        (
            "/model/fitting/@version",
            json!(5),
            "version 5 of a fitting net is not supported. Versions up to 4 are, which deepmd-kit 3.2 writes",
        ),
        (
            "/model/descriptor/embeddings/networks/0",
            json!(null),
            "a compressed model without its embedding nets is not supported. Use the file that it was converted from, or compress after converting",
        ),
    ];
    for (path, value, expected) in cases {
        assert_eq!(changed(path, value), format!("m.json: {expected}"));
    }
    let mut two_sided = tree();
    let embeddings = &mut two_sided["model"]["descriptor"]["embeddings"];
    let net = embeddings["networks"][0].clone();
    embeddings["ndim"] = 2.into();
    embeddings["networks"] = vec![net; 9].into();
    assert_eq!(
        message("m.json", two_sided.to_string().as_bytes()),
        "m.json: se_e2_r with type_one_side false is not supported. deepmd-kit evaluates it in a frozen graph (.pb) only, which is read too"
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let many: Vec<_> = (0..300).map(|t| t.to_string()).collect();
    let array = |value: Value| json!({ "@class": "np.ndarray", "value": value });
    let deviations = json!(vec![vec![[-1.0]; 52]; 3]);
    let cases = [
        (
            "/model/type",
            json!(null),
            "model: it has no type; is it a Deep Potential model?",
        ),
        (
            "/model/type_map",
            json!([]),
            "type_map: 0 is not a possible number of types",
        ),
        (
            "/model/type_map",
            json!(many),
            "type_map: 300 is not a possible number of types",
        ),
        (
            "/model/type_map",
            json!(["Pd", "Cu", "Pd"]),
            "type_map: two types have the name Pd",
        ),
        (
            "/model/type_map",
            json!(["Pd", "", "P"]),
            "type_map: type 2 has no name",
        ),
        (
            "/model/type_map",
            json!(["Pd", "Cu P", "P"]),
            "type_map: the name 'Cu P' is more than a word",
        ),
        (
            "/model/type_map",
            json!(["Pd", 29, "P"]),
            "type_map: 29 is not the name of a type: put it in quotes",
        ),
        (
            "/model/type_map",
            json!(null),
            "type_map: it is missing or not a list; is it a Deep Potential model?",
        ),
        (
            "/model/type_map",
            json!(["Pd", "Cu"]),
            "sel: it is not a number of neighbours for each of 2 types",
        ),
        (
            "/model/atom_exclude_types",
            json!([3]),
            "atom_exclude_types: 3 names no types of the model",
        ),
        (
            "/model/pair_exclude_types",
            json!([[0, 1], [2]]),
            "pair_exclude_types: [2] names no types of the model",
        ),
        (
            "/model/descriptor/exclude_types",
            json!([[0, -1]]),
            "exclude_types: [0,-1] names no types of the model",
        ),
        (
            "/model/descriptor/type",
            json!(null),
            "descriptor: it has no type",
        ),
        (
            "/model/descriptor/rcut",
            json!("4.3"),
            "rcut: \"4.3\" is not a number",
        ),
        (
            "/model/descriptor/rcut",
            json!(1.0),
            "cutoff: rcut_smth = 1.7 and rcut = 1 do not obey 0 <= rcut_smth < rcut",
        ),
        (
            "/model/descriptor/rcut",
            json!(1e300),
            "rcut: 1e300 is not a length between 0 and 100 A",
        ),
        (
            "/model/descriptor/env_protection",
            json!(-0.1),
            "env_protection: -0.1 is not a length of zero or more",
        ),
        (
            "/model/descriptor/sel",
            json!([20, 20, 100000000]),
            "sel: it is not a number of neighbours for each of 3 types",
        ),
        (
            "/model/descriptor/sel",
            json!([0, 0, 0]),
            "sel: it is not a number of neighbours for each of 3 types",
        ),
        (
            "/model/descriptor/sel",
            json!([20, 20, 13]),
            "davg: shape [3, 52, 1] does not fit 3 types with 53 slots",
        ),
        (
            "/model/descriptor/@variables/davg",
            json!(null),
            "davg: the array is missing",
        ),
        (
            "/model/descriptor/@variables/davg",
            json!(7),
            "davg: it is not an array",
        ),
        (
            "/model/descriptor/@variables/davg/value/1/3/0",
            json!(9.0),
            "davg: it differs between the slots of centre type 1 and neighbour type 0, which training never writes and which would make the energy discontinuous",
        ),
        (
            "/model/descriptor/@variables/dstd/value/1/3",
            json!([1.0, 2.0]),
            "dstd: its lists are not equally long",
        ),
        (
            "/model/descriptor/@variables/dstd/value/1/3/0",
            json!("x"),
            "dstd: \"x\" is not a number",
        ),
        (
            "/model/descriptor/@variables/dstd/value",
            deviations,
            "dstd: it holds a number that is not positive and finite",
        ),
        (
            "/model/descriptor/embeddings/ndim",
            json!(0),
            "embeddings: ndim = 0 does not belong to this descriptor",
        ),
        (
            "/model/descriptor/embeddings/networks",
            json!([null, null]),
            "embeddings: 2 nets where 3 are needed",
        ),
        (
            "/model/descriptor/embeddings/networks/2/layers",
            json!([]),
            "embedding net 2: it has no layer",
        ),
        (
            "/model/descriptor/embeddings/networks/2/layers/1/@variables/w",
            array(json!([1.0, 2.0])),
            "w: shape [2] is not that of a matrix",
        ),
        (
            "/model/fitting/type",
            json!(null),
            "fitting: it has no type",
        ),
        (
            "/model/fitting/nets/networks",
            json!([]),
            "fitting: 0 nets for 3 types",
        ),
        (
            "/model/fitting/@variables/bias_atom_e",
            array(json!([[1.0], [2.0]])),
            "bias_atom_e: it has 2 numbers where 3 are needed",
        ),
        (
            "/model/@variables/out_bias",
            array(json!([1.0])),
            "out_bias: 1 numbers for 3 types",
        ),
        (
            "/model/fitting/numb_fparam",
            json!(1),
            "fparam_avg: the array is missing",
        ),
        (
            "/model/fitting/numb_fparam",
            json!("one"),
            "numb_fparam: \"one\" is not a number of things",
        ),
    ];
    for (path, value, expected) in cases {
        assert_eq!(
            changed(path, value),
            format!("m.json: {expected}"),
            "{path}"
        );
    }
}

#[test]
fn parameters_tables_and_hybrids_that_do_not_fit_are_named() {
    let array = |value: Value| json!({ "@class": "np.ndarray", "value": value });
    let mut parameters = tree();
    let fitting = &mut parameters["model"]["fitting"];
    fitting["numb_fparam"] = 1.into();
    fitting["@variables"]["fparam_avg"] = array(json!([0.0]));
    fitting["@variables"]["fparam_inv_std"] = array(json!([1.0]));
    fitting["default_fparam"] = json!([0.5, 0.5]);
    assert_eq!(
        message("m.json", parameters.to_string().as_bytes()),
        "m.json: fparam: 1 means, 1 deviations and 2 defaults do not belong together"
    );
    parameters["model"]["fitting"]["default_fparam"] = json!([0.5]);
    assert_eq!(
        message("m.json", parameters.to_string().as_bytes()),
        "m.json: fitting net of type 0: layer 0 takes 16 inputs where 17 come in"
    );
    parameters["model"]["fitting"]["default_fparam"] = json!(["a"]);
    assert_eq!(
        message("m.json", parameters.to_string().as_bytes()),
        "m.json: default_fparam: it is not a list of numbers"
    );

    let mut tables = tree();
    let table = array(json!(vec![vec![0.0; 96]; 3]));
    let info = array(json!([-1.0, 1.0, 3.0, 0.5, 1.0, -1.0]));
    tables["model"]["descriptor"]["compress"] = json!({ "@variables": {
        "compress_data": [table, table],
        "compress_info": [info, info],
    }});
    assert_eq!(
        message("m.json", tables.to_string().as_bytes()),
        "m.json: compress_data: it has 3 rows where its description needs 6"
    );
    let data = &mut tables["model"]["descriptor"]["compress"]["@variables"]["compress_data"];
    *data = json!([array(json!([])), array(json!([]))]);
    assert_eq!(
        message("m.json", tables.to_string().as_bytes()),
        "m.json: compress_data: table 2 is missing"
    );

    let mut hybrid = tree();
    let part = hybrid["model"]["descriptor"].clone();
    let mut shorter = part.clone();
    shorter["rcut"] = 3.9.into();
    shorter["exclude_types"] = json!([[0, 1]]);
    hybrid["model"]["descriptor"] = json!({ "type": "hybrid", "list": [part, shorter] });
    assert_eq!(
        message("m.json", hybrid.to_string().as_bytes()),
        format!(
            "m.json: a hybrid with exclude_types in the part with the shorter cutoff{LIBTORCH}"
        )
    );
    for (list, count) in [(json!([]), 0), (json!(vec![0; 65]), 65)] {
        hybrid["model"]["descriptor"]["list"] = list;
        assert_eq!(
            message("m.json", hybrid.to_string().as_bytes()),
            format!("m.json: list: {count} is not a possible number of descriptors")
        );
    }
}

/// A zip archive with members of another one, each as `edit` leaves it.
fn repacked(whole: &[u8], mut edit: impl FnMut(&str, Vec<u8>) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(whole)).unwrap();
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for k in 0..archive.len() {
        let mut member = archive.by_index(k).unwrap();
        // the programs are deflated and are not read
        if member.compression() != CompressionMethod::Stored {
            continue;
        }
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        let name = member.name().unwrap().into_owned();
        if let Some(bytes) = edit(&name, bytes) {
            packed.start_file(name, stored).unwrap();
            packed.write_all(&bytes).unwrap();
        }
    }
    packed.finish().unwrap().into_inner()
}

/// The message about a model without attention layers after a change.
fn changed_attention(change: impl Fn(&mut Value)) -> String {
    let mut tree: Value = serde_yaml_ng::from_slice(&bytes("atten_concat.yaml")).unwrap();
    change(&mut tree["model"]);
    message("m.json", tree.to_string().as_bytes())
}

#[test]
fn models_with_attention_layers_and_their_like_are_left_to_libtorch() {
    let cases: [(Damage<'_>, &str); 5] = [
        (
            &|model| model["descriptor"]["attn_layer"] = 2.into(),
            "descriptor se_atten (DPA-1) with attention layers",
        ),
        (
            &|model| model["descriptor"]["lmax"] = 2.into(),
            "descriptor se_atten (DPA-1) with lmax above 1",
        ),
        (
            &|model| model["descriptor"]["type_embedding"]["use_econf_tebd"] = true.into(),
            "use_econf_tebd",
        ),
        (
            &|model| {
                let rows = &mut model["descriptor"]["@variables"]["davg"]["value"][1];
                for row in rows.as_array_mut().unwrap() {
                    row[0] = 0.1.into();
                }
            },
            "descriptor se_atten (DPA-1) with set_davg_zero false, whose energy depends on the type of the first atom,",
        ),
        (
            &|model| model["fitting"]["atom_ener"] = json!([-3.1, null, -5.25]),
            "atom_ener with type embeddings",
        ),
    ];
    for (change, feature) in cases {
        let expected = format!("m.json: {feature}{LIBTORCH}");
        assert_eq!(changed_attention(change), expected);
    }
    // the same as TorchScript, which libtorch does run
    for (file, feature) in [
        (
            "dpa1_concat.pth",
            "descriptor se_atten (DPA-1) with attention layers",
        ),
        ("short_range.pth", "a model of class DPZBLModel"),
        ("linear.pth", "a model of class LinearEnergyModel"),
    ] {
        assert_eq!(
            message(file, &bytes(file)),
            format!("{file}: {feature} is evaluated by libtorch only")
        );
    }
}

#[test]
fn type_embeddings_that_do_not_fit_are_named() {
    let cases: [(Damage<'_>, &str); 8] = [
        (
            &|model| model["descriptor"]["sel"] = json!([0]),
            "sel: [0] is not a number of neighbours",
        ),
        (
            &|model| model["descriptor"]["sel"] = json!([30, 20]),
            "davg: shape [3, 40, 4] does not fit 3 types with 50 slots",
        ),
        (
            &|model| model["descriptor"]["embeddings"]["networks"] = json!([]),
            "embeddings: 0 nets where one is needed",
        ),
        (
            &|model| model["descriptor"]["type_one_side"] = true.into(),
            "embeddings: layer 0 takes 9 inputs where 5 come in",
        ),
        (
            &|model| model["descriptor"]["tebd_input_mode"] = "strip".into(),
            "networks: it is missing or not a list; is it a Deep Potential model?",
        ),
        (
            &|model| model["descriptor"]["concat_output_tebd"] = false.into(),
            "fitting net of type 0: layer 0 takes 20 inputs where 16 come in",
        ),
        (
            &|model| {
                let nets = &mut model["fitting"]["nets"]["networks"];
                *nets = json!([nets[0], nets[0]]);
            },
            "fitting: 2 nets for all types",
        ),
        (
            &|model| {
                let layer = &mut model["descriptor"]["type_embedding"]["embedding"]["layers"][0];
                layer["@variables"]["w"]["value"] = json!([[1.0, 2.0, 3.0, 4.0]]);
            },
            "type_embedding: layer 0 takes 1 inputs where 3 come in",
        ),
    ];
    for (change, what) in cases {
        assert_eq!(changed_attention(change), format!("m.json: {what}"));
    }
}

/// A `.pth` whose objects of class `old` are of class `new`.
fn with_class(file: &str, old: &str, new: &str) -> Vec<u8> {
    let (old, new) = (format!("\n{old}\n"), format!("\n{new}\n"));
    repacked(&bytes(file), |name, bytes| {
        if !name.ends_with("/data.pkl") {
            return Some(bytes);
        }
        let place = bytes
            .windows(old.len())
            .position(|window| window == old.as_bytes())
            .unwrap();
        let after = &bytes[place + old.len()..];
        Some([&bytes[..place], new.as_bytes(), after].concat())
    })
}

#[test]
fn scripted_models_of_energies_without_a_reader_are_left_to_libtorch() {
    let cases = [
        ("EnergyModel", "DPZBLModel", "a model of class DPZBLModel"),
        (
            "DPEnergyAtomicModel",
            "DPZBLLinearEnergyAtomicModel",
            "an atomic model of class DPZBLLinearEnergyAtomicModel",
        ),
        (
            "DescrptSeR",
            "DescrptDPA2",
            "a descriptor of class DescrptDPA2",
        ),
        (
            "EnergyFittingNet",
            "SeZMFitting",
            "a fitting net of class SeZMFitting",
        ),
    ];
    for (old, new, expected) in cases {
        let error = read("m.pth", &with_class("radial_one_sided.pth", old, new)).unwrap_err();
        assert!(
            matches!(&error, Error::NeedsLibtorch { file, feature } if file == "m.pth" && feature == expected),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!("m.pth: {expected} is evaluated by libtorch only")
        );
    }
}

#[test]
fn scripted_models_of_other_quantities_are_refused() {
    let cases = [
        ("SpinEnergyModel", "a model with spin"),
        ("DipoleModel", "a model of dipoles"),
        ("PolarModel", "a model of polarizabilities"),
        ("DOSModel", "a model of densities of states"),
        ("PropertyModel", "a model of a property other than energy"),
    ];
    for (class, feature) in cases {
        assert_eq!(
            message(
                "m.pth",
                &with_class("radial_one_sided.pth", "EnergyModel", class)
            ),
            format!("m.pth: {feature} is not supported. Energy models without spin are")
        );
    }
    // its parts are called otherwise
    let spin = [object("SpinEnergyModel", &[]), b".".to_vec()].concat();
    assert_eq!(
        message("m.pth", &with_pickle(&spin)),
        "m.pth: a model with spin is not supported. Energy models without spin are"
    );
}

/// A `.pth` that holds another object.
fn with_pickle(pickle: &[u8]) -> Vec<u8> {
    repacked(&bytes("radial_one_sided.pth"), |name, bytes| {
        Some(if name.ends_with("/data.pkl") {
            pickle.to_vec()
        } else {
            bytes
        })
    })
}

#[test]
fn archives_that_hold_no_model_are_refused() {
    let without = |file: &str, suffix: &str| {
        repacked(&bytes(file), |name, bytes| {
            (!name.ends_with(suffix)).then_some(bytes)
        })
    };
    assert_eq!(
        message("m.pth", &without("radial_one_sided.pth", "/data.pkl")),
        "m.pth: not a complete TorchScript (.pth) file: it holds no data.pkl. Copy or freeze the model again"
    );
    assert_eq!(
        message("m.pt2", &without("radial_one_sided.pt2", "/model.json")),
        "m.pt2: a compiled PyTorch model (.pt2) without its weights (extra/model.json) is not supported. Freeze the model as TorchScript: dp --pt freeze -o model.pth"
    );
    assert_eq!(
        message("m.pt", &with_pickle(b"\x80\x02}.")),
        "m.pt: a checkpoint of a training (saved by PyTorch) is not supported. Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth"
    );
    // what torch.save writes remembers its dictionary before it fills it, and has no program
    let checkpoint = repacked(
        &with_pickle(b"\x80\x02}q\x01X\x01\x00\x00\x00aK\x01s."),
        |name, bytes| (!name.contains("/code/")).then_some(bytes),
    );
    for file in ["m.pth", "m.pt", "m.pt2", "model"] {
        assert_eq!(
            message(file, &checkpoint),
            format!(
                "{file}: a checkpoint of a training (saved by PyTorch) is not supported. Freeze the model: dp freeze -o model.pb, or dp --pt freeze -o model.pth"
            )
        );
    }
    assert_eq!(
        message("m.pth", &with_pickle(b"\x80\x02c__torch__\nNet\n)\x81}b.")),
        "m.pth: atomic_model: the module has no such attribute; is it a Deep Potential model?"
    );
}

#[test]
fn attributes_that_files_of_deepmd_kit_3_0_lack_are_not_missed() {
    let whole = bytes("radial_one_sided.pth");
    let lacking = [
        "add_chg_spin_ebd",
        "compress",
        "compress_data",
        "compress_info",
        "default_fparam",
        "default_fparam_tensor",
        "dim_case_embd",
        "env_protection",
        "numb_aparam",
        "out_bias",
        "use_aparam_as_mask",
    ];
    let older = repacked(&whole, |name, mut bytes| {
        if name.ends_with("/data.pkl") {
            for attribute in lacking {
                let length = (attribute.len() as u32).to_le_bytes();
                let text = [b"X".as_slice(), &length, attribute.as_bytes()].concat();
                let place = bytes
                    .windows(text.len())
                    .position(|window| window == text)
                    .unwrap_or_else(|| panic!("{attribute}"));
                bytes[place + 5] = b'?';
            }
        }
        Some(bytes)
    });
    let model = |bytes: &[u8]| format!("{:?}", read("m.pth", bytes).unwrap());
    assert!(model(&older) == model(&whole));
}

/// A pickled object of a class, with pickled attributes.
fn object(class: &str, attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut pickle = format!("c__torch__\n{class}\n)").into_bytes();
    pickle.extend(b"\x81}(");
    for (name, value) in attributes {
        pickle.push(b'X');
        pickle.extend((name.len() as u32).to_le_bytes());
        pickle.extend(name.as_bytes());
        pickle.extend(value);
    }
    pickle.extend(b"ub");
    pickle
}

/// An object whose attributes `0`, `1`, ... are all the same other object.
fn repeated(value: Vec<u8>, count: u32, memo: u8) -> Vec<u8> {
    let names: Vec<_> = (0..count).map(|k| k.to_string()).collect();
    let first = [value, vec![b'q', memo]].concat();
    let values = std::iter::once(first).chain(std::iter::repeat(vec![b'h', memo]));
    let attributes: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
    object("ModuleList", &attributes)
}

/// An archive of TorchScript with an energy model and one number, 0.
fn energy_model(attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let atomic = object("DPEnergyAtomicModel", attributes);
    let model = object("EnergyModel", &[("atomic_model", atomic)]);
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    packed.start_file("m/data.pkl", stored).unwrap();
    packed.write_all(&[model, b".".to_vec()].concat()).unwrap();
    packed.start_file("m/data/0", stored).unwrap();
    packed.write_all(&[0; 8]).unwrap();
    packed.finish().unwrap().into_inner()
}

#[test]
fn archives_that_repeat_themselves_without_end_are_refused() {
    let layers = repeated(object("MLPLayer", &[]), 1000, 0);
    let networks = repeated(object("EN", &[("layers", layers)]), 1000, 1);
    let collection = object("NetworkCollection", &[("networks", networks)]);
    let types = [b"M".to_vec(), 1000u16.to_le_bytes().to_vec()].concat();
    let descriptor = object(
        "DescrptSeR",
        &[("ntypes", types), ("filter_layers", collection)],
    );
    assert_eq!(
        message("m.pth", &energy_model(&[("descriptor", descriptor)])),
        "m.pth: data.pkl: it repeats itself more often than any model does"
    );

    // one number, seen as a vector of 2^31 - 1
    let tensor = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nDoubleStorage\nX\x01\x00\x00\x000tQK\x00J\xff\xff\xff\x7f\x85K\x00\x85tR";
    let mask = object("AtomExcludeMask", &[("type_mask", tensor.to_vec())]);
    assert_eq!(
        message("m.pth", &energy_model(&[("atom_excl", mask)])),
        "m.pth: type_mask: its shape is larger than its 1 numbers"
    );
}
