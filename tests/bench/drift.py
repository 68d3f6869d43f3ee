"""Drift of the total energy at constant energy: what the error of the forces of each mode does to it in a long run.

    cargo xtask bench drift [--model FILE --data FILE [--elements O H] [--name NAME]]... [--kelvin 330] [--femtoseconds 0.5]
        [--steps 100000] [--modes exact default mixed]

The atoms of each data file (in.drift), one core; the glass of examples/cuzr-glass without --model. The drift is the slope of a straight line through means of blocks, its standard error
follows from how they scatter about it. Results: drift.json, drift.md and
drift.NAME.MODE.txt in the folder --out (target/bench).
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from models import add_options, chosen
from runs import DEFAULT, EXACT, MIXED, MODES, ROOT, Programs, bound

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


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--steps", type=int, default=100000, help=f"at least {2 * BLOCKS}")
    parser.add_argument("--settle", type=int, default=1000, help="steps with a thermostat before the first that counts")
    parser.add_argument("--kelvin", type=float, default=300.0)
    parser.add_argument("--femtoseconds", type=float, default=1.0, help="of a step")
    parser.add_argument("--modes", nargs="+", choices=[mode.name for mode in MODES if mode.ours], default=[EXACT, DEFAULT, MIXED])
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    options = parser.parse_args()
    if options.steps < 2 * BLOCKS:
        sys.exit(f"drift: --steps must be at least {2 * BLOCKS}")
    return options


def main():
    options = arguments()
    models = chosen(options)
    out = options.out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    programs = Programs(options.venv.absolute(), None, Path(options.plugin).absolute(), out, [options.core])
    every = max(1, options.steps // SAMPLES)
    variables = {"steps": options.steps, "settle": options.settle, "every": every, "kelvin": options.kelvin, "femtoseconds": options.femtoseconds}
    results = []
    lines = ["| | drift, µeV/atom/ns | scatter, µeV/atom | temperature, K | bound of forces, eV/Å |", "|---|---:|---:|---:|---:|"]
    for model in models:
        for mode in (mode for mode in MODES if mode.name in options.modes):
            path = out / f"drift.{model.file.stem}.{mode.name}.txt"
            result = programs.run(model, mode, "in.drift", out=path, **variables)
            rows = [list(map(float, line.split())) for line in path.read_text().splitlines() if not line.startswith("#")]
            times, energies, kelvin = ([row[n] for row in rows] for n in range(3))
            drift, error, scatter = slope(times, energies)
            temperature, largest = sum(kelvin) / len(kelvin), bound(result["text"])
            beyond = re.findall(r"^Neighbours beyond sel = (.*)$", result["text"], re.MULTILINE)
            found = {"drift": drift, "error": error, "scatter": scatter, "temperature": temperature, "bound": largest}
            about = {"model": model.name, "mode": mode.name, "steps": options.steps, "atoms": model.atoms, "beyond": beyond[-1]}
            results.append({**about, **found})
            shown = "–" if largest is None else f"{largest:.0e}"
            lines.append(f"| {model.name}, {model.atoms} atoms, {mode.name} | {drift:.3g} ± {error:.2g} | {scatter:.3g} | {temperature:.0f} | {shown} |")
            print(f"{lines[-1]}  ({result['seconds']:.0f} s)", flush=True)
            if beyond[-1] != "none":
                print(f"  more neighbours than the model has room for ({beyond[-1]}): the energy jumps when they change, in every mode")
            (out / "drift.json").write_text(json.dumps(results, indent=1) + "\n")
    text = "\n".join(lines) + "\n"
    (out / "drift.md").write_text(text)
    print(f"\n{options.steps} steps of {options.femtoseconds:g} fs at constant energy\n\n{text}")


if __name__ == "__main__":
    main()
