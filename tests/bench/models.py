"""Which models are measured, on which atoms, and the two files that deepmd-kit gets of each.

    --model FILE --data FILE [--elements Cu Zr] [--replicate 2] [--name NAME], as often as there are models
"""

import argparse
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from runs import HERE, ROOT, THREADS

GLASS = ROOT / "examples" / "cuzr-glass"
ENOUGH = 500  # atoms of the larger size, at least
FEW = 1000  # a data file with fewer atoms is replicated in any case
STYLES = {5: "atomic", 8: "atomic", 6: "charge", 9: "charge"}  # words of a line of atoms
SAME_STYLE = {"atomic", "charge", "molecular", "full"}
TOY = "toy (trained for 600 steps only)"


@dataclass
class Model:
    """A model on the atoms of a data file."""

    file: Path
    data: Path | None = None
    name: str = ""
    elements: list = field(default_factory=list)  # of LAMMPS types; empty: in the order of the model
    boxes: int | None = None  # boxes along each axis of the larger size
    replicate: int = 1  # boxes along each axis
    style: str = "atomic"
    masses: bool = True
    atoms: int = 0  # of the data file
    toy: bool = False
    frozen: Path | None = None  # what deepmd-kit reads; None: it reads none
    compressed: Path | None = None
    notes: list = field(default_factory=list)

    def variables(self):
        """Variables of in.model."""
        coeff = " ".join(["* *", *self.elements])
        return {"data": self.data, "style": self.style, "masses": int(self.masses), "replicate": self.replicate, "coeff": coeff}

    def sizes(self):
        """The model on the smallest and on the larger number of atoms."""
        return [self] if self.boxes == 1 else [self, replace(self, replicate=self.boxes)]


class Group(argparse.Action):
    """--model begins a group; the other options belong to the last one."""

    def __call__(self, parser, namespace, values, option=None):
        groups = getattr(namespace, "models", None) or []
        name = self.dest.removeprefix("group_")
        if name == "file":
            groups = [*groups, Model(Path(values).absolute())]
        elif not groups:
            parser.error(f"{option} belongs to a model: give --model FILE before it")
        else:
            setattr(groups[-1], name, values)
        namespace.models = groups


def add_options(parser):
    """The options of groups."""
    group = parser.add_argument_group("models", "as often as there are models; without any, the glass of examples/cuzr-glass")
    group.add_argument("--model", dest="group_file", metavar="FILE", action=Group, help="a file that deepdms and deepmd-kit read")
    group.add_argument("--data", dest="group_data", metavar="FILE", action=Group, type=lambda text: Path(text).absolute(), help="LAMMPS data file")
    group.add_argument("--elements", dest="group_elements", metavar="NAME", action=Group, nargs="+", help="elements of its atom types; default: as in the model")
    group.add_argument("--replicate", dest="group_boxes", metavar="N", action=Group, type=int, help=f"boxes along each axis; default: {ENOUGH} atoms or more")
    group.add_argument("--name", dest="group_name", action=Group, help="in the table; default: name of the file")
    parser.set_defaults(models=[])


def chosen(options):
    """The models of the command line, with what their data files tell; stops where a file is missing or makes no sense."""
    models = options.models or [Model(GLASS / "glass.pb", GLASS / "glass-300K.data", "CuZr glass")]
    for model in models:
        if not model.file.exists():
            sys.exit(f"bench: the model {model.file} is not there")
        if model.data is None:
            sys.exit(f"bench: --model {model.file.name} has no atoms: give --data FILE, a LAMMPS data file, behind it")
        if not model.data.exists():
            sys.exit(f"bench: the data file {model.data} is not there")
        if model.boxes is not None and model.boxes < 1:
            sys.exit(f"bench: --replicate {model.boxes} is not a number of boxes: give 1 or more")
        model.name = model.name or model.file.stem
        read_header(model)
    return models


def read_header(model):
    """Fills in what the data file tells: atoms, atom style, whether it has masses; checks its types against the elements."""
    lines = model.data.read_text(errors="replace").splitlines()
    types, first = None, None
    model.masses = any(line.split("#")[0].strip() == "Masses" for line in lines)
    for n, line in enumerate(lines[1:], 1):
        words = line.split("#")[0].split()
        if words[1:] == ["atoms"]:
            model.atoms = int(words[0])
        elif words[1:] == ["atom", "types"]:
            types = int(words[0])
        elif words[:1] == ["Atoms"]:
            hint = line.partition("#")[2].strip()
            first = next((row.split("#")[0].split() for row in lines[n + 1 :] if row.strip()), [])
            model.style = hint if hint in SAME_STYLE else STYLES.get(len(first), "")
            break
    if not model.atoms or not types or not first:
        sys.exit(f"bench: {model.data} is not a LAMMPS data file: it has no line 'N atoms' or 'N atom types', or no section Atoms")
    if not model.style:
        sys.exit(f"bench: the atom style of {model.data} is unknown ({len(first)} words a line): write it behind the word Atoms, as in 'Atoms # atomic'")
    if model.elements and len(model.elements) != types:
        sys.exit(f"bench: {model.data} has {types} atom types, but --elements names {len(model.elements)}: {' '.join(model.elements)}")
    if model.boxes is None:
        model.boxes = next(n for n in range(1 + (model.atoms < FEW), 100) if model.atoms * n**3 >= ENOUGH)


def make_toy(programs, peer, out):
    """The toy network with its atoms, made where it is not there."""
    data, file = out / "toy.data", out / "paper.pb"
    if not file.exists():
        if peer is None:
            sys.exit(f"bench: {file} is not there, and only deepmd-kit can make it: leave out --no-peer")
        print("bench: training the toy network (some minutes, once)", flush=True)
        maker = [peer / "bin" / "python", HERE / "make_paper_model.py", "--out", out]
        subprocess.run([str(part) for part in maker], check=True)
    folder, extra, _ = programs.environments[True]
    command = [str(folder / "lmp"), "-in", str(HERE / "in.toy"), "-log", "none", "-screen", "none", "-var", "out", str(data)]
    subprocess.run(command, check=True, env=extra)
    model = Model(file, data, TOY, ["Pd", "Cu", "P"], toy=True)
    read_header(model)
    return model


def prepare_for_peer(model, peer, out, nearest):
    """Sets the files that deepmd-kit reads and notes what it cannot do; `nearest` is the smallest distance of the atoms [A].

    Files are kept in `out` by the content of the model.
    """
    content = model.file.read_bytes()
    stem = out / f"{model.file.stem}.{hashlib.sha256(content).hexdigest()[:8]}"
    model.frozen = model.file
    suffix = model.file.suffix
    if suffix == ".pb" and b"model_attr/model_version" not in content:
        model.frozen = Path(f"{stem}.converted.pb")
        reason = None if model.frozen.exists() else dp(peer, out, "convert-from", "auto", "-i", model.file, "-o", model.frozen)
        if reason:
            model.notes.append(f"deepmd-kit does not read this file, and `dp convert-from` fails: {reason}")
            model.frozen = None
            return
        model.notes.append("deepmd-kit reads it after `dp convert-from` only")
    compressed = Path(f"{stem}.compressed{suffix}")
    reason = None
    if b"compressed_model" in content:
        reason = "it is compressed already"
    elif suffix == ".pb" and b"train_attr/training_script" not in model.frozen.read_bytes():
        reason = "the file holds no training script"
    elif not compressed.exists():
        print(f"bench: {model.name}: dp compress", flush=True)
        source = model.frozen
        if suffix == ".pb":
            source = Path(f"{stem}.nearest.pb")
            script = [peer / "bin" / "python", HERE / "add_nearest.py", model.frozen, source, nearest]
            reason = call(script, out)
        backend = {".pth": ["--pt"], ".pb": ["--tf"]}.get(suffix, [])
        part = Path(f"{stem}.part{suffix}")  # a run that is killed leaves no half of a file for the next one
        reason = reason or dp(peer, out, *backend, "compress", "-i", source, "-o", part)
        if not reason:
            part.rename(compressed)
        if suffix == ".pb":
            source.unlink(missing_ok=True)
    if reason:
        model.notes.append(f"deepmd-kit does not compress it ({reason}): compared with the file as frozen")
    else:
        model.compressed = compressed


def dp(peer, out, *words):
    """Runs `dp` of deepmd-kit; why it failed, or None."""
    return call([peer / "bin" / "dp", *words], out)


def call(command, out):
    """Runs a program of deepmd-kit in a folder of its own, since it leaves files; the last line of its error, or None."""
    work = out / "compress"
    work.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(word) for word in command], cwd=work, capture_output=True, text=True, env={**os.environ, **THREADS})
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("implib-gen")]
    return lines[-1].strip()[:200] if lines else f"exit status {done.returncode}"
