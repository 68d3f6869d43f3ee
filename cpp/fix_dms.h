/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef LMP_FIX_DMS_H
#define LMP_FIX_DMS_H

#include "fix.h"

#include "rust/cxx.h"

#include <memory>
#include <string>
#include <vector>

namespace deepdms {
struct Dms;
struct DmsBox;
struct DmsStrain;
}    // namespace deepdms

namespace LAMMPS_NS {

class FixDMS : public Fix {
 public:
  FixDMS(class LAMMPS *, int, char **);
  ~FixDMS() override;
  int setmask() override;
  void init() override;
  void init_list(int, class NeighList *) override;
  void setup_pre_exchange() override;
  void setup_pre_force(int) override;
  void setup(int) override;
  void post_integrate() override;
  void pre_force(int) override;
  void end_of_step() override;
  void post_run() override;
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
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  double memory_usage() override;
  void reset_dt() override;
  int modify_param(int, char **) override;
  void *extract(const char *, int &) override;

 private:
  // a compute that this fix reads, by default one of its own

  struct Reader {
    std::string id;
    bool own = false;
  };
  enum { TEMP, PRESS, VIRIAL, PE, NREADERS };
  Reader readers[NREADERS];

  std::unique_ptr<rust::Box<deepdms::Dms>> dms;
  std::vector<std::string> rigid_fixes;    // IDs of fixes with rigid bodies
  bool scales_velocities;    // the velocities follow the box, too
  bool stopped;              // this fix has ended the run
  bigint extracted;          // what extract() points to

  // single atoms: the numbers that the measurement keeps with each, and the array for output

  int width;          // length of a row, 0 where atoms are not measured
  double **rows;      // [nmax][width]
  bool displacements; // their displacement is measured, too
  std::string stress_id, volume_id;
  int volume_column;
  double shell;    // radius of averages over neighbors, 0 without
  class NeighList *list;
  std::vector<double> scaled, masses, volumes, losses;

  void create_reader(int, const std::string &, const std::string &);
  void adopt_reader(int, const std::string &);
  class Compute *reader(int) const;
  void warn_of_other_states() const;
  int box_change_bits(const deepdms::DmsStrain &) const;
  void check_partners() const;
  deepdms::DmsBox current_box() const;
  void move_box(const deepdms::DmsBox &);
  void deform_rigid(int) const;
  void scale_velocities(const deepdms::DmsBox &, const deepdms::DmsBox &) const;
  void resume();
  void create_atoms();
  void destroy_atoms();
  class Compute *atom_stress() const;
  class Compute *atom_volume() const;
  void request_neighbors();
  void start_atoms();
  void place_atoms();
  void observe_atoms();
  void close_atoms();
  void average_shells();
  void observe(bool);
  void announce();
  void talk();
};

}    // namespace LAMMPS_NS

#endif
