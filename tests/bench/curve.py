"""Error of forces and time against the tolerance, for the network of the benchmark: table and figure.

    python tests/bench/curve.py [--cells 10] [--figure docs/performance.png]

The network must be there: cargo xtask bench makes it. Each run is pinned to one core; errors are the largest difference of any force
component from `tolerance exact`, on the same atoms.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DECK = """
plugin load {plugin}
units metal
lattice fcc 3.65
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 3 box
create_atoms 1 box
set group all type/fraction 2 0.5 4711
set type 1 type/fraction 3 0.2 4712
set type 2 type/fraction 3 0.2 4713
displace_atoms all random {shift} {shift} {shift} 4714 units box
mass * 60.0
pair_style deepmd {model} {words}
pair_coeff * * Pd Cu P
velocity all create 300.0 4715
fix integrate all nve
run 0
write_dump all custom {dump} id fx fy fz modify sort id format float %.17g
run {steps}
"""
# largest displacements along each axis [A]; the second is that of the benchmark
SHIFTS = (0.11, 0.365)
RUNS = [("double", 10.0**-k) for k in range(3, 11)] + [("mixed", 10.0**-k) for k in (3, 4, 5)]


def run(options, words, shift, steps, folder):
    """Forces [n, 3], microseconds an atom a step, and what the screen says of the reduction."""
    deck, dump = folder / "in.lmp", folder / "forces.dump"
    deck.write_text(DECK.format(**{**vars(options), "words": words, "shift": shift, "steps": steps, "dump": dump}))
    done = subprocess.run(
        [options.lmp, "-in", deck, "-log", "none"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, {options.core}),
    )
    if done.returncode:
        sys.exit(done.stdout[-2000:])
    loops = re.findall(r"Loop time of (\S+) on 1 procs for (\d+) steps with (\d+) atoms", done.stdout)
    seconds, n_steps, atoms = (float(x) for x in loops[-1])
    kept = re.search(r"reduced to (\d+) curves and (\d+) of \d+ inputs, force error (\S+)", done.stdout)
    forces = np.loadtxt(dump, skiprows=9)[:, 1:]
    return forces, 1e6 * seconds / atoms / max(n_steps, 1), kept.groups() if kept else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10, help="fcc cells a side: 10 = 4000 atoms")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--model", type=Path, default=ROOT / "target/bench/paper.pb")
    parser.add_argument("--lmp", type=Path, default=ROOT / ".venv/bin/lmp")
    parser.add_argument("--plugin", type=Path, default=ROOT / "build/deepdmsplugin.so")
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        exact = {shift: run(options, "tolerance exact", shift, 0, folder)[0] for shift in SHIFTS}
        print(f"largest forces: {', '.join(f'{np.abs(f).max():.2f}' for f in exact.values())} eV/A")
        print("precision  tolerance  curves  inputs  error found at load  error, 0.11 A  error, 0.365 A  us/atom/step")
        for precision, tolerance in RUNS:
            words = f"precision {precision} tolerance {tolerance:g}"
            errors = []
            for shift, reference in exact.items():
                forces, time, kept = run(options, words, shift, options.steps if shift == SHIFTS[1] else 0, folder)
                errors.append(np.abs(forces - reference).max())
                if shift == SHIFTS[1]:
                    each, first = time, kept
            curves, inputs, judged = first or ("-", "-", "-")
            print(
                f"{precision:9}  {tolerance:9.0e}  {curves:>6}  {inputs:>6}  {judged:>19}"
                f"  {errors[0]:13.1e}  {errors[1]:14.1e}  {each:12.1f}",
                flush=True,
            )
            rows.append((precision, tolerance, *errors, each))
    if options.figure:
        draw(rows, options.figure)


def draw(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    for precision, colour in (("double", "tab:blue"), ("mixed", "tab:orange")):
        some = np.array([row[1:] for row in rows if row[0] == precision])
        left.loglog(some[:, 0], some[:, 1], "o-", color=colour, label=f"{precision}, atoms displaced by 0.11 Å")
        left.loglog(some[:, 0], some[:, 2], "s--", color=colour, mfc="w", label=f"{precision}, by 0.365 Å")
        right.semilogx(some[:, 2], some[:, 3], "o-", color=colour, label=precision)
    ends = np.array([1e-10, 1e-3])
    left.loglog(ends, ends, color="0.6", lw=1, zorder=0)
    left.text(3e-10, 6e-10, "tolerance", color="0.4", rotation=38, fontsize=8)
    left.set(xlabel="tolerance (eV/Å)", ylabel="largest force error (eV/Å)")
    right.set(xlabel="largest force error (eV/Å)", ylabel="µs an atom a step", ylim=(0, None))
    for axes in (left, right):
        axes.legend(fontsize=7)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
