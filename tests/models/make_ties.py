"""Make references/ties.json: a perfect diamond lattice around the atoms of a cell, whose neighbours at one distance do not all
fit into `sel`, and what PyTorch makes of it with overflow.pth.

    python tests/models/make_ties.py        # needs torch 2.11.0 and numpy, not deepmd-kit

Which of them are kept depends on rounding errors and on the order of the list, which is shuffled here. The list is wider than
`sum(sel)`, so that the model sorts it. Its sort leaves the order of equal distances open, and PyTorch gives another one in each
version; here the program is told to keep that of the list.
"""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
LATTICE = 3.567
CUTOFF = 4.3
BASIS = np.array(
    [
        [0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0],
        [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1],
    ]
)  # fmt: skip

torch.library.define("deepmd::tabulate_fusion_se_a", "(Tensor a, Tensor b, Tensor c, Tensor d, int e) -> Tensor[]")


def with_stable_sort(file):
    """The file with a sort in its program that keeps the order of what is equal."""
    copy = io.BytesIO()
    sort, stable = b"torch.sort(rr0)", b"torch.sort(rr0, stable=True, dim=-1, descending=False)"
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(copy, "w") as other:
        texts = {name: archive.read(name) for name in archive.namelist()}
        assert sum(text.count(sort) for text in texts.values()) == 1
        for name, text in texts.items():
            other.writestr(name, text.replace(sort, stable))
    copy.seek(0)
    return copy


def main():
    random = np.random.default_rng(18)
    kinds = random.integers(0, 3, len(BASIS))
    cells = [np.array(cell) for cell in np.ndindex(5, 5, 5)]
    cells.sort(key=lambda cell: np.any(cell != 2))  # the middle one first
    sites = [(4 * (cell - 2) + site, kind) for cell in cells for site, kind in zip(BASIS, kinds)]
    positions = np.array([LATTICE * site / 4 for site, _ in sites])
    types = np.array([kind for _, kind in sites])
    distances = [np.linalg.norm(positions - positions[k], axis=1) for k in range(len(BASIS))]
    near = np.min(distances, axis=0) < CUTOFF
    positions, types = positions[near], types[near]
    lists = []
    for k in range(len(BASIS)):
        distance = np.linalg.norm(positions - positions[k], axis=1)
        around = np.flatnonzero((distance < CUTOFF) & (np.arange(len(positions)) != k))
        lists.append(random.permutation(around).tolist())
    assert len({len(around) for around in lists}) == 1

    model = torch.jit.load(with_stable_sort(HERE / "overflow.pth"), map_location="cpu")
    assert len(lists[0]) > model.get_nnei()
    answer = model.forward_lower(
        torch.tensor(positions[None], requires_grad=True), torch.tensor(types[None]), torch.tensor([lists])
    )
    reference = {
        "positions": positions.ravel().tolist(),
        "types": types.tolist(),
        "lists": lists,
        "atom_energies": answer["atom_energy"].ravel().tolist(),
        "forces": answer["extended_force"].ravel().tolist(),
    }
    (HERE / "references/ties.json").write_text(json.dumps(reference) + "\n")


main()
