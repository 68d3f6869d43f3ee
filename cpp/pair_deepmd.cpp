/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#include "pair_deepmd.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "guard.h"
#include "memory.h"
#include "model_file.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "parameter_source.h"
#include "timer.h"
#include "update.h"
#include "utils.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

using namespace LAMMPS_NS;
using deepdms::guard;
using deepdms::Reach;

/* ----------------------------------------------------------------------
   Boltzmann's constant that deepmd-kit converts units with, eV/K
------------------------------------------------------------------------- */

static constexpr double BOLTZMANN = 8.617343e-5;

/* ---------------------------------------------------------------------- */

PairDeepMD::PairDeepMD(LAMMPS *lmp) :
    Pair(lmp), ghosts(lmp, this), mapped(false), scale(nullptr), warned{}, cutoff(0.0), cut_coul(0.0),
    restarted(false)
{
  if (strcmp(update->unit_style, "lj") == 0)
    error->all(FLERR,
               "Pair style deepmd needs units with a length and an energy: use units metal "
               "instead of lj");

  single_enable = 0;
  restartinfo = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  pppmflag = 1;
}

/* ---------------------------------------------------------------------- */

PairDeepMD::~PairDeepMD()
{
  if (copymode) return;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
    memory->destroy(scale);
  }
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::compute(int eflag, int vflag)
{
  fetch_parameters();
  ev_init(eflag, vflag);
  deepdms::Potential &model = **potential;
  if (neighbor->ago == 0) update_list();
  if (comm->me == 0) warn_of_settings();

  // a rank may hold no atom at all, and then LAMMPS may have no array either

  const std::size_t nall = atom->nlocal + atom->nghost;
  const double *x = nall ? &atom->x[0][0] : nullptr;
  double *f = nall ? &atom->f[0][0] : nullptr;
  const bool compare = model.deviation_due((std::int64_t) update->ntimestep);
  const deepdms::Frame frame = {rust::Slice<const double>(x, 3 * nall),
                                rust::Slice<const int>(atom->type, nall),
                                {domain->boxlo[0], domain->boxlo[1], domain->boxlo[2]}};
  const auto outcome = guard(lmp, FLERR, Reach::ThisRank, [&] {
    return model.compute(frame, ghosts, vflag_atom || cvflag_atom, compare);
  });
  if (outcome.failed) {
    auto id = [&](std::size_t i) -> std::int64_t {
      return atom->tag_enable ? (std::int64_t) atom->tag[i] : (std::int64_t) i + 1;
    };
    const std::string what(model.failure(id(outcome.first), id(outcome.second)));
    deepdms::stop_this_rank(lmp, FLERR, fmt::format("Step {}: {}", update->ntimestep, what));
  }

  auto slice = [](double *values, std::size_t size) {
    return rust::Slice<double>(size ? values : nullptr, size);
  };
  const std::size_t atoms = eflag_atom ? nall : 0;
  const std::size_t six = vflag_atom ? 6 * nall : 0;
  const std::size_t nine = cvflag_atom ? 9 * nall : 0;
  const double energy = guard(lmp, FLERR, Reach::ThisRank, [&] {
    return model.accumulate(scale[1][1],
                            deepdms::Sums{slice(f, 3 * nall), slice(virial, vflag_global ? 6 : 0),
                                          slice(eatom, atoms), slice(six ? &vatom[0][0] : nullptr, six),
                                          slice(nine ? &cvatom[0][0] : nullptr, nine)});
  });
  if (eflag_global) eng_vdwl += energy;

  if (compare) write_deviation();
  if (neighbor->ago == 0) check_range(false);

  // like LAMMPS, count no time of the set-up

  if (update->setupflag && update->ntimestep == update->firststep) model.begin_run();
}

/* ----------------------------------------------------------------------
   frame and atom parameters that change from step to step
------------------------------------------------------------------------- */

void PairDeepMD::fetch_parameters()
{
  deepdms::Potential &model = **potential;
  const auto frame = model.frame_source();
  if (frame.origin != deepdms::Origin::Settled) {
    const auto values = deepdms::fetch_frame_parameters(lmp, frame);
    guard(lmp, FLERR, Reach::Everyone, [&] {
      model.set_frame_parameters(rust::Slice<const double>(values.data(), values.size()));
    });
  }
  const auto atoms = model.atom_source();
  if (atoms.origin != deepdms::Origin::Settled) {
    const auto values = deepdms::fetch_atom_parameters(lmp, atoms);
    guard(lmp, FLERR, Reach::ThisRank, [&] {
      model.set_atom_parameters(rust::Slice<const double>(values.data(), values.size()));
    });
  }
}

/* ----------------------------------------------------------------------
   say once what LAMMPS lets a script do and what hardly was meant
------------------------------------------------------------------------- */

void PairDeepMD::warn_of_settings()
{
  const auto once = [this](bool &said, const std::string &what) {
    if (!said) error->warning(FLERR, "Pair style deepmd: {}", what);
    said = true;
  };
  const deepdms::Potential &model = **potential;
  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = i; j <= atom->ntypes; j++) {
      if (scale[i][j] != scale[1][1])
        once(warned.scale,
             fmt::format("the scale {} for types {} {} has no effect, that for types 1 1 ({}) "
                         "holds for all: use fix adapt with * *",
                         scale[i][j], i, j, scale[1][1]));
      if (list->iskip && list->ijskip[i][j] && model.knows(i) && model.knows(j))
        once(warned.skipped,
             fmt::format("pair_style hybrid gives types {} {} to another style, and the model "
                         "misses these neighbors: use hybrid/overlay, or NULL in pair_coeff",
                         i, j));
    }
  for (int kind = 1; kind <= 3; kind++)
    if (atom->nbonds > 0 && neighbor->special_flag[kind] == 0)
      once(warned.special,
           "bonded atoms with a weight of 0 in special_bonds are not neighbors for the model: use "
           "special_bonds lj/coul 1 1 1");
  if (vflag_atom && !cvflag_atom && !warned.flux &&
      !modify->get_compute_by_style("heat/flux").empty())
    once(warned.flux,
         "compute heat/flux needs compute centroid/stress/atom, as stress/atom holds only the "
         "symmetric part of an atom's virial");
}

/* ----------------------------------------------------------------------
   LAMMPS has made a new neighbour list: keep a copy, without skipped bits
------------------------------------------------------------------------- */

void PairDeepMD::update_list()
{
  deepdms::Potential &model = **potential;
  model.clear_list();
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    model.push_centre(i, rust::Slice<const int>(list->firstneigh[i], list->numneigh[i]),
                      NEIGHMASK);
  }
}

/* ----------------------------------------------------------------------
   say once on rank 0, or stop, where something went beyond the range of a
   model: too few slots for neighbours, lookups outside of tables
   all ranks come here together; counts are complete after a run
------------------------------------------------------------------------- */

void PairDeepMD::check_range(bool run_ended)
{
  deepdms::Potential &model = **potential;
  const auto mine = guard(lmp, FLERR, Reach::ThisRank, [&] { return model.counts(); });
  const int n = (int) mine.size();
  std::vector<std::int64_t> most(n), sum(n);
  MPI_Allreduce(mine.data(), most.data(), n, MPI_INT64_T, MPI_MAX, world);
  const rust::Slice<const std::int64_t> most_counts(most.data(), most.size());
  if (!run_ended && !model.has_news(most_counts)) return;

  MPI_Allreduce(mine.data(), sum.data(), n, MPI_INT64_T, MPI_SUM, world);
  const auto warnings = guard(lmp, FLERR, Reach::Everyone, [&] {
    return model.judge_counts(most_counts,
                              rust::Slice<const std::int64_t>(sum.data(), sum.size()));
  });
  say(warnings);
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::say(const rust::Vec<rust::String> &warnings)
{
  if (comm->me == 0)
    for (const auto &warning : warnings) error->warning(FLERR, "{}", std::string(warning));
}

/* ----------------------------------------------------------------------
   where the time of a run went, below LAMMPS' own table
------------------------------------------------------------------------- */

void PairDeepMD::write_summary()
{
  deepdms::Potential &model = **potential;
  const auto mine = model.end_run();
  const int n = (int) mine.size();
  std::vector<double> least(n), sum(n), most(n);
  MPI_Reduce(mine.data(), least.data(), n, MPI_DOUBLE, MPI_MIN, 0, world);
  MPI_Reduce(mine.data(), sum.data(), n, MPI_DOUBLE, MPI_SUM, 0, world);
  MPI_Reduce(mine.data(), most.data(), n, MPI_DOUBLE, MPI_MAX, 0, world);
  if (comm->me != 0 || !timer->has_normal()) return;

  auto row = [](const std::vector<double> &values) {
    return rust::Slice<const double>(values.data(), values.size());
  };
  const auto text = guard(lmp, FLERR, Reach::ThisRank, [&] {
    return model.summary(row(least), row(sum), row(most), comm->nprocs);
  });
  utils::logmesg(lmp, std::string(text));
}

/* ----------------------------------------------------------------------
   how far the models disagree in this step, written by rank 0
------------------------------------------------------------------------- */

void PairDeepMD::write_deviation()
{
  deepdms::Potential &model = **potential;
  const int widest = comm_reverse;
  comm_reverse = 3 * (int) model.models();
  comm->reverse_comm(this);    // forces of all models on ghosts go to their owners
  comm_reverse = widest;

  const auto deviations = guard(lmp, FLERR, Reach::ThisRank,
                                [&] { return model.force_deviations(atom->nlocal); });
  double extremes[2] = {0.0, std::numeric_limits<double>::lowest()};    // largest, minus smallest
  double sum = 0.0;
  for (const double deviation : deviations) {
    extremes[0] = std::max(extremes[0], deviation);
    extremes[1] = std::max(extremes[1], -deviation);
    sum += deviation;
  }
  double all_extremes[2], all_sum;
  MPI_Reduce(extremes, all_extremes, 2, MPI_DOUBLE, MPI_MAX, 0, world);
  MPI_Reduce(&sum, &all_sum, 1, MPI_DOUBLE, MPI_SUM, 0, world);

  const auto virials = model.virials();
  std::vector<double> all_virials(virials.size());
  MPI_Reduce(virials.data(), all_virials.data(), (int) virials.size(), MPI_DOUBLE, MPI_SUM, 0,
             world);

  std::vector<double> all_by_atom;
  if (model.deviation_by_atom()) {
    std::vector<double> by_atom(atom->natoms, 0.0);
    for (int i = 0; i < atom->nlocal; i++) {
      if (!atom->tag_enable || atom->tag[i] < 1 || atom->tag[i] > atom->natoms)
        deepdms::stop_this_rank(lmp, FLERR,
                                "Pair style deepmd: 'atomic' needs atom IDs from 1 to the number "
                                "of atoms: use reset_atoms id");
      by_atom[atom->tag[i] - 1] = deviations[i];
    }
    all_by_atom.resize(by_atom.size());
    MPI_Reduce(by_atom.data(), all_by_atom.data(), (int) by_atom.size(), MPI_DOUBLE, MPI_SUM, 0,
             world);
  }

  if (comm->me != 0) return;
  const deepdms::DeviationLine line = {update->ntimestep, atom->natoms, all_extremes[0],
                                       -all_extremes[1], all_sum};
  guard(lmp, FLERR, Reach::ThisRank, [&] {
    model.write_deviation(
        line, rust::Slice<const double>(all_virials.data(), all_virials.size()),
        rust::Slice<const double>(all_by_atom.data(), all_by_atom.size()), restarted);
  });
}

/* ---------------------------------------------------------------------- */

int PairDeepMD::pack_forward_comm(int n, int *list, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  return ghosts.pack_forward(n, list, buf);
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::unpack_forward_comm(int n, int first, double *buf)
{
  ghosts.unpack_forward(n, first, buf);
}

/* ----------------------------------------------------------------------
   rows of a model on their way to owners, or else forces of all models
------------------------------------------------------------------------- */

int PairDeepMD::pack_reverse_comm(int n, int first, double *buf)
{
  if (ghosts.busy()) return ghosts.pack_reverse(n, first, buf);
  const std::size_t size = (std::size_t) n * comm_reverse;
  guard(lmp, FLERR, Reach::ThisRank,
        [&] { (*potential)->pack_forces(first, n, rust::Slice<double>(buf, size)); });
  return (int) size;
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::unpack_reverse_comm(int n, int *list, double *buf)
{
  if (ghosts.busy()) return ghosts.unpack_reverse(n, list, buf);
  const std::size_t size = (std::size_t) n * comm_reverse;
  guard(lmp, FLERR, Reach::ThisRank, [&] {
    (*potential)->unpack_forces(rust::Slice<const int>(list, n),
                                rust::Slice<const double>(buf, size));
  });
}

/* ----------------------------------------------------------------------
   end of a run: neighbours may have become too many since the last list
------------------------------------------------------------------------- */

void PairDeepMD::finish()
{
  if (!potential) return;
  check_range(true);
  write_summary();
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::settings(int narg, char **arg)
{
  const auto words = deepdms::words_of(lmp, FLERR, narg, arg);
  const auto parsed = guard(lmp, FLERR, Reach::Everyone, [&] {
    return deepdms::parse_settings(rust::Slice<const rust::String>(words.data(), words.size()));
  });
  const deepdms::Units units = {force->boltz / BOLTZMANN, force->angstrom};
  auto fresh = guard(lmp, FLERR, Reach::Everyone,
                     [&] { return deepdms::new_potential(*parsed, units); });
  for (const auto &path : parsed->model_files()) {
    const auto bytes = deepdms::read_model_file(lmp, std::string(path));
    guard(lmp, FLERR, Reach::Everyone, [&] {
      fresh->add_model(rust::Slice<const std::uint8_t>(bytes.data(), bytes.size()));
    });
  }
  guard(lmp, FLERR, Reach::Everyone, [&] { fresh->prepare(); });
  potential = std::move(fresh);
  mapped = false;
  comm_forward = (*potential)->exchanges_ghosts() ? deepdms::Ghosts::WIDTH : 0;
  comm_reverse = std::max(3 * (int) (*potential)->models(), comm_forward);
  cutoff = cut_coul = (*potential)->cutoff();
  const auto summary =
      guard(lmp, FLERR, Reach::Everyone, [&] { return (*potential)->describe(); });
  if (comm->me == 0) utils::logmesg(lmp, "{}\n", std::string(summary));
  say((*potential)->warnings());
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::allocate()
{
  allocated = 1;
  const int n = atom->ntypes;
  memory->create(setflag, n + 1, n + 1, "pair:setflag");
  memory->create(cutsq, n + 1, n + 1, "pair:cutsq");
  memory->create(scale, n + 1, n + 1, "pair:scale");
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= n; j++) {
      setflag[i][j] = 0;
      scale[i][j] = 1.0;
    }
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::coeff(int narg, char **arg)
{
  if (!potential)
    error->all(FLERR, "Pair style deepmd has no model: give pair_style deepmd MODEL first");
  if (!allocated) allocate();
  for (int k = 0; k < 2; k++) {
    int first = 0, last = 0;
    if (narg >= 2) utils::bounds(FLERR, arg[k], 1, atom->ntypes, first, last, error);
    if (first != 1 || last != atom->ntypes)
      error->all(FLERR,
                 "Pair style deepmd needs one pair_coeff for all types: pair_coeff * * [element "
                 "...]");
  }

  names.assign(arg + 2, arg + narg);
  map_types();

  for (int i = 1; i <= atom->ntypes; i++)
    for (int j = i; j <= atom->ntypes; j++) {
      setflag[i][j] = 1;
      scale[i][j] = scale[j][i] = 1.0;
    }
}

/* ----------------------------------------------------------------------
   which type of the model each atom type is, by the names of pair_coeff
------------------------------------------------------------------------- */

void PairDeepMD::map_types()
{
  rust::Vec<rust::String> words;
  for (const auto &name : names) words.emplace_back(rust::String::lossy(name));
  const auto warnings = guard(lmp, FLERR, Reach::Everyone, [&] {
    return (*potential)->map_types(rust::Slice<const rust::String>(words.data(), words.size()),
                                   atom->ntypes);
  });
  say(warnings);
  mapped = true;
  if (comm->me == 0)
    for (const auto &line : (*potential)->describe_accuracy())
      utils::logmesg(lmp, "{}\n", std::string(line));
}

/* ---------------------------------------------------------------------- */

void PairDeepMD::init_style()
{
  if (!mapped) map_types();    // as with any style, coefficients outlive a second pair_style
  if (!force->newton_pair)
    error->all(FLERR, "Pair style deepmd requires newton pair on: add 'newton on'");
  neighbor->add_request(this, NeighConst::REQ_FULL);
  deepdms::check_frame_source(lmp, (*potential)->frame_source());
  deepdms::check_atom_source(lmp, (*potential)->atom_source());
}

/* ---------------------------------------------------------------------- */

double PairDeepMD::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, "All pair coeffs are not set: add 'pair_coeff * *'");
  scale[j][i] = scale[i][j];
  return cutoff;
}

/* ----------------------------------------------------------------------
   a restart file holds the name of the style and nothing of the model
------------------------------------------------------------------------- */

void PairDeepMD::write_restart(FILE *) {}

void PairDeepMD::read_restart(FILE *)
{
  restarted = true;
}

/* ---------------------------------------------------------------------- */

double PairDeepMD::memory_usage()
{
  return Pair::memory_usage() + (potential ? (*potential)->memory_usage() : 0.0);
}

/* ----------------------------------------------------------------------
   whether another style of a hybrid has a Coulomb cutoff
   the hybrid asks all its styles, this one and its like among them
------------------------------------------------------------------------- */

bool PairDeepMD::coulomb_elsewhere()
{
  static bool asking = false;
  if (asking) return true;
  if (force->pair == this || !force->pair) return false;
  struct Asking {
    Asking() { asking = true; }
    ~Asking() { asking = false; }
  } until_return;
  int dim;
  return force->pair->extract("cut_coul", dim) != nullptr;
}

/* ----------------------------------------------------------------------
   the scale for fix adapt, and a cutoff that PPPM chooses its mesh from
   another style of a hybrid that has a Coulomb cutoff knows that better
------------------------------------------------------------------------- */

void *PairDeepMD::extract(const char *name, int &dim)
{
  if (strcmp(name, "scale") == 0) {
    dim = 2;
    return (void *) scale;
  }
  if (strcmp(name, "cut_coul") == 0) {
    dim = 0;
    return coulomb_elsewhere() ? nullptr : (void *) &cut_coul;
  }
  return nullptr;
}
