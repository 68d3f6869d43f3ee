"""Error of forces and time against the tolerance, for the network of the benchmark: table and figure.

    python tests/bench/curve.py [--cells 10] [--figure docs/performance.png]

The network must be there: cargo xtask bench makes it. Each run is pinned to one core; errors are the largest difference of any force
component from `tolerance exact`, on the same atoms.
"""

import argparse
import os
import re
import tempfile
from pathlib import Path

import numpy as np
from runs import EXACT, MODES, ROOT, Mode, Programs, forces, kept, largest_difference, timing

RUNS = [("double", 10.0**-k) for k in range(3, 11)] + [("mixed", 10.0**-k) for k in (3, 4, 5)]
# largest displacements along each axis [A]; the second is that of the benchmark
SHIFTS = (0.11, 0.365)
LATTICE = 3.65  # lattice constant of in.system [A]


def run(programs, mode, shift, cells, steps, dump):
    """Forces, microseconds an atom a step, and (curves, inputs, error found at load) of one run of in.curve."""
    result = programs.run(mode, "in.curve", cells=cells, shift=shift / LATTICE, steps=steps, out=dump)
    found = re.search(r"force error (\S+) eV/A$", result["text"], re.MULTILINE)
    return forces(dump), timing(result)["microseconds"], (*kept(result["text"]), found[1] if found else "-")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10, help="fcc cells a side: 10 = 4000 atoms")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--models", type=Path, default=ROOT / "target" / "bench", help="folder of paper.pb")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    programs = Programs(options.venv, None, options.plugin, options.models, (options.core,))
    exact_mode = next(mode for mode in MODES if mode.name == EXACT)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder, "forces.dump")
        exact = {shift: run(programs, exact_mode, shift, options.cells, 0, dump)[0] for shift in SHIFTS}
        largest = (max(abs(f) for force in found.values() for f in force) for found in exact.values())
        print(f"largest forces: {', '.join(f'{f:.2f}' for f in largest)} eV/A")
        print("precision  tolerance  curves  inputs  error found at load  error, 0.11 A  error, 0.365 A  us/atom/step")
        for precision, tolerance in RUNS:
            mode = Mode("curve", True, words=f"precision {precision} tolerance {tolerance:g}")
            errors = []
            for shift, reference in exact.items():
                steps = options.steps if shift == SHIFTS[1] else 0
                found, each, (curves, inputs, judged) = run(programs, mode, shift, options.cells, steps, dump)
                errors.append(largest_difference(found, reference))
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
