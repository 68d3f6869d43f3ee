#!/usr/bin/env python3
"""Root-mean-square errors of a Deep Potential on the held-out replicas: errors.py MODEL DATA."""

import sys
from pathlib import Path

import numpy as np
from deepmd.infer import DeepPot

EV_A3 = 160.21766  # GPa
# frames of a replica alternate between an MD snapshot and the same snapshot deformed at random
KINDS = (("MD snapshots", slice(0, None, 2)), ("deformed", slice(1, None, 2)), ("all", slice(None)))


def residuals(model, system):
    """Errors of energy (eV/atom), force (eV/A) and stress (GPa) of every frame of one system."""
    types = np.loadtxt(system / "type.raw", dtype=int)
    coord, box, energy, force, virial = (
        np.load(system / f"set.000/{name}.npy") for name in ("coord", "box", "energy", "force", "virial")
    )
    e, f, v = model.eval(coord, box, types)
    volume = np.abs(np.linalg.det(box.reshape(-1, 3, 3)))[:, None]
    return (
        (e.ravel() - energy)[:, None] / len(types),
        f.reshape(force.shape) - force,
        (v - virial) / volume * EV_A3,
    )


def main():
    model = DeepPot(sys.argv[1])
    parts = [residuals(model, system) for system in sorted(Path(sys.argv[2]).glob("test-*")) if system.is_dir()]
    print(f"{'':14}{'frames':>8}{'energy (meV/atom)':>20}{'force (meV/A)':>16}{'stress (GPa)':>15}")
    for kind, pick in KINDS:
        columns = [[part[i][pick] for part in parts] for i in range(3)]
        energy, force, stress = (np.sqrt(np.mean(np.concatenate([c.ravel() for c in column]) ** 2)) for column in columns)
        frames = sum(len(c) for c in columns[0])
        print(f"{kind:14}{frames:8d}{1000 * energy:20.2f}{1000 * force:16.1f}{stress:15.3f}")


if __name__ == "__main__":
    main()
