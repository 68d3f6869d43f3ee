/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Stands in for the header of this name in installations of LAMMPS that lack
   it. atom.h names the type, in a function that the shims do not call.
------------------------------------------------------------------------- */

#ifndef LMP_JSON_FWD_H
#define LMP_JSON_FWD_H

namespace LAMMPS_NS {
class json;
}

#endif
