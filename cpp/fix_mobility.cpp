/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Configurations are kept with the atoms, as unwrapped scaled coordinates.
   Where a window ends, rank 0 gets those of all atoms, has them analysed by
   the Rust library, and sends back what concerns single atoms.
------------------------------------------------------------------------- */

#include "fix_mobility.h"

#include "guard.h"
#include "restart_memory.h"
#include "deepdms-plugin/src/mobility.rs.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "memory.h"
#include "modify.h"
#include "update.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;
using namespace FixConst;

using deepdms::Reach;

// the guard for calls that all ranks make with the same arguments

#define ALL(call) deepdms::guard(lmp, FLERR, Reach::Everyone, [&] { return call; })

// the guard for calls that all ranks make, and that may fail on some of them

#define TOGETHER(call) deepdms::guard_together(lmp, FLERR, [&] { call; })

// numbers in a message, whose size MPI counts in an int

static constexpr bigint PIECE = 1 << 27;

// columns of the array of atoms

static constexpr int HISTORY = 8;

// what Rust sees of arrays; a pointer to nothing is not allowed there

static rust::Slice<const double> slice(const std::vector<double> &values)
{
  if (values.empty()) return {};
  return {values.data(), values.size()};
}

static rust::Slice<double> slice(double **array, int nrows, int ncols)
{
  if (!array || nrows == 0) return {};
  return {array[0], (size_t) nrows * ncols};
}

/* ---------------------------------------------------------------------- */

FixMobility::FixMobility(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), width(0), rows(nullptr), begun(false)
{
  if (!domain->box_exist)
    error->all(FLERR, "fix mobility: there is no simulation box yet, define it before the fix");
  if (!atom->tag_enable)
    error->all(FLERR, "fix mobility: atoms have no IDs; use atom_modify id yes");

  bigint period = 0, skip = 0;
  if (narg > 4 && strcmp(arg[3], "dms") == 0) {
    dms_id = arg[4];
    Fix *dms = followed_fix();
    period = clock_of(dms, "period_steps");
    skip = clock_of(dms, "nskip");
  }

  rust::Vec<rust::String> words;
  for (int i = 3; i < narg; i++) words.push_back(rust::String::lossy(arg[i]));
  const deepdms::MobilityHost host{
      lmp->version,
      update->unit_style,
      update->dt,
      domain->dimension,
      atom->ntypes,
      {domain->xperiodic != 0, domain->yperiodic != 0, domain->zperiodic != 0},
      comm->me == 0,
      (int64_t) period,
      (int64_t) skip};
  mobility = std::make_unique<rust::Box<deepdms::Mobility>>(
      ALL(deepdms::mobility_new(std::move(words), host)));
  TOGETHER((*mobility)->name_files());

  nevery = 1;
  time_depend = 1;
  restart_global = restart_peratom = 1;
  create_attribute = 1;

  const auto layout = ALL((*mobility)->layout());
  width = (int) layout.width;
  scalar_flag = vector_flag = array_flag = peratom_flag = 1;
  extscalar = extvector = extarray = 0;
  size_vector = (int) layout.vector;
  size_array_rows = (int) layout.rows;
  size_array_cols = (int) layout.row;
  size_peratom_cols = (int) layout.columns;
  global_freq = peratom_freq = 1;
  maxexchange = width + size_peratom_cols;
  readings.assign(1 + layout.vector + layout.rows * layout.row, 0.0);

  FixMobility::grow_arrays(atom->nmax);
  atom->add_callback(Atom::GROW);
  atom->add_callback(Atom::RESTART);
  for (int i = 0; i < atom->nlocal; i++) FixMobility::set_arrays(i);
}

/* ---------------------------------------------------------------------- */

FixMobility::~FixMobility()
{
  if (modify->get_fix_by_id(id)) {
    atom->delete_callback(id, Atom::GROW);
    atom->delete_callback(id, Atom::RESTART);
  }
  memory->destroy(rows);
  memory->destroy(array_atom);
}

/* ---------------------------------------------------------------------- */

int FixMobility::setmask()
{
  return END_OF_STEP;
}

/* ----------------------------------------------------------------------
   the fix dms whose period is followed
------------------------------------------------------------------------- */

Fix *FixMobility::followed_fix() const
{
  Fix *fix = modify->get_fix_by_id(dms_id);
  if (!fix) error->all(FLERR, "fix mobility: there is no fix {}; define it before", dms_id);
  if (strcmp(fix->style, "dms") != 0)
    error->all(FLERR, "fix mobility: fix {} is not a fix dms", dms_id);
  return fix;
}

/* ---------------------------------------------------------------------- */

bigint FixMobility::clock_of(Fix *dms, const char *name) const
{
  int dim = 0;
  const auto *value = static_cast<const bigint *>(dms->extract(name, dim));
  if (!value) error->all(FLERR, "fix mobility: fix {} does not tell its {}", dms_id, name);
  return *value;
}

/* ---------------------------------------------------------------------- */

void FixMobility::init()
{
  if (update->whichflag == 2)
    error->all(FLERR, "fix mobility: cannot be used with minimize, unfix {} before it", id);
  ALL((*mobility)->set_timestep(update->dt));
  bool barostat = false;
  for (const auto &ifix : modify->get_fix_list())
    if (ifix->box_change && utils::strmatch(ifix->style, "^np|^rigid/np|/npt|/nph|^press/"))
      barostat = true;
  ALL((*mobility)->set_box_varies(barostat));
  begun = false;
}

/* ----------------------------------------------------------------------
   start the clock in the first run, unless a restart file did; rerun takes
   its first configuration without setup
------------------------------------------------------------------------- */

void FixMobility::begin()
{
  bigint origin = -1;
  if (!dms_id.empty()) {
    origin = clock_of(followed_fix(), "first_step");
    if (origin < 0)
      error->all(FLERR, "fix mobility: the strain of fix {} has not started", dms_id);
  }
  ALL((*mobility)->begin((int64_t) update->ntimestep, (int64_t) origin, (double) atom->natoms));
  TOGETHER((*mobility)->open_files());
  share_readings();
  talk();
  begun = true;
}

/* ---------------------------------------------------------------------- */

void FixMobility::setup(int /*vflag*/)
{
  begin();
  take_configuration();
}

/* ---------------------------------------------------------------------- */

void FixMobility::end_of_step()
{
  if (!begun) begin();
  take_configuration();
}

/* ----------------------------------------------------------------------
   take the atoms of this step if they belong to a configuration
------------------------------------------------------------------------- */

void FixMobility::take_configuration()
{
  const auto step = (int64_t) update->ntimestep;
  const auto due = ALL((*mobility)->due(step));
  if (!due.snapshot) return;

  const bool tilted = domain->triclinic != 0;
  const deepdms::MobilityBox box{{domain->xprd, tilted ? domain->xy : 0.0, tilted ? domain->xz : 0.0,
                                  0.0, domain->yprd, tilted ? domain->yz : 0.0,
                                  0.0, 0.0, domain->zprd}};
  const bigint nown = atom->nlocal;
  bigint nall = 0;
  MPI_Allreduce(&nown, &nall, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  ALL((*mobility)->add_snapshot(step, box, (double) nall));

  const int nlocal = atom->nlocal;
  std::vector<double> scaled(3 * (size_t) nlocal), types(nlocal), ids(nlocal);
  for (int i = 0; i < nlocal; i++) {
    double *s = &scaled[3 * (size_t) i];
    domain->x2lamda(atom->x[i], s);
    const imageint image = atom->image[i];
    s[0] += (image & IMGMASK) - IMGMAX;
    s[1] += (image >> IMGBITS & IMGMASK) - IMGMAX;
    s[2] += (image >> IMG2BITS) - IMGMAX;
    types[i] = atom->type[i];
    ids[i] = (double) atom->tag[i];
  }
  TOGETHER((*mobility)->add_atoms(slice(scaled), slice(types), slice(ids),
                                  slice(rows, nlocal, width)));
  ALL((*mobility)->close_snapshot());
  if (due.end) analyse();
  talk();
}

/* ----------------------------------------------------------------------
   end a window, unless this is the first configuration of all, and keep the
   configuration for the windows that follow
------------------------------------------------------------------------- */

void FixMobility::analyse()
{
  const int nlocal = atom->nlocal;
  std::vector<double> mine;
  if (ALL((*mobility)->window_ends())) {
    std::vector<double> some((size_t) 4 * nlocal);
    for (int i = 0; i < nlocal; i++) {
      double *row = &some[(size_t) 4 * i];
      row[0] = (double) atom->tag[i];
      row[1] = atom->type[i];
      row[2] = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
      row[3] = atom->mask[i] & groupbit ? 1.0 : 0.0;
    }
    const auto table = collect(some);
    TOGETHER(if (comm->me == 0) (*mobility)->receive_atoms(slice(table)));

    // the newest, those kept, and the one halfway through the window lie at these places of a row

    const int nframes = (int) ALL((*mobility)->layout()).frames;
    for (int frame = 0; frame < nframes; frame++) {
      const int place = (int) ALL((*mobility)->frame_place(frame));
      some.resize((size_t) 3 * nlocal);
      for (int i = 0; i < nlocal; i++) std::copy_n(&rows[i][place], 3, &some[(size_t) 3 * i]);
      const auto all = collect(some);
      TOGETHER(if (comm->me == 0) (*mobility)->receive_frame(frame, slice(all)));
    }

    some.resize((size_t) HISTORY * nlocal);
    for (int i = 0; i < nlocal; i++)
      std::copy_n(&rows[i][width - HISTORY], HISTORY, &some[(size_t) HISTORY * i]);
    const auto histories = collect(some);
    TOGETHER(if (comm->me == 0) (*mobility)->receive_histories(slice(histories)));

    TOGETHER(if (comm->me == 0) (*mobility)->analyse());
    rust::Vec<double> results;
    TOGETHER(if (comm->me == 0) results = (*mobility)->results());
    mine = distribute(results, HISTORY + size_peratom_cols);
    share_readings();
  }
  ALL((*mobility)->keep_atoms(slice(mine), slice(rows, nlocal, width),
                              slice(array_atom, nlocal, size_peratom_cols)));
  ALL((*mobility)->keep_frame());
  TOGETHER((*mobility)->write_files());
}

/* ----------------------------------------------------------------------
   the numbers of all ranks on rank 0, rank after rank, in pieces that MPI
   can count
------------------------------------------------------------------------- */

std::vector<double> FixMobility::collect(const std::vector<double> &mine) const
{
  const auto own = (bigint) mine.size();
  std::vector<bigint> sizes(comm->nprocs);
  MPI_Gather(&own, 1, MPI_LMP_BIGINT, sizes.data(), 1, MPI_LMP_BIGINT, 0, world);
  std::vector<double> all;
  if (comm->me > 0) {
    for (bigint first = 0; first < own; first += PIECE)
      MPI_Send(&mine[first], (int) std::min(PIECE, own - first), MPI_DOUBLE, 0, 0, world);
    return all;
  }
  bigint total = 0;
  for (const bigint size : sizes) total += size;
  all.reserve(total);
  all = mine;
  all.resize(total);
  bigint place = own;
  for (int rank = 1; rank < comm->nprocs; rank++)
    for (bigint first = 0; first < sizes[rank]; first += PIECE) {
      const bigint count = std::min(PIECE, sizes[rank] - first);
      MPI_Recv(&all[place], (int) count, MPI_DOUBLE, rank, 0, world, MPI_STATUS_IGNORE);
      place += count;
    }
  return all;
}

/* ----------------------------------------------------------------------
   give each rank the numbers of its atoms, in the order of collect()
------------------------------------------------------------------------- */

std::vector<double> FixMobility::distribute(const rust::Vec<double> &all, int each) const
{
  const bigint own = (bigint) each * atom->nlocal;
  std::vector<bigint> sizes(comm->nprocs);
  MPI_Gather(&own, 1, MPI_LMP_BIGINT, sizes.data(), 1, MPI_LMP_BIGINT, 0, world);
  std::vector<double> mine(own);
  if (comm->me > 0) {
    for (bigint first = 0; first < own; first += PIECE)
      MPI_Recv(&mine[first], (int) std::min(PIECE, own - first), MPI_DOUBLE, 0, 0, world,
               MPI_STATUS_IGNORE);
    return mine;
  }
  std::copy_n(all.data(), own, mine.begin());
  bigint place = own;
  for (int rank = 1; rank < comm->nprocs; rank++)
    for (bigint first = 0; first < sizes[rank]; first += PIECE) {
      const bigint count = std::min(PIECE, sizes[rank] - first);
      MPI_Send(all.data() + place, (int) count, MPI_DOUBLE, rank, 0, world);
      place += count;
    }
  return mine;
}

/* ----------------------------------------------------------------------
   what rank 0 reads from the analysis, on all ranks
------------------------------------------------------------------------- */

void FixMobility::share_readings()
{
  TOGETHER(if (comm->me == 0) {
    const auto now = (*mobility)->readings();
    std::copy(now.begin(), now.end(), readings.begin());
  });
  MPI_Bcast(readings.data(), (int) readings.size(), MPI_DOUBLE, 0, world);
}

/* ---------------------------------------------------------------------- */

void FixMobility::talk()
{
  const auto notes = ALL((*mobility)->take_notes());
  const auto warnings = ALL((*mobility)->take_warnings());
  if (comm->me != 0) return;
  for (const auto &note : notes) utils::logmesg(lmp, "{}\n", std::string(note));
  for (const auto &warning : warnings) error->warning(FLERR, "{}", std::string(warning));
}

/* ----------------------------------------------------------------------
   share of broken cages in the last window
------------------------------------------------------------------------- */

double FixMobility::compute_scalar()
{
  return readings[0];
}

/* ---------------------------------------------------------------------- */

double FixMobility::compute_vector(int i)
{
  return readings[1 + i];
}

/* ---------------------------------------------------------------------- */

double FixMobility::compute_array(int i, int j)
{
  return readings[1 + size_vector + (size_t) i * size_array_cols + j];
}

/* ---------------------------------------------------------------------- */

void FixMobility::write_restart(FILE *fp)
{
  if (comm->me != 0) return;
  const auto blob =
      deepdms::guard(lmp, FLERR, Reach::ThisRank, [&] { return (*mobility)->pack(); });
  const int size = (int) blob.size();
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(blob.data(), 1, blob.size(), fp);
}

/* ---------------------------------------------------------------------- */

void FixMobility::restart(char *buf)
{
  const auto *bytes = reinterpret_cast<const uint8_t *>(buf);
  ALL((*mobility)->unpack(rust::Slice<const uint8_t>(bytes, deepdms::readable(buf))));
}

/* ----------------------------------------------------------------------
   rows go where the atoms go
------------------------------------------------------------------------- */

void FixMobility::grow_arrays(int nmax)
{
  memory->grow(rows, nmax, width, "mobility:rows");
  memory->grow(array_atom, nmax, size_peratom_cols, "mobility:array_atom");
}

/* ---------------------------------------------------------------------- */

void FixMobility::copy_arrays(int i, int j, int /*delflag*/)
{
  std::copy_n(rows[i], width, rows[j]);
  std::copy_n(array_atom[i], size_peratom_cols, array_atom[j]);
}

/* ---------------------------------------------------------------------- */

void FixMobility::set_arrays(int i)
{
  std::fill_n(rows[i], width, 0.0);
  std::fill_n(array_atom[i], size_peratom_cols, 0.0);
}

/* ---------------------------------------------------------------------- */

int FixMobility::pack_exchange(int i, double *buf)
{
  std::copy_n(rows[i], width, buf);
  std::copy_n(array_atom[i], size_peratom_cols, buf + width);
  return width + size_peratom_cols;
}

/* ---------------------------------------------------------------------- */

int FixMobility::unpack_exchange(int i, double *buf)
{
  std::copy_n(buf, width, rows[i]);
  std::copy_n(buf + width, size_peratom_cols, array_atom[i]);
  return width + size_peratom_cols;
}

/* ---------------------------------------------------------------------- */

int FixMobility::pack_restart(int i, double *buf)
{
  buf[0] = maxsize_restart();    // read_restart finds the next fix by it
  const int count = pack_exchange(i, &buf[2]);
  buf[1] = ALL(deepdms::mobility_checksum(rust::Slice<const double>(&buf[2], (size_t) count)));
  return 2 + count;
}

/* ---------------------------------------------------------------------- */

void FixMobility::unpack_restart(int i, int nth)
{
  const double *extra = atom->extra[i];
  int first = 0;
  const auto sound = [&] {
    return first < atom->nextra_store && extra[first] >= 1.0 &&
        extra[first] <= atom->nextra_store - first;
  };
  for (int k = 0; k < nth && sound(); k++) first += (int) extra[first];
  const auto count = (size_t) maxsize_restart() - 2;
  if (!sound() || extra[first] != maxsize_restart() ||
      extra[first + 1] !=
          ALL(deepdms::mobility_checksum(rust::Slice<const double>(&extra[first + 2], count))))
    deepdms::stop_this_rank(
        lmp, FLERR,
        fmt::format("fix mobility: the stored numbers of atom {} are damaged, or of another "
                    "command: start from another file",
                    atom->tag[i]));
  unpack_exchange(i, const_cast<double *>(&extra[first + 2]));
}

/* ---------------------------------------------------------------------- */

int FixMobility::size_restart(int /*i*/)
{
  return maxsize_restart();
}

/* ---------------------------------------------------------------------- */

int FixMobility::maxsize_restart()
{
  return 2 + width + size_peratom_cols;    // size, checksum, numbers
}

/* ---------------------------------------------------------------------- */

double FixMobility::memory_usage()
{
  return (double) atom->nmax * (width + size_peratom_cols) * sizeof(double);
}

/* ---------------------------------------------------------------------- */

void FixMobility::reset_dt()
{
  ALL((*mobility)->set_timestep(update->dt));
}
