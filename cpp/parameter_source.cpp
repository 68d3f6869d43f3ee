/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#include "parameter_source.h"

#include "atom.h"
#include "comm.h"
#include "compute.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "modify.h"
#include "update.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace LAMMPS_NS;
using deepdms::Origin;
using deepdms::Source;

/* ----------------------------------------------------------------------
   what the electrons of a fix ttm know, the same on all ranks
------------------------------------------------------------------------- */

namespace {
struct Electrons {
  int n[3];              // cells along x, y, z
  bool x_is_outermost;   // else z is
  std::vector<double> temperatures;
};
}    // namespace

/* ---------------------------------------------------------------------- */

static Compute *find_compute(LAMMPS *lmp, const std::string &id, const char *keyword)
{
  Compute *compute = lmp->modify->get_compute_by_id(id);
  if (!compute)
    lmp->error->all(FLERR, "compute {} for {} is not found", id, keyword);
  return compute;
}

/* ---------------------------------------------------------------------- */

static Fix *find_fix(LAMMPS *lmp, const std::string &id)
{
  Fix *fix = lmp->modify->get_fix_by_id(id);
  if (!fix) lmp->error->all(FLERR, "fix id is not found: {}", id);
  return fix;
}

/* ---------------------------------------------------------------------- */

static Fix *find_fix_ttm(LAMMPS *lmp, const std::string &id)
{
  Fix *fix = lmp->modify->get_fix_by_id(id);
  if (!fix) lmp->error->all(FLERR, "fix ttm id is not found: {}", id);
  if (strcmp(fix->style, "ttm") != 0 && strcmp(fix->style, "ttm/mod") != 0)
    lmp->error->all(FLERR, "fix {} is of style {}: pair_style deepmd needs fix ttm or ttm/mod", id,
                    fix->style);
  return fix;
}

/* ----------------------------------------------------------------------
   vectors of some computes and fixes have their length in the run only
------------------------------------------------------------------------- */

static void check_length(LAMMPS *lmp, const char *what, const Source &source, int length)
{
  if (length < 0 || source.index + source.count > (std::size_t) length)
    lmp->error->all(FLERR, "{} {} vector is shorter than fparam dimension", what,
                    std::string(source.id));
}

/* ---------------------------------------------------------------------- */

void deepdms::check_frame_source(LAMMPS *lmp, const Source &source)
{
  const std::string id(source.id);
  if (source.origin == Origin::Compute) {
    const Compute *compute = find_compute(lmp, id, "fparam");
    if (source.count == 1) {
      if (!compute->scalar_flag)
        lmp->error->all(FLERR, "compute {} does not provide a scalar for fparam", id);
    } else {
      if (!compute->vector_flag)
        lmp->error->all(FLERR, "compute {} does not provide a vector for fparam", id);
      if (!compute->size_vector_variable)
        check_length(lmp, "compute", source, compute->size_vector);
    }
    lmp->modify->addstep_compute_all(lmp->update->ntimestep);
  } else if (source.origin == Origin::Fix) {
    const Fix *fix = find_fix(lmp, id);
    if (source.whole) {
      if (!fix->scalar_flag)
        lmp->error->all(FLERR, "fix {} does not provide a scalar for fparam", id);
    } else if (!fix->vector_flag)
      lmp->error->all(FLERR, "fix {} does not provide a vector for fparam", id);
  } else if (source.origin == Origin::Ttm)
    find_fix_ttm(lmp, id);
}

/* ---------------------------------------------------------------------- */

void deepdms::check_atom_source(LAMMPS *lmp, const Source &source)
{
  const std::string id(source.id);
  if (source.origin == Origin::Compute) {
    const Compute *compute = find_compute(lmp, id, "aparam");
    if (!compute->peratom_flag)
      lmp->error->all(FLERR, "compute {} does not provide per-atom data for aparam", id);
    if (source.count == 1) {
      if (compute->size_peratom_cols != 0)
        lmp->error->all(FLERR, "compute {} does not provide a per-atom vector for aparam", id);
    } else if ((std::size_t) compute->size_peratom_cols < source.count)
      lmp->error->all(FLERR, "compute {} array has fewer columns than aparam dimension", id);
    lmp->modify->addstep_compute_all(lmp->update->ntimestep);
  } else if (source.origin == Origin::Ttm)
    find_fix_ttm(lmp, id);
}

/* ----------------------------------------------------------------------
   evaluate a compute for this step and promise to come back in the next
   what it computed belongs to the middle of a step, so nobody else may
   take it for its value at the end: the compute forgets that it was here
------------------------------------------------------------------------- */

template <typename Evaluate>
static void invoke(LAMMPS *lmp, Compute *compute, int flag, bigint &invoked, Evaluate &&evaluate)
{
  const bigint before = invoked;
  lmp->modify->clearstep_compute();
  evaluate();
  compute->invoked_flag |= flag;
  lmp->modify->addstep_compute(lmp->update->ntimestep + 1);
  lmp->modify->clearstep_compute();
  invoked = before;
}

/* ----------------------------------------------------------------------
   fix ttm shows its electrons to nobody but its restart file, so let it
   write one into memory: counts of cells, a seed, temperatures
------------------------------------------------------------------------- */

static Electrons electrons_of(LAMMPS *lmp, Fix *fix)
{
  Electrons electrons;
  electrons.x_is_outermost = strcmp(fix->style, "ttm/mod") == 0;
  char *bytes = nullptr;
  std::size_t size = 0;
  FILE *memory = nullptr;
  if (lmp->comm->me == 0) {
    memory = open_memstream(&bytes, &size);
    if (!memory) lmp->error->one(FLERR, "Pair style deepmd is out of memory");
  }
  fix->write_restart(memory);    // only rank 0 writes

  std::vector<double> numbers;
  int count = 0;
  if (lmp->comm->me == 0) {
    fclose(memory);
    if (size > sizeof(int)) {
      numbers.resize((size - sizeof(int)) / sizeof(double));
      memcpy(numbers.data(), bytes + sizeof(int), numbers.size() * sizeof(double));
    }
    free(bytes);
    if (numbers.size() > 4 && numbers[0] * numbers[1] * numbers[2] + 4.0 == (double) numbers.size())
      count = (int) numbers.size();
  }
  MPI_Bcast(&count, 1, MPI_INT, 0, lmp->world);
  if (count == 0)
    lmp->error->all(FLERR,
                    "fix {} of this version of LAMMPS keeps electron temperatures in a form that "
                    "pair_style deepmd does not know",
                    fix->id);
  numbers.resize(count);
  MPI_Bcast(numbers.data(), count, MPI_DOUBLE, 0, lmp->world);
  for (int axis = 0; axis < 3; axis++) electrons.n[axis] = (int) numbers[axis];
  electrons.temperatures.assign(numbers.begin() + 4, numbers.end());
  return electrons;
}

/* ----------------------------------------------------------------------
   mean over the cells that hold electrons
------------------------------------------------------------------------- */

static double mean_temperature(const Electrons &electrons)
{
  double sum = 0.0;
  int cells = 0;
  for (const double temperature : electrons.temperatures)
    if (temperature != 0.0) {
      sum += temperature;
      cells++;
    }
  return cells ? sum / cells : 0.0;
}

/* ----------------------------------------------------------------------
   temperature of the cell around each local atom of the fix' group, and 0
   for others; atoms may have left the box since the last reneighboring
------------------------------------------------------------------------- */

static std::vector<double> temperatures_at_atoms(LAMMPS *lmp, const Electrons &electrons,
                                                 int groupbit)
{
  const Atom *atom = lmp->atom;
  const Domain *domain = lmp->domain;
  const int *n = electrons.n;
  std::vector<double> values(atom->nlocal, 0.0);
  for (int i = 0; i < atom->nlocal; i++) {
    if (!(atom->mask[i] & groupbit)) continue;
    int cell[3];
    for (int axis = 0; axis < 3; axis++) {
      const double fraction = (atom->x[i][axis] - domain->boxlo[axis]) / domain->prd[axis];
      cell[axis] = (int) std::floor(fraction * n[axis]) % n[axis];
      if (cell[axis] < 0) cell[axis] += n[axis];
    }
    const int place = electrons.x_is_outermost ? (cell[0] * n[1] + cell[1]) * n[2] + cell[2]
                                               : (cell[2] * n[1] + cell[1]) * n[0] + cell[0];
    values[i] = electrons.temperatures[place];
  }
  return values;
}

/* ---------------------------------------------------------------------- */

std::vector<double> deepdms::fetch_frame_parameters(LAMMPS *lmp, const Source &source)
{
  const std::string id(source.id);
  std::vector<double> values(source.count);
  if (source.origin == Origin::Compute) {
    Compute *compute = find_compute(lmp, id, "fparam");
    if (source.count == 1)
      invoke(lmp, compute, Compute::INVOKED_SCALAR, compute->invoked_scalar,
             [&] { values[0] = compute->compute_scalar(); });
    else
      invoke(lmp, compute, Compute::INVOKED_VECTOR, compute->invoked_vector, [&] {
        compute->compute_vector();
        check_length(lmp, "compute", source, compute->size_vector);
        for (std::size_t k = 0; k < source.count; k++) values[k] = compute->vector[k];
      });
  } else if (source.origin == Origin::Fix) {
    Fix *fix = find_fix(lmp, id);
    if (source.whole)
      values.assign(source.count, fix->compute_scalar());
    else {
      check_length(lmp, "fix", source, fix->size_vector);
      for (std::size_t k = 0; k < source.count; k++)
        values[k] = fix->compute_vector((int) (source.index + k));
    }
  } else if (source.origin == Origin::Ttm)
    values.assign(source.count, mean_temperature(electrons_of(lmp, find_fix_ttm(lmp, id))));
  return values;
}

/* ---------------------------------------------------------------------- */

std::vector<double> deepdms::fetch_atom_parameters(LAMMPS *lmp, const Source &source)
{
  const std::string id(source.id);
  if (source.origin == Origin::Ttm) {
    Fix *fix = find_fix_ttm(lmp, id);
    return temperatures_at_atoms(lmp, electrons_of(lmp, fix), fix->groupbit);
  }
  const std::size_t nlocal = lmp->atom->nlocal;
  std::vector<double> values(nlocal * source.count);
  if (source.origin == Origin::Compute) {
    Compute *compute = find_compute(lmp, id, "aparam");
    invoke(lmp, compute, Compute::INVOKED_PERATOM, compute->invoked_peratom, [&] {
      compute->compute_peratom();
      for (std::size_t i = 0; i < nlocal; i++)
        for (std::size_t k = 0; k < source.count; k++)
          values[i * source.count + k] = compute->size_peratom_cols == 0
              ? compute->vector_atom[i]
              : compute->array_atom[i][k];
    });
  }
  return values;
}
