/* ----------------------------------------------------------------------
   A TorchScript model of deepmd-kit, and one call of it
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "script.h"

#include "operators.h"

#include "deepdms-torch/src/script/bridge.rs.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>

using torch::Tensor;

namespace deepdms::script {

struct Script::Module {
  torch::jit::Module module;
  torch::Device device;
};

namespace {

/* ----------------------------------------------------------------------
   run body; an error of libtorch loses its list of C++ frames
------------------------------------------------------------------------- */

template <typename Body> auto plainly(Body &&body) -> decltype(body())
{
  try {
    return body();
  } catch (const c10::Error &error) {
    throw std::runtime_error(error.what_without_backtrace());
  }
}

std::string text(rust::Str name)
{
  return std::string(name.data(), name.size());
}

/* ----------------------------------------------------------------------
   tensors that look at the caller's numbers, or copies on a device
------------------------------------------------------------------------- */

template <typename Number>
Tensor tensor(rust::Slice<const Number> numbers, std::vector<int64_t> shape, torch::Device device)
{
  const auto kind = c10::CppTypeToScalarType<Number>::value;
  if (numbers.empty()) return torch::empty(shape, torch::TensorOptions(kind).device(device));
  return torch::from_blob(const_cast<Number *>(numbers.data()), shape, kind).to(device);
}

/* ----------------------------------------------------------------------
   numbers of a tensor in the model's answer
------------------------------------------------------------------------- */

using Answer = std::unordered_map<std::string, Tensor>;

void copy(const Answer &answer, const char *name, rust::Slice<double> target)
{
  const auto found = answer.find(name);
  if (found == answer.end()) throw std::runtime_error(std::string("the model gives no '") + name + "'");
  const Tensor numbers = found->second.detach().to(torch::kCPU, torch::kDouble).contiguous();
  if ((std::size_t) numbers.numel() != target.size())
    throw std::runtime_error(std::string("the model's '") + name + "' has " + std::to_string(numbers.numel()) +
                             " numbers instead of " + std::to_string(target.size()));
  std::copy_n(numbers.const_data_ptr<double>(), target.size(), target.data());
}

}    // namespace

/* ---------------------------------------------------------------------- */

Script::Script(rust::Slice<const std::uint8_t> bytes, int device)
{
  plainly([&] {
    define_operators();
    const torch::Device place = device < 0 ? torch::Device(torch::kCPU) : torch::Device(torch::kCUDA, device);
    std::istringstream stream(std::string((const char *) bytes.data(), bytes.size()));
    module.reset(new Module{torch::jit::load(stream, place), place});
    module->module.eval();
    for (Tensor weights : module->module.parameters()) weights.requires_grad_(false);
  });
}

Script::~Script() = default;

std::unique_ptr<Script> load_script(rust::Slice<const std::uint8_t> bytes, int device)
{
  return std::make_unique<Script>(bytes, device);
}

/* ---------------------------------------------------------------------- */

rust::String Script::class_name() const
{
  const auto type = module->module.type()->name();
  return type ? type->name() : std::string();
}

/* ---------------------------------------------------------------------- */

rust::Vec<rust::String> Script::required_arguments() const
{
  return plainly([&] {
    const auto method = module->module.get_method("forward_lower");
    const auto &schema = method.function().getSchema();
    rust::Vec<rust::String> names;
    for (const auto &argument : schema.arguments())
      if (!argument.default_value() && argument.name() != "self") names.push_back(argument.name());
    return names;
  });
}

/* ---------------------------------------------------------------------- */

bool Script::has(rust::Str method) const
{
  return module->module.find_method(text(method)).has_value();
}

bool Script::flag(rust::Str method) const
{
  return plainly([&] { return module->module.get_method(text(method))({}).toBool(); });
}

std::int64_t Script::integer(rust::Str method) const
{
  return plainly([&] { return module->module.get_method(text(method))({}).toInt(); });
}

double Script::real(rust::Str method) const
{
  return plainly([&] { return module->module.get_method(text(method))({}).toDouble(); });
}

rust::Vec<rust::String> Script::texts(rust::Str method) const
{
  return plainly([&] {
    rust::Vec<rust::String> texts;
    const torch::IValue answer = module->module.get_method(text(method))({});
    for (const torch::IValue &item : answer.toListRef())
      texts.push_back(item.toStringRef());
    return texts;
  });
}

/* ---------------------------------------------------------------------- */

rust::Vec<double> Script::numbers_at(rust::Str path) const
{
  return plainly([&] {
    rust::Vec<double> copied;
    torch::IValue item = module->module._ivalue();
    std::istringstream names(text(path));
    for (std::string name; std::getline(names, name, '.');) {
      if (!item.isModule() || !item.toModule().hasattr(name)) return copied;
      item = item.toModule().attr(name);
    }
    if (!item.isTensor()) return copied;
    const Tensor numbers = item.toTensor().detach().to(torch::kCPU, torch::kDouble).contiguous();
    for (int64_t k = 0; k < numbers.numel(); k++) copied.push_back(numbers.const_data_ptr<double>()[k]);
    return copied;
  });
}

/* ----------------------------------------------------------------------
   keys that models look up where they exchange rows with other ranks: all
   but the last describe deepmd-kit's own communication, which is not used
------------------------------------------------------------------------- */

static c10::Dict<std::string, Tensor> communication(std::int64_t exchange)
{
  c10::Dict<std::string, Tensor> entries;
  entries.insert("send_list", torch::zeros({1}, torch::kLong));
  for (const char *name : {"send_proc", "recv_proc", "send_num", "recv_num"})
    entries.insert(name, torch::zeros({1}, torch::kInt));
  entries.insert("communicator", torch::full({1}, exchange, torch::kLong));
  return entries;
}

/* ---------------------------------------------------------------------- */

double Script::evaluate(const Request &request, Response &response) const
{
  return plainly([&] {
    const torch::AutoGradMode with_gradients(true);
    // optimising the program takes seconds in each of the first two steps and gains nothing here
    const torch::jit::GraphOptimizerEnabledGuard without_optimiser(false);
    const torch::Device device = module->device;
    const auto n = (int64_t) request.types.size(), n_local = (int64_t) request.n_local;
    // one row for the frame, or one for each atom; what is empty is left to the model
    const auto parameters = [&](rust::Slice<const double> numbers, std::vector<int64_t> rows) {
      if (numbers.empty()) return torch::IValue();
      rows.push_back((int64_t) numbers.size() / rows.back());
      return torch::IValue(tensor(numbers, std::move(rows), device));
    };
    std::unordered_map<std::string, torch::IValue> arguments = {
        {"extended_coord", tensor(request.coordinates, {1, n, 3}, device)},
        {"extended_atype", tensor(request.types, {1, n}, device)},
        {"nlist", tensor(request.neighbours, {1, n_local, (int64_t) request.width}, device)},
        {"fparam", parameters(request.frame_parameters, {1})},
        {"aparam", parameters(request.atom_parameters, {1, n_local})},
        {"do_atomic_virial", !response.atom_virials.empty()},
    };
    if (request.exchange != 0) arguments["comm_dict"] = communication(request.exchange);
    if (!request.charge_spin.empty()) arguments["charge_spin"] = parameters(request.charge_spin, {1});

    Answer answer;
    const auto entries = module->module.get_method("forward_lower")({}, arguments).toGenericDict();
    for (const auto &entry : entries)
      if (entry.value().isTensor()) answer[entry.key().toStringRef()] = entry.value().toTensor();

    double energy = 0.0;
    copy(answer, "energy", rust::Slice<double>(&energy, 1));
    copy(answer, "atom_energy", response.atom_energies);
    copy(answer, "extended_force", response.forces);
    copy(answer, "virial", response.virial);
    if (!response.atom_virials.empty()) copy(answer, "extended_virial", response.atom_virials);
    return energy;
  });
}

}    // namespace deepdms::script
