/* ----------------------------------------------------------------------
   A TorchScript model of deepmd-kit, and one call of it
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "answer.h"
#include "operators.h"
#include "program.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

using deepdms::script::answer;
using deepdms::script::tell;
using deepdms::script::text;
using torch::Tensor;

struct DeepdmsScript {
  torch::jit::Module module;
  torch::Device device;
  // What the program may call, and the devices that it names.
  std::set<std::string> operators, devices;
};

namespace {

/* ----------------------------------------------------------------------
   tensors that look at the caller's numbers, or copies on a device
------------------------------------------------------------------------- */

template <typename Number>
Tensor tensor(DeepdmsSlice<const Number> numbers, std::vector<int64_t> shape, torch::Device device)
{
  const auto kind = c10::CppTypeToScalarType<Number>::value;
  if (numbers.size == 0) return torch::empty(shape, torch::TensorOptions(kind).device(device));
  return torch::from_blob(const_cast<Number *>(numbers.data), shape, kind).to(device);
}

Tensor plain(const Tensor &tensor)
{
  return tensor.detach().to(torch::kCPU, torch::kDouble).contiguous();
}

/* ----------------------------------------------------------------------
   what a method or an attribute holds
------------------------------------------------------------------------- */

void tell_value(const DeepdmsSink &sink, const torch::IValue &value)
{
  if (value.isBool()) {
    sink.number(sink.context, value.toBool());
  } else if (value.isInt()) {
    sink.number(sink.context, (double) value.toInt());
  } else if (value.isDouble()) {
    sink.number(sink.context, value.toDouble());
  } else if (value.isString()) {
    tell(sink, value.toStringRef());
  } else if (value.isList()) {
    for (const torch::IValue &item : value.toListRef()) tell_value(sink, item);
  } else if (value.isTensor()) {
    const Tensor numbers = plain(value.toTensor());
    for (int64_t k = 0; k < numbers.numel(); k++) sink.number(sink.context, numbers.const_data_ptr<double>()[k]);
  }
}

/* ----------------------------------------------------------------------
   the attribute that .a.b names, or none
------------------------------------------------------------------------- */

torch::IValue attribute(const torch::jit::Module &module, const std::string &path)
{
  torch::IValue item = module._ivalue();
  std::istringstream names(path.substr(1));
  for (std::string name; std::getline(names, name, '.');) {
    if (!item.isModule() || !item.toModule().hasattr(name)) return {};
    item = item.toModule().attr(name);
  }
  return item;
}

/* ----------------------------------------------------------------------
   keys that models look up where they exchange rows with other ranks: all
   but the last describe deepmd-kit's own communication, which is not used
------------------------------------------------------------------------- */

c10::Dict<std::string, Tensor> communication(std::int64_t exchange)
{
  c10::Dict<std::string, Tensor> entries;
  entries.insert("send_list", torch::zeros({1}, torch::kLong));
  for (const char *name : {"send_proc", "recv_proc", "send_num", "recv_num"})
    entries.insert(name, torch::zeros({1}, torch::kInt));
  entries.insert("communicator", torch::full({1}, exchange, torch::kLong));
  return entries;
}

/* ----------------------------------------------------------------------
   numbers of a tensor in the model's answer
------------------------------------------------------------------------- */

using Entries = std::unordered_map<std::string, Tensor>;

void copy(const Entries &entries, const char *name, DeepdmsSlice<double> target)
{
  const auto found = entries.find(name);
  if (found == entries.end()) throw std::runtime_error(std::string("the model gives no '") + name + "'");
  const Tensor numbers = plain(found->second);
  if ((std::size_t) numbers.numel() != target.size)
    throw std::runtime_error(std::string("the model's '") + name + "' has " + std::to_string(numbers.numel()) +
                             " numbers instead of " + std::to_string(target.size));
  std::copy_n(numbers.const_data_ptr<double>(), target.size, target.data);
}

}    // namespace

/* ---------------------------------------------------------------------- */

DeepdmsScript *deepdms_script_load(DeepdmsSlice<const std::uint8_t> bytes, int device, DeepdmsExchange exchange,
                                   const DeepdmsSink *sink)
{
  DeepdmsScript *script = nullptr;
  answer(sink, [&] {
    deepdms::script::define_operators(exchange);
    const torch::Device place = device < 0 ? torch::Device(torch::kCPU) : torch::Device(torch::kCUDA, device);
    deepdms::script::Program program = deepdms::script::read_program(bytes);
    if (!place.is_cpu()) {
      // what was refused above is all that this would run
      std::istringstream stream(std::string((const char *) bytes.data, bytes.size));
      program.module = torch::jit::load(stream, place);
    }
    program.module.eval();
    for (Tensor weights : program.module.parameters()) weights.requires_grad_(false);
    script = new DeepdmsScript{std::move(program.module), place, std::move(program.operators),
                               std::move(program.devices)};
    return DEEPDMS_ANSWERED;
  });
  return script;
}

void deepdms_script_free(DeepdmsScript *script)
{
  delete script;
}

/* ---------------------------------------------------------------------- */

DeepdmsStatus deepdms_script_ask(const DeepdmsScript *script, DeepdmsSlice<const char> question,
                                 const DeepdmsSink *sink)
{
  return answer(sink, [&] {
    const torch::jit::Module &module = script->module;
    const std::string what = text(question);
    if (what == "class") {
      const auto name = module.type()->name();
      tell(*sink, name ? name->qualifiedName() : std::string());
    } else if (what == "operators" || what == "devices") {
      for (const std::string &name : what == "devices" ? script->devices : script->operators) tell(*sink, name);
    } else if (what == "required") {
      const auto method = module.find_method("forward_lower");
      if (!method) return DEEPDMS_UNKNOWN;
      for (const auto &argument : method->function().getSchema().arguments())
        if (!argument.default_value() && argument.name() != "self") tell(*sink, argument.name());
    } else if (what[0] == '.') {
      tell_value(*sink, attribute(module, what));
    } else {
      const auto method = module.find_method(what);
      if (!method) return DEEPDMS_UNKNOWN;
      tell_value(*sink, (*method)({}));
    }
    return DEEPDMS_ANSWERED;
  });
}

/* ---------------------------------------------------------------------- */

DeepdmsStatus deepdms_script_evaluate(const DeepdmsScript *script, const DeepdmsRequest *request,
                                      const DeepdmsSink *sink)
{
  return answer(sink, [&] {
    const torch::AutoGradMode with_gradients(true);
    // optimising the program takes seconds in each of the first two steps and gains nothing here
    const torch::jit::GraphOptimizerEnabledGuard without_optimiser(false);
    const torch::Device device = script->device;
    const auto n = (int64_t) request->types.size, n_local = (int64_t) request->n_local;
    const bool with_atom_virials = request->atom_virials.size > 0;

    // one row for the frame, or one for each atom; what is empty is left to the model
    const auto parameters = [&](DeepdmsSlice<const double> numbers, std::vector<int64_t> rows) {
      if (numbers.size == 0) return torch::IValue();
      rows.push_back((int64_t) numbers.size / rows.back());
      return torch::IValue(tensor(numbers, std::move(rows), device));
    };
    std::unordered_map<std::string, torch::IValue> arguments = {
        {"extended_coord", tensor(request->coordinates, {1, n, 3}, device)},
        {"extended_atype", tensor(request->types, {1, n}, device)},
        {"nlist", tensor(request->neighbours, {1, n_local, (int64_t) request->width}, device)},
        {"fparam", parameters(request->frame_parameters, {1})},
        {"aparam", parameters(request->atom_parameters, {1, n_local})},
        {"do_atomic_virial", with_atom_virials},
    };
    if (request->exchange != 0) arguments["comm_dict"] = communication(request->exchange);
    if (request->charge_spin.size > 0) arguments["charge_spin"] = parameters(request->charge_spin, {1});

    const auto result = script->module.get_method("forward_lower")({}, arguments).toGenericDict();
    Entries entries;
    for (const auto &entry : result)
      if (entry.value().isTensor()) entries[entry.key().toStringRef()] = entry.value().toTensor();
    copy(entries, "energy", request->energy);
    copy(entries, "atom_energy", request->atom_energies);
    copy(entries, "extended_force", request->forces);
    copy(entries, "virial", request->virial);
    if (with_atom_virials) copy(entries, "extended_virial", request->atom_virials);
    return DEEPDMS_ANSWERED;
  });
}
