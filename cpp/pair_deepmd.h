/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(deepmd,PairDeepMD);
// clang-format on
#else

#ifndef LMP_PAIR_DEEPMD_H
#define LMP_PAIR_DEEPMD_H

#include "ghosts.h"
#include "pair.h"

#include "deepdms-plugin/src/pair.rs.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class PairDeepMD : public Pair {
 public:
  PairDeepMD(class LAMMPS *);
  ~PairDeepMD() override;

  void compute(int, int) override;
  void finish() override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void write_restart(FILE *) override;
  void read_restart(FILE *) override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  int pack_reverse_comm(int, int, double *) override;
  void unpack_reverse_comm(int, int *, double *) override;
  double memory_usage() override;
  void *extract(const char *, int &) override;

 private:
  void allocate();
  void map_types();
  void warn_of_settings();
  void update_list();
  void fetch_parameters();
  void check_range(bool);
  void say(const rust::Vec<rust::String> &);
  void write_summary();
  void write_deviation();
  bool coulomb_elsewhere();

  std::optional<rust::Box<deepdms::Potential>> potential;
  deepdms::Ghosts ghosts;            // how models pass messages between atoms
  std::vector<std::string> names;    // the elements of pair_coeff
  bool mapped;                       // the models know them
  double **scale;                    // factor on energies and forces; [1][1] holds for all types
  struct {
    bool scale, special, skipped, flux;
  } warned;    // what was said once
  double cutoff;                     // the model's cutoff in LAMMPS' unit
  double cut_coul;                   // the same for k-space solvers, which may change it
  bool restarted;                    // the style came from a restart file: its deviation file goes on
};

}    // namespace LAMMPS_NS

#endif
#endif
