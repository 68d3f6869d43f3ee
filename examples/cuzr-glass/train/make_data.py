#!/usr/bin/env python3
"""Make the training and held-out data of the Cu-Zr Deep Potential with LAMMPS and the EAM potential.

Every replica is one run of in.trajectory: a 108-atom cell melted at 2500 K, quenched to 50 K and then strained
sinusoidally in all six components at 100, 300, 600 and 900 K. Each of its frames is used twice, as it is and once more with a
random homogeneous deformation and a small random displacement of every atom. in.label computes the energy,
the forces and the virial of all of them. The result is written in the npy format of deepmd-kit:

    set.000/coord.npy   [n_frames, n_atoms * 3]  A
    set.000/box.npy     [n_frames, 9]            A, lattice vectors as rows
    set.000/energy.npy  [n_frames]               eV
    set.000/force.npy   [n_frames, n_atoms * 3]  eV/A
    set.000/virial.npy  [n_frames, 9]            eV, W = -dE/d(strain) = sum_i r_i f_i

The atoms of a replica keep their order, so a replica is one deepmd system.
"""

import argparse
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
BAR_A3 = 1.0 / 1.6021765e6  # LAMMPS metal units (nktv2p): 1 eV/A^3 = 1.6021765e6 bar

# (number of replicas, Zr fraction, steps of the quench); the last replica of each line is held out.
PLAN = [
    (4, 0.35, 120_000),
    (3, 0.35, 300_000),
]
MAX_STRAIN = 0.04
MAX_RATTLE = 0.06  # A, per coordinate, one standard deviation at most


def lammps(lmp, deck, log, **variables):
    """Run one deck on one core and stop with the end of its log when it fails."""
    command = [str(lmp), "-in", str(HERE / deck), "-log", "none", "-screen", str(log)]
    for name, value in variables.items():
        command += ["-var", name, str(value)]
    if subprocess.run(command).returncode != 0:
        raise SystemExit(f"{deck} failed:\n" + "\n".join(log.read_text().splitlines()[-5:]))


def read_dump(path):
    """Frames of a LAMMPS text dump: list of (bounds [3, 3], columns [n_atoms, n_columns])."""
    frames = []
    with open(path) as file:
        while line := file.readline():
            assert line.startswith("ITEM: TIMESTEP"), f"{path}: unexpected line {line!r}"
            file.readline()
            file.readline()
            n_atoms = int(file.readline())
            file.readline()
            bounds = np.zeros((3, 3))
            for row in bounds:
                values = [float(v) for v in file.readline().split()]
                row[: len(values)] = values
            file.readline()
            rows = np.array([file.readline().split() for _ in range(n_atoms)], dtype=float)
            frames.append((bounds, rows))
    return frames


def lattice(bounds):
    """Lattice vectors as rows [3, 3] and origin [3] from the bounding box of a dump."""
    xy, xz, yz = bounds[:, 2]
    xlo = bounds[0, 0] - min(0.0, xy, xz, xy + xz)
    xhi = bounds[0, 1] - max(0.0, xy, xz, xy + xz)
    ylo = bounds[1, 0] - min(0.0, yz)
    yhi = bounds[1, 1] - max(0.0, yz)
    h = np.array([[xhi - xlo, 0, 0], [xy, yhi - ylo, 0], [xz, yz, bounds[2, 1] - bounds[2, 0]]])
    return h, np.array([xlo, ylo, bounds[2, 0]])


def deformed(h, x, rng):
    """A random upper-triangular deformation of the cell, and a random displacement of its atoms."""
    strain = np.triu(rng.uniform(-MAX_STRAIN, MAX_STRAIN, (3, 3)))
    f = np.eye(3) + strain  # acts on columns: r' = f r
    h_new, x_new = h @ f.T, x @ f.T
    return h_new, x_new + rng.uniform(0, MAX_RATTLE) * rng.standard_normal(x.shape)


def write_dump(path, cells, types):
    """Frames [(h, x)] as a triclinic LAMMPS dump for `rerun`."""
    with open(path, "w") as file:
        for step, (h, x) in enumerate(cells):
            xy, xz, yz = h[1, 0], h[2, 0], h[2, 1]
            low = [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
            high = [h[0, 0] + max(0.0, xy, xz, xy + xz), h[1, 1] + max(0.0, yz), h[2, 2]]
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(x)}\n")
            file.write("ITEM: BOX BOUNDS xy xz yz pp pp pp\n")
            for lo, hi, tilt in zip(low, high, (xy, xz, yz)):
                file.write(f"{lo:.16e} {hi:.16e} {tilt:.16e}\n")
            file.write("ITEM: ATOMS id type x y z\n")
            for i, (t, r) in enumerate(zip(types, x)):
                file.write(f"{i + 1} {t} {r[0]:.10f} {r[1]:.10f} {r[2]:.10f}\n")


def wrapped(h, x):
    """Coordinates moved into the cell [0, 1)^3 of the lattice h."""
    s = x @ np.linalg.inv(h)
    return (s - np.floor(s)) @ h


def make_replica(lmp, eam, work, name, zr, cool, seed):
    """Run, deform and label one replica; write it as a deepmd system; return its number of frames.

    A replica that a previous call has completed is kept.
    """
    if (work / name / "type_map.raw").exists():
        return len(np.load(work / name / "set.000" / "energy.npy"))
    trajectory, log = work / f"{name}.dump", work / f"{name}.log"
    lammps(lmp, "in.trajectory", log, eam=eam, zr=zr, seed=seed, cool=cool, dump=trajectory)
    rng = np.random.default_rng(seed)
    cells, types = [], None
    for bounds, rows in read_dump(trajectory):
        h, origin = lattice(bounds)
        types = rows[:, 1].astype(int)
        x = rows[:, 2:5] - origin
        for h_i, x_i in ((h, x), deformed(h, x, rng)):
            cells.append((h_i, wrapped(h_i, x_i)))
    frames, forces, table = (work / f"{name}.{s}" for s in ("frames", "forces", "table"))
    write_dump(frames, cells, types)
    lammps(lmp, "in.label", log, eam=eam, frames=frames, forces=forces, table=table)

    energy, volume, *pressure = np.loadtxt(table).T
    force = np.array([rows[:, 1:4].ravel() for _, rows in read_dump(forces)])
    if not len(energy) == len(force) == len(cells):
        raise SystemExit(f"{name}: {len(cells)} frames, {len(energy)} energies, {len(force)} force sets")
    xx, yy, zz, xy, xz, yz = np.array(pressure) * volume * BAR_A3
    system = work / name / "set.000"
    system.mkdir(parents=True, exist_ok=True)
    np.save(system / "coord.npy", np.array([x.ravel() for _, x in cells]))
    np.save(system / "box.npy", np.array([h.ravel() for h, _ in cells]))
    np.save(system / "energy.npy", energy)
    np.save(system / "force.npy", force)
    np.save(system / "virial.npy", np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], axis=1))
    np.savetxt(system.parent / "type.raw", types - 1, fmt="%d")
    (system.parent / "type_map.raw").write_text("Cu\nZr\n")
    for path in (trajectory, frames, forces, table):
        path.unlink()
    return len(cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lmp", required=True, help="LAMMPS executable with the MANYBODY package")
    parser.add_argument("--eam", required=True, help="CuZr_mm.eam.fs")
    parser.add_argument("--out", type=Path, required=True, help="folder for the data")
    parser.add_argument("--jobs", type=int, default=2, help="replicas at once, one core each")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    jobs = []
    for line, (count, zr, cool) in enumerate(PLAN):
        for replica in range(count):
            part = "test" if replica == count - 1 else "train"
            jobs.append((f"{part}-{line}{replica}", zr, cool, 1000 * (line + 1) + 17 * replica + 1))
    jobs.sort(key=lambda job: -job[2])
    with ThreadPoolExecutor(args.jobs) as pool:
        futures = [(job, pool.submit(make_replica, args.lmp, args.eam, args.out, *job)) for job in jobs]
        for job, future in futures:
            print(f"{job[0]}: Zr fraction {job[1]}, quench {job[2]} steps, {future.result()} frames", flush=True)


if __name__ == "__main__":
    main()
