/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_GUARD_H
#define DEEPDMS_GUARD_H

#include "error.h"
#include "rust/cxx.h"

#include <utility>

namespace deepdms {

// Which ranks reach the failing call: all of them with the same arguments (Everyone), or perhaps only this one.
enum class Reach { Everyone, ThisRank };

/* ----------------------------------------------------------------------
   call into the Rust library; an error there becomes LAMMPS' own error
------------------------------------------------------------------------- */

template <typename Call>
auto guard(LAMMPS_NS::Error *error, const char *file, int line, Reach reach, Call &&call)
    -> decltype(call())
{
  try {
    return std::forward<Call>(call)();
  } catch (const rust::Error &failure) {
    if (reach == Reach::Everyone)
      error->all(file, line, "{}", failure.what());
    else
      error->one(file, line, "{}", failure.what());
  }
}

}    // namespace deepdms

#endif
