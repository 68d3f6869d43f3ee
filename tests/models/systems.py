"""Atomic systems for the tiny Pd-Cu-P models: labelled training frames and the reference configurations.

Units: Angstrom, eV. Types are the indices of TYPE_MAP. Everything is seeded, so two calls give the same numbers.
"""

import json

import numpy as np

TYPE_MAP = ["Pd", "Cu", "P"]

# Morse parameters of the labelling potential: well depth D [eV] and minimum r0 [A] of each pair, common range A [1/A].
WELL_DEPTH = np.array([[0.35, 0.30, 0.55], [0.30, 0.32, 0.45], [0.55, 0.45, 0.10]])
MINIMUM = np.array([[2.75, 2.65, 2.35], [2.65, 2.55, 2.30], [2.35, 2.30, 2.60]])
RANGE = 1.6
ATOM_ENERGY = np.array([-3.7, -3.4, -5.2])
CUTOFF = 6.0

# The frame parameters of each reference configuration, one of them outside the range of the training data, and the atom
# parameter where all atoms share one.
FRAME_PARAMETERS = {
    "orthogonal": [0.7, -1.25],
    "triclinic": [0.31, 0.4],
    "cluster": [1.1, -2.6],
    "gas": [0.55, -0.1],
    "dense": [1.9, 2.5],
}
ATOM_PARAMETER = {"cluster": 17.5, "gas": -4.25}


def periodic_images(cell, cutoff):
    """Lattice translations [n, 3] (the null one first) that can bring an atom within `cutoff` of the cell."""
    if cell is None:
        return np.zeros((1, 3))
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell).T, axis=1)
    reach = [int(np.ceil(cutoff / h)) + 1 for h in heights]
    shifts = [
        (i, j, k)
        for i in range(-reach[0], reach[0] + 1)
        for j in range(-reach[1], reach[1] + 1)
        for k in range(-reach[2], reach[2] + 1)
    ]
    shifts.sort(key=lambda s: (s != (0, 0, 0), s))
    return np.array(shifts, dtype=float) @ cell


def morse(coord, cell, types):
    """Energy [eV], forces [n, 3] [eV/A] and virial [9] [eV] of the labelling potential, switched off at CUTOFF."""
    energy = ATOM_ENERGY[types].sum()
    force = np.zeros_like(coord)
    virial = np.zeros((3, 3))
    for index, shift in enumerate(periodic_images(cell, CUTOFF)):
        d = coord[None, :, :] + shift - coord[:, None, :]
        r = np.linalg.norm(d, axis=2)
        if index == 0:
            np.fill_diagonal(r, 2 * CUTOFF)
        i, j = np.nonzero(r < CUTOFF)
        if i.size == 0:
            continue
        dij, rij = d[i, j], r[i, j]
        depth, r0 = WELL_DEPTH[types[i], types[j]], MINIMUM[types[i], types[j]]
        u = (CUTOFF - rij) / CUTOFF
        switch, dswitch = u**3, -3 * u**2 / CUTOFF
        e = np.exp(-RANGE * (rij - r0))
        v, dv = depth * (e * e - 2 * e), -2 * RANGE * depth * (e * e - e)
        pair, dpair = 0.5 * v * switch, 0.5 * (dv * switch + v * dswitch)
        energy += pair.sum()
        g = dpair[:, None] * dij / rij[:, None]
        np.add.at(force, i, g)
        np.add.at(force, j, -g)
        virial -= np.einsum("na,nb->ab", g, dij)
    return energy, force, virial.reshape(9)


def shuffled_types(n, rng):
    """Types of n atoms in the ratio 40:40:20, in random order."""
    counts = [round(0.4 * n), round(0.4 * n)]
    counts.append(n - sum(counts))
    return rng.permutation(np.repeat([0, 1, 2], counts))


def spread(coord, cell, minimum, rng):
    """Random positions relaxed until no two atoms are nearer than `minimum` [A]; cell None means no periodicity."""
    coord = coord.copy()
    images = periodic_images(cell, minimum)
    for _ in range(4000):
        push = np.zeros_like(coord)
        for index, shift in enumerate(images):
            d = coord[None, :, :] + shift - coord[:, None, :]
            r = np.linalg.norm(d, axis=2)
            if index == 0:
                np.fill_diagonal(r, 2 * minimum)
            i, j = np.nonzero(r < minimum)
            if i.size:
                step = 0.25 * (minimum - r[i, j])[:, None] * d[i, j] / (r[i, j][:, None] + 1e-3)
                np.add.at(push, j, step)
                np.add.at(push, i, -step)
        if not push.any():
            break
        coord += push + 1e-4 * rng.standard_normal(coord.shape)
    return coord


def random_cell(n, volume_per_atom, tilt, rng):
    """A cell in LAMMPS form (lower triangular) of n atoms; `tilt` is the relative size of its off-diagonal entries."""
    length = (n * volume_per_atom) ** (1.0 / 3.0)
    stretch = np.exp(0.06 * rng.standard_normal(3))
    stretch /= np.prod(stretch) ** (1.0 / 3.0)
    cell = np.diag(length * stretch)
    cell[1, 0], cell[2, 0], cell[2, 1] = tilt * length * rng.uniform(0.4, 1.0, 3) * [1, -1, 1]
    return cell


def dense_packing(n, volume_per_atom, minimum, tilt, rng):
    cell = random_cell(n, volume_per_atom, tilt, rng)
    coord = spread(rng.random((n, 3)) @ cell, cell, minimum, rng)
    fractional = coord @ np.linalg.inv(cell)
    return (fractional - np.floor(fractional)) @ cell, cell


def rounded(coord):
    """Coordinates with few digits, so that data files and JSON hold exactly the numbers that were evaluated."""
    return np.round(coord, 6)


def reference_configurations():
    """The configurations every model is evaluated on: name -> (coord [n, 3], cell [3, 3] or None, types [n])."""
    rng = np.random.default_rng(20251)
    out = {}
    coord, cell = dense_packing(40, 13.25, 2.15, 0.0, rng)
    out["orthogonal"] = (coord, cell, shuffled_types(40, rng))
    coord, cell = dense_packing(48, 13.8, 2.1, 0.22, rng)
    out["triclinic"] = (coord, cell, shuffled_types(48, rng))
    # A free cluster with a lone atom far from everything, no periodicity.
    ball = spread(3.2 * rng.standard_normal((22, 3)), None, 2.2, rng)
    out["cluster"] = (np.vstack([ball, [[25.0, -3.0, 14.0]]]), None, np.append(shuffled_types(22, rng), 1))
    # A gas in a large periodic cell: two lone atoms, a dimer across the boundary, a trimer.
    gas = [[1.0, 2.0, 3.0], [12.0, 12.0, 12.0], [0.4, 18.0, 9.0], [20.2, 18.5, 9.2]]
    gas += [[9.0, 3.0, 20.0], [11.1, 3.3, 20.4], [9.8, 5.2, 20.1]]
    out["gas"] = (np.array(gas), np.diag([22.0, 23.0, 24.0]), np.array([0, 2, 1, 2, 0, 1, 2]))
    # Far too dense: more neighbours of every type than any model here has slots for.
    coord, cell = dense_packing(60, 6.6, 1.7, 0.1, rng)
    out["dense"] = (coord, cell, shuffled_types(60, rng))
    return {
        name: (rounded(coord), None if cell is None else rounded(cell), types)
        for name, (coord, cell, types) in out.items()
    }


def parameters(name, types, dim_fparam, dim_aparam, default_fparam):
    """Frame and atom parameters of a reference configuration, flat, as {"fparam": ..., "aparam": ...}.

    A model without parameters gets none; one with default frame parameters gets its own values in two configurations
    only. The atom parameter is the number of the atom, counted from 1, or one value for all atoms.
    """
    out = {}
    if dim_fparam == 2 and (not default_fparam or name in ("cluster", "gas")):
        out["fparam"] = np.array(FRAME_PARAMETERS[name])
    if dim_aparam == 1:
        same = ATOM_PARAMETER.get(name)
        out["aparam"] = np.arange(1.0, len(types) + 1) if same is None else np.full(len(types), same)
    return out


def other_labels(frames, atoms, rng):
    """Random labels and parameters for the models that are not trained to energies alone; name -> [frames, width]."""
    return {
        "fparam": rng.uniform([0.2, -3.0], [1.2, 1.0], (frames, 2)),
        "aparam": rng.uniform(1.0, 60.0, (frames, atoms)),
    }


def write_training_data(folder, frames=24, atoms=32, seed=7):
    """A deepmd-kit data system of random packings labelled with the Morse potential."""
    rng = np.random.default_rng(seed)
    types = shuffled_types(atoms, rng)
    data = {key: [] for key in ("coord", "box", "energy", "force", "virial")}
    for _ in range(frames):
        coord, cell = dense_packing(atoms, rng.uniform(12.5, 15.5), 2.05, rng.uniform(0.0, 0.15), rng)
        energy, force, virial = morse(coord, cell, types)
        for key, value in zip(data, (coord, cell, energy, force, virial)):
            data[key].append(np.ravel(value))
    folder.joinpath("set.000").mkdir(parents=True, exist_ok=True)
    for key, values in data.items():
        array = np.array(values)
        np.save(folder / "set.000" / f"{key}.npy", array[:, 0] if key == "energy" else array)
    for key, array in other_labels(frames, atoms, np.random.default_rng(seed + 1)).items():
        np.save(folder / "set.000" / f"{key}.npy", array)
    np.savetxt(folder / "type.raw", types, fmt="%d")
    (folder / "type_map.raw").write_text("\n".join(TYPE_MAP) + "\n")


def write_table(path):
    """Pair energies of the six pairs of types against distance, for models with a table of short-range repulsion."""
    r = np.arange(1, 301) * 0.01
    wall = 5.0 * np.exp(-r) * (1.0 - r / 3.0) ** 3
    np.savetxt(path, np.column_stack([r, *[wall * (1 + 0.2 * k) for k in range(6)]]))


def write_configurations(path, systems):
    """The configurations `systems` as JSON; cell null means non-periodic."""
    table = {
        name: {
            "types": types.tolist(),
            "cell": None if cell is None else cell.reshape(-1).tolist(),
            "coordinates": coord.reshape(-1).tolist(),
        }
        for name, (coord, cell, types) in systems.items()
    }
    text = json.dumps({"type_map": TYPE_MAP, "configurations": table}, indent=None, separators=(",", ":"))
    path.write_text(text.replace('},"', '},\n"') + "\n")


def write_lammps_data(path, coord, cell, types):
    """A LAMMPS data file (atom_style atomic). Non-periodic systems get a box 5 A wider than the atoms on every side."""
    if cell is None:
        low, high, tilt = coord.min(axis=0) - 5.0, coord.max(axis=0) + 5.0, np.zeros(3)
    else:
        low, high = np.zeros(3), np.diag(cell)
        tilt = np.array([cell[1, 0], cell[2, 0], cell[2, 1]])
    lines = ["Reference configuration", "", f"{len(types)} atoms", f"{len(TYPE_MAP)} atom types", ""]
    lines += [f"{low[k]:.6f} {high[k]:.6f} {axis}lo {axis}hi" for k, axis in enumerate("xyz")]
    if tilt.any():
        lines.append("{:.6f} {:.6f} {:.6f} xy xz yz".format(*tilt))
    lines += ["", "Masses", "", "1 106.42  # Pd", "2 63.546  # Cu", "3 30.974  # P", "", "Atoms  # atomic", ""]
    lines += ["{} {} {:.6f} {:.6f} {:.6f}".format(i + 1, t + 1, *x) for i, (t, x) in enumerate(zip(types, coord))]
    path.write_text("\n".join(lines) + "\n")
