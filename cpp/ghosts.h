/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_GHOSTS_H
#define DEEPDMS_GHOSTS_H

#include "ghost_exchange.h"

namespace LAMMPS_NS {
class LAMMPS;
class Pair;
}    // namespace LAMMPS_NS

namespace deepdms {

// Rows of atoms go to their ghosts and back by LAMMPS' own communication on behalf of a pair style, which hands its
// callbacks on while an exchange is busy.
class Ghosts : public GhostExchange {
 public:
  // Columns that travel at once: comm_forward and comm_reverse of the style must be no less, for the size of buffers.
  static constexpr int WIDTH = 64;

  Ghosts(LAMMPS_NS::LAMMPS *lmp, LAMMPS_NS::Pair *pair) : lmp(lmp), pair(pair) {}

  void to_ghosts(rust::Slice<double> values, std::size_t columns) override;
  void to_owners(rust::Slice<double> values, std::size_t columns) override;

  bool busy() const { return rows != nullptr; }
  int pack_forward(int n, const int *list, double *buf) const;
  void unpack_forward(int n, int first, const double *buf);
  int pack_reverse(int n, int first, double *buf) const;
  void unpack_reverse(int n, const int *list, const double *buf);

 private:
  LAMMPS_NS::LAMMPS *lmp;
  LAMMPS_NS::Pair *pair;
  double *rows = nullptr;      // first of the columns on their way, of atom 0
  std::size_t columns = 0;     // of a row
  int width = 0;               // columns on their way

  template <typename Communicate> void run(rust::Slice<double> values, std::size_t columns, Communicate communicate);
};

}    // namespace deepdms

#endif
