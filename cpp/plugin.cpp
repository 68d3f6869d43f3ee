/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Entry point of deepdmsplugin.so. LAMMPS calls lammpsplugin_init() when it
   loads the file; the styles are registered there if, and only if, the LAMMPS
   that runs is the one that the plugin was built for.
------------------------------------------------------------------------- */

#include "fix_dms.h"
#include "lammps_check.h"
#include "pair_deepmd.h"

#include "lammps.h"

using namespace LAMMPS_NS;

// The plugin interface of LAMMPS, as its manual documents it; not every installation ships lammpsplugin.h.

extern "C" {
typedef void *(lammpsplugin_factory1) (void *);
typedef void *(lammpsplugin_factory2) (void *, int, char **);

typedef struct {
  const char *version;
  const char *style;
  const char *name;
  const char *info;
  const char *author;
  union {
    lammpsplugin_factory1 *v1;
    lammpsplugin_factory2 *v2;
  } creator;
  void *handle;
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *, void *);
}

/* ---------------------------------------------------------------------- */

static void *create_pair_deepmd(void *lmp)
{
  return static_cast<Pair *>(new PairDeepMD(static_cast<LAMMPS *>(lmp)));
}

static void *create_fix_dms(void *lmp, int narg, char **arg)
{
  return static_cast<Fix *>(new FixDMS(static_cast<LAMMPS *>(lmp), narg, arg));
}

/* ---------------------------------------------------------------------- */

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  if (!deepdms::fits_this_lammps(lmp)) return;

  auto register_plugin = reinterpret_cast<lammpsplugin_regfunc>(regfunc);
  lammpsplugin_t plugin;
  plugin.version = DEEPDMS_LAMMPS_VERSION;
  plugin.author = "the deepdms developers";
  plugin.handle = handle;

  plugin.style = "pair";
  plugin.name = "deepmd";
  plugin.info = "Deep Potential pair style deepmd";
  plugin.creator.v1 = &create_pair_deepmd;
  register_plugin(&plugin, lmp);

  plugin.style = "fix";
  plugin.name = "dms";
  plugin.info = "Dynamic mechanical spectroscopy fix style dms";
  plugin.creator.v2 = &create_fix_dms;
  register_plugin(&plugin, lmp);
}
