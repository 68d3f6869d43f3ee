/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_PARAMETER_SOURCE_H
#define DEEPDMS_PARAMETER_SOURCE_H

#include "lammps.h"

#include "deepdms-plugin/src/pair.rs.h"

#include <vector>

namespace deepdms {

// Frame and atom parameters from the compute or fix that knows them. All ranks make the same calls together.

// before a run: the source must exist and have what is wanted
void check_frame_source(LAMMPS_NS::LAMMPS *lmp, const Source &source);
void check_atom_source(LAMMPS_NS::LAMMPS *lmp, const Source &source);

// in a step: one number for each frame parameter
std::vector<double> fetch_frame_parameters(LAMMPS_NS::LAMMPS *lmp, const Source &source);

// in a step: one number for each local atom and atom parameter, [nlocal, count]
std::vector<double> fetch_atom_parameters(LAMMPS_NS::LAMMPS *lmp, const Source &source);

}    // namespace deepdms

#endif
