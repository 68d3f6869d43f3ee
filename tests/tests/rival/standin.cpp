/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   A plugin that has a pair style deepmd, too, and a compute that believes
   every pair style deepmd to be its own. Each atom has the energy 1.
------------------------------------------------------------------------- */

#include "atom.h"
#include "compute.h"
#include "lammps.h"
#include "memory.h"
#include "pair.h"

using namespace LAMMPS_NS;

namespace {

class PairStandIn : public Pair {
 public:
  PairStandIn(LAMMPS *lmp) : Pair(lmp) {}
  ~PairStandIn() override
  {
    if (!allocated) return;
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
  void compute(int eflag, int vflag) override
  {
    ev_init(eflag, vflag);
    eng_vdwl += atom->nlocal;
  }
  void settings(int, char **) override {}
  void coeff(int, char **) override
  {
    const int n = atom->ntypes + 1;
    if (!allocated) {
      memory->create(setflag, n, n, "pair:setflag");
      memory->create(cutsq, n, n, "pair:cutsq");
    }
    allocated = 1;
    for (int i = 1; i < n; i++)
      for (int j = 1; j < n; j++) setflag[i][j] = 1;
  }
  double init_one(int, int) override { return 3.0; }
};

class ComputeStandIn : public Compute {
 public:
  ComputeStandIn(LAMMPS *lmp, int narg, char **arg) : Compute(lmp, narg, arg) { scalar_flag = 1; }
  void init() override {}
};

Pair *make_pair_style(LAMMPS *lmp)
{
  return new PairStandIn(lmp);
}

Compute *make_compute_style(LAMMPS *lmp, int narg, char **arg)
{
  return new ComputeStandIn(lmp, narg, arg);
}

struct Plugin {
  const char *version, *style, *name, *info, *author;
  void *creator, *handle;
};

}    // namespace

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  auto add = (void (*)(Plugin *, void *)) regfunc;
  Plugin pair = {"22 Jul 2025", "pair", "deepmd", "pair style of a stand-in", "somebody else",
                 (void *) make_pair_style, handle};
  add(&pair, lmp);
  Plugin compute = {"22 Jul 2025", "compute", "deepmd/fparam/dedn", "compute of a stand-in",
                    "somebody else", (void *) make_compute_style, handle};
  add(&compute, lmp);
}
