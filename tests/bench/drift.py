"""Drift of the total energy at constant energy: what the error of the forces of each mode does to it in a long run.

    cargo xtask bench drift [--steps 100000] [--modes exact default mixed]

500 atoms (in.drift), 1 fs a step, one core. The drift is the slope of a straight line through means of blocks, its standard error
follows from how they scatter about it. Results: drift.json, drift.md and drift.MODE.txt in the folder --out (target/bench).
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from runs import MODES, ROOT, Programs

NAMES = {"exact": "deepdms exact", "default": "deepdms 1e-7 (default)", "mixed": "deepdms mixed, 1e-5", "tight": "deepdms 1e-10"}
BLOCKS = 20
SAMPLES = 1000


def slope(times, energies):
    """(drift [µeV/atom/ns], standard error, scatter about the line [µeV/atom]) of energies [eV/atom] at times [ps]."""
    size = len(times) // BLOCKS
    blocks = [slice(n * size, (n + 1) * size) for n in range(BLOCKS)]
    x = [sum(times[b]) / size for b in blocks]
    start = energies[0]
    y = [sum(energy - start for energy in energies[b]) / size for b in blocks]
    mean_x, mean_y = sum(x) / BLOCKS, sum(y) / BLOCKS
    spread = sum((value - mean_x) ** 2 for value in x)
    gradient = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread
    rest = sum((b - mean_y - gradient * (a - mean_x)) ** 2 for a, b in zip(x, y))
    error = (rest / (BLOCKS - 2) / spread) ** 0.5
    line = [(e - start) - mean_y - gradient * (t - mean_x) for t, e in zip(times, energies)]
    scatter = (sum(value**2 for value in line) / len(line)) ** 0.5
    return 1e9 * gradient, 1e9 * error, 1e6 * scatter


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100000, help=f"at least {2 * BLOCKS}")
    parser.add_argument("--settle", type=int, default=1000, help="steps before the first that counts")
    parser.add_argument("--cells", type=int, default=5, help="fcc cells a side")
    parser.add_argument("--modes", nargs="+", choices=NAMES, default=["exact", "default", "mixed"])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    options = parser.parse_args()
    if options.steps < 2 * BLOCKS:
        sys.exit(f"drift: --steps must be at least {2 * BLOCKS}")
    out = options.out.absolute()
    if not (out / "paper.pb").exists():
        sys.exit(f"drift: {out / 'paper.pb'} is not there: `cargo xtask bench` makes it")

    programs = Programs(options.venv.absolute(), None, Path(options.plugin).absolute(), out, [options.core])
    every = max(1, options.steps // SAMPLES)
    results = []
    lines = ["| | drift, µeV/atom/ns | scatter, µeV/atom | temperature, K |", "|---|---:|---:|---:|"]
    for word in options.modes:
        mode = next(mode for mode in MODES if mode.name == NAMES[word])
        path = out / f"drift.{word}.txt"
        steps = {"steps": options.steps, "settle": options.settle, "every": every}
        result = programs.run(mode, "in.drift", out=path, cells=options.cells, **steps)
        rows = [list(map(float, line.split())) for line in path.read_text().splitlines() if not line.startswith("#")]
        times, energies, kelvin = ([row[n] for row in rows] for n in range(3))
        drift, error, scatter = slope(times, energies)
        temperature = sum(kelvin) / len(kelvin)
        beyond = re.findall(r"^Neighbours beyond sel = (.*)$", result["text"], re.MULTILINE)
        found = {"mode": mode.name, "drift": drift, "error": error, "scatter": scatter, "temperature": temperature}
        results.append({**found, "steps": options.steps, "atoms": 4 * options.cells**3, "beyond": beyond[-1]})
        lines.append(f"| {mode.name} | {drift:.3g} ± {error:.2g} | {scatter:.3g} | {temperature:.0f} |")
        print(f"{lines[-1]}  ({result['seconds']:.0f} s)", flush=True)
        if beyond[-1] != "none":
            print(f"  more neighbours than the model has room for ({beyond[-1]}): the energy jumps when they change, in every mode")
        (out / "drift.json").write_text(json.dumps(results, indent=1) + "\n")
    text = "\n".join(lines) + "\n"
    (out / "drift.md").write_text(text)
    print(f"\n{4 * options.cells**3} atoms, {options.steps} steps of 1 fs at constant energy\n\n{text}")


if __name__ == "__main__":
    main()
