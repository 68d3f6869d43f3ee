/* ----------------------------------------------------------------------
   Operators of message-passing models: rows of atoms go to their ghosts,
   gradients of ghosts go back to their owners

   deepmd-kit's operators speak MPI themselves, from LAMMPS' lists of what
   to send. Here the exchange belongs to the caller: "communicator" holds
   the number under which the caller has announced it, and everything else
   that describes the communication is ignored. The number travels with
   the graph, so the backward pass finds the exchange in whatever thread
   libtorch runs it.
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "operators.h"

#include "deepdms-torch/src/script/bridge.rs.h"

#include <torch/autograd.h>
#include <torch/types.h>

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

namespace {

/* ----------------------------------------------------------------------
   exchanged copy of rows [n, columns]
------------------------------------------------------------------------- */

Tensor exchanged(const Tensor &rows, int64_t handle, bool to_ghosts)
{
  TORCH_CHECK(rows.dim() == 2, "rows of atoms have shape ", rows.sizes());
  Tensor values = rows.detach().to(torch::kCPU, torch::kDouble).contiguous();
  if (values.is_alias_of(rows)) values = values.clone();
  deepdms::script::exchange_ghosts(handle, to_ghosts,
                                   rust::Slice<double>(values.mutable_data_ptr<double>(), values.numel()),
                                   values.size(1));
  return values.to(rows.options());
}

class Border : public torch::autograd::Function<Border> {
 public:
  static Tensor forward(AutogradContext *context, const Tensor &rows, int64_t handle)
  {
    context->saved_data["handle"] = handle;
    return exchanged(rows, handle, true);
  }

  static tensor_list backward(AutogradContext *context, const tensor_list &gradients)
  {
    return {exchanged(gradients[0], context->saved_data["handle"].toInt(), false), Tensor()};
  }
};

int64_t handle_in(const Tensor &communicator)
{
  TORCH_CHECK(communicator.numel() == 1, "the communicator is no single number");
  return communicator.item<int64_t>();
}

tensor_list border_op(const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                      const Tensor &rows, const Tensor &communicator, const Tensor &, const Tensor &)
{
  return {Border::apply(rows, handle_in(communicator))};
}

Tensor border_op_backward(const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                          const Tensor &gradients, const Tensor &communicator, const Tensor &, const Tensor &)
{
  return exchanged(gradients, handle_in(communicator), false);
}

Tensor enable_mpi()
{
  return torch::ones({1}, torch::kBool);
}

}    // namespace

void deepdms::script::define_border(torch::Library &library)
{
  library.def("border_op(Tensor send_list, Tensor send_proc, Tensor recv_proc, Tensor send_num, Tensor recv_num, "
              "Tensor rows, Tensor communicator, Tensor nlocal, Tensor nghost) -> Tensor[]",
              &border_op);
  library.def("border_op_backward(Tensor send_list, Tensor send_proc, Tensor recv_proc, Tensor send_num, "
              "Tensor recv_num, Tensor gradients, Tensor communicator, Tensor nlocal, Tensor nghost) -> Tensor",
              &border_op_backward);
  library.def("enable_mpi() -> Tensor", &enable_mpi);
}
