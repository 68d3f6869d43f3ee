"""Train, freeze and convert the tiny models of this folder with deepmd-kit.

    python tests/models/make_models.py [NAME ...]

Run with a Python that has deepmd-kit 3.2.0 and tensorflow-cpu 2.21. All files are written beside this script.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from systems import TYPE_MAP, write_training_data

HERE = Path(__file__).resolve().parent


def model(descriptor=None, fitting=None):
    """The model section of a training input: a small ternary se_e2_a model, with changes.

    Neither cutoff is a float32 number, so a reader that ignores the rounding of TensorFlow's op attributes shows.
    """
    base = {
        "type_map": TYPE_MAP,
        "descriptor": {
            "type": "se_e2_a",
            "rcut": 4.3,
            "rcut_smth": 1.7,
            "sel": [20, 20, 12],
            "neuron": [4, 8, 16],
            "axis_neuron": 4,
            "resnet_dt": False,
            "type_one_side": True,
            "seed": 11,
        },
        "fitting_net": {"neuron": [16, 16, 16], "resnet_dt": True, "seed": 12},
    }
    base["descriptor"].update(descriptor or {})
    base["fitting_net"].update(fitting or {})
    return base


SMALL = {"neuron": [4, 8], "axis_neuron": 2}


def activation(embedding, fitting):
    return model(
        {**SMALL, "activation_function": embedding},
        {"neuron": [8, 8], "activation_function": fitting},
    )


MODELS = {
    "one_sided": model(),
    "two_sided": model({"type_one_side": False}),
    "overflow": model({"sel": [8, 8, 4]}),
    "zero_davg": model({"type_one_side": False, "set_davg_zero": True}),
    "exclude_one_sided": model({"exclude_types": [[0, 1], [2, 2]]}),
    "exclude_two_sided": model({"type_one_side": False, "exclude_types": [[0, 2], [1, 1]]}),
    "atom_ener": model(fitting={"atom_ener": [-3.1, None, -5.25]}),
    "float32": model({"precision": "float32"}, {"precision": "float32"}),
    "widths": model({"neuron": [3, 6, 6, 8], "axis_neuron": 2, "resnet_dt": True}, {"neuron": [16, 32, 32, 7]}),
    "no_timestep": model({"neuron": [1, 2, 5]}, {"neuron": [12, 12], "resnet_dt": False}),
    "paper_shape": model(
        {"rcut": 6.0, "rcut_smth": 0.5, "sel": [50, 50, 30], "neuron": [6, 12, 24], "axis_neuron": 4},
        {"neuron": [24, 24, 24]},
    ),
    "gelu_silu": activation("gelu", "silu"),
    "gelutf_sigmoid": activation("gelu_tf", "sigmoid"),
    "softplus_relu": activation("softplus", "relu"),
    "silut_linear": activation("silut:2.5", "linear"),
    "relu6_tanh": activation("relu6", "tanh"),
}

# Models that are also written in deepmd-kit's own serialized form.
CONVERTED = ("one_sided", "two_sided", "overflow", "widths")

# Models that are also converted to TorchScript; needs the PyTorch backend.
SCRIPTED = (*CONVERTED, "exclude_one_sided")
# Trained by the PyTorch backend and written only in the serialized form.
NATIVE = {
    "trained_native": model(
        {"type_one_side": False, "exclude_types": [[0, 2], [1, 1]]},
        {"neuron": [16, 32, 32], "activation_function": "silu"},
    ),
}

# Models that are also compressed, with the spacing of the table: coarse, which keeps the files small.
COMPRESSED = {"one_sided": "0.05", "two_sided": "0.1"}


def training_input(section, steps):
    return {
        "model": section,
        "learning_rate": {"type": "exp", "start_lr": 0.004, "stop_lr": 0.001, "decay_steps": 50},
        "loss": {
            "type": "ener",
            "start_pref_e": 0.1,
            "limit_pref_e": 1,
            "start_pref_f": 100,
            "limit_pref_f": 1,
            "start_pref_v": 0,
            "limit_pref_v": 0,
        },
        "training": {
            "training_data": {"systems": ["data"], "batch_size": 1},
            "numb_steps": steps,
            "seed": 13,
            "disp_freq": steps // 2,
            "save_freq": steps // 2,
        },
    }


def dp(*arguments, cwd, **environment):
    """Run the `dp` beside this Python; its output is shown only when it fails."""
    command = [str(Path(sys.executable).parent / "dp"), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def build(name, section, work):
    Path(work, "input.json").write_text(json.dumps(training_input(section, steps=400)))
    dp("--tf", "train", "input.json", "--skip-neighbor-stat", cwd=work)
    dp("--tf", "freeze", "-o", "model.pb", cwd=work)
    shutil.copy(work / "model.pb", HERE / f"{name}.pb")
    if name in CONVERTED:
        dp("convert-backend", "model.pb", "model.dp", cwd=work)
        dp("convert-backend", "model.pb", "model.yaml", cwd=work)
        for suffix in ("dp", "yaml"):
            shutil.copy(work / f"model.{suffix}", HERE / f"{name}.{suffix}")
    if name in SCRIPTED:
        dp("convert-backend", "model.pb", HERE / f"{name}.pth", cwd=work)
    if name in COMPRESSED:
        table = ("-t", "input.json", "-s", COMPRESSED[name])
        dp("--tf", "compress", "-i", "model.pb", "-o", "compressed.pb", *table, cwd=work)
        shutil.copy(work / "compressed.pb", HERE / f"{name}_compressed.pb")


def build_native(name, section, work):
    Path(work, "input.json").write_text(json.dumps(training_input(section, steps=200)))
    dp("--pt", "train", "input.json", "--skip-neighbor-stat", cwd=work)
    dp("--pt", "freeze", "-o", "model.pth", cwd=work)
    shutil.copy(work / "model.pth", HERE / f"{name}.pth")
    for suffix in ("dp", "yaml"):
        dp("convert-backend", "model.pth", f"model.{suffix}", cwd=work)
        shutil.copy(work / f"model.{suffix}", HERE / f"{name}.{suffix}")


def main(names):
    os.environ.update(OMP_NUM_THREADS="1", DP_INTRA_OP_PARALLELISM_THREADS="1", DP_INTER_OP_PARALLELISM_THREADS="1")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    with tempfile.TemporaryDirectory() as folder:
        write_training_data(Path(folder, "data"))
        for name in names or [*MODELS, *NATIVE]:
            work = Path(folder, name)
            work.mkdir()
            work.joinpath("data").symlink_to("../data")
            if name in NATIVE:
                if importlib.util.find_spec("torch") is None:
                    sys.exit(f"{name} needs the PyTorch backend: install torch 2.11.0, e3nn and vesin beside deepmd-kit")
                build_native(name, NATIVE[name], work)
            else:
                build(name, MODELS[name], work)
            print(f"{name}: " + ", ".join(f"{p.name} {p.stat().st_size}" for p in sorted(HERE.glob(f"{name}*.*"))))


if __name__ == "__main__":
    main(sys.argv[1:])
