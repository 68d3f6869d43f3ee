"""Trajectories of students in LAMMPS, and the frames of them on which the students disagree."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

import children
import structures
from frames import ELEMENTS, MASSES, Frame

HERE = Path(__file__).resolve().parent


def write_data(path, frame):
    """A frame with a cubic cell as a LAMMPS data file of a triclinic box."""
    lines = ["packing", "", f"{len(frame)} atoms", f"{len(ELEMENTS)} atom types"]
    lines += [f"0 {frame.cell[i, i]:.10f} {c}lo {c}hi" for i, c in enumerate("xyz")] + ["0 0 0 xy xz yz", "", "Masses", ""]
    lines += [f"{i + 1} {mass}" for i, mass in enumerate(MASSES)] + ["", "Atoms # atomic", ""]
    lines += [f"{i + 1} {t + 1} {x[0]:.8f} {x[1]:.8f} {x[2]:.8f}" for i, (t, x) in enumerate(zip(frame.types, frame.positions))]
    path.write_text("\n".join(lines) + "\n")


def read_dump(path):
    """Step, cell [3, 3], types and positions of every whole frame of a LAMMPS text dump of a triclinic box."""
    lines = path.read_text().splitlines()
    found, at = [], 0
    while at + 9 <= len(lines):
        n_atoms = int(lines[at + 3])
        rows = lines[at + 9 : at + 9 + n_atoms]
        if len(rows) < n_atoms:
            break
        (xlo, xhi, xy), (ylo, yhi, xz), (zlo, zhi, yz) = (map(float, line.split()) for line in lines[at + 5 : at + 8])
        xlo, xhi = xlo - min(0, xy, xz, xy + xz), xhi - max(0, xy, xz, xy + xz)
        ylo, yhi = ylo - min(0, yz), yhi - max(0, yz)
        cell = np.array([[xhi - xlo, 0, 0], [xy, yhi - ylo, 0], [xz, yz, zhi - zlo]])
        table = np.array([row.split() for row in rows], float)
        found.append((int(lines[at + 1]), cell, table[:, 1].astype(int) - 1, table[:, 2:5] - [xlo, ylo, zlo]))
        at += 9 + n_atoms
    return found


def stage(step, mode, cool, hold):
    """Name of the part of in.explore that a step belongs to."""
    for name, steps in (("settle", 500), ("melt", 2000), ("quench", cool)):
        if step <= steps:
            return name
        step -= steps
    return mode


def trajectory(programs, models, folder, frame, rng, settings):
    """Run in.explore once, unless `folder` holds its results already, and return (frame, disagreement) of every dumped step.

    `disagreement` is the largest deviation of a force between the models, eV/A. A run whose atoms fly apart gives the
    frames up to there.
    """
    run = {
        "seed": rng.integers(1, 900_000_000),
        "hot": round(rng.uniform(*settings["hot"])),
        "cold": 300,
        "pressure": round(1e4 * rng.uniform(*settings["pressure"])),  # GPa to bar
        "cool": settings["cool"],
        "hold": settings["hold"],
        "mode": "squeeze" if rng.random() < settings["squeeze"] else "shear",
        "every": settings["every"],
    }
    if not folder.exists():
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_data(partial / "start.data", frame)
        command = [programs.lmp, "-in", HERE / "in.explore", "-log", "none", "-var", "plugin", programs.plugin]
        for name, value in dict(run, models=" ".join(map(str, models)), start="start.data", out="run").items():
            command += ["-var", name, value]
        with open(partial / "log", "w") as log:
            children.run(command, cwd=partial, stdout=log, stderr=subprocess.STDOUT)
        if not (partial / "run.devi").exists() or len(read_dump(partial / "run.dump")) < 3:
            tail = [line for line in (partial / "log").read_text().splitlines() if line.strip()][-4:]
            raise SystemExit(f"LAMMPS failed at once in {partial}:\n  " + "\n  ".join(tail))
        partial.rename(folder)
    deviation = {int(row[0]): row[4] for row in np.loadtxt(folder / "run.devi", ndmin=2) if np.isfinite(row).all()}
    target = {int(row[0]): row[1] for row in np.loadtxt(folder / "run.temp", ndmin=2)}
    return [
        (Frame(types, x, cell, stage(step, run["mode"], run["cool"], run["hold"]), target[step]), deviation[step])
        for step, cell, types, x in read_dump(folder / "run.dump")
        if step in deviation and step in target
    ]


def pick(candidates, count, low, high, rng):
    """`count` of the (frame, disagreement) candidates: most between `low` and `high`, a fifth whatever is below `high`.

    Where too few are between the two, the rest are those next below `low`.
    """
    below = [c for c in candidates if c[1] < high]
    chosen = set(rng.permutation(len(below))[: count // 5])
    between = [i for i in rng.permutation(len(below)) if low <= below[i][1] and i not in chosen]
    others = sorted((i for i in range(len(below)) if below[i][1] < low and i not in chosen), key=lambda i: -below[i][1])
    chosen.update((between + others)[: count - len(chosen)])
    return [below[i][0] for i in sorted(chosen)]


def augmented(frames, count, rng):
    """`count` frames made of some of `frames`: two thirds strained, one third with close contacts."""
    made = []
    for k, i in enumerate(rng.choice(len(frames), count, replace=count > len(frames))):
        made.append(structures.contact(frames[i], rng) if k % 3 == 2 else structures.strained(frames[i], rng))
    return made
