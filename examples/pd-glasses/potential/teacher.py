#!/usr/bin/env python3
"""The teacher, nequix-omat-1, and what it is asked: labels of given frames, and the seed data.

    teacher.py WEIGHTS CACHE seed OUT [--packings 24] [--strains 14] [--relax 12]
    teacher.py WEIGHTS CACHE label CANDIDATES OUT

CACHE is a folder for compiled programs, which a later run takes from there. Both commands may be killed at any time and go
on where they were when they are called again; OUT, a file of frames, appears when all is done.
"""

import argparse
import os
import shutil
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import equinox
import jax
import jraph
import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.optimize import FIRE
from ase.stress import full_3x3_to_voigt_6_stress
from nequix.calculator import from_pretrained
from nequix.data import atomic_numbers_to_indices, dict_to_graphstuple, preprocess_graph

import frames
import structures

# Graphs are padded to shapes of a fixed set, since each shape compiles for 15 seconds.
NODES = 72  # more than the atoms of any frame
EDGES = 512  # padded to the next multiple
LARGEST_FORCE = 40.0  # eV/A; a frame beyond it teaches nothing about melts and glasses and is left out


class Teacher(Calculator):
    """Energy (eV), forces (eV/A) and stress (eV/A^3) of nequix-omat-1 on one core, in single precision."""

    implemented_properties = ["energy", "forces", "stress"]

    def __init__(self, weights, cache):
        super().__init__()
        jax.config.update("jax_compilation_cache_dir", str(cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
        model, config = from_pretrained(model_path=weights, backend="jax", use_kernel=False)
        self.model = equinox.filter_jit(model)
        self.cutoff = config["cutoff"]
        self.species = atomic_numbers_to_indices(config["atomic_numbers"])

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        graph = dict_to_graphstuple(preprocess_graph(atoms, self.species, self.cutoff, False))
        edges = EDGES * (int(graph.n_edge[0]) // EDGES + 1)
        energy, forces, stress = self.model(jraph.pad_with_graphs(graph, n_node=NODES, n_edge=edges, n_graph=2))
        self.results = {
            "energy": float(energy[0]),
            "forces": np.array(forces[: len(atoms)], float),
            "stress": full_3x3_to_voigt_6_stress(np.array(stress[0], float)),
        }

    def label(self, frame):
        """Fill in the energy, forces and virial of a frame."""
        atoms = structures.to_atoms(frame)
        atoms.calc = self
        frame.forces = atoms.get_forces()
        frame.energy = atoms.get_potential_energy()
        frame.virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
        return frame

    def relaxation(self, frame, steps):
        """Every second frame, labelled, of a relaxation of the positions by `steps` steps, and the end of it."""
        atoms = structures.to_atoms(frame)
        atoms.calc = self
        path = []

        def record():
            now = structures.from_atoms(atoms, frame.kind)
            now.forces, now.energy = atoms.get_forces(), atoms.get_potential_energy()
            now.virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
            path.append(now)

        optimizer = FIRE(atoms, logfile=None, maxstep=0.15)
        optimizer.attach(record, interval=2)
        optimizer.run(fmax=0.02, steps=steps)
        return path, structures.from_atoms(atoms, frame.kind)


def usable(frame):
    """Whether the teacher's answer is finite and its forces those of matter."""
    return np.isfinite(frame.energy) and np.isfinite(frame.forces).all() and abs(frame.forces).max() < LARGEST_FORCE


def seed(teacher, out, options):
    """Seed data: relaxations of random packings and of crystals, and their ends strained, displaced and pushed together."""
    folder = out.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    crystals = structures.crystals()
    jobs = [(f"crystal {name}", i) for i, name in enumerate(crystals)]
    jobs += [(f"packing {i:02d}", 1000 + i) for i in range(options.packings)]
    for name, number in jobs:
        part = folder / f"{name.replace(' ', '-')}.npz"
        if part.exists():
            continue
        rng = np.random.default_rng([options.seed, number])
        if name.startswith("crystal"):
            start = structures.from_atoms(crystals[name.split()[1]], name)
            path, end = teacher.relaxation(start, 2 * options.relax)
            made = [structures.strained(end, rng, rattle=0.2, kind=name) for _ in range(options.strains)]
        else:
            start = structures.packing(structures.composition(rng), rng, rng.uniform(0.97, 1.2))
            path, end = teacher.relaxation(start, options.relax)
            made = [structures.strained(end, rng, rattle=0.3, kind="packing") for _ in range(options.strains // 2)]
        made.append(structures.contact(end, rng))
        labelled = [f for f in path + [teacher.label(f) for f in made] if usable(f)]
        frames.save(part, labelled)
        force = np.sqrt(np.mean(path[-1].forces ** 2))
        print(f"{name}: {len(labelled)} frames, relaxed to {force:.2f} eV/A", flush=True)
    frames.save(out, [frame for part in sorted(folder.iterdir()) if part.suffix == ".npz" for frame in frames.load(part)])
    shutil.rmtree(folder)


def label(teacher, candidates, out):
    """Label the frames of the file `candidates`, each into a file of its own and at the end all into `out`."""
    folder = out.with_suffix(".parts")
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for i, frame in enumerate(frames.load(candidates)):
        parts.append(folder / f"{i:05d}.npz")
        if not parts[-1].exists():
            frames.save(parts[-1], [teacher.label(frame)])
    labelled = [frame for part in parts for frame in frames.load(part)]
    kept = [frame for frame in labelled if usable(frame)]
    frames.save(out, kept)
    print(f"{len(kept)} frames labelled, {len(labelled) - len(kept)} left out", flush=True)
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="nequix-omat-1.nqx")
    parser.add_argument("cache", type=Path, help="folder for compiled programs")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("seed")
    one.add_argument("out", type=Path)
    one.add_argument("--packings", type=int, default=24)
    one.add_argument("--strains", type=int, default=14, help="strained copies of a crystal; half as many of a packing")
    one.add_argument("--relax", type=int, default=12, help="steps of the relaxation of a packing; crystals have twice as many")
    one.add_argument("--seed", type=int, default=1)
    two = commands.add_parser("label")
    two.add_argument("candidates", type=Path)
    two.add_argument("out", type=Path)
    options = parser.parse_args()
    teacher = Teacher(options.weights, options.cache)
    if options.command == "seed":
        seed(teacher, options.out, options)
    else:
        label(teacher, options.candidates, options.out)


if __name__ == "__main__":
    main()
