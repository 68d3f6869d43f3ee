"""Change settings of models of this folder that no training input of theirs asks for, and put them into other containers.

    python tests/models/make_settings.py

    pairs_off.dp, .pth     overflow with pair_exclude_types and exclude_types
    atoms_off.dp, .pth     hybrid_a3 with atom_exclude_types, exclude_types of the fitting net, out_bias and env_protection
    radial_compressed.dp   radial_one_sided with tables in the place of embedding nets, as deepmd-kit's NumPy backend writes them
    radial_one_sided.pt2   the same exported by PyTorch, without the program: compiling it takes minutes and it is a megabyte
    radial_one_sided.json  the native tree in it
    atten_mean.pt2         atten_concat with a mean that is not zero: empty slots would contribute, and here there are none

Needs torch, as make_references.py does, and a C++ compiler. The references are made anew with make_references.py, except those of
the .pt2, which are made here from the whole files.
"""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

from make_models import HERE, dp, set_threads

set_threads()

import numpy as np
from deepmd.dpmodel.model.base_model import BaseModel
from deepmd.dpmodel.utils.serialization import load_dp_model, save_dp_model

from make_references import reference, write_reference
from systems import reference_configurations


def edited(source, name, edit, folder):
    """Save the native tree of `source` after `edit` as NAME.dp."""
    data = load_dp_model(str(HERE / source))
    edit(data)
    save_dp_model(str(folder / f"{name}.dp"), data)
    return folder / f"{name}.dp"


def change(source, name, edit, folder, suffixes=("dp", "pth")):
    """Keep the native tree of `source` after `edit` as NAME.dp, and what it is converted to."""
    edited(source, name, edit, folder)
    for suffix in suffixes:
        if suffix != "dp":
            dp("convert-backend", f"{name}.dp", f"{name}.{suffix}", cwd=folder)
        shutil.copy(folder / f"{name}.{suffix}", HERE)


def pairs_off(data):
    data["model"]["pair_exclude_types"] = [[0, 1], [2, 2]]
    data["model"]["descriptor"]["exclude_types"] = [[0, 2]]


def atoms_off(data):
    model = data["model"]
    model["atom_exclude_types"] = [1]
    model["fitting"]["exclude_types"] = [2]
    model["@variables"]["out_bias"] = np.array([0.5, -1.25, 2.0]).reshape(1, 3, 1)
    for part in model["descriptor"]["list"]:
        part["env_protection"] = part["env_mat"]["protection"] = 0.05


def compressed(data):
    model = BaseModel.deserialize(data["model"])
    # smallest distance, reach of the table, spacing
    model.atomic_model.descriptor.enable_compression(2.0, 3, 0.25, 1.0)
    data["model"] = model.serialize()


def mean(data):
    statistics = data["model"]["descriptor"]["@variables"]
    statistics["davg"][..., 0] = np.array([0.08, 0.11, 0.05]).reshape(3, 1)


def exported(source, folder):
    """The .pt2 of a .dp without its program, and the answers of the whole file; gives its native tree."""
    whole = folder / f"{source.stem}.pt2"
    dp("--pt", "convert-backend", source, whole, cwd=folder)
    table = reference(whole, folder, reference_configurations())
    for numbers in table["configurations"].values():
        if not np.any(numbers["atom_virials"]):
            del numbers["atom_virials"]  # the program was not compiled for them
    write_reference(whole.name, table)
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(HERE / whole.name, "w") as kept:
        for member in archive.infolist():
            if "/aotinductor/" not in member.filename:
                kept.writestr(member.filename, archive.read(member))
        return json.loads(archive.read("model/extra/model.json"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        change("overflow.dp", "pairs_off", pairs_off, folder)
        change("hybrid_a3.dp", "atoms_off", atoms_off, folder)
        change("radial_one_sided.dp", "radial_compressed", compressed, folder, ("dp",))
        tree = exported(HERE / "radial_one_sided.dp", folder)
        (HERE / "radial_one_sided.json").write_text(json.dumps(tree, separators=(",", ":")) + "\n")
        exported(edited("atten_concat.dp", "atten_mean", mean, folder), folder)


if __name__ == "__main__":
    main()
