"""Make the benchmark's models with deepmd-kit: the published network for Pd-Cu-P glasses, plain and compressed.

    python tests/bench/make_paper_model.py [--out target/bench] [--steps 600]

se_e2_a, cutoff 6 A, 46 + 46 + 28 slots, embedding 25-50-100, axis 16, fitting 240-240-240, float64. It is trained briefly
on an analytic pair potential (tests/models/systems.py): the weights decide nothing about the speed of a network, but
they must not make the atoms fly apart. Writes paper.pb and paper_compressed.pb.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "models"))

from make_models import dp, training_input  # noqa: E402
from recipes import Recipe  # noqa: E402
from systems import TYPE_MAP, write_training_data  # noqa: E402

MODEL = {
    "type_map": TYPE_MAP,
    "descriptor": {
        "type": "se_e2_a",
        "rcut": 6.0,
        "rcut_smth": 0.5,
        "sel": [46, 46, 28],
        "neuron": [25, 50, 100],
        "axis_neuron": 16,
        "resnet_dt": False,
        "type_one_side": True,
        "seed": 1,
    },
    "fitting_net": {"neuron": [240, 240, 240], "resnet_dt": True, "seed": 2},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "bench")
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_training_data(work / "data", frames=12)
        settings = training_input(Recipe(MODEL, steps=options.steps))
        settings["learning_rate"].update(start_lr=0.001, stop_lr=0.0002)
        Path(work, "input.json").write_text(json.dumps(settings))
        dp("--tf", "train", "input.json", "--skip-neighbor-stat", cwd=work)
        dp("--tf", "freeze", "-o", "paper.pb", cwd=work)
        dp("--tf", "compress", "-i", "paper.pb", "-o", "paper_compressed.pb", "-t", "input.json", cwd=work)
        for name in ("paper.pb", "paper_compressed.pb"):
            shutil.copy(work / name, out / name)
            print(f"{out / name}: {(out / name).stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
