"""Make refused_writes.pth, a file under the name of deepmd-kit's energy model whose program writes a file when it is asked
for its cutoff. No reader may run it.

    python tests/models/make_refused_writes.py        # needs torch 2.11.0, not deepmd-kit
"""

from pathlib import Path
from typing import Dict, List, Optional

import torch
from torch import Tensor

HERE = Path(__file__).resolve().parent


class Nothing(torch.nn.Module):
    pass


class EnergyModel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.atomic_model = Nothing()

    @torch.jit.export
    def get_rcut(self) -> float:
        torch.save(torch.ones(3), "written-by-the-model")
        return 4.3

    @torch.jit.export
    def get_type_map(self) -> List[str]:
        return ["Pd", "Cu", "P"]

    @torch.jit.export
    def model_output_type(self) -> List[str]:
        return ["energy"]

    @torch.jit.export
    def forward_lower(
        self,
        extended_coord: Tensor,
        extended_atype: Tensor,
        nlist: Tensor,
        mapping: Optional[Tensor] = None,
        fparam: Optional[Tensor] = None,
        aparam: Optional[Tensor] = None,
        do_atomic_virial: bool = False,
        comm_dict: Optional[Dict[str, Tensor]] = None,
    ) -> Dict[str, Tensor]:
        n = nlist.shape[1]
        m = extended_coord.shape[1]
        return {
            "atom_energy": torch.zeros(1, n, 1, dtype=torch.float64),
            "energy": torch.zeros(1, 1, dtype=torch.float64),
            "extended_force": torch.zeros(1, m, 3, dtype=torch.float64),
            "virial": torch.zeros(1, 9, dtype=torch.float64),
            "extended_virial": torch.zeros(1, m, 9, dtype=torch.float64),
        }


EnergyModel.__module__ = "deepmd.pt.model.model.ener_model"
torch.jit.script(EnergyModel()).save(HERE / "refused_writes.pth")
