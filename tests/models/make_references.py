"""Evaluate the models of this folder with deepmd-kit and store the numbers as references/<file name>.json.

    python tests/models/make_references.py [FILE ...]

`.pb` and `.pth` files are evaluated as they are (TensorFlow and PyTorch backend). `.dp` and `.yaml` are evaluated by deepmd-kit's NumPy
backend, which gives energies only; where torch can be imported, forces and virials come from the same file converted to
the PyTorch backend, and both energies are compared here. That backend forgets the tables of a compressed model.
"""

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from make_models import dp, set_threads

set_threads()

import numpy as np
from deepmd.dpmodel.utils.serialization import load_dp_model
from deepmd.infer import DeepPot

from systems import parameters, reference_configurations, write_configurations, write_lammps_data

HERE = Path(__file__).resolve().parent
REFERENCES = HERE / "references"
HAVE_TORCH = importlib.util.find_spec("torch") is not None

# [eV, eV/A]: two more than any test looks at.
DECIMALS = 12

def evaluate(pot, coord, cell, types, given):
    """The numbers of one configuration with the parameters `given`, which are part of what is returned."""
    box = None if cell is None else cell.reshape(1, 9)
    frames = {key: value.reshape(1, -1) for key, value in given.items()}
    energy, force, virial, atom_energy, atom_virial = pot.eval(coord.reshape(1, -1), box, types, atomic=True, **frames)[:5]
    return given | {
        "energy": float(energy[0, 0]),
        "atom_energies": atom_energy[0, :, 0],
        "forces": force[0],
        "virial": virial[0],
        "atom_virials": atom_virial[0],
    }


def torch_form(path, folder):
    """The same model converted for the PyTorch backend."""
    out = Path(folder, path.name + ".pth")
    dp("convert-backend", path, out, cwd=folder)
    return DeepPot(str(out))


def reference(path, folder, systems):
    pot = DeepPot(str(path))
    native = path.suffix in (".dp", ".yaml")
    compressed = native and "compress" in load_dp_model(str(path))["model"]["descriptor"]
    twin = torch_form(path, folder) if native and HAVE_TORCH and not compressed else None
    table = {}
    needs = (pot.get_dim_fparam(), pot.get_dim_aparam(), pot.has_default_fparam())
    for name, (coord, cell, types) in systems.items():
        given = parameters(name, types, *needs)
        numbers = evaluate(pot, coord, cell, types, given)
        if native:
            for key in ("forces", "virial", "atom_virials"):
                del numbers[key]
        if twin is not None:
            other = evaluate(twin, coord, cell, types, given)
            difference = np.abs(other["atom_energies"] - numbers["atom_energies"]).max()
            if difference > 1e-9:
                sys.exit(f"{path.name}, {name}: NumPy and PyTorch backends differ by {difference} eV")
            numbers.update({key: other[key] for key in ("forces", "virial", "atom_virials")})
        if not all(np.isfinite(value).all() for value in numbers.values()):
            sys.exit(f"{path.name}, {name}: numbers that are not finite")
        table[name] = {
            key: round(value, DECIMALS) if isinstance(value, float) else np.round(np.ravel(value), DECIMALS).tolist()
            for key, value in numbers.items()
        }
    return {"model": path.name, "rcut": float(pot.get_rcut()), "type_map": pot.get_type_map(), "configurations": table}


def write_reference(name, table):
    text = json.dumps(table, separators=(",", ":"))
    (REFERENCES / f"{name}.json").write_text(text.replace('},"', '},\n"') + "\n")


def main(names):
    REFERENCES.mkdir(exist_ok=True)
    systems = reference_configurations()
    write_configurations(REFERENCES / "configurations.json", systems)
    for name, system in systems.items():
        write_lammps_data(REFERENCES / f"{name}.data", *system)
    # Old graphs have their references from make_old_generations.py, refused models have none.
    others = ("generation_", "refused_")
    present = (p for s in ("pb", "pth", "dp", "yaml") for p in HERE.glob(f"*.{s}") if not p.name.startswith(others))
    paths = [HERE / n for n in names] or sorted(present)
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            write_reference(path.name, reference(path, folder, systems))
            print(path.name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
