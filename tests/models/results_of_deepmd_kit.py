"""Run the decks of a LAMMPS case with deepmd-kit's own LAMMPS and print the results: for the numbers in case.toml.

    python tests/models/results_of_deepmd_kit.py pair-npt [-sf omp ...]    # the Python beside deepmd-kit and lammps

The decks load deepmd-kit's plugin where they load `${plugin}`. Further words are arguments of LAMMPS.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = HERE.parent / "cases"


def plugin():
    """The plugin that deepmd-kit's Python package brings."""
    from deepmd.env import SHARED_LIB_DIR

    return Path(SHARED_LIB_DIR) / "libdeepmd_lmpplugin.so"


def main(name, arguments):
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    variables = {"plugin": plugin(), "models": HERE, "root": HERE.parents[1], **case.get("vars", {})}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CASES / name, folder, dirs_exist_ok=True)
        for deck in case.get("decks", ["in.lmp"]):
            command = [Path(sys.executable).parent / "lmp", "-in", deck, "-log", "none", *arguments]
            for key, value in variables.items():
                command += ["-var", key, value]
            done = subprocess.run(
                [str(word) for word in command], cwd=folder, capture_output=True, text=True, env=environment
            )
            lines = done.stdout.splitlines()
            print("\n".join(line for line in lines if line.startswith(("RESULT", "ERROR"))))
            if done.returncode:
                sys.exit(f"{deck} ended with {done.returncode}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
