//! Models of a few lines: what is refused, and how everything that a model is given reaches it.

use super::ScriptEngine;
use super::interface::checks::scripted;
use deepdms_potential::Error;
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::{Engine, GhostExchange};
use deepdms_potential::virial::Output;

/// Answers of an energy model; the last method is still to come.
const METHODS: &str = "
def get_rcut(self) -> float:
    return 2.5
def get_type_map(self) -> List[str]:
    return ['A', 'B']
def get_nnei(self) -> int:
    return 2
def model_output_type(self) -> List[str]:
    return ['energy']
";

/// `0.5 x^2` for each atom, and whatever else an energy is to have.
fn forward(more: &str) -> String {
    format!(
        "
def forward_lower(self, extended_coord: Tensor, extended_atype: Tensor, nlist: Tensor,
        mapping: Optional[Tensor] = None, fparam: Optional[Tensor] = None, aparam: Optional[Tensor] = None,
        do_atomic_virial: bool = False, comm_dict: Optional[Dict[str, Tensor]] = None,
        charge_spin: Optional[Tensor] = None) -> Dict[str, Tensor]:
    n = nlist.shape[1]
    e = 0.5 * extended_coord[:, :n, 0:1] ** 2
    {more}
    virial = extended_coord.unsqueeze(3) * extended_coord.unsqueeze(2)
    virial = virial.reshape(1, -1, 9)
    return {{'atom_energy': e, 'energy': e.sum(1), 'extended_force': -extended_coord,
            'virial': virial.sum(1), 'extended_virial': virial}}
"
    )
}

/// A model of our own, which has to be trusted.
fn load(class: &str, methods: &str) -> Result<ScriptEngine, Error> {
    ScriptEngine::new("m.pth", &scripted(class, methods), "cpu", true)
}

/// The same without trust, under the name of deepmd-kit's model.
fn load_checked(methods: &str) -> Result<ScriptEngine, Error> {
    let class = "deepmd.pt.model.model.ener_model.EnergyModel";
    ScriptEngine::new("m.pth", &scripted(class, methods), "cpu", false)
}

fn refusal(class: &str, methods: &str) -> String {
    load(class, methods).unwrap_err().to_string()
}

#[test]
fn modules_that_are_no_energy_models_are_refused() {
    assert_eq!(
        refusal("Resnet", "def forward(self, x: Tensor):\n    return x\n"),
        "m.pth: a module of class Resnet, which is no Deep Potential model, is not supported. Energy models are"
    );
    let methods = METHODS.replace("energy", "dipole") + &forward("");
    assert_eq!(
        refusal("DipoleModel", &methods),
        "m.pth: a model of class DipoleModel, which gives dipole and no energy, is not supported. Energy models are"
    );
    let spin = "def has_spin(self) -> bool:\n    return True\n";
    assert_eq!(
        refusal(
            "SpinEnergyModel",
            &(METHODS.to_owned() + &forward("") + spin)
        ),
        "m.pth: a spin model (SpinEnergyModel) is not supported. Energy models are"
    );
    let needs = forward("").replace("nlist: Tensor,", "nlist: Tensor, field: Tensor,");
    assert_eq!(
        refusal("FieldModel", &(METHODS.to_owned() + &needs)),
        "m.pth: a model of class FieldModel, which needs field, is not supported. Energy models are"
    );
    let ghosts = "def is_aparam_nall(self) -> bool:\n    return True\n";
    assert_eq!(
        refusal("EnergyModel", &(METHODS.to_owned() + &forward("") + ghosts)),
        "m.pth: a model with atom parameters of ghosts is not supported. Energy models are"
    );
}

#[test]
fn programs_run_only_where_they_compute_or_are_trusted() {
    let sound = METHODS.to_owned() + &forward("");
    load_checked(&sound).unwrap();
    let own = ScriptEngine::new("m.pth", &scripted("Own", &sound), "cpu", false);
    let message = own.unwrap_err().to_string();
    assert!(
        message.starts_with(
            "m.pth: it is a program of class Own, which is none of deepmd-kit's energy models. "
        ),
        "{message}"
    );
    // wherever it stands, and whether or not it would ever be reached
    let more = forward("if n < 0:\n        torch.sparse_resize_(e, [1], 1, 0)");
    let message = load_checked(&(METHODS.to_owned() + &more))
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("m.pth: its program calls aten::sparse_resize_, which no energy model of deepmd-kit does. "),
        "{message}"
    );
    load("Own", &(METHODS.to_owned() + &more)).unwrap();
}

#[test]
fn programs_that_reach_files_are_refused_before_they_run() {
    let file = std::env::temp_dir().join(format!("deepdms-written-{}", std::process::id()));
    let path = file.display();
    for (what, name) in [
        (
            format!("torch.save(torch.ones([1]), '{path}')"),
            "aten::save",
        ),
        (
            format!("assert torch.from_file('{path}', True, 8).numel() > 0"),
            "aten::from_file",
        ),
    ] {
        let asked = METHODS.replace("    return 2.5", &format!("    {what}\n    return 2.5"));
        let asked = asked + &forward("");
        let called = METHODS.to_owned() + &forward(&what);
        for methods in [&asked, &called] {
            for error in [
                load("Own", methods).unwrap_err(),
                load_checked(methods).unwrap_err(),
            ] {
                assert_eq!(
                    error.to_string(),
                    format!(
                        "m.pth: a program that calls {name}, which reaches files, memory or other computers, is not supported. No model needs that, and no keyword allows it: get the model from those who made it"
                    )
                );
            }
        }
    }
    assert!(!file.exists());
}

#[test]
fn programs_that_restore_themselves_are_refused() {
    let state = "
def __getstate__(self) -> int:
    return 1
def __setstate__(self, state: int) -> None:
    print('running')
";
    assert_eq!(
        refusal("Own", &(METHODS.to_owned() + &forward("") + state)),
        "m.pth: libtorch cannot load it: objects of class __torch__.Own are restored by a program of their own, which no model of deepmd-kit does"
    );
}

#[test]
fn programs_for_another_device_are_refused() {
    let more = forward("e = e + torch.zeros([1], device='cuda:0')[0].to(torch.device('cpu'))");
    assert_eq!(
        refusal("Own", &(METHODS.to_owned() + &more)),
        "m.pth: the model was frozen on a GPU, and its program works on cuda:0 and not on cpu. Freeze it where no GPU is seen (CUDA_VISIBLE_DEVICES= dp --pt freeze), or give 'device cuda:0'"
    );
}

#[test]
fn answers_are_held_to_the_limits_of_all_models() {
    let sound = METHODS.to_owned() + &forward("");
    for (from, to, what) in [
        (
            "return 2\n",
            "return 2147483648\n",
            "get_nnei: 2147483648 is not a number from 0 to 1000000",
        ),
        (
            "return 2\n",
            "return 4611686018427387904\n",
            "get_nnei: 4611686018427388000 is not a number from 0 to 1000000",
        ),
        (
            "return 2\n",
            "return -1\n",
            "get_nnei: -1 is not a number from 0 to 1000000",
        ),
        (
            "2.5",
            "float('nan')",
            "get_rcut: NaN is not a length between 0 and 100 A",
        ),
        (
            "2.5",
            "0.0",
            "get_rcut: 0.0 is not a length between 0 and 100 A",
        ),
        (
            "2.5",
            "-4.0",
            "get_rcut: -4.0 is not a length between 0 and 100 A",
        ),
        ("2.5", "1e300", "get_rcut: 1e300 is not a length"),
        (
            "['A', 'B']",
            "[]",
            "get_type_map: 0 is not a possible number of types",
        ),
        (
            "['A', 'B']",
            "['A'] * 300",
            "get_type_map: 300 is not a possible number of types",
        ),
        (
            "['A', 'B']",
            "['A', 'A']",
            "get_type_map: two types have the name A",
        ),
        (
            "['A', 'B']",
            "['A', '']",
            "get_type_map: type 2 has no name",
        ),
    ] {
        let message = load_checked(&sound.replace(from, to))
            .unwrap_err()
            .to_string();
        let expected = format!("m.pth: libtorch cannot load it: {what}");
        assert!(message.starts_with(&expected), "{message}");
    }
    for method in ["get_dim_fparam", "get_dim_aparam", "get_dim_chg_spin"] {
        let many = format!("{sound}def {method}(self) -> int:\n    return 1000000\n");
        assert_eq!(
            load_checked(&many).unwrap_err().to_string(),
            format!(
                "m.pth: libtorch cannot load it: {method}: 1000000 is not a number from 0 to 10000"
            )
        );
    }
}

#[test]
fn files_that_libtorch_cannot_load_are_refused() {
    let bytes = scripted("EnergyModel", METHODS);
    for damaged in [&bytes[..bytes.len() / 2], b"", b"PK\x03\x04"] {
        let message = ScriptEngine::new("m.pth", damaged, "cpu", false)
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("m.pth: libtorch cannot load it: ") && message.lines().count() == 1,
            "{message}"
        );
    }
    let message = ScriptEngine::new("m.pth", &bytes, "tpu", false)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "device 'tpu' is unknown: use 'cpu', 'cuda' or 'cuda:N'"
    );
}

/// Three atoms in a row and a virtual one between them, the last a ghost of the first.
struct Row {
    positions: Vec<f64>,
    types: Vec<i32>,
    list: NeighbourList,
}

impl Row {
    fn new() -> Self {
        let mut list = NeighbourList::default();
        list.push(0, [1, 2, 3]);
        list.push(1, [0, 2, 3]);
        list.push(2, [0, 1, 3]);
        Self {
            positions: vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 4.0, 0.0, 0.0],
            types: vec![0, -1, 1, 0],
            list,
        }
    }

    fn atoms(&self) -> Atoms<'_> {
        Atoms {
            positions: &self.positions,
            types: &self.types,
            list: &self.list,
            frame_parameters: &[],
            atom_parameters: &[],
            origin: [0.0; 3],
            exchange: None,
        }
    }
}

fn energies(engine: &mut ScriptEngine, atoms: &Atoms<'_>) -> Result<Vec<f64>, Error> {
    let mut outputs = [Output::default()];
    engine.evaluate(atoms, true, &mut outputs)?;
    let [output] = outputs;
    assert_eq!(output.energy, output.atom_energies.iter().sum::<f64>());
    assert_eq!(output.forces.len(), atoms.positions.len());
    Ok(output.atom_energies)
}

#[test]
fn results_go_to_the_atoms_that_they_are_of() {
    let row = Row::new();
    let mut engine = load("EnergyModel", &(METHODS.to_owned() + &forward(""))).unwrap();
    let model = &engine.models()[0];
    assert_eq!(
        (model.cutoff, model.type_map.join(" ")),
        (2.5, "A B".to_owned())
    );
    let atoms = Atoms {
        origin: [-1.0, 0.0, 0.0],
        ..row.atoms()
    };
    let mut outputs = [Output::default()];
    engine.evaluate(&atoms, true, &mut outputs).unwrap();
    let [output] = outputs;
    // measured from the origin the atoms are at 1, (2), 3 and 5
    assert_eq!(output.energy, 5.0);
    assert_eq!(output.atom_energies, [0.5, 0.0, 4.5, 0.0]);
    let x: Vec<f64> = output.forces.chunks(3).map(|force| force[0]).collect();
    assert_eq!(x, [-1.0, 0.0, -3.0, -5.0]);
    let xx: Vec<f64> = output.atom_virials.iter().map(|virial| virial[0]).collect();
    assert_eq!(xx, [1.0, 0.0, 9.0, 25.0]);
    assert_eq!(output.virial[0], 35.0);
}

#[test]
fn the_nearest_atoms_within_the_cutoff_are_neighbours() {
    // rows: 0 is atom 0, 1 is atom 2, 2 is the ghost
    let more = "e = torch.matmul(nlist.double(), torch.tensor([[1.0], [10.0]]).double())";
    let methods = METHODS.to_owned() + &forward(more);
    let mut engine = load("EnergyModel", &methods).unwrap();
    let mut row = Row::new();
    assert_eq!(
        energies(&mut engine, &row.atoms()).unwrap(),
        [1.0 - 10.0, 0.0, 0.0 + 20.0, 0.0]
    );
    row.positions[9] = 3.0;
    assert_eq!(
        energies(&mut engine, &row.atoms()).unwrap(),
        [1.0 - 10.0, 0.0, 2.0 + 0.0, 0.0]
    );
    let one_slot = methods
        .replace("return 2\n", "return 1\n")
        .replace("[[1.0], [10.0]]", "[[1.0]]");
    let mut engine = load("EnergyModel", &one_slot).unwrap();
    assert_eq!(
        energies(&mut engine, &row.atoms()).unwrap(),
        [1.0, 0.0, 2.0, 0.0]
    );
}

#[test]
fn parameters_reach_the_model() {
    let more = "
    assert fparam is not None and aparam is not None and charge_spin is not None
    e = aparam[:, :, 0:1] + 10.0 * aparam[:, :, 1:2] + fparam[0, 0] + charge_spin[0, 1]";
    let sizes = "
def get_dim_fparam(self) -> int:
    return 1
def get_dim_aparam(self) -> int:
    return 2
def get_dim_chg_spin(self) -> int:
    return 2
";
    let mut engine = load(
        "EnergyModel",
        &(METHODS.to_owned() + sizes + &forward(more)),
    )
    .unwrap();
    let row = Row::new();
    let atoms = Atoms {
        frame_parameters: &[0.25],
        atom_parameters: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        ..row.atoms()
    };
    let missing = "the model takes 2 numbers for charge and spin (charge_spin) and 0 were given";
    assert_eq!(
        energies(&mut engine, &atoms).unwrap_err().to_string(),
        missing
    );
    let message = engine.set_charge_spin(&[1.0]).unwrap_err().to_string();
    assert_eq!(message, missing.replace("and 0", "and 1"));
    engine.set_charge_spin(&[1.0, 0.5]).unwrap();
    assert_eq!(
        energies(&mut engine, &atoms).unwrap(),
        [21.75, 0.0, 65.75, 0.0]
    );
}

#[test]
fn charge_and_spin_are_for_models_that_take_them() {
    let mut engine = load("EnergyModel", &(METHODS.to_owned() + &forward(""))).unwrap();
    engine.set_charge_spin(&[]).unwrap();
    assert_eq!(
        engine.set_charge_spin(&[1.0, 0.0]).unwrap_err().to_string(),
        "the model takes no charge and spin: remove charge_spin"
    );
    let own = "
def get_dim_chg_spin(self) -> int:
    return 2
def has_default_chg_spin(self) -> bool:
    return True
";
    let mut engine = load("EnergyModel", &(METHODS.to_owned() + own + &forward(""))).unwrap();
    engine.set_charge_spin(&[]).unwrap();
    energies(&mut engine, &Row::new().atoms()).unwrap();
}

#[test]
fn what_goes_wrong_inside_is_told_in_a_line() {
    let row = Row::new();
    let mut engine = load(
        "EnergyModel",
        &(METHODS.to_owned() + &forward("assert False, 'no luck'")),
    )
    .unwrap();
    let message = energies(&mut engine, &row.atoms()).unwrap_err().to_string();
    assert_eq!(message, "libtorch: RuntimeError: AssertionError: no luck");

    let short =
        METHODS.to_owned() + &forward("").replace("'atom_energy': e,", "'atom_energy': e[:, :1],");
    let mut engine = load("EnergyModel", &short).unwrap();
    let message = energies(&mut engine, &row.atoms()).unwrap_err().to_string();
    assert_eq!(
        message,
        "libtorch: the model's 'atom_energy' has 1 numbers instead of 2"
    );

    let none = METHODS.to_owned() + &forward("").replace("'virial': virial.sum(1),", "");
    let mut engine = load("EnergyModel", &none).unwrap();
    let message = energies(&mut engine, &row.atoms()).unwrap_err().to_string();
    assert_eq!(message, "libtorch: the model gives no 'virial'");
}

/// An exchange that tells what it is asked, or fails.
#[derive(Debug)]
struct Probe {
    fails: bool,
}

impl GhostExchange for Probe {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        if self.fails {
            return Err(Error::Engine("the wire is cut".to_owned()));
        }
        assert_eq!(columns, 1);
        values.iter_mut().for_each(|value| *value += 1.0);
        Ok(())
    }

    fn to_owners(&self, _: &mut [f64], _: usize) -> Result<(), Error> {
        unreachable!()
    }
}

#[test]
fn messages_between_atoms_need_a_way() {
    let more = "
    assert comm_dict is not None
    size = torch.tensor(0)
    rows = deepmd.border_op(comm_dict['send_list'], comm_dict['send_proc'], comm_dict['recv_proc'],
        comm_dict['send_num'], comm_dict['recv_num'], extended_coord[0, :, 0:1], comm_dict['communicator'], size, size)[0]
    e = rows[:n].unsqueeze(0)";
    let passes = "def has_message_passing(self) -> bool:\n    return True\n";
    let mut engine = load(
        "EnergyModel",
        &(METHODS.to_owned() + passes + &forward(more)),
    )
    .unwrap();
    let row = Row::new();
    assert_eq!(
        energies(&mut engine, &row.atoms()).unwrap_err().to_string(),
        "the model passes messages between atoms, and there is no way to their ghosts"
    );
    let atoms = Atoms {
        exchange: Some(&Probe { fails: false }),
        ..row.atoms()
    };
    assert_eq!(energies(&mut engine, &atoms).unwrap(), [1.0, 0.0, 3.0, 0.0]);
    let atoms = Atoms {
        exchange: Some(&Probe { fails: true }),
        ..row.atoms()
    };
    assert_eq!(
        energies(&mut engine, &atoms).unwrap_err().to_string(),
        "the wire is cut"
    );

    // nobody is at home
    let list = NeighbourList::default();
    let atoms = Atoms {
        list: &list,
        exchange: Some(&Probe { fails: false }),
        ..row.atoms()
    };
    assert_eq!(energies(&mut engine, &atoms).unwrap(), [0.0; 4]);
    let atoms = Atoms {
        positions: &[],
        types: &[],
        ..atoms
    };
    assert_eq!(energies(&mut engine, &atoms).unwrap(), [0.0; 0]);
}
