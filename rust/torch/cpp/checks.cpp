/* ----------------------------------------------------------------------
   For tests: the bare operators with their gradients, and models of a few
   lines
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "checks.h"

#include "operators.h"

#include "deepdms-torch/src/script/checks.rs.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/script.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

using torch::Tensor;

namespace deepdms::script {

static Tensor copy(const double *numbers, std::size_t size, std::vector<int64_t> shape)
{
  Tensor copied = torch::empty({(int64_t) size}, torch::kDouble);
  std::copy_n(numbers, size, copied.mutable_data_ptr<double>());
  return copied.view(shape);
}

static rust::Vec<double> numbers(const Tensor &tensor)
{
  const Tensor flat = tensor.detach().contiguous().view({-1});
  rust::Vec<double> copied;
  for (int64_t k = 0; k < flat.numel(); k++) copied.push_back(flat.const_data_ptr<double>()[k]);
  return copied;
}

static Tensor call(const std::string &name, std::vector<torch::IValue> stack)
{
  define_operators();
  c10::Dispatcher::singleton().findSchemaOrThrow(("deepmd::" + name).c_str(), "").callBoxed(&stack);
  return stack[0].toTensorVector()[0];
}

/* ---------------------------------------------------------------------- */

rust::Vec<double> border(std::int64_t exchange, std::size_t columns, rust::Slice<const double> rows,
                         rust::Slice<double> weights)
{
  const std::vector<int64_t> shape = {-1, (int64_t) columns};
  const Tensor x = copy(rows.data(), rows.size(), shape).requires_grad_(true);
  const Tensor unused = torch::zeros({1}, torch::kInt);
  const Tensor number = torch::full({1}, exchange, torch::kLong);
  const Tensor y = call("border_op", {unused, unused, unused, unused, unused, x, number, unused, unused});
  (copy(weights.data(), weights.size(), shape) * y).sum().backward();
  std::copy_n(x.grad().contiguous().const_data_ptr<double>(), weights.size(), weights.data());
  return numbers(y);
}

/* ---------------------------------------------------------------------- */

rust::Vec<double> tabulate(Question &question)
{
  const std::string name(question.name.data(), question.name.size());
  const std::vector<int64_t> shape(question.shape.begin(), question.shape.end());
  const int64_t outputs = question.outputs;
  const Tensor table = copy(question.table.data(), question.table.size(), {-1, 6 * outputs});
  const Tensor info = copy(question.info.data(), question.info.size(), {-1});
  const Tensor inputs = copy(question.inputs.data(), question.inputs.size(), {-1, 1}).requires_grad_(true);
  const Tensor rows = copy(question.rows.data(), question.rows.size(), shape).requires_grad_(true);
  const Tensor factors = copy(question.factors.data(), question.factors.size(), {-1, outputs}).requires_grad_(true);

  Tensor values;
  if (name == "curves" || name == "tensors")
    values = table_curves(table, info, inputs, outputs, true, name == "tensors");
  else if (name == "tabulate_fusion_se_r")
    values = call(name, {table, info, rows, outputs});
  else if (name == "tabulate_fusion_se_atten")
    values = call(name, {table, info, inputs, rows, factors, outputs, true});
  else
    values = call(name, {table, info, inputs, rows, outputs});

  if (!question.weights.empty()) {
    (copy(question.weights.data(), question.weights.size(), {-1}) * values.reshape({-1})).sum().backward();
    const auto store = [](const Tensor &of, rust::Slice<double> target) {
      if (of.grad().defined())
        std::copy_n(of.grad().contiguous().const_data_ptr<double>(), target.size(), target.data());
      else
        std::fill(target.begin(), target.end(), 0.0);
    };
    store(inputs, question.inputs);
    store(rows, question.rows);
    store(factors, question.factors);
  }
  return numbers(values);
}

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

rust::Vec<std::uint8_t> scripted(rust::Str class_name, rust::Str methods)
{
  torch::jit::Module module(c10::QualifiedName("__torch__." + std::string(class_name)));
  define_operators();
  module.define(std::string(methods), std::make_shared<Resolver>());
  std::ostringstream stream;
  module.save(stream);
  rust::Vec<std::uint8_t> bytes;
  for (const char byte : stream.str()) bytes.push_back((std::uint8_t) byte);
  return bytes;
}

}    // namespace deepdms::script
