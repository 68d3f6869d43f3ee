/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_LAMMPS_CHECK_H
#define DEEPDMS_LAMMPS_CHECK_H

namespace deepdms {

// Whether the LAMMPS that runs is the one whose headers the plugin was compiled with: version, integer sizes and MPI
// family decide the layout of its classes. If not, one line in screen and log output says what differs and what to do.
bool fits_this_lammps(void *lmp);

}    // namespace deepdms

#endif
