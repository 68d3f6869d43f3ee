"""Heat flux of the atoms of in.lmp from deepmd-kit's atomic energies and virials; needs numpy and prints the numbers of
case.toml.

J V = sum_i (e_i v_i + W_i v_i), where e_i is the energy of atom i with its kinetic energy, and W_i v_i has the component
a: sum_b r_a F_b v_b, that is the transpose of DeepPot's tensor, whose first index is the force.
"""

import json
from pathlib import Path

import numpy as np

references = Path(__file__).resolve().parents[2] / "models" / "references"
configuration = json.loads((references / "one_sided.pb.json").read_text())["configurations"]["triclinic"]
types = np.array(json.loads((references / "configurations.json").read_text())["configurations"]["triclinic"]["types"])
mass = np.array([106.42, 63.546, 30.974])[types]
MVV2E = 1.0364269e-4    # LAMMPS, units metal

number = np.arange(1, len(types) + 1)
v = np.stack([np.sin(0.7 * number), np.cos(1.3 * number), np.sin(2.1 * number + 0.4)], axis=1)
e = np.array(configuration["atom_energies"]) + 0.5 * MVV2E * mass * (v**2).sum(1)
w = np.array(configuration["atom_virials"]).reshape(-1, 3, 3)
convective = (e[:, None] * v).sum(0)
virial = np.einsum("iba,ib->a", w, v)
print("flux =", (convective + virial).tolist(), "convective =", convective.tolist())
