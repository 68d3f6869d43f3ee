"""Structures to begin with: random packings, crystals, and what strain, displacement and close contacts make of a frame."""

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal
from matscipy.neighbours import neighbour_list

from frames import ELEMENTS, Frame

ATOMS = 60  # of every packing
ATOMIC_VOLUME = (15.3, 12.0, 11.2, 12.5)  # A^3, in the glasses
DIAMETER = (2.75, 2.5, 2.45, 2.2)  # A; neighbours in the glasses touch
DIAMETER_P_P = 3.2  # P avoids P
CONTACT = 0.95  # of the diameters, what a packing demands


def composition(rng):
    """A number of atoms of each type: one of the two alloys (half of the time), or something near or between them."""
    family = rng.choice(3, p=(0.35, 0.35, 0.3))
    share = (1.0, 0.0, rng.uniform(0.1, 0.9))[family]  # of Cu in Cu + Ni
    if family < 2 and rng.random() < 0.6:
        p, pd = 0.2, 0.4
    else:
        p = rng.uniform(0.15, 0.25)
        pd = (1 - p) * rng.uniform(0.38, 0.62)
    n_p, n_pd = round(p * ATOMS), round(pd * ATOMS)
    rest = ATOMS - n_p - n_pd
    n_cu = round(share * rest)
    return np.array([n_pd, n_cu, rest - n_cu, n_p])


def packing(counts, rng, expansion):
    """A cubic cell of `counts` atoms of each type, at `expansion` times the volume of the glass, without overlaps."""
    types = np.repeat(np.arange(len(ELEMENTS)), counts)
    length = (expansion * np.dot(counts, ATOMIC_VOLUME)) ** (1 / 3)
    diameter = np.array(DIAMETER)[types]
    contact = CONTACT * (diameter[:, None] + diameter) / 2
    p = types == ELEMENTS.index("P")
    contact[np.ix_(p, p)] = DIAMETER_P_P
    x = rng.random((len(types), 3)) * length
    for _ in range(2000):
        between = x[:, None] - x
        between -= length * np.round(between / length)
        r = np.linalg.norm(between, axis=-1) + 99 * np.eye(len(types))
        overlap = np.clip(contact - r, 0, None)
        if overlap.max() < 0.15:
            break
        x += 0.3 * ((overlap / r)[..., None] * between).sum(1)
    return Frame(types, x % length, length * np.eye(3), "packing")


def to_atoms(frame):
    """The frame as ASE's Atoms."""
    return Atoms([ELEMENTS[t] for t in frame.types], positions=frame.positions, cell=frame.cell, pbc=True)


def from_atoms(atoms, kind):
    """ASE's Atoms as a frame, atoms ordered by type."""
    types = np.array([ELEMENTS.index(s) for s in atoms.get_chemical_symbols()])
    return Frame(types, atoms.get_positions(), atoms.cell.array.copy(), kind).by_type()


def crystals():
    """Name and supercell of 48 to 64 atoms of each crystal; the inner coordinates want relaxing."""
    cells = {name: bulk(name, "fcc", a=a, cubic=True) * (2, 2, 3) for name, a in (("Pd", 3.941), ("Cu", 3.626), ("Ni", 3.518))}
    # Fe2P type
    cells["Ni2P"] = crystal(
        ("Ni", "Ni", "P", "P"),
        ((0.2575, 0, 0), (0.5957, 0, 0.5), (1 / 3, 2 / 3, 0), (0, 0, 0.5)),
        spacegroup=189, cellpar=(5.868, 5.868, 3.339, 90, 90, 120),
    ) * (2, 1, 3)
    # Ni3P, its own type
    cells["Ni3P"] = crystal(
        ("Ni", "Ni", "Ni", "P"),
        ((0.0775, 0.1117, 0.2391), (0.3649, 0.0321, 0.9765), (0.1689, 0.2204, 0.7553), (0.2862, 0.0487, 0.4807)),
        spacegroup=82, cellpar=(8.95, 8.95, 4.39, 90, 90, 90),
    ) * (1, 1, 2)
    # cementite type
    cells["Pd3P"] = crystal(
        ("Pd", "Pd", "P"),
        ((0.182, 0.065, 0.33), (0.036, 0.25, 0.852), (0.885, 0.25, 0.44)),
        spacegroup=62, cellpar=(5.98, 7.44, 5.16, 90, 90, 90),
    ) * (2, 1, 2)
    # Cu3P type
    cells["Cu3P"] = crystal(
        ("Cu", "Cu", "Cu", "Cu", "P"),
        ((0.2791, 0, 0.0829), (0.3801, 0, 0.4198), (1 / 3, 2 / 3, 0.2061), (0, 0, 0.3198), (0.6671, 0, 0.25)),
        spacegroup=185, cellpar=(6.96, 6.96, 7.14, 90, 90, 120),
    ) * (1, 1, 2)
    return cells


def strained(frame, rng, volume=0.06, shear=0.08, rattle=0.1, kind=None):
    """The frame with its volume changed by up to +-`volume`, sheared by up to `shear`, atoms displaced by up to `rattle` A rms."""
    gradient = np.eye(3) + np.triu(rng.uniform(-shear, shear, (3, 3)), 1)
    axial = 1 + rng.uniform(-shear / 3, shear / 3, 3)
    axial *= ((1 + rng.uniform(-volume, volume)) / axial.prod()) ** (1 / 3)
    gradient = gradient @ np.diag(axial)
    displacement = rng.uniform(0, rattle) * rng.standard_normal(frame.positions.shape)
    return Frame(
        frame.types, frame.positions @ gradient.T + displacement, frame.cell @ gradient.T, kind or "strained", frame.temperature
    )


def contact(frame, rng):
    """The frame with three pairs of neighbours pushed together, to 0.72 to 0.92 of the sum of their radii."""
    x = frame.positions.copy()
    inverse = np.linalg.inv(frame.cell)
    diameter = np.array(DIAMETER)[frame.types]
    for i in rng.choice(len(frame), 3, replace=False):
        between = x - x[i]
        between -= np.round(between @ inverse) @ frame.cell
        r = np.linalg.norm(between, axis=1)
        r[i] = np.inf
        j = rng.choice(np.argsort(r)[:6])
        short = rng.uniform(0.72, 0.92) * (diameter[i] + diameter[j]) / 2
        if r[j] > short:
            x[i] += (r[j] - short) * between[j] / r[j]
    return Frame(frame.types, x, frame.cell, "contact", frame.temperature)


def neighbours(frame, cutoff):
    """Largest number of neighbours of each type that any atom of the frame has within `cutoff` A: [n_types]."""
    centre, neighbour = neighbour_list("ij", to_atoms(frame), cutoff)
    counts = np.zeros((len(frame), len(ELEMENTS)), int)
    np.add.at(counts, (centre, frame.types[neighbour]), 1)
    return counts.max(0)


def that_fit(frames, settings):
    """Those frames no atom of which has more neighbours than the descriptor of a training input has slots."""
    descriptor = settings["model"]["descriptor"]
    return [f for f in frames if (neighbours(f, descriptor["rcut"]) <= descriptor["sel"]).all()]
