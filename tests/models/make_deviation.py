"""Run the deck of tests/cases/pair-deviation with deepmd-kit's own LAMMPS and store its tables as references/deviation.json.

    python tests/models/make_deviation.py        # the Python beside deepmd-kit and lammps
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DECK = HERE.parent / "cases" / "pair-deviation" / "in.lmp"


def main():
    lmp = Path(sys.executable).parent / "lmp"
    with tempfile.TemporaryDirectory() as folder:
        command = [lmp, "-in", DECK, "-log", "none", "-var", "models", HERE, "-var", "peer", "yes"]
        done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        tables = {}
        for kind in ("plain", "relative", "real"):
            lines = Path(folder, f"{kind}.out").read_text().splitlines()
            tables[kind] = [[float(word) for word in line.split()] for line in lines if not line.startswith("#")]
    (HERE / "references" / "deviation.json").write_text(json.dumps(tables) + "\n")


if __name__ == "__main__":
    main()
