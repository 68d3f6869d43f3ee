#!/usr/bin/env python3
"""A Deep Potential for Pd-Cu-Ni-P by active learning, from the teacher's weights to the frozen model, in one command.

    loop.py --state DIR --teacher nequix-omat-1.nqx --deepmd .venv-deepmd [--quick]

Run it with the Python of the teacher's environment (requirements.txt). It uses one core. Everything goes into --state; a run
that was killed, at whatever point, goes on when the command is given again.
"""

import argparse
import fcntl
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import children  # noqa: E402
import dataset  # noqa: E402
import explore  # noqa: E402
import frames  # noqa: E402
import structures  # noqa: E402
import training  # noqa: E402
from running import ROOT, fail, find  # noqa: E402

# Sizes of the loop. `deviation`: limits in eV/A between which disagreement makes a frame worth a label, round by round (the last
# pair goes on); the first students know little and are asked beyond the limits of the later ones.
STANDARD = {
    "seed": ["--packings", "14", "--strains", "14", "--relax", "12"],
    "rounds": 7,
    "frames": 300,  # labelled in a round
    "augmented": 45,  # of these
    "trajectories": 10,  # in a round
    "deviation": [(0.2, 1.5), (0.2, 1.0), (0.15, 0.5)],
    "explore": {"hot": (1800, 2300), "pressure": (-2, 12), "cool": 8000, "hold": 2000, "squeeze": 0.25, "every": 20},
    "steps": 6000,  # of a student's training in a round
    "final_steps": 120000,  # of the model, with the students' slots for neighbours
    "wide_steps": 40000,  # then with slots for all neighbours and with the crystals that need them
    "held_out": 100,
    "held_out_after": 3,  # rounds
}
QUICK = dict(
    STANDARD,
    seed=["--packings", "3", "--strains", "2", "--relax", "4"],
    rounds=2, frames=8, augmented=3, trajectories=2, steps=300, final_steps=300, wide_steps=100, held_out=6, held_out_after=1,
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
        if children.run(command) != 0:
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
        if round_number > 1:
            settings["learning_rate"]["start_lr"] = 5e-4
        return settings

    def folder(self, round_number, student):
        """Folder of a student's training."""
        return self.state / f"round-{round_number:02d}/student-{student}"

    def first_weights(self, round_number, student):
        """What a training begins with: the student of the round before, or what --resume-from brought, or nothing."""
        before = training.checkpoint(self.folder(round_number - 1, student))
        brought = self.state / f"student-{student}.pb"
        return before or (brought if brought.exists() else None)

    def students(self, round_number):
        """The models of a round, trained on all data so far."""
        models = []
        for student in range(STUDENTS):
            work = self.folder(round_number, student)
            if not (work / "model.pb").exists():
                settings = self.student_settings(round_number, student)
                data = structures.that_fit(self.data(round_number), settings)
                say(f"round {round_number}: training student {student} on {len(data)} frames")
                first = self.first_weights(round_number, student)
                training.train(self.options.deepmd, work, data, settings, first)
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

    def final(self):
        """The model: a long training, a shorter one with slots for every neighbour, and the result in double precision."""
        model = self.state / "pd-cu-ni-p.pb"
        if model.exists():
            return
        folder, deepmd = self.state / "final", self.options.deepmd
        data = self.data(self.sizes["rounds"] + 1)
        narrow = json.loads((HERE / "input.json").read_text())
        narrow["training"]["numb_steps"] = self.sizes["final_steps"]
        narrow["learning_rate"]["stop_lr"] = 3e-6
        fitting = structures.that_fit(data, narrow)
        say(f"final training on {len(fitting)} of {len(data)} frames")
        last = training.checkpoint(self.folder(self.sizes["rounds"], 0))
        training.train(deepmd, folder / "narrow", fitting, narrow, last)

        descriptor = narrow["model"]["descriptor"]
        slots = np.max([structures.neighbours(f, descriptor["rcut"]) for f in data], axis=0)
        wide = json.loads(json.dumps(narrow))
        wide["model"]["descriptor"]["sel"] = [int(n) + 4 for n in slots]
        wide["training"]["numb_steps"] = self.sizes["wide_steps"]
        wide["learning_rate"].update(start_lr=2e-4, stop_lr=1e-6)
        say(f"final training with slots for {wide['model']['descriptor']['sel']} neighbours")
        first = training.transplant(deepmd, folder / "widened", data, wide, training.checkpoint(folder / "narrow"))
        training.train(deepmd, folder / "wide", data, wide, first)

        double = json.loads(json.dumps(wide))
        double["model"]["descriptor"]["precision"] = double["model"]["fitting_net"]["precision"] = "float64"
        training.transplant(deepmd, folder / "double", data[:1], double, training.checkpoint(folder / "wide"))
        training.freeze(deepmd, folder / "double", model)
        say(f"the model: {model}")

    def resume_from(self, folder):
        """Begin with packed data and the first student of another run of the loop, unless this one has data already."""
        if not (self.state / "data").exists():
            for name in ("student-0.pb", "data.tar.xz"):
                find(folder / name, folder / name, name, "--resume-from to a folder that has it")
            shutil.copy(folder / "student-0.pb", self.state)
            shutil.rmtree(self.state / "extracted", ignore_errors=True)
            dataset.extract(folder / "data.tar.xz", self.state / "extracted")
            (self.state / "extracted").rename(self.state / "data")
            say(f"begins with the data in {folder}")

    def run(self):
        """The whole loop."""
        (self.state / "data").mkdir(parents=True, exist_ok=True)
        self.seed()
        for number in range(1, self.sizes["rounds"] + 1):
            self.round(number)
            if number == self.sizes["held_out_after"]:
                self.held_out()
        self.final()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="folder for data, checkpoints and models")
    parser.add_argument("--teacher", required=True, help="nequix-omat-1.nqx")
    parser.add_argument("--deepmd", help="environment of deepmd-kit (requirements/deepmd.txt)")
    parser.add_argument("--lmp", help="LAMMPS executable")
    parser.add_argument("--plugin", default=os.environ.get("DEEPDMS_PLUGIN"), help="deepdmsplugin.so")
    parser.add_argument("--resume-from", type=Path, help="folder with data.tar.xz and student-0.pb to begin with")
    parser.add_argument("--quick", action="store_true", help="a loop of minutes that shows that everything works")
    options = parser.parse_args()
    options.state = options.state.absolute()
    options.teacher = find(options.teacher, options.teacher, "the teacher's weights", "--teacher")
    options.deepmd = Path(find(options.deepmd, ROOT / ".venv-deepmd", "deepmd-kit", "--deepmd"))
    options.lmp = find(options.lmp, ROOT / ".venv/bin/lmp", "LAMMPS", "--lmp")
    options.plugin = find(options.plugin, ROOT / "build/deepdmsplugin.so", "the plugin", "--plugin")
    os.environ["OMP_NUM_THREADS"] = "1"
    options.state.mkdir(parents=True, exist_ok=True)
    with open(options.state / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(f"another loop works in {options.state}; wait for its end or take another --state")
        loop = Loop(options, QUICK if options.quick else STANDARD)
        if options.resume_from:
            loop.resume_from(options.resume_from)
        loop.run()


if __name__ == "__main__":
    main()
