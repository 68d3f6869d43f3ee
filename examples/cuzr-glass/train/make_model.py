#!/usr/bin/env python3
"""Make glass.pb from nothing but the EAM potential: data, training, frozen model, held-out errors.

    python3.11 -m venv .venv-deepmd
    .venv-deepmd/bin/pip install -r examples/cuzr-glass/train/requirements.txt
    .venv-deepmd/bin/python examples/cuzr-glass/train/make_model.py \\
        --lmp .venv/bin/lmp --eam CuZr_mm.eam.fs --work /tmp/cuzr-train

Takes about 6 minutes for the data and 15 minutes for the training on two free cores. Writes glass.pb into --work, and the
root-mean-square errors on the held-out replicas into errors.txt. Finished replicas are kept, so a
stopped run goes on where it was.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
THREADS = 1  # these small networks gain nothing from a second one


def deepmd(work, *arguments):
    """Run `dp --tf` of this Python's environment in `work`; its messages go to dp.log."""
    environment = dict(
        os.environ,
        OMP_NUM_THREADS=str(THREADS),
        DP_INTRA_OP_PARALLELISM_THREADS=str(THREADS),
        DP_INTER_OP_PARALLELISM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="2",
    )
    command = [str(Path(sys.executable).parent / "dp"), "--tf", *arguments]
    print("dp", *arguments, flush=True)
    with open(work / "dp.log", "a") as log:
        code = subprocess.run(command, cwd=work, env=environment, stdout=log, stderr=log).returncode
    if code != 0:
        raise SystemExit(f"dp {arguments[0]} failed with status {code}; see {work / 'dp.log'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lmp", required=True, help="LAMMPS executable with the MANYBODY package")
    parser.add_argument("--eam", required=True, help="CuZr_mm.eam.fs")
    parser.add_argument("--work", type=Path, required=True, help="folder for data, checkpoints and the model")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)

    data = [sys.executable, str(HERE / "make_data.py"), "--lmp", args.lmp, "--eam", args.eam]
    subprocess.run(data + ["--out", str(args.work / "data")], check=True)
    shutil.copy(HERE / "input.json", args.work)
    deepmd(args.work, "train", "--skip-neighbor-stat", "input.json")
    deepmd(args.work, "freeze", "-o", "glass.pb")
    errors = subprocess.run(
        [sys.executable, str(HERE / "errors.py"), str(args.work / "glass.pb"), str(args.work / "data")],
        check=True, capture_output=True, text=True,
    ).stdout
    (args.work / "errors.txt").write_text(errors)
    print(errors, end="")


if __name__ == "__main__":
    main()
