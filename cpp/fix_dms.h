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
  void reset_dt() override;
  int modify_param(int, char **) override;

 private:
  // a compute that this fix reads, by default one of its own

  struct Reader {
    std::string id;
    bool own = false;
    class Compute *compute = nullptr;
  };
  enum { TEMP, PRESS, VIRIAL, PE, NREADERS };
  Reader readers[NREADERS];

  std::unique_ptr<rust::Box<deepdms::Dms>> dms;
  std::vector<Fix *> rigid_fixes;
  bool scales_velocities;    // the velocities follow the box, too
  bool stopped;              // this fix has ended the run

  void create_reader(int, const std::string &, const std::string &);
  void adopt_reader(int, const std::string &);
  int box_change_bits(const deepdms::DmsStrain &) const;
  void check_partners() const;
  deepdms::DmsBox current_box() const;
  void move_box(const deepdms::DmsBox &);
  void scale_velocities(const deepdms::DmsBox &, const deepdms::DmsBox &) const;
  void observe();
  void announce();
  void talk();
};

}    // namespace LAMMPS_NS

#endif
