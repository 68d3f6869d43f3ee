"""Training with deepmd-kit: frames as its systems, trainings that go on after a kill, frozen models."""

import json
import os
import shutil
from pathlib import Path

import numpy as np

import children
from frames import ELEMENTS, replace

HERE = Path(__file__).resolve().parent


def write_systems(folder, frames):
    """Write frames as systems of deepmd-kit, one for each composition: coord, box, energy, force, virial."""
    groups = {}
    for frame in map(lambda f: f.by_type(), frames):
        groups.setdefault(tuple(np.bincount(frame.types, minlength=len(ELEMENTS))), []).append(frame)
    for counts, group in sorted(groups.items()):
        system = folder / "-".join(f"{element}{n}" for element, n in zip(ELEMENTS, counts) if n)
        arrays = system / "set.000"
        arrays.mkdir(parents=True)
        np.savetxt(system / "type.raw", group[0].types, fmt="%d")
        (system / "type_map.raw").write_text("\n".join(ELEMENTS) + "\n")
        for name, column in (
            ("coord", [f.positions for f in group]),
            ("box", [f.cell for f in group]),
            ("energy", [f.energy for f in group]),
            ("force", [f.forces for f in group]),
            ("virial", [f.virial for f in group]),
        ):
            rows = np.array(column, float)
            np.save(arrays / f"{name}.npy", rows if name == "energy" else rows.reshape(len(group), -1))


def checkpoint(work):
    """Prefix of the newest whole checkpoint in a training's folder, or None."""
    steps = []
    for index in work.glob("model.ckpt-*.index"):
        prefix = index.with_suffix("")
        if all(prefix.with_name(prefix.name + end).exists() for end in (".meta", ".data-00000-of-00001")):
            steps.append((int(prefix.name.split("-")[1]), prefix))
    return max(steps)[1] if steps else None


def dp(deepmd, work, *arguments):
    """Run `dp --tf` of the environment `deepmd` in `work` on one core; its messages go to dp.log."""
    environment = dict(
        os.environ,
        OMP_NUM_THREADS="1",
        DP_INTRA_OP_PARALLELISM_THREADS="1",
        DP_INTER_OP_PARALLELISM_THREADS="1",
        TF_CPP_MIN_LOG_LEVEL="2",
        CUDA_VISIBLE_DEVICES="",
    )
    with open(work / "dp.log", "a") as log:
        command = [deepmd / "bin/dp", "--tf", *arguments]
        code = children.run(command, cwd=work, env=environment, stdout=log, stderr=log)
    if code != 0:
        raise SystemExit(f"dp {arguments[0]} failed with status {code}; see {work / 'dp.log'}")


def freeze(deepmd, work, model):
    """The newest checkpoint in `work` as the frozen model `model`."""
    dp(deepmd, work, "freeze", "-o", "frozen.pb")
    replace(model, (work / "frozen.pb").read_bytes())
    (work / "frozen.pb").unlink()


def train(deepmd, work, frames, settings, first=None):
    """Train `settings` on `frames` in the folder `work` and freeze the network into work/model.pb.

    `first` is the prefix of a checkpoint, or a frozen model, whose weights to begin with. A training that was stopped goes on from its last
    checkpoint; one that has ended is kept. Returns the path of the model.
    """
    model = work / "model.pb"
    if model.exists():
        return model
    work.mkdir(parents=True, exist_ok=True)
    newest = checkpoint(work)
    if newest is None:
        shutil.rmtree(work)
        work.mkdir()
        write_systems(work / "data", frames)
        (work / "input.json").write_text(json.dumps(settings, indent=2))
        begin = []
        if first:
            begin = ["--init-frz-model" if first.suffix == ".pb" else "--init-model", first]
    else:
        begin = ["--restart", newest]
    if newest is None or int(newest.name.split("-")[1]) < settings["training"]["numb_steps"]:
        dp(deepmd, work, "train", "--skip-neighbor-stat", *begin, "input.json")
    freeze(deepmd, work, model)
    shutil.rmtree(work / "data")
    return model


def transplant(deepmd, work, frames, settings, source):
    """Checkpoint of the network of `settings` with the weights of the checkpoint `source`, made in the folder `work`.

    `settings` may have more slots or another precision than `source`; see checkpoint.py. Returns its prefix.
    """
    done = work / "transplanted"
    if not done.exists():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        write_systems(work / "data", frames)
        one_step = json.loads(json.dumps(settings))
        one_step["training"]["numb_steps"] = 1
        (work / "input.json").write_text(json.dumps(one_step, indent=2))
        dp(deepmd, work, "train", "--skip-neighbor-stat", "input.json")
        command = [deepmd / "bin/python", HERE / "checkpoint.py", source, checkpoint(work)]
        with open(work / "dp.log", "a") as log:
            if children.run(command, stdout=log, stderr=log) != 0:
                raise SystemExit(f"checkpoint.py failed; see {work / 'dp.log'}")
        shutil.rmtree(work / "data")
        done.touch()
    return checkpoint(work)
