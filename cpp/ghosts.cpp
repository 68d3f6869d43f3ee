/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#include "ghosts.h"

#include "comm.h"
#include "lammps.h"
#include "pair.h"

#include <algorithm>

using namespace deepdms;

/* ----------------------------------------------------------------------
   exchange all columns, WIDTH at a time
   LAMMPS takes what an atom sends from the style
------------------------------------------------------------------------- */

template <typename Communicate>
void Ghosts::run(rust::Slice<double> values, std::size_t all, Communicate communicate)
{
  double none = 0.0;    // a rank may hold no atom at all
  double *const start = values.empty() ? &none : values.data();
  const int forward = pair->comm_forward, reverse = pair->comm_reverse;
  columns = all;
  for (std::size_t first = 0; first < all; first += WIDTH) {
    rows = start + (values.empty() ? 0 : first);
    width = (int) std::min<std::size_t>(WIDTH, all - first);
    pair->comm_forward = pair->comm_reverse = width;
    communicate();
  }
  pair->comm_forward = forward;
  pair->comm_reverse = reverse;
  rows = nullptr;
}

/* ---------------------------------------------------------------------- */

void Ghosts::to_ghosts(rust::Slice<double> values, std::size_t all)
{
  run(values, all, [this] { lmp->comm->forward_comm(pair); });
}

/* ---------------------------------------------------------------------- */

void Ghosts::to_owners(rust::Slice<double> values, std::size_t all)
{
  run(values, all, [this] { lmp->comm->reverse_comm(pair); });
}

/* ---------------------------------------------------------------------- */

int Ghosts::pack_forward(int n, const int *list, double *buf) const
{
  for (int k = 0; k < n; k++) buf = std::copy_n(rows + list[k] * columns, width, buf);
  return n * width;
}

/* ---------------------------------------------------------------------- */

void Ghosts::unpack_forward(int n, int first, const double *buf)
{
  for (int k = 0; k < n; k++, buf += width) std::copy_n(buf, width, rows + (first + k) * columns);
}

/* ---------------------------------------------------------------------- */

int Ghosts::pack_reverse(int n, int first, double *buf) const
{
  for (int k = 0; k < n; k++) buf = std::copy_n(rows + (first + k) * columns, width, buf);
  return n * width;
}

/* ---------------------------------------------------------------------- */

void Ghosts::unpack_reverse(int n, const int *list, const double *buf)
{
  for (int k = 0; k < n; k++)
    for (int c = 0; c < width; c++) rows[list[k] * columns + c] += *buf++;
}
