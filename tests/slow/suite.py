"""What the slow tests share: run a deck, read what it left, and judge numbers by their standard errors.

A test is a folder with test.py, which makes a `Test`, calls `run` and the checks, and ends with `finish`. `cargo xtask slow`
builds the plugin and runs all of them; what a run writes lies in target/slow/NAME.

Estimates are pairs (value, standard error).
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv"))
PLUGIN = Path(os.environ.get("DEEPDMS_PLUGIN", ROOT / "build/deepdmsplugin.so"))
SIGMAS = 4.0  # a deviation of more standard errors fails; by chance once in 16000 comparisons
CHANCE = 1e-4  # a sum of squared deviations that is this improbable fails, too


class Test:
    """One slow test: its folder, its scratch folder, and its checks so far."""

    def __init__(self, file):
        self.folder = Path(file).resolve().parent
        self.scratch = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "slow" / self.folder.name
        self.passed, self.failed = 0, 0
        if "--again" not in sys.argv:  # judges what an earlier run left
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True, exist_ok=True)

    def run(self, deck, name, suffix="opt", **variables):
        """Runs `deck` on one core in the scratch folder; returns the numbers of its lines RESULT, as lists by name.

        The deck gets ${plugin}, ${name} and `variables`. What LAMMPS prints goes to NAME.log. Exits where LAMMPS fails.
        """
        log = self.scratch / f"{name}.log"
        done = log.exists() and "Total wall time" in log.read_text()
        if not done:
            command = [next(VENV.glob("lib/python3*/site-packages/lammps/lmp")), "-in", self.folder / deck]
            command += ["-log", "none", "-nocite", "-var", "plugin", PLUGIN, "-var", "name", name]
            command += ["-suffix", suffix] if suffix else []
            for key, value in variables.items():
                command += ["-var", key, value]
            environment = {
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "LD_LIBRARY_PATH": str(VENV / "lib"),
                "LAMMPS_POTENTIALS": str(next(VENV.glob("lib/python3*/site-packages/lammps/share/lammps/potentials"))),
            }
            environment.pop("LAMMPS_PLUGIN_PATH", None)
            start = time.monotonic()
            with open(log, "w") as output:
                status = subprocess.run(
                    [str(word) for word in command], stdout=output, stderr=output, cwd=self.scratch, env=environment
                ).returncode
            if status:
                tail = "\n".join(log.read_text().splitlines()[-8:])
                sys.exit(f"{self.folder.name}: {deck} failed; the end of {log}:\n{tail}")
            print(f"     {deck} {name}: {time.monotonic() - start:.0f} s", flush=True)
        results = {}
        for word, numbers in re.findall(r"^RESULT (\S+) (.*)$", log.read_text(), re.MULTILINE):
            results.setdefault(word, []).extend(map(float, numbers.split()))
        return results

    def summary(self, name):
        """What fix dms wrote to NAME.json."""
        return json.loads((self.scratch / f"{name}.json").read_text())

    def check(self, what, passed, numbers):
        """Notes one check and prints its line."""
        self.passed, self.failed = self.passed + bool(passed), self.failed + (not passed)
        print(f"{'ok  ' if passed else 'FAIL'} {what}: {numbers}", flush=True)

    def agree(self, what, found, expected, sigmas=SIGMAS):
        """`found` must be `expected` within `sigmas` combined standard errors; returns the deviation in these."""
        pull = deviation(found, expected)
        numbers = f"{show(found)}, expected {show(expected)}, {pull:+.1f} standard errors (at most {sigmas:g})"
        self.check(what, abs(pull) <= sigmas, numbers)
        return pull

    def within(self, what, found, low, high, form=".4g"):
        """`found` must lie between `low` and `high`."""
        self.check(what, low <= found <= high, f"{found:{form}}, between {low:g} and {high:g}")

    def chi_square(self, what, pulls, fitted=0):
        """The sum of the squares of independent `pulls`, after a fit of `fitted` parameters, must not be improbable."""
        square, freedom = sum(pull**2 for pull in pulls), len(pulls) - fitted
        limit = chi_square_limit(freedom)
        self.check(what, square <= limit, f"chi-square {square:.1f} with {freedom} degrees of freedom, at most {limit:.1f}")

    def finish(self):
        """Prints the counts; exits with 1 where a check failed."""
        print(f"{self.folder.name}: {self.passed} checks passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def deviation(found, expected):
    """Difference of two estimates over its standard error."""
    return (found[0] - expected[0]) / math.hypot(found[1], expected[1])


def show(estimate):
    """`value +- error`, the error with two digits."""
    value, error = estimate
    if not error:
        return f"{value:.6g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f} +- {error:.{digits}f}"


def pair(entry):
    """An entry of a summary, {"value": .., "error": ..}, as an estimate."""
    return entry["value"], entry["error"]


def moduli(summary):
    """Storage and loss modulus of a summary, each an estimate."""
    return pair(summary["results"]["storage"]), pair(summary["results"]["loss"])


def chi_square_limit(n):
    """The value that chi-square with `n` degrees of freedom exceeds with the probability CHANCE (Wilson and Hilferty)."""
    z = 3.719  # of the standard normal, for CHANCE
    return n * (1 - 2 / (9 * n) + z * math.sqrt(2 / (9 * n))) ** 3


def mean_and_error(values):
    """Mean of independent values and its standard error, as an estimate."""
    n = len(values)
    mean = sum(values) / n
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (n * (n - 1)))
