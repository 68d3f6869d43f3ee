/* ----------------------------------------------------------------------
   For tests: the bare operators with their gradients, and models of a few
   lines
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "answer.h"
#include "operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/script.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using deepdms::script::answer;
using deepdms::script::define_operators;
using deepdms::script::text;
using torch::Tensor;

namespace {

/* ----------------------------------------------------------------------
   source may call torch.f and deepmd.f
------------------------------------------------------------------------- */

struct Resolver : torch::jit::NativeResolver {
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string &name, torch::jit::GraphFunction &method,
                                                         const torch::jit::SourceRange &place) override
  {
    if (name == "deepmd") return std::make_shared<torch::jit::BuiltinModule>(name);
    return NativeResolver::resolveValue(name, method, place);
  }
};

template <typename Number> Tensor leaf(DeepdmsSlice<Number> numbers, std::vector<int64_t> shape)
{
  Tensor copied = torch::empty({(int64_t) numbers.size}, torch::kDouble);
  std::copy_n(numbers.data, numbers.size, copied.mutable_data_ptr<double>());
  return copied.view(shape).requires_grad_(true);
}

/* ----------------------------------------------------------------------
   the gradient by a leaf, 0 where nothing depends on it
------------------------------------------------------------------------- */

void store(const Tensor &leaf, DeepdmsSlice<double> target)
{
  std::fill_n(target.data, target.size, 0.0);
  if (leaf.grad().defined())
    std::copy_n(leaf.grad().contiguous().const_data_ptr<double>(), target.size, target.data);
}

void tell_numbers(const DeepdmsSink &sink, const Tensor &tensor)
{
  const Tensor flat = tensor.detach().contiguous();
  for (int64_t k = 0; k < flat.numel(); k++) sink.number(sink.context, flat.const_data_ptr<double>()[k]);
}

Tensor call(const std::string &name, std::vector<torch::IValue> stack)
{
  c10::Dispatcher::singleton().findSchemaOrThrow(("deepmd::" + name).c_str(), "").callBoxed(&stack);
  return stack[0].toTensorVector()[0];
}

}    // namespace

/* ---------------------------------------------------------------------- */

DeepdmsStatus deepdms_check_scripted(DeepdmsSlice<const char> class_name, DeepdmsSlice<const char> methods,
                                     DeepdmsExchange exchange, const DeepdmsSink *sink)
{
  return answer(sink, [&] {
    define_operators(exchange);
    torch::jit::Module module(c10::QualifiedName("__torch__." + text(class_name)));
    module.define(text(methods), std::make_shared<Resolver>());
    std::ostringstream stream;
    module.save(stream);
    deepdms::script::tell(*sink, stream.str());
    return DEEPDMS_ANSWERED;
  });
}

/* ---------------------------------------------------------------------- */

DeepdmsStatus deepdms_check_border(std::int64_t number, std::size_t columns, DeepdmsExchange exchange,
                                   DeepdmsSlice<const double> rows, DeepdmsSlice<double> weights,
                                   const DeepdmsSink *sink)
{
  return answer(sink, [&] {
    define_operators(exchange);
    const std::vector<int64_t> shape = {-1, (int64_t) columns};
    const Tensor x = leaf(rows, shape);
    const Tensor unused = torch::zeros({1}, torch::kInt);
    const Tensor handle = torch::full({1}, number, torch::kLong);
    const Tensor y = call("border_op", {unused, unused, unused, unused, unused, x, handle, unused, unused});
    (leaf(weights, shape).detach() * y).sum().backward();
    store(x, weights);
    tell_numbers(*sink, y);
    return DEEPDMS_ANSWERED;
  });
}

/* ---------------------------------------------------------------------- */

DeepdmsStatus deepdms_check_tabulate(const DeepdmsTabulation *question, DeepdmsExchange exchange,
                                     const DeepdmsSink *sink)
{
  return answer(sink, [&] {
    define_operators(exchange);
    const std::string name = text(question->name);
    const int64_t outputs = question->outputs;
    const Tensor table = leaf(question->table, {-1, 6 * outputs}).detach();
    const Tensor info = leaf(question->info, {-1}).detach();
    const Tensor inputs = leaf(question->inputs, {-1, 1});
    const Tensor rows =
        leaf(question->rows, {question->shape.data, question->shape.data + question->shape.size});
    const Tensor factors = leaf(question->factors, {-1, outputs});

    Tensor values;
    if (name == "curves" || name == "tensors")
      values = deepdms::script::table_curves(table, info, inputs, outputs, true, name == "tensors");
    else if (name == "tabulate_fusion_se_r")
      values = call(name, {table, info, rows, outputs});
    else if (name == "tabulate_fusion_se_atten")
      values = call(name, {table, info, inputs, rows, factors, outputs, true});
    else
      values = call(name, {table, info, inputs, rows, outputs});
    tell_numbers(*sink, values);

    if (question->weights.size > 0) {
      (leaf(question->weights, {-1}).detach() * values.reshape({-1})).sum().backward();
      store(inputs, question->inputs);
      store(rows, question->rows);
      store(factors, question->factors);
    }
    return DEEPDMS_ANSWERED;
  });
}
