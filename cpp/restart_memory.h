/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_RESTART_MEMORY_H
#define DEEPDMS_RESTART_MEMORY_H

#include <cstddef>

#ifdef __APPLE__
#include <malloc/malloc.h>
#else
#include <malloc.h>
#endif

namespace deepdms {

// bytes that may be read at memory which comes from new, such as that of a state in a restart file

inline size_t readable(const char *memory)
{
#ifdef __APPLE__
  return malloc_size(memory);
#else
  return malloc_usable_size(const_cast<char *>(memory));
#endif
}

}    // namespace deepdms

#endif
