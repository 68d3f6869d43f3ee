"""Run the decks of tests/cases with a deviation file with deepmd-kit's own LAMMPS and store its tables in references/.

    python tests/models/make_deviation.py [FILE ...]       # the Python beside deepmd-kit and lammps

FILE is `deviation.json` (pair-deviation) or `deviation_script.json` (pair-script-deviation, which needs torch 2.11.0 too);
without it both are made.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = {
    "deviation.json": ("pair-deviation", ("plain", "relative", "real")),
    "deviation_script.json": ("pair-script-deviation", ("mixed",)),
}


def make(file):
    case, kinds = CASES[file]
    deck = HERE.parent / "cases" / case / "in.lmp"
    lmp = Path(sys.executable).parent / "lmp"
    with tempfile.TemporaryDirectory() as folder:
        command = [lmp, "-in", deck, "-log", "none", "-var", "models", HERE, "-var", "peer", "yes"]
        done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        tables = {}
        for kind in kinds:
            lines = Path(folder, f"{kind}.out").read_text().splitlines()
            tables[kind] = [[float(word) for word in line.split()] for line in lines if not line.startswith("#")]
    (HERE / "references" / file).write_text(json.dumps(tables) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        make(name)
