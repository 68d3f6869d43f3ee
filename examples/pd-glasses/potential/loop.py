#!/usr/bin/env python3
"""A Deep Potential for Pd-Cu-Ni-P by active learning, from the teacher's weights to the frozen model, in one command.

    loop.py --state DIR --teacher nequix-omat-1.nqx --deepmd .venv-deepmd [--quick]

Run it with the Python of the teacher's environment (requirements.txt). It uses one core. Everything goes into --state; a run
that was killed, at whatever point, goes on when the command is given again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import explore  # noqa: E402
import frames  # noqa: E402
import structures  # noqa: E402
import training  # noqa: E402
from running import ROOT, find  # noqa: E402

# Sizes of the loop. `deviation`: limits in eV/A between which disagreement makes a frame worth a label, round by round (the last
# pair goes on); the first students know little and are asked beyond the limits of the later ones.
STANDARD = {
    "seed": ["--packings", "24", "--strains", "14", "--relax", "12"],
    "rounds": 7,
    "frames": 300,  # labelled in a round
    "augmented": 45,  # of these
    "trajectories": 10,  # in a round
    "deviation": [(0.2, 1.5), (0.2, 1.0), (0.15, 0.5)],
    "explore": {"hot": (1800, 2300), "pressure": (-2, 12), "cool": 8000, "hold": 2000, "squeeze": 0.25, "every": 20},
    "steps": 12000,  # of a student's training in a round
    "held_out": 100,
    "held_out_after": 3,  # rounds
}
QUICK = dict(
    STANDARD,
    seed=["--packings", "3", "--strains", "2", "--relax", "4"],
    rounds=2, frames=8, augmented=3, trajectories=2, steps=300, held_out=6, held_out_after=1,
    explore=dict(STANDARD["explore"], cool=1000, hold=200),
)
STUDENTS = 2


def say(text):
    """One line with the time, on the screen and so in the log."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


class Loop:
    """The state folder, the programs and the sizes; every stage returns at once where its result is there."""

    def __init__(self, options, sizes):
        self.options, self.sizes, self.state = options, sizes, options.state
        self.lmp, self.plugin = options.lmp, options.plugin

    def teacher(self, *arguments):
        """Run teacher.py with its own process."""
        command = [sys.executable, HERE / "teacher.py", self.options.teacher, self.state / "compiled", *arguments]
        if subprocess.run([str(c) for c in command]).returncode != 0:
            raise SystemExit("loop.py: the teacher failed; its message is above")

    def label(self, candidates, out):
        """Label a file of frames."""
        if not out.exists():
            self.teacher("label", candidates, out)

    def seed(self):
        """The seed data."""
        out = self.state / "data/seed.npz"
        if not out.exists():
            say("seed data")
            self.teacher("seed", out, *self.sizes["seed"])

    def data(self, before):
        """All labelled frames from before round `before`."""
        files = [self.state / "data/seed.npz"] + [self.state / f"data/round-{r:02d}.npz" for r in range(1, before)]
        return [frame for file in files for frame in frames.load(file)]

    def student_settings(self, round_number, student):
        """The training input of a student: later rounds begin with the weights of the round before, so with a lower rate."""
        settings = json.loads((HERE / "input.json").read_text())
        number = 100 * round_number + 10 * student
        settings["model"]["descriptor"]["seed"] = number + 1
        settings["model"]["fitting_net"]["seed"] = number + 2
        settings["training"].update(seed=number + 3, numb_steps=self.sizes["steps"])
        return settings

    def folder(self, round_number, student):
        """Folder of a student's training."""
        return self.state / f"round-{round_number:02d}/student-{student}"

    def students(self, round_number):
        """The models of a round, trained on all data so far."""
        models = []
        for student in range(STUDENTS):
            work = self.folder(round_number, student)
            if not (work / "model.pb").exists():
                data = self.data(round_number)
                say(f"round {round_number}: training student {student} on {len(data)} frames")
                first = training.checkpoint(self.folder(round_number - 1, student)) if round_number > 1 else None
                training.train(self.options.deepmd, work, data, self.student_settings(round_number, student), first)
            models.append(work / "model.pb")
        return models

    def trajectories(self, models, folder, rng_key, settings, count):
        """(frame, disagreement) of every frame of `count` new trajectories."""
        found = []
        for number in range(count):
            rng = np.random.default_rng([*rng_key, number])
            start = structures.packing(structures.composition(rng), rng, rng.uniform(1.0, 1.2))
            found.append(explore.trajectory(self, models, folder / f"{number:02d}", start, rng, settings))
        return found

    def round(self, number):
        """Students, their trajectories, and labels of the frames on which they disagree."""
        labelled = self.state / f"data/round-{number:02d}.npz"
        if labelled.exists():
            return
        models = self.students(number)
        folder = self.state / f"round-{number:02d}"
        candidates = folder / "candidates.npz"
        if not candidates.exists():
            say(f"round {number}: {self.sizes['trajectories']} trajectories")
            sizes = self.sizes
            runs = self.trajectories(models, folder / "runs", (1, number), sizes["explore"], sizes["trajectories"])
            low, high = sizes["deviation"][min(number, len(sizes["deviation"])) - 1]
            every = [c for run in runs for c in run]
            worth = np.mean([low <= d < high for _, d in every])
            say(
                f"round {number}: {len(every)} frames, median disagreement {np.median([d for _, d in every]):.3f} eV/A, "
                f"{100 * worth:.0f} % between {low} and {high}, {100 * np.mean([d >= high for _, d in every]):.0f} % beyond"
            )
            rng = np.random.default_rng([2, number])
            picked = explore.pick(every, sizes["frames"] - sizes["augmented"], low, high, rng)
            frames.save(candidates, picked + explore.augmented(picked, sizes["augmented"], rng))
        say(f"round {number}: labels")
        self.label(candidates, labelled)
        shutil.rmtree(folder / "runs", ignore_errors=True)

    def held_out(self):
        """Frames that no training ever sees: from trajectories of their own, evenly over temperatures."""
        out = self.state / "data/held-out.npz"
        if out.exists():
            return
        after, count = self.sizes["held_out_after"], self.sizes["held_out"]
        folder = self.state / "held-out"
        candidates = folder / "candidates.npz"
        if not candidates.exists():
            say("held-out frames")
            models = [self.folder(after, student) / "model.pb" for student in range(STUDENTS)]
            runs = self.trajectories(models, folder / "runs", (3,), dict(self.sizes["explore"], squeeze=0), 6)
            limit = self.sizes["deviation"][0][1]
            rng = np.random.default_rng(4)
            usable = [f for run in runs for f, d in run if d < limit and f.kind != "settle"]
            order = sorted(usable, key=lambda f: f.temperature)
            frames.save(candidates, [order[i] for i in np.linspace(0, len(order) - 1, count).round().astype(int)])
        self.label(candidates, out)

    def run(self):
        """The whole loop."""
        (self.state / "data").mkdir(parents=True, exist_ok=True)
        self.seed()
        for number in range(1, self.sizes["rounds"] + 1):
            self.round(number)
            if number == self.sizes["held_out_after"]:
                self.held_out()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="folder for data, checkpoints and models")
    parser.add_argument("--teacher", required=True, help="nequix-omat-1.nqx")
    parser.add_argument("--deepmd", help="environment of deepmd-kit (requirements/deepmd.txt)")
    parser.add_argument("--lmp", help="LAMMPS executable")
    parser.add_argument("--plugin", default=os.environ.get("DEEPDMS_PLUGIN"), help="deepdmsplugin.so")
    parser.add_argument("--quick", action="store_true", help="a loop of minutes that shows that everything works")
    options = parser.parse_args()
    options.state = options.state.absolute()
    options.teacher = find(options.teacher, options.teacher, "the teacher's weights", "--teacher")
    options.deepmd = Path(find(options.deepmd, ROOT / ".venv-deepmd", "deepmd-kit", "--deepmd"))
    options.lmp = find(options.lmp, ROOT / ".venv/bin/lmp", "LAMMPS", "--lmp")
    options.plugin = find(options.plugin, ROOT / "build/deepdmsplugin.so", "the plugin", "--plugin")
    os.environ["OMP_NUM_THREADS"] = "1"
    Loop(options, QUICK if options.quick else STANDARD).run()


if __name__ == "__main__":
    main()
