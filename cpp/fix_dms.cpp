/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   The box of step n is set between position update and neighbor decision,
   so forces, virial, volume, and strain of step n belong together. All
   arithmetic lives in the Rust library; every rank samples the same values
   and holds the same state. Rank 0 writes the files, and whether that went
   well is all that is communicated.
------------------------------------------------------------------------- */

#include "fix_dms.h"

#include "guard.h"
#include "restart_memory.h"
#include "deepdms-plugin/src/dms.rs.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kspace.h"
#include "modify.h"
#include "neighbor.h"
#include "timer.h"
#include "update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;
using namespace FixConst;

using deepdms::DmsBox;
using deepdms::DmsStrain;
using deepdms::Reach;

// the guard for calls that all ranks make with the same arguments

#define ALL(call) deepdms::guard(lmp, FLERR, Reach::Everyone, [&] { return call; })

// the guard for calls that all ranks make, and that may fail on one

#define TOGETHER(call) deepdms::guard_together(lmp, FLERR, [&] { call; })

static constexpr int LENGTH_BITS[3] = {Fix::BOX_CHANGE_X, Fix::BOX_CHANGE_Y, Fix::BOX_CHANGE_Z};
static constexpr int TILT_BITS[3] = {Fix::BOX_CHANGE_XY, Fix::BOX_CHANGE_XZ, Fix::BOX_CHANGE_YZ};

namespace {

// the states that a restart file has brought, which LAMMPS keeps to itself

struct RestartStates : Modify {
  static char **ids(const Modify *modify) { return modify->*&RestartStates::id_restart_global; }
  static char **styles(const Modify *modify)
  {
    return modify->*&RestartStates::style_restart_global;
  }
  static int *used(const Modify *modify) { return modify->*&RestartStates::used_restart_global; }
};

}    // namespace

/* ---------------------------------------------------------------------- */

FixDMS::FixDMS(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), scales_velocities(false), stopped(false), width(0), rows(nullptr),
    displacements(false), volume_column(0), shell(0.0), list(nullptr)
{
  if (igroup != 0)
    error->all(FLERR, "fix dms: the group must be all, the strain acts on the whole box");
  if (!domain->box_exist)
    error->all(FLERR, "fix dms: there is no simulation box yet, define it before the fix");

  auto words = deepdms::words_of(lmp, FLERR, narg - 3, arg + 3);
  const deepdms::DmsHost host{lmp->version,  update->unit_style, update->dt,    force->boltz,
                              force->nktv2p, domain->dimension,  comm->me == 0};
  dms = std::make_unique<rust::Box<deepdms::Dms>>(ALL(deepdms::dms_new(std::move(words), host)));

  const deepdms::DmsBoxKind kind{
      domain->triclinic != 0,
      domain->dimension,
      {domain->xperiodic != 0, domain->yperiodic != 0, domain->zperiodic != 0}};
  ALL((*dms)->check_box(kind));
  TOGETHER((*dms)->name_files());
  warn_of_other_states();

  const DmsStrain strain = ALL((*dms)->strain_kind());
  scales_velocities = strain.scales_velocities;

  nevery = 1;
  time_depend = 1;
  no_change_box = strain.drives ? 1 : 0;
  restart_global = 1;
  box_change = box_change_bits(strain);

  ecouple_flag = 1;
  scalar_flag = vector_flag = array_flag = 1;
  extscalar = 1;
  extvector = extarray = 0;
  size_vector = 24;
  size_array_rows = (int) ALL((*dms)->rows());
  size_array_cols = (int) ALL((*dms)->columns());
  global_freq = 1;

  create_atoms();

  create_reader(TEMP, "temp", "temp");
  create_reader(PRESS, "press", "pressure " + readers[TEMP].id);
  create_reader(VIRIAL, "virial", "pressure NULL virial");
  create_reader(PE, "pe", "pe");
}

/* ---------------------------------------------------------------------- */

FixDMS::~FixDMS()
{
  for (const auto &reader : readers)
    if (reader.own && modify->get_compute_by_id(reader.id)) modify->delete_compute(reader.id);
  destroy_atoms();
}

/* ---------------------------------------------------------------------- */

int FixDMS::setmask()
{
  const DmsStrain strain = ALL((*dms)->strain_kind());
  int mask = PRE_EXCHANGE | END_OF_STEP | POST_RUN;
  if (strain.drives) mask |= POST_INTEGRATE;
  if (strain.external) mask |= PRE_FORCE;
  return mask;
}

/* ---------------------------------------------------------------------- */

void FixDMS::create_reader(int which, const std::string &suffix, const std::string &style)
{
  readers[which].id = std::string(id) + "_" + suffix;
  readers[which].own = true;
  modify->add_compute(readers[which].id + " all " + style);
}

/* ----------------------------------------------------------------------
   a compute that this fix reads, looked up at each use: uncompute may have
   removed it without another init, as run pre no makes none
------------------------------------------------------------------------- */

Compute *FixDMS::reader(int which) const
{
  auto *compute = modify->get_compute_by_id(readers[which].id);
  if (!compute)
    error->all(FLERR, "fix dms: compute {} that it reads no longer exists", readers[which].id);
  return compute;
}

/* ----------------------------------------------------------------------
   a restart file with the state of a fix dms of another ID: with that one
   lost, this is a new measurement
------------------------------------------------------------------------- */

void FixDMS::warn_of_other_states() const
{
  if (comm->me != 0 || ALL((*dms)->resumes())) return;
  std::string others;
  for (int i = 0; i < modify->nfix_restart_global; i++) {
    if (RestartStates::used(modify)[i] || strcmp(RestartStates::styles(modify)[i], style) != 0)
      continue;
    const std::string other = RestartStates::ids(modify)[i];
    if (other == id) return;
    others += (others.empty() ? "" : ", ") + other;
  }
  if (!others.empty())
    error->warning(FLERR,
                   "fix dms: the restart file holds the state of fix dms {}, which only a fix of that "
                   "ID goes on with: fix {} starts a new measurement",
                   others, id);
}

/* ----------------------------------------------------------------------
   read a compute of the user instead of an own one
------------------------------------------------------------------------- */

void FixDMS::adopt_reader(int which, const std::string &id_new)
{
  auto &reader = readers[which];
  const auto *compute = modify->get_compute_by_id(id_new);
  if (!compute) error->all(FLERR, "fix_modify for fix dms: there is no compute with ID {}", id_new);
  if (which == TEMP && !compute->tempflag)
    error->all(FLERR, "fix_modify for fix dms: compute {} does not compute a temperature", id_new);
  if (which == PRESS && !compute->pressflag)
    error->all(FLERR, "fix_modify for fix dms: compute {} does not compute a pressure", id_new);
  if (compute->igroup != 0)
    error->all(FLERR, "fix_modify for fix dms: compute {} must belong to group all", id_new);
  if (reader.own && modify->get_compute_by_id(reader.id)) modify->delete_compute(reader.id);
  reader = {id_new, false};
}

/* ----------------------------------------------------------------------
   parts of the box that the strain moves; a length scales the tilts of its
   row, shear in xy moves xz along where yz is not zero
------------------------------------------------------------------------- */

int FixDMS::box_change_bits(const DmsStrain &strain) const
{
  const bool xy = domain->triclinic && domain->xy != 0.0;
  const bool xz = domain->triclinic && domain->xz != 0.0;
  const bool yz = domain->triclinic && domain->yz != 0.0;
  int bits = NO_BOX_CHANGE;
  for (int axis = 0; axis < 3; axis++)
    if (strain.moves[axis]) bits |= LENGTH_BITS[axis];
  if (strain.moves[0] && xy) bits |= BOX_CHANGE_XY;
  if (strain.moves[0] && xz) bits |= BOX_CHANGE_XZ;
  if (strain.moves[1] && yz) bits |= BOX_CHANGE_YZ;
  if (strain.tilt >= 0) bits |= TILT_BITS[strain.tilt];
  if (strain.tilt == 0 && yz) bits |= BOX_CHANGE_XZ;
  return bits;
}

/* ---------------------------------------------------------------------- */

void FixDMS::init()
{
  if (update->whichflag == 2)
    error->all(FLERR, "fix dms: cannot be used with minimize, unfix {} before it", id);
  if (utils::strmatch(update->integrate_style, "^respa"))
    error->all(FLERR, "fix dms: cannot be used with run_style respa, use run_style verlet");

  ALL((*dms)->set_timestep(update->dt));
  check_partners();

  for (int which = 0; which < NREADERS; which++) reader(which);
  if (width) {
    atom_stress();
    atom_volume();
    request_neighbors();
  }

  rigid_fixes.clear();
  for (const auto &ifix : modify->get_fix_list())
    if (ifix->rigid_flag) rigid_fixes.emplace_back(ifix->id);
  if (scales_velocities && !rigid_fixes.empty())
    error->all(FLERR,
               "fix dms: vscale yes would scale the velocities of atoms in rigid bodies of fix {}: "
               "use vscale no",
               rigid_fixes.front());
}

/* ----------------------------------------------------------------------
   the lateral condition decides which modulus is measured, so it must be
   what the command says
------------------------------------------------------------------------- */

void FixDMS::check_partners() const
{
  const DmsStrain strain = ALL((*dms)->strain_kind());
  for (const auto &ifix : modify->get_fix_list())
    if (strain.still && ifix != this && ifix->box_change)
      error->all(FLERR,
                 "fix dms: mode none measures the noise in a box that stays as it is, but fix {} "
                 "changes the box: remove that fix",
                 ifix->id);
  for (int axis = 0; axis < domain->dimension; axis++) {
    const char name = "xyz"[axis];
    const Fix *mover = nullptr;
    for (const auto &ifix : modify->get_fix_list())
      if (ifix != this && (ifix->box_change & LENGTH_BITS[axis])) mover = ifix;
    if (mover && strain.fixed[axis])
      error->all(FLERR,
                 "fix dms: fix {} changes the box along {}, but lateral is fixed: use lateral free "
                 "for Young's modulus, or remove that fix",
                 mover->id, name);
    if (!mover && strain.free[axis])
      error->all(FLERR,
                 "fix dms: lateral free needs a barostat along {}, for instance fix npt with "
                 "keyword {}, or use lateral fixed",
                 name, name);
  }
}

/* ----------------------------------------------------------------------
   start clock and strain in the first run, unless a restart file did
------------------------------------------------------------------------- */

void FixDMS::setup_pre_exchange()
{
  const auto step = (int64_t) update->ntimestep;
  const DmsBox now = current_box();
  if (ALL((*dms)->resumes())) resume();
  const bool fresh = ALL((*dms)->begin(step, now, (double) atom->natoms));
  TOGETHER((*dms)->open_files(step));
  const DmsStrain strain = ALL((*dms)->strain_kind());
  if (fresh && strain.drives) {
    const DmsBox reference = ALL((*dms)->reference());
    if (reference.low != now.low || reference.high != now.high) move_box(reference);

    double length = strain.tilt < 0 ? 0.0 : domain->prd[strain.tilt == 0 ? 1 : 2];
    for (int axis = 0; axis < 3; axis++)
      if (strain.moves[axis]) length = std::max(length, domain->prd[axis]);
    const double travel = 2.0 * strain.peak * length;
    if (comm->me == 0 && neighbor->skin < travel)
      error->warning(FLERR,
                     "fix dms: the neighbor skin {:.4g} is smaller than the travel {:.4g} of atoms at "
                     "the box edge, so neighbor lists are rebuilt often: a larger skin may be faster",
                     neighbor->skin, travel);
  }
  talk();
}

/* ----------------------------------------------------------------------
   go on from a checkpoint, which rank 0 reads
------------------------------------------------------------------------- */

void FixDMS::resume()
{
  const auto step = (int64_t) update->ntimestep;
  rust::Vec<uint8_t> blob;
  TOGETHER(if (comm->me == 0) blob = (*dms)->read_checkpoint(step));
  int size = (int) blob.size();
  MPI_Bcast(&size, 1, MPI_INT, 0, world);
  std::vector<uint8_t> bytes(blob.begin(), blob.end());
  bytes.resize(size);
  MPI_Bcast(bytes.data(), size, MPI_BYTE, 0, world);
  ALL((*dms)->resume(rust::Slice<const uint8_t>(bytes.data(), bytes.size()), step));
}

/* ---------------------------------------------------------------------- */

void FixDMS::setup_pre_force(int vflag)
{
  pre_force(vflag);
}

/* ---------------------------------------------------------------------- */

void FixDMS::setup(int /*vflag*/)
{
  const auto step = (int64_t) update->ntimestep;
  ALL((*dms)->check_start(step, (int64_t) update->laststep, current_box()));
  if (width) start_atoms();
  talk();
  if (ALL((*dms)->is_due(step))) observe(true);
  announce();
}

/* ---------------------------------------------------------------------- */

void FixDMS::post_integrate()
{
  const DmsBox before = current_box();
  const DmsBox after = ALL((*dms)->strained_box((int64_t) update->ntimestep, before));
  move_box(after);
  if (scales_velocities) scale_velocities(before, after);
}

/* ----------------------------------------------------------------------
   the box in which forces are computed, where something else moves it
------------------------------------------------------------------------- */

void FixDMS::pre_force(int /*vflag*/)
{
  ALL((*dms)->follow((int64_t) update->ntimestep, current_box()));
}

/* ---------------------------------------------------------------------- */

void FixDMS::end_of_step()
{
  if (!ALL((*dms)->is_due((int64_t) update->ntimestep))) return;
  observe(false);
  announce();
  if (ALL((*dms)->take_stop())) {
    stopped = true;
    timer->force_timeout();
  }
}

/* ----------------------------------------------------------------------
   a run that was ended here does not keep further ones from starting
------------------------------------------------------------------------- */

void FixDMS::post_run()
{
  const auto step = (int64_t) update->ntimestep;
  if (ALL((*dms)->checkpoints())) TOGETHER((*dms)->write_checkpoint(step));
  if (stopped) timer->reset_timeout();
  stopped = false;
}

/* ---------------------------------------------------------------------- */

DmsBox FixDMS::current_box() const
{
  DmsBox box{};
  std::copy_n(domain->boxlo, 3, box.low.begin());
  std::copy_n(domain->boxhi, 3, box.high.begin());
  if (domain->triclinic) box.tilt = {domain->xy, domain->xz, domain->yz};
  return box;
}

/* ----------------------------------------------------------------------
   set the box and carry the atoms along affinely
------------------------------------------------------------------------- */

void FixDMS::move_box(const DmsBox &box)
{
  domain->x2lamda(atom->nlocal);
  deform_rigid(0);

  std::copy_n(box.low.begin(), 3, domain->boxlo);
  std::copy_n(box.high.begin(), 3, domain->boxhi);
  if (domain->triclinic) {
    domain->xy = box.tilt[0];
    domain->xz = box.tilt[1];
    domain->yz = box.tilt[2];
  }
  domain->set_global_box();
  domain->set_local_box();

  domain->lamda2x(atom->nlocal);
  deform_rigid(1);
  if (force->kspace) force->kspace->setup();
}

/* ----------------------------------------------------------------------
   rigid bodies to scaled coordinates and back
------------------------------------------------------------------------- */

void FixDMS::deform_rigid(int back) const
{
  for (const auto &rigid : rigid_fixes)
    if (auto *ifix = modify->get_fix_by_id(rigid)) ifix->deform(back);
}

/* ----------------------------------------------------------------------
   keep the momenta conjugate to scaled coordinates: transpose(h) v stays
------------------------------------------------------------------------- */

void FixDMS::scale_velocities(const DmsBox &before, const DmsBox &after) const
{
  double from[3], to[3];
  for (int axis = 0; axis < 3; axis++) {
    from[axis] = before.high[axis] - before.low[axis];
    to[axis] = after.high[axis] - after.low[axis];
  }
  double **v = atom->v;
  for (int i = 0; i < atom->nlocal; i++) {
    const double x = from[0] * v[i][0];
    const double y = before.tilt[0] * v[i][0] + from[1] * v[i][1];
    const double z = before.tilt[1] * v[i][0] + before.tilt[2] * v[i][1] + from[2] * v[i][2];
    v[i][0] = x / to[0];
    v[i][1] = (y - after.tilt[0] * v[i][0]) / to[1];
    v[i][2] = (z - after.tilt[1] * v[i][0] - after.tilt[2] * v[i][1]) / to[2];
  }
}

/* ----------------------------------------------------------------------
   hand the stress of this step to the measurement, at the start of a run or
   in it; nothing takes a sample of which a part cannot be computed with
------------------------------------------------------------------------- */

void FixDMS::observe(bool starting)
{
  const bigint step = update->ntimestep;
  Compute *found[NREADERS];
  for (int which = 0; which < NREADERS; which++) found[which] = reader(which);
  auto *temperature = found[TEMP];
  auto *pe = found[PE];
  if (temperature->invoked_scalar != step) temperature->compute_scalar();
  for (const int which : {PRESS, VIRIAL})
    if (found[which]->invoked_vector != step) found[which]->compute_vector();
  if (pe->invoked_scalar != step) pe->compute_scalar();

  deepdms::DmsSample sample{};
  sample.step = step;
  std::copy_n(found[PRESS]->vector, 6, sample.pressure.begin());
  std::copy_n(found[VIRIAL]->vector, 6, sample.virial.begin());
  if (domain->dimension == 2)
    for (const int unused : {2, 4, 5}) sample.pressure[unused] = sample.virial[unused] = 0.0;
  sample.temperature = temperature->scalar;
  sample.potential = pe->scalar;
  sample.kinetic = 0.5 * temperature->dof * force->boltz * temperature->scalar;
  sample.volume = domain->xprd * domain->yprd * (domain->dimension == 2 ? 1.0 : domain->zprd);
  sample.borders = current_box();

  // other fixes may not know their energy before their own setup

  const double reservoir = modify->energy_couple() - compute_scalar();
  sample.reservoir = starting && !std::isfinite(reservoir) ? 0.0 : reservoir;

  ALL((*dms)->check_sample(sample));
  if (width && ALL((*dms)->atoms_due(step))) observe_atoms();
  ALL((*dms)->sample(sample));
  if (width && ALL((*dms)->atoms_pending())) close_atoms();
  if (ALL((*dms)->files_due())) TOGETHER((*dms)->write_files(step));
  talk();
}

/* ----------------------------------------------------------------------
   energy and virial must be tallied in the next sampling step
------------------------------------------------------------------------- */

void FixDMS::announce()
{
  const bigint next = ALL((*dms)->next_due((int64_t) update->ntimestep));
  for (const int which : {PRESS, VIRIAL, PE}) reader(which)->addstep(next);
  if (width) {
    const bigint atoms_next = ALL((*dms)->next_atoms_due((int64_t) update->ntimestep));
    for (auto *compute : {atom_stress(), atom_volume()})
      if (compute && compute->timeflag) compute->addstep(atoms_next);
  }
}

/* ---------------------------------------------------------------------- */

void FixDMS::talk()
{
  const auto notes = ALL((*dms)->take_notes());
  const auto warnings = ALL((*dms)->take_warnings());
  if (comm->me != 0) return;
  for (const auto &note : notes) utils::logmesg(lmp, "{}\n", std::string(note));
  for (const auto &warning : warnings) error->warning(FLERR, "{}", std::string(warning));
}

/* ----------------------------------------------------------------------
   energy taken up from the strain, so that econserve stays constant
------------------------------------------------------------------------- */

double FixDMS::compute_scalar()
{
  return 0.0 - ALL((*dms)->work());
}

/* ---------------------------------------------------------------------- */

double FixDMS::compute_vector(int i)
{
  return ALL((*dms)->vector((size_t) i, (int64_t) update->ntimestep));
}

/* ---------------------------------------------------------------------- */

double FixDMS::compute_array(int i, int j)
{
  return ALL((*dms)->array((size_t) i, (size_t) j));
}

/* ---------------------------------------------------------------------- */

void FixDMS::write_restart(FILE *fp)
{
  const auto blob = ALL((*dms)->pack());
  if (comm->me != 0) return;
  const int size = (int) blob.size();
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(blob.data(), 1, blob.size(), fp);
}

/* ----------------------------------------------------------------------
   LAMMPS does not say how long the state is, and what the state says may be
   damaged: nothing is read beyond the memory that holds it
------------------------------------------------------------------------- */

void FixDMS::restart(char *buf)
{
  const auto *bytes = reinterpret_cast<const uint8_t *>(buf);
  ALL((*dms)->unpack(rust::Slice<const uint8_t>(bytes, deepdms::readable(buf))));
}

/* ---------------------------------------------------------------------- */

void FixDMS::reset_dt()
{
  ALL((*dms)->set_timestep(update->dt));
}

/* ----------------------------------------------------------------------
   the clock, for styles that follow the strain: steps of a period, the step
   of the first (-1 before the start), and cycles that are not used
------------------------------------------------------------------------- */

void *FixDMS::extract(const char *name, int &dim)
{
  dim = 0;
  const auto clock = ALL((*dms)->clock());
  if (strcmp(name, "period_steps") == 0)
    extracted = clock.period;
  else if (strcmp(name, "first_step") == 0)
    extracted = clock.first;
  else if (strcmp(name, "nskip") == 0)
    extracted = clock.skip;
  else
    return nullptr;
  return &extracted;
}

/* ---------------------------------------------------------------------- */

int FixDMS::modify_param(int narg, char **arg)
{
  if (strcmp(arg[0], "temp") != 0 && strcmp(arg[0], "press") != 0) return 0;
  if (narg < 2) utils::missing_cmd_args(FLERR, std::string("fix_modify ") + arg[0], error);
  if (strcmp(arg[0], "temp") == 0) {
    adopt_reader(TEMP, arg[1]);
    reader(PRESS)->reset_extra_compute_fix(arg[1]);
  } else {
    adopt_reader(PRESS, arg[1]);
  }
  return 2;
}
