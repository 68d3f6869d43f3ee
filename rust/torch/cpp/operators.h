/* -*- c++ -*- ----------------------------------------------------------
   The operators of namespace "deepmd" that TorchScript models call
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_OPERATORS_H
#define DEEPDMS_TORCH_OPERATORS_H

#include "interface.h"

#include <torch/library.h>
#include <torch/types.h>

#include <cstdint>

namespace deepdms::script {

// Make all operators known to libtorch, once; throws if another library has defined them.
void define_operators(DeepdmsExchange exchange);

// The two groups of them.
void define_tables(torch::Library &library);
void define_border(torch::Library &library, DeepdmsExchange exchange);

// Curves [n, outputs] of inputs with n elements, read off a table by loops on a CPU or by operations on tensors. The table
// reaches from the lower end in its description to max, or from -max to max.
torch::Tensor table_curves(const torch::Tensor &table, const torch::Tensor &info, const torch::Tensor &x,
                           std::int64_t outputs, bool both_signs, bool as_tensors);

}    // namespace deepdms::script

#endif
