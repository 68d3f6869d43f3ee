/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_GUARD_H
#define DEEPDMS_GUARD_H

#include "comm.h"
#include "error.h"
#include "lammps.h"
#include "rust/cxx.h"

#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace deepdms {

// Which ranks reach the failing call: all of them with the same arguments (Everyone), or perhaps only this one.
enum class Reach { Everyone, ThisRank };

/* ----------------------------------------------------------------------
   end the run from one rank; the others learn of it by MPI_Abort
   mpiexec may lose what a rank writes in the instant before that, so the
   message goes ahead and is given time to arrive
------------------------------------------------------------------------- */

[[noreturn]] inline void stop_this_rank(LAMMPS_NS::LAMMPS *lmp, const char *file, int line,
                                        const std::string &message)
{
  if (lmp->comm->nprocs > 1) {
    fprintf(stderr, "ERROR on proc %d: %s (%s:%d)\n", lmp->comm->me, message.c_str(), file, line);
    fflush(stderr);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  lmp->error->one(file, line, "{}", message);
  std::abort();    // never reached, which headers of 2023 do not say
}

/* ----------------------------------------------------------------------
   call into the Rust library; an error there becomes LAMMPS' own error
------------------------------------------------------------------------- */

template <typename Call>
auto guard(LAMMPS_NS::LAMMPS *lmp, const char *file, int line, Reach reach, Call &&call)
    -> decltype(call())
{
  try {
    return std::forward<Call>(call)();
  } catch (const rust::Error &failure) {
    if (reach == Reach::ThisRank) stop_this_rank(lmp, file, line, failure.what());
    lmp->error->all(file, line, "{}", failure.what());
  }
  std::abort();    // never reached, as above
}

/* ----------------------------------------------------------------------
   words of a command for the Rust library, where texts are UTF-8; others
   are refused, for a file whose name is changed on its way is another file
   all ranks come here together
------------------------------------------------------------------------- */

inline rust::Vec<rust::String> words_of(LAMMPS_NS::LAMMPS *lmp, const char *file, int line, int narg, char **arg)
{
  rust::Vec<rust::String> words;
  for (int i = 0; i < narg; i++) {
    try {
      words.push_back(rust::String(arg[i]));
    } catch (const std::invalid_argument &) {
      lmp->error->all(file, line, "The word '{}' is not UTF-8: write the input script in UTF-8, and rename the file if it is one",
                      std::string(rust::String::lossy(arg[i])));
    }
  }
  return words;
}

/* ----------------------------------------------------------------------
   a call that all ranks make and that may fail on some of them: all end the
   run with the message of the first rank that fails
------------------------------------------------------------------------- */

template <typename Call>
void guard_together(LAMMPS_NS::LAMMPS *lmp, const char *file, int line, Call &&call)
{
  std::string message;
  bool failed = false;
  try {
    std::forward<Call>(call)();
  } catch (const rust::Error &failure) {
    message = failure.what();
    failed = true;
  }
  const int own = failed ? lmp->comm->me : INT_MAX;
  int first = INT_MAX;
  MPI_Allreduce(&own, &first, 1, MPI_INT, MPI_MIN, lmp->world);
  if (first == INT_MAX) return;
  int length = (int) message.size();
  MPI_Bcast(&length, 1, MPI_INT, first, lmp->world);
  message.resize(length);
  MPI_Bcast(&message[0], length, MPI_CHAR, first, lmp->world);
  lmp->error->all(file, line, "{}", message);
}

}    // namespace deepdms

#endif
