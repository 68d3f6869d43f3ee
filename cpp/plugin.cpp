/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Entry point of deepdmsplugin.so. LAMMPS calls lammpsplugin_init() when it
   loads the file; the styles are registered there if, and only if, the LAMMPS
   that runs is the one that the plugin was built for.
------------------------------------------------------------------------- */

#include "fix_dms.h"
#include "fix_mobility.h"
#include "lammps_check.h"
#include "pair_deepmd.h"

#include "comm.h"
#include "error.h"
#include "force.h"
#include "lammps.h"
#include "utils.h"

#include <string>

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

// What LAMMPS' plugin.h declares, which is not shipped either.

namespace LAMMPS_NS {
__attribute__((weak)) int plugin_find(const char *, const char *);
__attribute__((weak)) const lammpsplugin_t *plugin_get_info(int);
__attribute__((weak)) void plugin_unload(const char *, const char *, LAMMPS *);
}    // namespace LAMMPS_NS

/* ----------------------------------------------------------------------
   the plugin that a style comes from, or a null pointer
------------------------------------------------------------------------- */

static const lammpsplugin_t *registered(const char *style, const char *name)
{
  if (!plugin_find || !plugin_get_info || !plugin_unload) return nullptr;
  const int index = plugin_find(style, name);
  return index < 0 ? nullptr : plugin_get_info(index);
}

/* ----------------------------------------------------------------------
   another plugin's pair style deepmd, such as that of deepmd-kit itself,
   gives way unless it is in use: LAMMPS alone would keep it
------------------------------------------------------------------------- */

static void displace_another(LAMMPS *lmp, void *handle)
{
  const lammpsplugin_t *other = registered("pair", "deepmd");
  if (!other || other->handle == handle) return;
  const std::string whose = fmt::format("'{}' by {}", other->info, other->author);

  if (lmp->force->pair_match("deepmd", 1, 1)) {
    if (lmp->comm->me == 0)
      lmp->error->warning(FLERR,
                          "Pair style deepmd of another plugin, {}, is in use and stays. For that "
                          "of deepdms, put plugin load before pair_style, or use first: plugin "
                          "unload pair deepmd",
                          whose);
    return;
  }
  plugin_unload("pair", "deepmd", lmp);
  if (lmp->comm->me == 0)
    utils::logmesg(lmp,
                   "Pair style deepmd of deepdms takes the place of another plugin's, {}. To go "
                   "back: plugin unload pair deepmd, then plugin load the other file\n",
                   whose);
}

/* ----------------------------------------------------------------------
   styles of deepmd-kit's plugin that take any pair style deepmd for their own
   would read its memory wrongly: LAMMPS shall not know them
------------------------------------------------------------------------- */

static void part_with_strangers(LAMMPS *lmp)
{
  const lammpsplugin_t *own = registered("pair", "deepmd");
  if (!own) return;
  const char *const styles[][2] = {{"fix", "dplr"}, {"compute", "deepmd/fparam/dedn"}};
  for (const auto &style : styles) {
    const lammpsplugin_t *other = registered(style[0], style[1]);
    if (!other || other->handle == own->handle) continue;
    if (lmp->comm->me == 0)
      utils::logmesg(lmp,
                     "{} style {} works only with pair style deepmd of the plugin that it comes "
                     "from, and is not available beside that of deepdms\n",
                     style[0], style[1]);
    plugin_unload(style[0], style[1], lmp);
  }
}

/* ---------------------------------------------------------------------- */

static void *create_pair_deepmd(void *ptr)
{
  auto *lmp = static_cast<LAMMPS *>(ptr);
  part_with_strangers(lmp);
  return static_cast<Pair *>(new PairDeepMD(lmp));
}

static void *create_fix_dms(void *lmp, int narg, char **arg)
{
  return static_cast<Fix *>(new FixDMS(static_cast<LAMMPS *>(lmp), narg, arg));
}

static void *create_fix_mobility(void *lmp, int narg, char **arg)
{
  return static_cast<Fix *>(new FixMobility(static_cast<LAMMPS *>(lmp), narg, arg));
}

/* ---------------------------------------------------------------------- */

extern "C" void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  if (!deepdms::fits_this_lammps(lmp)) return;
  deepdms::remember_folder();
  displace_another(static_cast<LAMMPS *>(lmp), handle);

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

  plugin.style = "fix";
  plugin.name = "mobility";
  plugin.info = "Atomic mobility fix style mobility";
  plugin.creator.v2 = &create_fix_mobility;
  register_plugin(&plugin, lmp);
}
