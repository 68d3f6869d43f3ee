"""pair_style deepmd of deepdms and of deepmd-kit side by side on real models: time, memory, start-up, and errors of forces.

    cargo xtask bench [--model FILE --data FILE [--elements Cu Zr] [--replicate 2] [--name NAME]]... [--toy] [--four]
        [--simd avx2 portable] [--quick] [--repeats 3] [--seconds 1 | --steps 20]

Without --model it measures examples/cuzr-glass/glass.pb. All programs run alternately on the same atoms (in.model), one thread for
every library, pinned to cores. deepmd-kit compresses each model once, in the folder --out (target/bench). Results: bench.json, bench.md,
bench.svg and bench.png there.
"""

import argparse
import itertools
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from models import add_options, chosen, make_toy, prepare_for_peer
from runs import DEFAULT, EXACT, HERE, MIXED, MODES, PEER, PEER_COMPRESSED, ROOT, Mode, Programs, bound, engine, forces, largest_difference, timing

CONFIGURATIONS = ("cold", "hot", "close", "dilute")
CLOSER = 0.6  # part of its distance that is left between two atoms of `close`
LAYOUTS = {"1 rank": (1, 1), "2 ranks": (2, 1), "2 threads": (1, 2)}  # ranks, threads of a rank
SIMD = ("avx512", "avx2", "portable")
SMALL = (PEER_COMPRESSED, PEER, DEFAULT, MIXED)  # what is measured on the smallest number of atoms


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--toy", action="store_true", help="also the toy network, which deepmd-kit trains for 600 steps")
    parser.add_argument("--four", action="store_true", help="also four models at once, with out_freq 1")
    parser.add_argument("--simd", nargs="+", choices=SIMD, default=[], help="also with these instructions")
    parser.add_argument("--modes", nargs="+", choices=[mode.name for mode in MODES], metavar="MODE", help="only these: %(choices)s")
    parser.add_argument("--quick", action="store_true", help="one model, the larger size, one core, one repeat")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="how long the loop of a run takes")
    parser.add_argument("--steps", type=int, help="steps of each run, instead of --seconds")
    parser.add_argument("--core", type=int, default=0, help="the first core to use")
    parser.add_argument("--second-core", type=int, help="the second one; default: the next in number, or the one before")
    parser.add_argument("--no-peer", action="store_true", help="without deepmd-kit")
    parser.add_argument("--show", action="store_true", help="run nothing: tables and figure of the bench.json in --out")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench")
    parser.add_argument("--peer", type=Path, default=ROOT / ".venv-deepmd", help="Python environment with deepmd-kit")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    options = parser.parse_args()
    for name, least in (("repeats", 1), ("seconds", 1), ("steps", 1)):
        if (getattr(options, name) or least) < least or getattr(options, name) == 0:
            parser.error(f"--{name} must be {least} or more")
    if options.quick:
        options.repeats, options.models = 1, options.models[:1]
    if options.second_core is None:
        others = sorted(os.sched_getaffinity(0) - {options.core})
        options.second_core = next((core for core in others if core > options.core), others[-1] if others else None)
    for name in ("out", "peer", "venv", "plugin"):
        setattr(options, name, Path(getattr(options, name)).absolute())
    return options


def layouts(options):
    """Names of the layouts that are measured."""
    if options.quick:
        return ["1 rank"]
    if options.second_core is None:
        print("bench: there is one core only, so nothing is run on two")
        return ["1 rank"]
    return list(LAYOUTS)


def closest(programs, model):
    """(id of an atom, place of it at CLOSER of its distance, that distance) for the nearest pair of the data file."""
    path = programs.out / "places"
    programs.run(model, None, "in.places", out=path)
    lines = path.read_text().splitlines()
    path.unlink()
    rows = [line.split() for line in lines[lines.index("ITEM: ATOMS id x y z") + 1 :]]
    atoms = [(int(row[0]), tuple(map(float, row[1:]))) for row in rows]
    # pairs through the boundary of the box are left out: any near pair does
    pairs = ((math.dist(a, b), one, a, b) for (one, a), (_, b) in itertools.combinations(atoms, 2))
    found = min(pairs, default=None)
    if found is None:
        sys.exit(f"bench: {model.data} has one atom only: give more")
    distance, mover, a, b = found
    return mover, tuple(y + CLOSER * (x - y) for x, y in zip(a, b)), distance


def errors(programs, model, modes, place):
    """Largest difference of a force component [eV/A] from `exact` on each configuration, with the bound that the run told.

    A list of {"mode", "configuration", "error", "bound", "largest": largest component}.
    """
    mover, near, _ = place
    at = dict(zip(("nearx", "neary", "nearz"), near))
    found, rows = {}, []
    for mode in sorted(modes, key=lambda mode: mode.name != EXACT):
        prefix = programs.out / "forces"
        text = programs.run(model, mode, "in.errors", out=prefix, mover=mover, **at)["text"]
        parts = dict(zip(CONFIGURATIONS, re.split(r"^BENCH \w+$", text, flags=re.MULTILINE)[1:]))
        for configuration in CONFIGURATIONS:
            path = Path(f"{prefix}.{configuration}")
            mine = forces(path)
            path.unlink()
            if mode.name == EXACT:
                found[configuration] = mine
                continue
            row = {"mode": mode.name, "configuration": configuration, "bound": bound(parts[configuration]) if mode.ours else None}
            row["error"] = largest_difference(mine, found[configuration])
            row["largest"] = max(abs(value) for force in found[configuration].values() for value in force)
            rows.append(row)
    return rows


def times(programs, model, modes, options, names):
    """All timed runs of a model: a list of {"mode", "layout", "atoms", "runs": [..], "bare": {"seconds", "memory"}}."""
    table = []
    length = {"steps": options.steps} if options.steps else {"seconds": options.seconds}
    sizes = model.sizes()
    for layout, sized in itertools.product(names, sizes[-1:] if options.quick else sizes):
        ranks, threads = LAYOUTS[layout]
        large = sized is sizes[-1]
        if layout != "1 rank" and not large:
            continue
        bare = programs.run(sized, None, "in.bench", ranks)
        rows = []
        for mode in modes:
            measured = large or mode.name in SMALL and (mode.name != PEER or model.compressed is None)
            if layout != "1 rank":
                measured = mode.name == DEFAULT or (not mode.ours and threads == 1 and mode.compressed == bool(model.compressed))
            if measured:
                row = {"mode": mode.name, "layout": layout, "atoms": model.atoms * sized.replicate**3, "runs": []}
                rows.append((mode, {**row, "bare": {key: bare[key] for key in ("seconds", "memory")}}))
        for _ in range(options.repeats):
            for mode, row in rows:
                result = programs.run(sized, mode, "in.bench", ranks, threads, **length)
                one = timing(result)
                row["runs"].append(one)
                row.update(engine(result["text"]) if mode.ours else {})
                print(f"  {one['atoms']} atoms, {layout}, {mode.name}: {one['microseconds']:.1f} us an atom a step", flush=True)
        table += [row for _, row in rows]
    return table


def summarize(rows):
    """Adds to each row what the tables show: median, least and most time, memory and start-up above bare LAMMPS, share of the core."""
    for row in rows:
        values = [run["microseconds"] for run in row["runs"]]
        row["median"], row["least"], row["most"] = statistics.median(values), min(values), max(values)
        row["memory"] = max(run["memory"] for run in row["runs"]) - row["bare"]["memory"]
        row["start_up"] = statistics.median(run["outside"] for run in row["runs"]) - row["bare"]["seconds"]
        row["share"] = min(run["share"] for run in row["runs"]) / LAYOUTS[row["layout"]][1]


def modes_of(programs, model, options):
    """The modes that this model takes, after a trial of each program; stops where deepdms does not read the model."""
    ours = [mode for mode in MODES if mode.ours]
    for simd in options.simd:
        ours += [Mode(f"{mode.name}, {simd}", True, words=mode.words, simd=simd) for mode in MODES if mode.name in (DEFAULT, MIXED)]
    if options.four:
        ours.append(Mode("four models", True, copies=4))
    trial = programs.try_run(model, next(mode for mode in MODES if mode.name == EXACT), "in.bench", steps=1, warmup=0)
    if trial["failed"]:
        sys.exit(f"bench: {model.name}: {trial['failed']}")
    unknown = re.search(r"knows \d+ types? \((.*)\): LAMMPS types above", trial["text"])
    if unknown:
        sys.exit(f"bench: {model.data.name} has more atom types than {model.file.name}, which knows {unknown[1]}: name a model of all of them")
    theirs = []
    for mode in (mode for mode in MODES if not mode.ours):
        file = model.compressed if mode.compressed else model.frozen
        if False not in programs.environments or file is None:
            continue
        trial = programs.try_run(model, mode, "in.bench", steps=1, warmup=0)
        if trial["failed"]:
            model.notes.append(f"{mode.name} stops: {trial['failed']}")
            if mode.compressed:
                model.compressed = None
            continue
        theirs.append(mode)
        if options.four and mode.compressed == bool(model.compressed):
            theirs.append(Mode(f"{mode.name}, four models", False, mode.compressed, copies=4))
    return [mode for mode in theirs + ours if not options.modes or mode.name in (*options.modes, EXACT)]


def machine():
    """Name of the processor."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def measure(options, stored):
    """Everything that the file `stored` holds, which is written after each model, too."""
    peer = None if options.no_peer else options.peer
    models = chosen(options)
    if peer and not (peer / "bin" / "dp").exists():
        sys.exit(
            f"bench: no deepmd-kit in {peer}. `cargo xtask bench` without --peer makes .venv-deepmd; another one:\n"
            f"  python3 -m venv {peer} && {peer}/bin/pip install -r {ROOT}/requirements/deepmd.txt"
        )
    if not options.plugin.exists():
        sys.exit(f"bench: the plugin {options.plugin} is not there: `cargo xtask build`, or --plugin")
    options.out.mkdir(parents=True, exist_ok=True)
    programs = Programs(options.venv, peer, options.plugin, options.out, [options.core, options.second_core])
    if options.toy:
        models.append(make_toy(programs, peer, options.out))
    names = layouts(options)
    results = {"machine": machine(), "date": time.strftime("%Y-%m-%d"), "repeats": options.repeats, "models": []}
    for model in models:
        print(f"bench: {model.name}, {model.atoms} atoms", flush=True)
        place = closest(programs, model)
        if peer:
            prepare_for_peer(model, peer, options.out, place[2])
        modes = modes_of(programs, model, options)
        entry = {"name": model.name, "toy": model.toy, "file": model.file.name, "data": model.data.name, "nearest": place[2]}
        single = [mode for mode in modes if mode.copies == 1]
        entry["errors"] = errors(programs, model, single, place)
        entry["times"] = times(programs, model, modes, options, names)
        entry["notes"] = model.notes
        summarize(entry["times"])
        results["models"].append(entry)
        stored.write_text(json.dumps(results, indent=1) + "\n")
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
    # numpy and matplotlib only now: their memory would be counted as that of LAMMPS
    from report import markdown

    table = markdown(results)
    (options.out / "bench.md").write_text(table)
    print(table)
    figure = [options.venv / "bin" / "python", HERE / "report.py", stored, options.out / "bench.svg", options.out / "bench.png"]
    subprocess.run([str(part) for part in figure], check=True)
    print(f"bench: {stored}, bench.md, bench.svg and bench.png")


if __name__ == "__main__":
    main()
