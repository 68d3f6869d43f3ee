/* -*- c++ -*- ----------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#ifndef DEEPDMS_MODEL_FILE_H
#define DEEPDMS_MODEL_FILE_H

#include "lammps.h"

#include <cstdint>
#include <string>
#include <vector>

namespace deepdms {

// Bytes of a model file, read by one rank and sent to all; where it cannot be read, all ranks end with the reason.
std::vector<std::uint8_t> read_model_file(LAMMPS_NS::LAMMPS *lmp, const std::string &path);

}    // namespace deepdms

#endif
