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

#include <torch/autograd.h>
#include <torch/types.h>

#include <stdexcept>
#include <string>

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

namespace {

DeepdmsExchange exchange_with_ghosts = nullptr;

/* ----------------------------------------------------------------------
   exchanged copy of rows [n, columns]
------------------------------------------------------------------------- */

Tensor exchanged(const Tensor &rows, int64_t number, bool to_ghosts)
{
  TORCH_CHECK(rows.dim() == 2, "rows of atoms have shape ", rows.sizes());
  Tensor values = rows.detach().to(torch::kCPU, torch::kDouble).contiguous();
  if (values.is_alias_of(rows)) values = values.clone();

  std::string failure;
  const DeepdmsSink sink = {
      &failure,
      [](void *context, const char *bytes, std::size_t size) { ((std::string *) context)->append(bytes, size); },
      [](void *, double) {},
  };
  const DeepdmsSlice<double> slice = {values.mutable_data_ptr<double>(), (std::size_t) values.numel()};
  if (exchange_with_ghosts(number, to_ghosts, slice, values.size(1), &sink) != DEEPDMS_ANSWERED)
    throw std::runtime_error(failure);
  return values.to(rows.options());
}

class Border : public torch::autograd::Function<Border> {
 public:
  static Tensor forward(AutogradContext *context, const Tensor &rows, int64_t number)
  {
    context->saved_data["number"] = number;
    return exchanged(rows, number, true);
  }

  static tensor_list backward(AutogradContext *context, const tensor_list &gradients)
  {
    return {exchanged(gradients[0], context->saved_data["number"].toInt(), false), Tensor()};
  }
};

int64_t number_in(const Tensor &communicator)
{
  TORCH_CHECK(communicator.numel() == 1, "the communicator is no single number");
  return communicator.item<int64_t>();
}

tensor_list border_op(const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                      const Tensor &rows, const Tensor &communicator, const Tensor &, const Tensor &)
{
  return {Border::apply(rows, number_in(communicator))};
}

Tensor border_op_backward(const Tensor &, const Tensor &, const Tensor &, const Tensor &, const Tensor &,
                          const Tensor &gradients, const Tensor &communicator, const Tensor &, const Tensor &)
{
  return exchanged(gradients, number_in(communicator), false);
}

Tensor enable_mpi()
{
  return torch::ones({1}, torch::kBool);
}

}    // namespace

void deepdms::script::define_border(torch::Library &library, DeepdmsExchange exchange)
{
  exchange_with_ghosts = exchange;
  library.def("border_op(Tensor send_list, Tensor send_proc, Tensor recv_proc, Tensor send_num, Tensor recv_num, "
              "Tensor rows, Tensor communicator, Tensor nlocal, Tensor nghost) -> Tensor[]",
              &border_op);
  library.def("border_op_backward(Tensor send_list, Tensor send_proc, Tensor recv_proc, Tensor send_num, "
              "Tensor recv_num, Tensor gradients, Tensor communicator, Tensor nlocal, Tensor nghost) -> Tensor",
              &border_op_backward);
  library.def("enable_mpi() -> Tensor", &enable_mpi);
}
