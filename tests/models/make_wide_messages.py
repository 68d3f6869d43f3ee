"""Make wide_messages.pth, a model of a few lines that passes messages of 100 columns between atoms, and its reference.

    python tests/models/make_wide_messages.py        # needs torch 2.11.0 and numpy, not deepmd-kit

It stands in for models as wide as people use them, whose files are too large to keep. Without a way to ghosts it takes
what atoms have seen from the owners of ghosts, so that PyTorch alone gives the reference.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

HERE = Path(__file__).resolve().parent
COLUMNS = 100
CUTOFF = 4.3

torch.library.define(
    "deepmd::border_op",
    "(Tensor a, Tensor b, Tensor c, Tensor d, Tensor e, Tensor rows, Tensor f, Tensor g, Tensor h) -> Tensor[]",
)


class Nothing(torch.nn.Module):
    pass


class WideMessages(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.atomic_model = Nothing()

    @torch.jit.export
    def get_rcut(self) -> float:
        return 4.3

    @torch.jit.export
    def get_type_map(self) -> list[str]:
        return ["Pd", "Cu", "P"]

    @torch.jit.export
    def get_nnei(self) -> int:
        return 80

    @torch.jit.export
    def model_output_type(self) -> list[str]:
        return ["energy"]

    @torch.jit.export
    def has_message_passing(self) -> bool:
        return True

    @torch.jit.export
    def forward_lower(
        self,
        extended_coord: Tensor,
        extended_atype: Tensor,
        nlist: Tensor,
        mapping: Tensor | None = None,
        fparam: Tensor | None = None,
        aparam: Tensor | None = None,
        do_atomic_virial: bool = False,
        comm_dict: dict[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        x = extended_coord[0].detach().requires_grad_(True)
        n = nlist.shape[1]
        there = nlist[0] >= 0
        neighbours = torch.where(there, nlist[0], 0)
        r2 = ((x[neighbours] - x[:n, None, :]) ** 2).sum(2)
        weight = torch.where(there, (1.0 - r2 / 4.3**2).clamp(min=0.0) ** 3, 0.0)
        column = torch.arange(100, device=x.device, dtype=x.dtype)
        kind = 1.0 + 0.1 * extended_atype[0][neighbours]
        seen = ((weight * kind)[:, :, None] * torch.cos(0.02 * column * r2[:, :, None])).sum(1)
        if comm_dict is not None:
            rows = torch.nn.functional.pad(seen, (0, 0, 0, x.shape[0] - n))
            size = torch.tensor(0)
            told = torch.ops.deepmd.border_op(
                comm_dict["send_list"],
                comm_dict["send_proc"],
                comm_dict["recv_proc"],
                comm_dict["send_num"],
                comm_dict["recv_num"],
                rows,
                comm_dict["communicator"],
                size,
                size,
            )[0]
        else:
            assert mapping is not None
            told = seen[mapping[0]]
        atom_energy = (weight[:, :, None] * torch.tanh(told * torch.sin(column))[neighbours]).sum([1, 2])
        energy = atom_energy.sum()
        gradient = torch.autograd.grad([energy], [x])[0]
        assert gradient is not None
        virial = -gradient[:, :, None] * x[:, None, :]
        return {
            "atom_energy": atom_energy.detach(),
            "energy": energy.detach().reshape(1),
            "extended_force": -gradient,
            "virial": virial.sum(0).detach(),
            "extended_virial": virial.detach(),
        }


def images(positions, cell):
    """Atoms with the images that any of them can see; owners of all."""
    coordinates, owners = [positions], [np.arange(len(positions))]
    for shift in np.ndindex(7, 7, 7):
        shift = np.array(shift) - 3
        if shift.any():
            moved = positions + shift @ cell
            near = np.linalg.norm(moved[:, None] - positions, axis=2).min(1) < CUTOFF
            coordinates.append(moved[near])
            owners.append(np.flatnonzero(near))
    return np.concatenate(coordinates), np.concatenate(owners)


def main():
    model = torch.jit.script(WideMessages())
    torch.jit.save(model, str(HERE / "wide_messages.pth"))
    stored = json.loads((HERE / "references" / "configurations.json").read_text())["configurations"]["triclinic"]
    positions = np.array(stored["coordinates"]).reshape(-1, 3)
    n = len(positions)
    coordinates, owners = images(positions, np.array(stored["cell"]).reshape(3, 3))
    distances = np.linalg.norm(coordinates - positions[:, None], axis=2)
    distances[np.arange(n), np.arange(n)] = np.inf
    nlist = np.argsort(distances, axis=1)[:, :80]
    nlist[np.take_along_axis(distances, nlist, axis=1) > CUTOFF] = -1
    assert (nlist[:, -1] < 0).all()
    answer = model.forward_lower(
        torch.tensor(coordinates)[None],
        torch.tensor(np.array(stored["types"])[owners])[None],
        torch.tensor(nlist)[None],
        torch.tensor(owners)[None],
    )
    forces = np.zeros((n, 3))
    np.add.at(forces, owners, answer["extended_force"].numpy())
    table = {"energy": float(answer["energy"]), "forces": [float(f"{f:.12g}") for f in forces.ravel()]}
    path = HERE / "references" / "wide_messages.pth.json"
    path.write_text(json.dumps({"configurations": {"triclinic": table}}) + "\n")


if __name__ == "__main__":
    main()
