//! Engines on this side of the boundary and behind it, and what must not cross it.

#[path = "../../potential/tests/common/mod.rs"]
mod common;

use crate::answer::Slice;
use crate::call::{Refusal, RemoteEngine, RemoteLibrary};
use crate::serve::{FORMATS, Library, Request};
use crate::table::Table;
use common::{Configuration, model, models};
use deepdms_potential::Error;
use deepdms_potential::descriptor::counters::Counters;
use deepdms_potential::descriptor::neighbours::{Atoms, NeighbourList};
use deepdms_potential::engine::times::Times;
use deepdms_potential::engine::{Engine, GhostExchange, Interface, NativeEngine};
use deepdms_potential::model::Format;
use deepdms_potential::virial::Output;
use std::path::Path;

/// The native engine behind the boundary.
struct Native;

impl Library for Native {
    fn open(request: Request<'_>) -> Result<Box<dyn Engine>, Error> {
        let model = deepdms_potential::model::read(request.file, request.bytes)?;
        assert_eq!((request.device, request.threads), ("cpu", 1));
        assert!(request.trusted);
        Ok(Box::new(NativeEngine::new(vec![model])?))
    }
}

static NATIVE: Table = Table::of::<Native>();

fn open(table: &'static Table, file: &str, bytes: &[u8]) -> Result<RemoteEngine, Error> {
    RemoteLibrary::new(table).unwrap().open(Request {
        file,
        bytes,
        device: "cpu",
        threads: 1,
        trusted: true,
    })
}

fn remote(file: &str) -> RemoteEngine {
    let bytes = std::fs::read(models().join(file)).unwrap();
    open(&NATIVE, file, &bytes).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn numbers_are_the_same_to_the_last_bit() {
    for file in [
        "one_sided.pb",
        "overflow.dp",
        "two_sided_compressed.pb",
        "parameters.dp",
        "default_fparam.pth",
        "hybrid_a3_compressed.pb",
    ] {
        let bytes = std::fs::read(models().join(file)).unwrap();
        let model = deepdms_potential::model::read(file, &bytes).unwrap();
        let mut here = NativeEngine::new(vec![model]).unwrap();
        let mut there = remote(file);
        assert_eq!(here.models(), there.models());
        assert_eq!(here.describe(), there.describe());
        assert!(!there.exchanges_ghosts());
        for name in ["orthogonal", "triclinic", "cluster", "gas", "dense"] {
            let mut configuration = Configuration::stored(name);
            let interface = &here.models()[0];
            let spread = |count: usize| (0..count).map(|k| 0.7 - 0.4 * (k % 5) as f64).collect();
            configuration.frame_parameters = spread(interface.frame_parameters);
            configuration.atom_parameters = spread(configuration.len() * interface.atom_parameters);
            let (ours, theirs) = (
                configuration.evaluate(&mut here),
                configuration.evaluate(&mut there),
            );
            assert_eq!(ours.energy, theirs.energy, "{file} {name}");
            assert_eq!(ours.atom_energies, theirs.atom_energies, "{file} {name}");
            assert_eq!(ours.forces, theirs.forces, "{file} {name}");
            assert_eq!(ours.virial, theirs.virial, "{file} {name}");
            assert_eq!(ours.atom_virials, theirs.atom_virials, "{file} {name}");
        }
        assert_eq!(here.counters(), there.counters(), "{file}");
        assert!(there.times().seconds().iter().sum::<f64>() > 0.0);
    }
    // the counts that were compared are not all zero
    let mut overflow = remote("overflow.dp");
    Configuration::stored("dense").evaluate(&mut overflow);
    let most = overflow.counters()[0].most_neighbours().to_vec();
    assert!(most.iter().any(|&count| count > 0), "{most:?}");
}

#[test]
fn errors_are_the_same() {
    let message = open(&NATIVE, "m.pb", b"nothing").unwrap_err().to_string();
    let here = deepdms_potential::model::read("m.pb", b"nothing").unwrap_err();
    assert_eq!(message, here.to_string());

    let mut here = NativeEngine::new(vec![model("one_sided.pb")]).unwrap();
    let mut there = remote("one_sided.pb");
    let mut list = NeighbourList::default();
    list.push(0, [1]);
    list.push(1, [0]);
    let sound = Atoms {
        positions: &[0.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        types: &[0, 1],
        list: &list,
        frame_parameters: &[],
        atom_parameters: &[],
        origin: [0.0; 3],
        exchange: None,
    };
    for atoms in [
        Atoms {
            positions: &[0.0, 0.0, 0.0, 2.0, f64::INFINITY, 0.0],
            ..sound
        },
        Atoms {
            positions: &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            ..sound
        },
        Atoms {
            frame_parameters: &[1.0],
            ..sound
        },
    ] {
        let mut outputs = [Output::default()];
        let ours = here.evaluate(&atoms, false, &mut outputs).unwrap_err();
        let theirs = there.evaluate(&atoms, false, &mut outputs).unwrap_err();
        assert_eq!(ours.to_string(), theirs.to_string());
        assert_eq!(ours.atoms(), theirs.atoms());
        assert_eq!(ours.with_ids(7, 9), theirs.with_ids(7, 9));
    }
    let mut outputs = [Output::default()];
    there.evaluate(&sound, false, &mut outputs).unwrap();
    assert_eq!(
        there.set_charge_spin(&[1.0]).unwrap_err().to_string(),
        here.set_charge_spin(&[1.0]).unwrap_err().to_string()
    );
}

/// An engine that tells what reached it: the energy of an atom is what its ghosts' owner has after an exchange.
struct Probe([Interface; 2]);

impl Probe {
    fn interfaces() -> [Interface; 2] {
        let first = Interface {
            format: Format::TorchScript,
            type_map: vec!["Pd".to_owned(), "Ä".to_owned()],
            cutoff: 6.1,
            sel: vec![3, 40],
            frame_parameters: 2,
            atom_parameters: 1,
            default_frame_parameters: Some(vec![0.1, -0.2]),
        };
        let second = Interface {
            format: Format::Exported,
            sel: Vec::new(),
            default_frame_parameters: None,
            ..first.clone()
        };
        [first, second]
    }
}

impl Library for Probe {
    fn open(request: Request<'_>) -> Result<Box<dyn Engine>, Error> {
        assert_ne!(request.file, "panic", "no luck with {}", request.device);
        Ok(Box::new(Self(Self::interfaces())))
    }
}

impl Engine for Probe {
    fn models(&self) -> &[Interface] {
        &self.0
    }

    fn evaluate(
        &mut self,
        atoms: &Atoms<'_>,
        with_atom_virials: bool,
        outputs: &mut [Output],
    ) -> Result<(), Error> {
        assert!(atoms.types[0] >= 0, "type {}", atoms.types[0]);
        for (m, output) in outputs.iter_mut().enumerate() {
            output.clear(atoms.len(), with_atom_virials && m == 0);
            let exchange = atoms.exchange.expect("a way to ghosts");
            exchange.to_ghosts(&mut output.atom_energies, 1)?;
            exchange.to_owners(&mut output.forces, 3)?;
            for k in 0..atoms.list.len() {
                let (centre, around) = atoms.list.entry(k);
                let sum: f64 = around.iter().map(|&j| f64::from(j)).sum();
                output.add_energy(centre, sum);
            }
            output.virial[5] = atoms.origin[1] + m as f64;
            output.virial[6] = atoms.frame_parameters[1] + atoms.atom_parameters[2];
            if let Some(last) = output.atom_virials.last_mut() {
                last[8] = atoms.positions[0];
            }
        }
        Ok(())
    }

    fn set_charge_spin(&mut self, values: &[f64]) -> Result<(), Error> {
        Err(Error::Engine(format!("{values:?}")))
    }

    fn exchanges_ghosts(&self) -> bool {
        true
    }

    fn counters(&self) -> Vec<Counters> {
        let of = |k: usize| {
            let counts = (k..k + 4).collect();
            Counters::from_counts(2, counts, vec![9; 4], vec![1 << 40, 0, 0, k as u64])
        };
        vec![of(1), of(5)]
    }

    fn times(&self) -> Times {
        Times::from_seconds([0.5, 1.0, 2.0, 4.0, 8.0])
    }

    fn describe(&self) -> String {
        "probe, 6.1 Å".to_owned()
    }
}

static PROBE: Table = Table::of::<Probe>();

/// An exchange that adds 1 on the way to ghosts and 2 on the way back, or fails, or panics.
#[derive(Debug)]
struct Wire {
    state: &'static str,
}

impl GhostExchange for Wire {
    fn to_ghosts(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        assert_eq!(columns, 1);
        assert_ne!(self.state, "burning", "the wire burns");
        if self.state == "cut" {
            return Err(Error::Engine("the wire is cut".to_owned()));
        }
        values.iter_mut().for_each(|value| *value += 1.0);
        Ok(())
    }

    fn to_owners(&self, values: &mut [f64], columns: usize) -> Result<(), Error> {
        assert_eq!(columns, 3);
        values.iter_mut().for_each(|value| *value += 2.0);
        Ok(())
    }
}

fn evaluate(
    engine: &mut RemoteEngine,
    state: &'static str,
    types: &[i32],
) -> Result<[Output; 2], String> {
    let mut list = NeighbourList::default();
    list.push(2, [0, 1]);
    list.push(0, []);
    list.push(1, [2]);
    let mut outputs = [Output::default(), Output::default()];
    let atoms = Atoms {
        positions: &[0.25, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0],
        types,
        list: &list,
        frame_parameters: &[1.0, 2.0],
        atom_parameters: &[3.0, 4.0, 5.0],
        origin: [0.0, 0.5, 0.0],
        exchange: Some(&Wire { state }),
    };
    engine
        .evaluate(&atoms, true, &mut outputs)
        .map_err(|error| error.to_string())?;
    Ok(outputs)
}

#[test]
fn everything_crosses() {
    let mut engine = open(&PROBE, "any", b"").unwrap();
    let direct = Probe(Probe::interfaces());
    assert_eq!(engine.models(), direct.models());
    assert!(engine.exchanges_ghosts());
    assert_eq!(engine.counters(), direct.counters());
    assert_eq!(engine.times().seconds(), direct.times().seconds());
    assert_eq!(engine.describe(), direct.describe());
    assert_eq!(
        engine
            .set_charge_spin(&[1.0, -0.5])
            .unwrap_err()
            .to_string(),
        "[1.0, -0.5]"
    );
    let [first, second] = evaluate(&mut engine, "whole", &[0, 1, 0]).unwrap();
    for output in [&first, &second] {
        assert_eq!(output.energy, 3.0);
        assert_eq!(output.atom_energies, [1.0, 3.0, 2.0]);
        assert_eq!(output.forces, [2.0; 9]);
        assert_eq!(output.virial[6], 7.0);
    }
    assert_eq!((first.virial[5], second.virial[5]), (0.5, 1.5));
    assert_eq!(first.atom_virials[2][8], 0.25);
    assert!(second.atom_virials.is_empty());
}

#[test]
fn panics_stay_on_their_side() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opening = open(&PROBE, "panic", b"").unwrap_err().to_string();
    let mut engine = open(&PROBE, "any", b"").unwrap();
    let evaluation = evaluate(&mut engine, "whole", &[-3, 1, 0]).unwrap_err();
    let burning = evaluate(&mut engine, "burning", &[0, 1, 0]).unwrap_err();
    std::panic::set_hook(hook);

    let report = "This is a bug, please report it with the input deck";
    assert!(
        opening.starts_with("internal error in deepdms (opening a model in a library): ")
            && opening.contains("no luck with cpu")
            && opening.ends_with(report),
        "{opening}"
    );
    assert_eq!(
        evaluation,
        format!("internal error in deepdms (evaluation in a library): type -3. {report}")
    );
    assert!(
        burning.starts_with("internal error in deepdms (ghost exchange): ")
            && burning.contains("the wire burns"),
        "{burning}"
    );
    // an error on the way is told as it is, and the engine still works
    let cut = evaluate(&mut engine, "cut", &[0, 1, 0]).unwrap_err();
    assert_eq!(cut, "the wire is cut");
    evaluate(&mut engine, "whole", &[0, 1, 0]).unwrap();
}

#[test]
fn a_library_of_another_build_is_refused() {
    static OTHER: Table = Table {
        build: Slice::new(b"deepdms-build 0.0.9 0123456789abcdef"),
        ..Table::of::<Native>()
    };
    assert_eq!(
        RemoteLibrary::new(&OTHER).unwrap_err(),
        Refusal::OtherBuild("deepdms-build 0.0.9 0123456789abcdef".to_owned())
    );
}

#[test]
fn files_that_are_no_library_are_refused() {
    let load = |path: &Path| RemoteLibrary::load(path, c"deepdms_torch").unwrap_err();
    let folder = std::env::temp_dir().join(format!("deepdms-boundary-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    assert_eq!(load(&folder.join("none.so")), Refusal::Missing);
    let text = folder.join("text.so");
    std::fs::write(&text, "no library").unwrap();
    let refusal = load(&text);
    assert!(
        matches!(&refusal, Refusal::NotLoaded(reason) if reason.contains("text.so")),
        "{refusal:?}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
    // a library of something else: that of the C functions, which every process has
    let libc = crate::loading::visible_symbol(c"qsort").unwrap();
    let libc = crate::loading::file_of(libc.as_ptr() as usize).unwrap();
    assert_eq!(load(&libc), Refusal::Foreign);
}

#[test]
fn every_format_has_a_number() {
    for (k, format) in FORMATS.into_iter().enumerate() {
        // another format would need another number: the match is complete
        let number = match format {
            Format::FrozenGraph => 0,
            Format::NativeHdf5 => 1,
            Format::NativeYaml => 2,
            Format::NativeJson => 3,
            Format::TorchScript => 4,
            Format::Exported => 5,
        };
        assert_eq!(k, number);
    }
}
