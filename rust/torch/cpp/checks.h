/* -*- c++ -*- ----------------------------------------------------------
   For tests: the bare operators with their gradients, and models of a few
   lines
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_CHECKS_H
#define DEEPDMS_TORCH_CHECKS_H

#include "rust/cxx.h"

#include <cstdint>

namespace deepdms::script {

struct Question;

// What border_op gives for rows [n, columns]; weights become the gradient of the sum of weights times that.
rust::Vec<double> border(std::int64_t exchange, std::size_t columns, rust::Slice<const double> rows,
                         rust::Slice<double> weights);

// What an operator on a table gives; where there are weights, inputs, rows and factors become the gradients of the sum
// of weights times that.
rust::Vec<double> tabulate(Question &question);

// The bytes of a TorchScript file with a module of this class, whose methods are given as source.
rust::Vec<std::uint8_t> scripted(rust::Str class_name, rust::Str methods);

}    // namespace deepdms::script

#endif
