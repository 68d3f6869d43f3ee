/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   The part of fix dms that deals with single atoms. The fix keeps a row of
   numbers with each atom, hands the rows to the Rust library as they are,
   and moves them with the atoms.
------------------------------------------------------------------------- */

#include "fix_dms.h"

#include "guard.h"
#include "deepdms-plugin/src/dms.rs.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include <algorithm>

using namespace LAMMPS_NS;

using deepdms::Reach;

// the guard for calls that all ranks make together

#define ALL(call) deepdms::guard(lmp, FLERR, Reach::Everyone, [&] { return call; })

// the guard for calls that all ranks make, and that may fail on one

#define TOGETHER(call) deepdms::guard_together(lmp, FLERR, [&] { call; })

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

/* ----------------------------------------------------------------------
   rows and output for each atom, if single atoms are measured
------------------------------------------------------------------------- */

void FixDMS::create_atoms()
{
  const auto atoms = ALL((*dms)->atoms());
  if (!atoms.active) return;
  width = (int) atoms.width;
  displacements = atoms.displacement;
  stress_id = std::string(atoms.stress);
  volume_id = std::string(atoms.volume);
  volume_column = (int) atoms.volume_column;
  shell = atoms.shell;
  if (shell > 0.0) comm_forward = 1;
  peratom_flag = 1;
  size_peratom_cols = (int) atoms.columns;
  peratom_freq = 1;
  restart_peratom = 1;
  create_attribute = 1;
  maxexchange = width + size_peratom_cols;
  FixDMS::grow_arrays(atom->nmax);
  atom->add_callback(Atom::GROW);
  atom->add_callback(Atom::RESTART);
  for (int i = 0; i < atom->nlocal; i++) FixDMS::set_arrays(i);
  atom_stress();
  atom_volume();
}

/* ---------------------------------------------------------------------- */

void FixDMS::destroy_atoms()
{
  if (width && modify->get_fix_by_id(id)) {
    atom->delete_callback(id, Atom::GROW);
    atom->delete_callback(id, Atom::RESTART);
  }
  memory->destroy(rows);
  memory->destroy(array_atom);
}

/* ----------------------------------------------------------------------
   the places of zero displacement, once
------------------------------------------------------------------------- */

void FixDMS::start_atoms()
{
  if (!ALL((*dms)->needs_atoms())) return;
  place_atoms();
  ALL((*dms)->start_atoms(slice(scaled), slice(rows, atom->nlocal, width)));
}

/* ----------------------------------------------------------------------
   the compute of the stress of atoms, or a null pointer where none is wanted
------------------------------------------------------------------------- */

Compute *FixDMS::atom_stress() const
{
  if (stress_id.empty()) return nullptr;
  auto *compute = modify->get_compute_by_id(stress_id);
  if (!compute) error->all(FLERR, "fix dms: peratom: there is no compute with ID {}", stress_id);
  const int columns = compute->size_peratom_cols;
  if (!compute->peratom_flag || !compute->pressatomflag || (columns != 6 && columns != 9))
    error->all(FLERR,
               "fix dms: peratom: compute {} of style {} does not give the stress of atoms: use "
               "compute stress/atom (6 components) or compute centroid/stress/atom (9 components, "
               "which some many-body potentials require)",
               stress_id, compute->style);
  if (compute->igroup != 0)
    error->all(FLERR, "fix dms: peratom: compute {} must belong to group all", stress_id);
  return compute;
}

/* ----------------------------------------------------------------------
   the compute of their volume, or a null pointer where none is wanted
------------------------------------------------------------------------- */

Compute *FixDMS::atom_volume() const
{
  if (volume_id.empty()) return nullptr;
  auto *compute = modify->get_compute_by_id(volume_id);
  if (!compute) error->all(FLERR, "fix dms: atomvolume: there is no compute with ID {}", volume_id);
  if (!compute->peratom_flag || volume_column > compute->size_peratom_cols ||
      (volume_column == 0) != (compute->size_peratom_cols == 0))
    error->all(FLERR,
               "fix dms: atomvolume: compute {} does not give one number an atom: it has {} "
               "columns, and c_{}{} was asked for",
               volume_id, compute->size_peratom_cols, volume_id,
               volume_column ? fmt::format("[{}]", volume_column) : "");
  return compute;
}

/* ----------------------------------------------------------------------
   a list of neighbors to average over
------------------------------------------------------------------------- */

void FixDMS::request_neighbors()
{
  if (shell == 0.0) return;
  const double reach = force->pair ? force->pair->cutforce : 0.0;
  if (shell > reach)
    error->all(FLERR,
               "fix dms: shell {} is beyond the cutoff {} of the pair style, where neighbors are "
               "not listed: use a smaller radius",
               shell, reach);
  neighbor->add_request(this, NeighConst::REQ_FULL | NeighConst::REQ_OCCASIONAL);
}

/* ----------------------------------------------------------------------
   unwrapped scaled coordinates, and masses
------------------------------------------------------------------------- */

void FixDMS::place_atoms()
{
  const int nlocal = atom->nlocal;
  scaled.resize(3 * (size_t) nlocal);
  masses.resize(nlocal);
  for (int i = 0; i < nlocal; i++) {
    double *s = &scaled[3 * (size_t) i];
    domain->x2lamda(atom->x[i], s);
    const imageint image = atom->image[i];
    s[0] += (image & IMGMASK) - IMGMAX;
    s[1] += (image >> IMGBITS & IMGMASK) - IMGMAX;
    s[2] += (image >> IMG2BITS) - IMGMAX;
    masses[i] = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
  }
}

/* ----------------------------------------------------------------------
   one sample of the atoms of this rank
------------------------------------------------------------------------- */

void FixDMS::observe_atoms()
{
  const bigint step = update->ntimestep;
  const int nlocal = atom->nlocal;
  deepdms::DmsAtomSample sample{};
  sample.step = step;
  sample.columns = 6;
  sample.volume = domain->xprd * domain->yprd * (domain->dimension == 2 ? 1.0 : domain->zprd);

  auto *stress_compute = atom_stress();
  auto *volume_compute = atom_volume();
  for (auto *compute : {stress_compute, volume_compute})
    if (compute && compute->invoked_peratom != step) compute->compute_peratom();

  rust::Slice<const double> stress;
  if (stress_compute) {
    sample.columns = stress_compute->size_peratom_cols;
    if (nlocal > 0)
      stress = {stress_compute->array_atom[0], (size_t) nlocal * sample.columns};
  }

  volumes.clear();
  if (volume_compute)
    for (int i = 0; i < nlocal; i++)
      volumes.push_back(volume_column ? volume_compute->array_atom[i][volume_column - 1]
                                      : volume_compute->vector_atom[i]);

  scaled.clear();
  if (displacements) place_atoms();
  TOGETHER((*dms)->check_atoms(step, stress, slice(volumes), slice(scaled)));
  if (displacements) {
    double mass = 0.0;
    for (const double m : masses) mass += m;
    const rust::Slice<double> own = slice(rows, nlocal, width);
    const rust::Slice<const double> seen(own.data(), own.size());
    const auto moment = ALL((*dms)->atoms_moment(slice(scaled), slice(masses), seen));
    const double mine[4] = {moment.part[0], moment.part[1], moment.part[2], mass};
    double all[4];
    MPI_Allreduce(mine, all, 4, MPI_DOUBLE, MPI_SUM, world);
    for (int axis = 0; axis < 3; axis++) sample.centre[axis] = all[axis] / all[3];
  }

  ALL((*dms)->add_atoms(sample, stress, slice(volumes), slice(scaled), slice(rows, nlocal, width)));
}

/* ----------------------------------------------------------------------
   the atoms' part of a completed block
------------------------------------------------------------------------- */

void FixDMS::close_atoms()
{
  const int nlocal = atom->nlocal;
  const auto part = ALL((*dms)->close_atoms(slice(rows, nlocal, width),
                                            slice(array_atom, nlocal, size_peratom_cols)));
  const double mine[2] = {part.storage, part.loss};
  double all[2];
  MPI_Allreduce(mine, all, 2, MPI_DOUBLE, MPI_SUM, world);
  if (ALL((*dms)->shells_pending())) average_shells();
  ALL((*dms)->finish_atoms(deepdms::DmsAtomSum{all[0], all[1]}));
}

/* ----------------------------------------------------------------------
   average the block's loss modulus over each atom and its neighbors
------------------------------------------------------------------------- */

void FixDMS::average_shells()
{
  const int nlocal = atom->nlocal;
  losses.assign((size_t) nlocal + atom->nghost, 0.0);
  const rust::Slice<double> own = slice(rows, nlocal, width);
  if (nlocal > 0) {
    const rust::Slice<const double> seen(own.data(), own.size());
    ALL((*dms)->atom_losses(seen, rust::Slice<double>(losses.data(), (size_t) nlocal)));
  }
  comm->forward_comm(this, 1);

  neighbor->build_one(list);
  std::vector<double> averages(nlocal, 0.0);
  double **x = atom->x;
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    double sum = losses[i];
    int count = 1;
    for (int jj = 0; jj < list->numneigh[i]; jj++) {
      const int j = list->firstneigh[i][jj] & NEIGHMASK;
      const double dx = x[i][0] - x[j][0];
      const double dy = x[i][1] - x[j][1];
      const double dz = x[i][2] - x[j][2];
      if (dx * dx + dy * dy + dz * dz > shell * shell) continue;
      sum += losses[j];
      count++;
    }
    averages[i] = sum / count;
  }
  ALL((*dms)->close_shells(slice(averages), own, slice(array_atom, nlocal, size_peratom_cols)));
}

/* ---------------------------------------------------------------------- */

int FixDMS::pack_forward_comm(int n, int *which, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  for (int k = 0; k < n; k++) buf[k] = losses[which[k]];
  return n;
}

/* ---------------------------------------------------------------------- */

void FixDMS::unpack_forward_comm(int n, int first, double *buf)
{
  std::copy_n(buf, n, losses.begin() + first);
}

/* ----------------------------------------------------------------------
   the rows of atoms go where the atoms go
------------------------------------------------------------------------- */

void FixDMS::grow_arrays(int nmax)
{
  memory->grow(rows, nmax, width, "dms:rows");
  memory->grow(array_atom, nmax, size_peratom_cols, "dms:array_atom");
}

/* ---------------------------------------------------------------------- */

void FixDMS::copy_arrays(int i, int j, int /*delflag*/)
{
  std::copy_n(rows[i], width, rows[j]);
  std::copy_n(array_atom[i], size_peratom_cols, array_atom[j]);
}

/* ---------------------------------------------------------------------- */

void FixDMS::set_arrays(int i)
{
  std::fill_n(rows[i], width, 0.0);
  std::fill_n(array_atom[i], size_peratom_cols, 0.0);
}

/* ---------------------------------------------------------------------- */

int FixDMS::pack_exchange(int i, double *buf)
{
  std::copy_n(rows[i], width, buf);
  std::copy_n(array_atom[i], size_peratom_cols, buf + width);
  return width + size_peratom_cols;
}

/* ---------------------------------------------------------------------- */

int FixDMS::unpack_exchange(int i, double *buf)
{
  std::copy_n(buf, width, rows[i]);
  std::copy_n(buf + width, size_peratom_cols, array_atom[i]);
  return width + size_peratom_cols;
}

/* ---------------------------------------------------------------------- */

int FixDMS::pack_restart(int i, double *buf)
{
  buf[0] = maxsize_restart();    // read_restart finds the next fix by it
  const int count = pack_exchange(i, &buf[2]);
  buf[1] = ALL(deepdms::dms_checksum(rust::Slice<const double>(&buf[2], (size_t) count)));
  return 2 + count;
}

/* ---------------------------------------------------------------------- */

void FixDMS::unpack_restart(int i, int nth)
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
          ALL(deepdms::dms_checksum(rust::Slice<const double>(&extra[first + 2], count))))
    deepdms::stop_this_rank(lmp, FLERR,
                            fmt::format("fix dms: the stored numbers of atom {} are damaged. Start "
                                        "from another file",
                                        atom->tag[i]));
  unpack_exchange(i, const_cast<double *>(&extra[first + 2]));
}

/* ---------------------------------------------------------------------- */

int FixDMS::size_restart(int /*i*/)
{
  return maxsize_restart();
}

/* ---------------------------------------------------------------------- */

int FixDMS::maxsize_restart()
{
  return 2 + width + size_peratom_cols;    // size, checksum, numbers
}

/* ---------------------------------------------------------------------- */

double FixDMS::memory_usage()
{
  return width ? (double) atom->nmax * (width + size_peratom_cols) * sizeof(double) : 0.0;
}

/* ---------------------------------------------------------------------- */

void FixDMS::init_list(int /*id*/, NeighList *ptr)
{
  list = ptr;
}
