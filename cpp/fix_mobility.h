/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef LMP_FIX_MOBILITY_H
#define LMP_FIX_MOBILITY_H

#include "fix.h"

#include "rust/cxx.h"

#include <memory>
#include <string>
#include <vector>

namespace deepdms {
struct Mobility;
}

namespace LAMMPS_NS {

class FixMobility : public Fix {
 public:
  FixMobility(class LAMMPS *, int, char **);
  ~FixMobility() override;
  int setmask() override;
  void init() override;
  void setup(int) override;
  void end_of_step() override;
  double compute_scalar() override;
  double compute_vector(int) override;
  double compute_array(int, int) override;
  void write_restart(FILE *) override;
  void restart(char *) override;
  void grow_arrays(int) override;
  void copy_arrays(int, int, int) override;
  void set_arrays(int) override;
  int pack_exchange(int, double *) override;
  int unpack_exchange(int, double *) override;
  int pack_restart(int, double *) override;
  void unpack_restart(int, int) override;
  int size_restart(int) override;
  int maxsize_restart() override;
  double memory_usage() override;
  void reset_dt() override;

 private:
  std::unique_ptr<rust::Box<deepdms::Mobility>> mobility;
  std::string dms_id;              // the fix dms that is followed, or nothing
  int width;                       // length of a row
  double **rows;                   // [nmax][width], what is kept with each atom
  bool begun;                      // the clock runs, in this run
  std::vector<double> readings;    // scalar, vector, array, the same on all ranks

  Fix *followed_fix() const;
  bigint clock_of(Fix *, const char *) const;
  void begin();
  void take_configuration();
  void analyse();
  void share_readings();
  std::vector<double> collect(const std::vector<double> &) const;
  std::vector<double> distribute(const rust::Vec<double> &, int) const;
  void talk();
};

}    // namespace LAMMPS_NS

#endif
