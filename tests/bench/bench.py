"""pair_style deepmd of deepdms and of deepmd-kit side by side: time, memory, start-up, and errors of forces.

    cargo xtask bench [--quick] [--sizes 64 500 4000 32000 | --cells 5 10] [--repeats 3] [--seconds 3 | --steps 20]

All programs run alternately on the same configurations (in.system), one thread for every library, pinned to cores. The models are
made once, in the folder --out (target/bench), by make_paper_model.py with deepmd-kit. Results: bench.json, bench.md and bench.png there.
"""

import argparse
import itertools
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from runs import EXACT, HERE, MODES, PEER_COMPRESSED, ROOT, Programs, forces, kept, largest_difference, peak, timing

LAYOUTS = {"1 rank": (1, 1), "2 ranks": (2, 1), "2 threads": (1, 2)}  # ranks, threads of a rank
START_UP = 64  # atoms of the runs that tell the time of start-up
MOVED_STEPS = 20  # steps of dynamics before forces are compared a second time
HIDDEN = (240, 240, 240)  # widths of the fitting network of make_paper_model.py
INPUTS = 1600  # what it reads: 100 x 16 numbers


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--sizes", type=int, nargs="+", default=[64, 500, 4000, 32000], help="atoms: 64, or 4 n^3")
    size.add_argument("--cells", type=int, nargs="+", help="fcc cells a side instead: 5 = 500 atoms, 10 = 4000")
    parser.add_argument("--errors", type=int, nargs="*", default=[500, 4000], help="atoms for the comparison of forces")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=list(LAYOUTS), help="ranks and threads")
    parser.add_argument("--modes", nargs="+", choices=[mode.name for mode in MODES], metavar="MODE", help="only these rows of the table")
    parser.add_argument("--quick", action="store_true", help="500 atoms on one core, one repeat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a run is to take about")
    parser.add_argument("--steps", type=int, help="steps of each run, instead of --seconds")
    parser.add_argument("--core", type=int, default=0, help="the first core to use")
    parser.add_argument("--second-core", type=int, help="the second one; default: the next in number, or the one before")
    parser.add_argument("--peer-largest", type=int, default=4000, help="most atoms for deepmd-kit, whose memory grows with them")
    parser.add_argument("--no-peer", action="store_true", help="without deepmd-kit; the models must be there")
    parser.add_argument("--show", action="store_true", help="run nothing: table and figure of the bench.json in --out")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench")
    parser.add_argument("--peer", type=Path, default=ROOT / ".venv-deepmd", help="Python environment with deepmd-kit")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    options = parser.parse_args()
    if options.cells:
        options.sizes = [4 * n**3 for n in options.cells]
    if options.quick:
        options.sizes, options.errors, options.layouts, options.repeats = [500], [500], ["1 rank"], 1
    for atoms in options.sizes + options.errors:
        cells(atoms)
    if options.second_core is None:
        others = sorted(os.sched_getaffinity(0) - {options.core})
        options.second_core = next((core for core in others if core > options.core), others[-1] if others else None)
    if options.second_core is None:
        print("bench: there is one core only, so nothing is run on two")
        options.layouts = [name for name in options.layouts if LAYOUTS[name] == (1, 1)] or ["1 rank"]
    for name in ("out", "peer", "venv", "plugin"):
        setattr(options, name, Path(getattr(options, name)).absolute())
    return options


def cells(atoms):
    """Variables of in.system for so many atoms; stops where no box has them."""
    n = round((atoms / 4) ** (1 / 3))
    if 4 * n**3 == atoms and n >= 2:
        return {"cells": n}
    if atoms == 64:
        return {"nx": 2, "ny": 2, "nz": 4}
    sys.exit(f"bench: no box has {atoms} atoms: 64, or 4 n^3 with n of 2 or more")


def make_models(options):
    """Trains and compresses the network where it is not there."""
    if all((options.out / name).exists() for name in ("paper.pb", "paper_compressed.pb")):
        return
    if options.no_peer:
        sys.exit(f"bench: paper.pb and paper_compressed.pb are not in {options.out}, and only deepmd-kit can make them")
    print("bench: training and compressing the network (some minutes, once)", flush=True)
    maker = [options.peer / "bin" / "python", HERE / "make_paper_model.py", "--out", options.out]
    subprocess.run([str(part) for part in maker], check=True)


def errors(programs, modes, sizes, out):
    """Largest differences of force components [eV/A] from the reference of each mode, on two configurations of each size.

    {mode: {"against", "goal", "error", "largest": largest component, "at": [[atoms, configuration, difference]]}}
    """
    table = {}
    for atoms in sizes:
        moved, found = out / f"moved.{atoms}", {}
        for mode in sorted(modes, key=lambda mode: mode.name != EXACT):  # the exact one makes the configuration
            prefix = out / f"forces.{atoms}"
            make = {"make": 1} if mode.name == EXACT else {}
            programs.run(mode, "in.forces", out=prefix, moved=moved, steps=MOVED_STEPS, **make, **cells(atoms))
            for when in ("start", "moved"):
                path = Path(f"{prefix}.{when}")
                found[mode.name, when] = forces(path)
                path.unlink()
        moved.unlink()
        for mode in modes:
            if mode.against is None or (mode.against, "start") not in found:
                continue
            entry = table.setdefault(mode.name, {"against": mode.against, "goal": mode.goal, "error": 0.0, "largest": 0.0, "at": []})
            for when in ("start", "moved"):
                mine = found[mode.name, when]
                difference = largest_difference(mine, found[mode.against, when])
                entry["at"].append([atoms, when, difference])
                entry["error"] = max(entry["error"], difference)
                entry["largest"] = max(entry["largest"], max(abs(value) for force in mine.values() for value in force))
            print(f"  {atoms} atoms, {mode.name} against {mode.against}: {entry['error']:.1e} eV/A", flush=True)
    return table


def start_up(programs, modes, repeats):
    """Seconds that a run without steps takes longer than LAMMPS alone with the same atoms, and what the models were reduced to."""
    runs = {mode and mode.name: [] for mode in [None, *modes]}
    notes = {}
    for _ in range(repeats):
        for mode in [None, *modes]:
            result = programs.run(mode, "in.bench", steps=0, **cells(START_UP))
            name = mode and mode.name
            runs[name].append((result["seconds"], result["cpu_seconds"], result["memory"]))
            notes[name] = kept(result["text"])
    least = {name: [min(column) for column in zip(*rows)] for name, rows in runs.items()}
    bare = least.pop(None)
    table = {"bare": dict(zip(("seconds", "cpu_seconds", "memory"), bare)), "atoms": START_UP, "modes": {}}
    for name, values in least.items():
        entry = dict(zip(("seconds", "cpu_seconds", "memory"), (value - zero for value, zero in zip(values, bare))))
        entry["curves"], entry["inputs"] = notes[name]
        table["modes"][name] = entry
        print(f"  {name}: {entry['seconds']:.2f} s", flush=True)
    return table


def steps_for(options, rate, atoms, layout):
    """Steps of a run of about --seconds at `rate` microseconds an atom a step; whole intervals of neighbour lists if it is long."""
    if options.steps:
        return options.steps
    ranks, threads = layout
    steps = int(1e6 * options.seconds * ranks * threads / rate / atoms)
    return steps // 10 * 10 if steps >= 10 else max(steps, 1)


def times(programs, modes, options, store):
    """All timed runs: a list of {"atoms", "layout", "mode", "runs": [..], "bare_memory"}; `store` is called with it as it grows."""
    table, rates = [], {}
    least = min(options.sizes)
    for mode in modes:  # a short run tells how many steps are worth while
        result = programs.run(mode, "in.bench", warmup=1, steps=max(2, 400 // least), **cells(least))
        rates[mode.name] = timing(result)["microseconds"]
    for name, atoms in itertools.product(options.layouts, options.sizes):
        ranks, threads = LAYOUTS[name]
        bare = programs.run(None, "in.bench", ranks, steps=0, **cells(atoms))["memory"]
        rows = {}
        for mode in modes:
            if mode.ours or (threads == 1 and atoms <= options.peer_largest):
                rows[mode] = {"atoms": atoms, "layout": name, "mode": mode.name, "runs": [], "bare_memory": bare}
        for _ in range(options.repeats):
            for mode, row in rows.items():
                steps = steps_for(options, rates[mode.name], atoms, (ranks, threads))
                warmup = 5 if atoms <= 500 else 1
                result = programs.run(mode, "in.bench", ranks, threads, warmup=warmup, steps=steps, **cells(atoms))
                one = timing(result)
                row["runs"].append(one)
                text = f"{one['steps']} steps, {one['microseconds']:.1f} us an atom a step, {one['share']:.0f} % CPU"
                print(f"  {atoms} atoms, {name}, {mode.name}: {text}", flush=True)
        table += rows.values()
        store(table)


def derive(rows, peaks):
    """Adds to each row what the table shows: least and median time, speed, share of the peak, memory, share of the core."""
    reference = {}
    for row in rows:
        values = [run["microseconds"] for run in row["runs"]]
        row["least"], row["median"] = min(values), statistics.median(values)
        row["memory"] = max(run["memory"] for run in row["runs"]) - row["bare_memory"]
        row["share"] = min(run["share"] for run in row["runs"]) / LAYOUTS[row["layout"]][1]
        if row["mode"] == PEER_COMPRESSED:
            reference[row["atoms"], row["layout"]] = row["least"]
        best = min(row["runs"], key=lambda run: run["microseconds"])
        if "fitting_seconds" not in best or row["layout"] == "2 threads" or not best["fitting_seconds"]:
            continue
        inputs = best["kept"][1] or INPUTS
        weights = sum(a * b for a, b in zip((inputs, *HIDDEN), (*HIDDEN, 1)))
        work = 4 * weights * best["atoms_a_rank"] * best["steps"]  # a product and a sum for each weight, forward and backward
        row["fitting_share"] = best["fitting_seconds"] / best["loop_seconds"]
        row["fitting_rate"] = work / best["fitting_seconds"]
        row["fitting_of_peak"] = row["fitting_rate"] / peaks["single" if "mixed" in row["mode"] else "double"]
    for row in rows:
        # threads are compared with the peer's ranks on as many cores
        layout = "2 ranks" if row["layout"] == "2 threads" else row["layout"]
        if (row["atoms"], layout) in reference:
            row["speed"] = reference[row["atoms"], layout] / row["least"]


def machine():
    """Name of the processor."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def measure(options, stored):
    """Everything that the file `stored` holds, which is written after each size, too."""
    peer = None if options.no_peer else options.peer
    if peer and not (peer / "bin" / "dp").exists():
        sys.exit(
            f"bench: no deepmd-kit in {peer}. `cargo xtask bench` without --peer makes .venv-deepmd; another one:\n"
            f"  python3 -m venv {peer} && {peer}/bin/pip install -r {ROOT}/requirements/deepmd.txt"
        )
    if not options.plugin.exists():
        sys.exit(f"bench: the plugin {options.plugin} is not there: `cargo xtask build`, or --plugin")
    options.out.mkdir(parents=True, exist_ok=True)
    make_models(options)
    programs = Programs(options.venv, peer, options.plugin, options.out, [options.core, options.second_core])
    modes = [mode for mode in MODES if (mode.ours or peer) and (not options.modes or mode.name in options.modes)]
    results = {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "repeats": options.repeats, "moved_steps": MOVED_STEPS}
    python = options.venv / "bin" / "python"
    before = peak(python, options.core)
    results["peak"] = before
    print("bench: errors of forces", flush=True)
    results["errors"] = errors(programs, modes, options.errors, options.out)
    print("bench: start-up", flush=True)
    results["start_up"] = start_up(programs, modes, options.repeats)
    print("bench: times", flush=True)

    def store(rows):
        results["times"] = rows
        stored.write_text(json.dumps(results, indent=1) + "\n")

    times(programs, modes, options, store)
    after = peak(python, options.core)
    results["peak"] = {kind: max(before[kind], after[kind]) for kind in before}
    store(results["times"])
    return results


def main():
    options = arguments()
    stored = options.out / "bench.json"
    if options.show:
        if not stored.exists():
            sys.exit(f"bench: {stored} is not there: run without --show first")
        results = json.loads(stored.read_text())
    else:
        results = measure(options, stored)
    derive(results["times"], results["peak"])
    stored.write_text(json.dumps(results, indent=1) + "\n")
    # numpy and matplotlib only now: their memory would be counted as that of LAMMPS
    from report import markdown

    table = markdown(results)
    (options.out / "bench.md").write_text(table)
    print(table)
    figure = [options.venv / "bin" / "python", HERE / "report.py", stored, options.out / "bench.png"]
    subprocess.run([str(part) for part in figure], check=True)
    print(f"bench: {stored}, bench.md and bench.png")


if __name__ == "__main__":
    main()
