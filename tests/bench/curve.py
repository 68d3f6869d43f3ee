"""Error of forces and time against the tolerance, for the network of the benchmark: table and figure.

    python tests/bench/curve.py [--cells 10] [--figure docs/performance.png] [--peer 166]

The network must be there: cargo xtask bench makes it. Each run is pinned to one core; errors are the largest difference of any force
component from `tolerance exact`, on the same atoms. Times are medians of `--repeat` runs, their bars the extremes. --peer is the time
of compressed deepmd-kit in the benchmark, which is drawn beside them.
"""

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import running  # noqa: E402
from runs import EXACT, MODES, ROOT, Mode, Programs, forces, kept, largest_difference, timing  # noqa: E402

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
    parser.add_argument("--repeat", type=int, default=3, help="runs of each that is timed")
    parser.add_argument("--peer", type=float, help="microseconds an atom a step of compressed deepmd-kit")
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
            errors, each = [], []
            for shift, reference in exact.items():
                timed = shift == SHIFTS[1]
                for _ in range(options.repeat if timed else 1):
                    steps = options.steps if timed else 0
                    found, microseconds, (curves, inputs, judged) = run(programs, mode, shift, options.cells, steps, dump)
                    each += [microseconds] if timed else []
                errors.append(largest_difference(found, reference))
            each = sorted(each)
            print(
                f"{precision:9}  {tolerance:9.0e}  {curves:>6}  {inputs:>6}  {judged:>19}"
                f"  {errors[0]:13.1e}  {errors[1]:14.1e}  {np.median(each):12.1f}",
                flush=True,
            )
            rows.append((precision, tolerance, *errors, np.median(each), each[0], each[-1]))
    if options.figure:
        draw(rows, options.peer, options.figure)


def draw(rows, peer, path):
    """Errors against tolerance, and times against errors."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with pyplot.rc_context(running.PLOT_STYLE):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.8), constrained_layout=True)
        for precision, colour in (("double", "#2b5d8a"), ("mixed", "#c8442b")):
            some = np.array([row[1:] for row in rows if row[0] == precision])
            left.loglog(some[:, 0], some[:, 1], "o-", color=colour, ms=4.5, lw=1, label=f"{precision}, atoms displaced by 0.11 Å")
            left.loglog(some[:, 0], some[:, 2], "s--", color=colour, ms=4.5, lw=1, mfc="w", label=f"{precision}, by 0.365 Å")
            median, least, most = some[:, 3:].T
            bars = (median - least, most - median)
            right.errorbar(some[:, 2], median, bars, fmt="o-", color=colour, ms=4.5, lw=1, capsize=2.5, label=f"deepdms, {precision}")
        ends = np.array([1e-10, 1e-3])
        left.loglog(ends, ends, color="#999999", lw=1, zorder=0, label="the tolerance")
        if peer:
            right.axhline(peer, color="#333333", lw=1, ls="--", label="deepmd-kit, compressed")
        left.set(xlabel="tolerance (eV/Å)", ylabel="largest force error (eV/Å)")
        right.set(xscale="log", xlabel="largest force error (eV/Å)", ylabel="µs an atom a step", ylim=(0, None))
        for axes in (left, right):
            axes.legend(fontsize=7)
        running.save(figure, path)


if __name__ == "__main__":
    main()
