"""Make models that are refused: most answer something else than an energy, or need spins.

    python tests/models/make_refused.py [NAME ...]

Trained for a few steps to random labels by both backends of deepmd-kit and frozen as refused_NAME.pb and .pth.
"""

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from make_models import HERE, dp, set_threads, training_input
from recipes import SMALL, Recipe, model
from systems import write_training_data

FITTING = {"neuron": [8, 8]}
TENSOR = {"type": "tensor", "pref": 1.0, "pref_atomic": 0.0}
DENSITY = {
    "type": "dos",
    **{f"{when}_pref_{what}": float(what == "dos") for when in ("start", "limit") for what in ("dos", "cdf", "ados", "acdf")},
}
SPIN_LOSS = {
    "type": "ener_spin",
    **{f"{when}_pref_{what}": 1.0 for when in ("start", "limit") for what in ("e", "fr", "fm")},
}

@dataclass
class Refused:
    section: dict
    suffixes: tuple
    loss: dict


def spin(suffix, **settings):
    section = {"use_spin": [True, False, False], **settings}
    return Refused(model(SMALL, FITTING, spin=section), (suffix,), SPIN_LOSS)


REFUSED = {
    "dipole": Refused(model(SMALL, FITTING | {"type": "dipole"}), ("pb", "pth"), TENSOR),
    "polar": Refused(model(SMALL, FITTING | {"type": "polar"}), ("pth",), TENSOR),
    "dos": Refused(model(SMALL, FITTING | {"type": "dos", "numb_dos": 4}), ("pth",), DENSITY),
    "property": Refused(
        model(SMALL, FITTING | {"type": "property", "property_name": "gap", "task_dim": 1}), ("pth",), {"type": "property"}
    ),
    "spin_tf": spin("pb", virtual_len=[0.4], spin_norm=[1.2]),
    "spin_pt": spin("pth", virtual_scale=[0.3]),
}


def add_labels(folder, rng):
    """Random labels of every kind beside the energies of the training data in `folder`."""
    data = folder / "set.000"
    frames, atoms = (np.load(data / "coord.npy").shape[k] for k in (0, 1))
    widths = {"dipole": 3, "polarizability": 9, "dos": 4, "gap": 1, "spin": atoms, "force_mag": atoms}
    for name, width in widths.items():
        np.save(data / f"{name}.npy", rng.standard_normal((frames, width)))


def write_virtual_atoms(source, folder):
    """The data of `source` as the TensorFlow backend takes spins: a virtual atom of a fourth type beside each Pd."""
    shutil.copytree(source, folder)
    data = folder / "set.000"
    types = np.loadtxt(source / "type.raw", dtype=int)
    of_pd = np.repeat(types == 0, 3)
    spins = np.load(data / "spin.npy")[:, of_pd]
    for name, extra in (("coord", np.load(data / "coord.npy")[:, of_pd] + 0.1 * spins), ("force", spins)):
        np.save(data / f"{name}.npy", np.hstack([np.load(data / f"{name}.npy"), extra]))
    np.savetxt(folder / "type.raw", np.append(types, [3] * int((types == 0).sum())), fmt="%d")
    (folder / "type_map.raw").unlink()


def build(name, refused, suffix, work):
    """Train and freeze one model; `work` holds data and table."""
    script = training_input(Recipe(refused.section, (suffix,), steps=4, loss=refused.loss))
    if name == "spin_tf":
        script["training"]["training_data"]["systems"] = ["data_virtual"]
    Path(work, "input.json").write_text(json.dumps(script))
    backend = {"pb": "--tf", "pth": "--pt"}[suffix]
    dp(backend, "train", "input.json", "--skip-neighbor-stat", cwd=work)
    dp(backend, "freeze", "-o", f"model.{suffix}", cwd=work)
    out = HERE / f"refused_{name.removesuffix('_tf').removesuffix('_pt')}.{suffix}"
    shutil.copy(work / f"model.{suffix}", out)
    print(out.name, out.stat().st_size, flush=True)


def main(names):
    set_threads()
    with tempfile.TemporaryDirectory() as folder:
        common = Path(folder)
        write_training_data(common / "data")
        add_labels(common / "data", np.random.default_rng(5))
        write_virtual_atoms(common / "data", common / "data_virtual")
        for name in names or REFUSED:
            for suffix in REFUSED[name].suffixes:
                work = common / f"{name}_{suffix}"
                work.mkdir()
                for item in ("data", "data_virtual"):
                    work.joinpath(item).symlink_to(common / item)
                build(name, REFUSED[name], suffix, work)


if __name__ == "__main__":
    main(sys.argv[1:])
