/* -*- c++ -*- ----------------------------------------------------------
   The program in a TorchScript file, read without running any of it
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_PROGRAM_H
#define DEEPDMS_TORCH_PROGRAM_H

#include "interface.h"

#include <torch/csrc/jit/api/module.h>

#include <set>
#include <string>

namespace deepdms::script {

struct Program {
  torch::jit::Module module;
  // What any function of it may call, such as aten::add, and classes of C++ that it names.
  std::set<std::string> operators;
  // Devices that it names, such as cuda:0.
  std::set<std::string> devices;
};

// The program in the bytes of a file, on the CPU. torch::jit::load would run methods of the file that restore objects, and
// believe what the file says of the sizes of tensors and the types of attributes; here the first are refused and the
// others checked. Throws where anything does not fit.
Program read_program(DeepdmsSlice<const std::uint8_t> bytes);

}    // namespace deepdms::script

#endif
