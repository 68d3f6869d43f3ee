"""Train, freeze, convert and compress the tiny models of this folder with deepmd-kit.

    python tests/models/make_models.py [--derive] [NAME ...]

With --derive nothing is trained: the frozen model that lies here is converted and compressed again. All files are
written beside this script; README.md says what the Python needs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from recipes import RECIPES
from systems import write_table, write_training_data

HERE = Path(__file__).resolve().parent


def set_threads():
    """One thread, and sums in an order that does not depend on the processor; before deepmd-kit is imported."""
    os.environ.update(OMP_NUM_THREADS="1", DP_INTRA_OP_PARALLELISM_THREADS="1", DP_INTER_OP_PARALLELISM_THREADS="1")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def training_input(recipe):
    return {
        "model": recipe.section,
        "learning_rate": {"type": "exp", "start_lr": 0.004, "stop_lr": 0.001, "decay_steps": 50},
        "loss": recipe.loss,
        "training": {
            "training_data": {"systems": ["data"], "batch_size": 1},
            "numb_steps": recipe.steps,
            "seed": 13,
            "disp_freq": recipe.steps // 2,
            "save_freq": recipe.steps // 2,
        },
    }


def dp(*arguments, cwd, **environment):
    """Run the `dp` beside this Python; its output is shown only when it fails."""
    command = [str(Path(sys.executable).parent / "dp"), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def build(name, recipe, work, derive):
    trained, *converted = recipe.files
    frozen = f"model.{trained}"
    Path(work, "input.json").write_text(json.dumps(training_input(recipe)))
    if derive:
        shutil.copy(HERE / f"{name}.{trained}", work / frozen)
    else:
        dp(recipe.backend, "train", "input.json", "--skip-neighbor-stat", cwd=work)
        dp(recipe.backend, "freeze", "-o", frozen, cwd=work)
        shutil.copy(work / frozen, HERE / f"{name}.{trained}")
    for suffix in converted:
        dp("convert-backend", frozen, f"{name}.{suffix}", cwd=work)
        shutil.copy(work / f"{name}.{suffix}", HERE / f"{name}.{suffix}")
    for suffix, spacing in recipe.compressed.items():
        backend = {"pb": "--tf", "pth": "--pt"}[suffix]
        source = frozen if suffix == trained else f"{name}.{suffix}"
        # The training input gives the smallest distance, which the frozen model lacks.
        dp(backend, "compress", "-i", source, "-o", f"compressed.{suffix}", "-t", "input.json", "-s", spacing, cwd=work)
        shutil.copy(work / f"compressed.{suffix}", HERE / f"{name}_compressed.{suffix}")


def main(arguments):
    derive = "--derive" in arguments
    names = [a for a in arguments if a != "--derive"] or list(RECIPES)
    set_threads()
    with tempfile.TemporaryDirectory() as folder:
        write_training_data(Path(folder, "data"))
        for name in names:
            work = Path(folder, name)
            work.mkdir()
            work.joinpath("data").symlink_to("../data")
            write_table(work / "table.txt")
            build(name, RECIPES[name], work, derive)
            sizes = ", ".join(f"{p.name} {p.stat().st_size}" for p in sorted(HERE.glob(f"{name}*.*")))
            print(f"{name}: {sizes}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
