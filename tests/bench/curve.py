"""Error of forces, its bound and time against the tolerance: table and figure.

    python tests/bench/curve.py [--model FILE --data FILE [--elements O H] [--replicate 2]] [--figure docs/performance.png]

The glass of examples/cuzr-glass without --model. Each run is pinned to one core; errors are the largest difference of any force component
from `tolerance exact`, on the same atoms.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from models import add_options, chosen
from runs import EXACT, MODES, ROOT, Mode, Programs, bound, engine, forces, largest_difference, timing

RUNS = [("", 10.0**-k) for k in range(4, 11)] + [("double", 10.0**-k) for k in range(4, 11)] + [("mixed", 10.0**-k) for k in (3, 4, 5)]
NAMES = {"": "as it follows", "double": "double", "mixed": "mixed"}
# largest displacements along each axis [A]
SHIFTS = (0.05, 0.3)


def run(programs, model, mode, shift, steps, dump):
    """Forces, microseconds an atom a step, knots and bound of one run of in.curve."""
    result = programs.run(model, mode, "in.curve", shift=shift, steps=steps, out=dump)
    text = result["text"]
    return forces(dump), timing(result)["microseconds"], engine(text)["knots"], bound(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    if options.steps < 1:
        parser.error("--steps must be 1 or more")
    model = chosen(options)[0].sizes()[-1]
    exact_mode = next(mode for mode in MODES if mode.name == EXACT)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(options.venv.absolute(), None, Path(options.plugin).absolute(), Path(folder), (options.core,))
        dump = Path(folder, "forces.dump")
        exact = {shift: run(programs, model, exact_mode, shift, 1, dump)[0] for shift in SHIFTS}
        largest = (max(abs(f) for force in found.values() for f in force) for found in exact.values())
        print(f"{model.name}, {len(exact[SHIFTS[0]])} atoms; largest forces: {', '.join(f'{f:.2f}' for f in largest)} eV/A")
        shown = "".join(f"  error, {shift} A    bound" for shift in SHIFTS)
        print(f"precision      tolerance  knots{shown}  us/atom/step")
        for precision, tolerance in RUNS:
            words = f"tolerance {tolerance:g}" + (f" precision {precision}" if precision else "")
            found, bounds = [], []
            for shift, reference in exact.items():
                mine, each, knots, limit = run(programs, model, Mode("curve", True, words=words), shift, options.steps, dump)
                found.append(largest_difference(mine, reference))
                bounds.append(float("nan") if limit is None else limit)
            cells = "".join(f"  {error:13.1e}  {limit:7.1e}" for error, limit in zip(found, bounds))
            print(f"{NAMES[precision]:13}  {tolerance:9.0e}  {knots or '-':>5}{cells}  {each:12.1f}", flush=True)
            rows.append((precision, tolerance, *found, *bounds, each))
    if options.figure:
        draw(rows, options.figure)


def draw(rows, path):
    """Errors and bounds against the tolerance, and time against the error."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sys.path.insert(0, str(ROOT / "examples"))
    from running import PLOT_STYLE

    with pyplot.rc_context(PLOT_STYLE):
        figure, (left, right) = pyplot.subplots(1, 2, figsize=(8.2, 3.4), layout="constrained")
        for precision, colour in (("", "tab:blue"), ("double", "tab:green"), ("mixed", "tab:orange")):
            some = np.array([row[1:] for row in rows if row[0] == precision])
            name = NAMES[precision]
            left.loglog(some[:, 0], some[:, 1], "o-", color=colour, ms=4, label=f"{name}, displaced by {SHIFTS[0]} Å")
            left.loglog(some[:, 0], some[:, 2], "s--", color=colour, ms=4, mfc="w", label=f"{name}, by {SHIFTS[1]} Å")
            left.loglog(some[:, 0], some[:, 4], "_", color=colour, ms=8)
            right.semilogx(some[:, 2], some[:, 5], "o-", color=colour, ms=4, label=name)
        ends = np.array([1e-10, 1e-3])
        left.loglog(ends, ends, color="0.6", lw=1, zorder=0)
        left.text(3e-10, 6e-10, "tolerance", color="0.4", rotation=38, fontsize=8)
        left.set(xlabel="tolerance (eV/Å); bars: bounds", ylabel="largest force error (eV/Å)")
        right.set(xlabel="largest force error (eV/Å)", ylabel="µs an atom a step", ylim=(0, None))
        for axes in (left, right):
            axes.legend(fontsize=7)
        figure.savefig(path)


if __name__ == "__main__":
    main()
