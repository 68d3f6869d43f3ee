/* ----------------------------------------------------------------------
   The program in a TorchScript file, read without running any of it
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "program.h"

#include <ATen/core/type_factory.h>
#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/istream_adapter.h>
#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/source_range.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/serialization/import_source.h>
#include <torch/csrc/jit/serialization/unpickler.h>
#include <torch/script.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

using caffe2::serialize::PyTorchStreamReader;
using torch::IValue;
using torch::Tensor;
using torch::jit::CompilationUnit;

namespace {

// No file of a model is packed more tightly than this.
constexpr std::size_t MOST_PACKED = 64;
// Nor is its source nested more deeply, or has longer lines: the compiler of libtorch calls itself for each level.
constexpr int DEEPEST_SOURCE = 64;
constexpr int LONGEST_LINE = 1 << 16;
// Nor are its attributes.
constexpr int DEEPEST_VALUE = 64;

[[noreturn]] void refuse(const std::string &what)
{
  throw std::runtime_error(what);
}

std::string name(const c10::ClassType &type)
{
  return type.name() ? type.name()->qualifiedName() : "";
}

// Whether a class is written in C++.
bool is_bound(const c10::ClassType &type)
{
  return name(type).rfind("__torch__.torch.classes.", 0) == 0;
}

/* ----------------------------------------------------------------------
   what libtorch would take too long or too much memory for
------------------------------------------------------------------------- */

void check_source(const std::string &name, const char *text, std::size_t size)
{
  int depth = 0, line = 0, indent = 0;
  bool begins = true;
  for (std::size_t k = 0; k < size; k++) {
    const char c = text[k];
    if (c == '(' || c == '[' || c == '{') depth++;
    if (c == ')' || c == ']' || c == '}') depth = std::max(0, depth - 1);
    if (c == '\n') {
      line = indent = 0;
      begins = true;
    } else {
      line++;
      begins = begins && (c == ' ' || c == '\t');
      indent += begins;
    }
    if (depth > DEEPEST_SOURCE || indent > 2 * DEEPEST_SOURCE || line > LONGEST_LINE)
      refuse(name + " is nested more deeply, or has longer lines, than the program of any model");
  }
}

void check_records(PyTorchStreamReader &reader, std::size_t size)
{
  std::size_t unpacked = 0;
  for (const std::string &name : reader.getAllRecords()) {
    unpacked += reader.getRecordSize(name);
    if (unpacked / MOST_PACKED > size) refuse("its entries are larger than the file can hold");
    if (name.size() < 3 || name.compare(name.size() - 3, 3, ".py") != 0) continue;
    const auto [bytes, count] = reader.getRecord(name);
    check_source(name, (const char *) bytes.get(), count);
  }
}

/* ----------------------------------------------------------------------
   whether what a file holds is what its program takes it for
------------------------------------------------------------------------- */

class Values {
 public:
  // How many bytes there are where a storage begins.
  std::unordered_map<const void *, std::size_t> sizes;

  void check(const IValue &value, const c10::TypePtr &type, int depth = 0)
  {
    if (depth > DEEPEST_VALUE) refuse("its attributes are nested too deeply");
    if (!value.type()->isSubtypeOf(*type))
      refuse("a value of type " + value.type()->repr_str() + " stands where the program expects " +
             type->repr_str());
    if (value.isTensor()) {
      check_tensor(value.toTensor());
    } else if (value.isList()) {
      const auto &items = value.toList();
      if (!is_new(value)) return;
      for (const IValue &item : items) check(item, items.elementType(), depth + 1);
    } else if (value.isGenericDict()) {
      const auto &entries = value.toGenericDict();
      if (!is_new(value)) return;
      for (const auto &entry : entries) {
        check(entry.key(), entries.keyType(), depth + 1);
        check(entry.value(), entries.valueType(), depth + 1);
      }
    } else if (value.isTuple()) {
      if (!is_new(value)) return;
      for (const IValue &item : value.toTupleRef().elements()) check(item, item.type(), depth + 1);
    } else if (value.isObject()) {
      if (!is_new(value)) return;
      const auto &object = value.toObjectRef();
      const auto own = object.type();
      for (std::size_t slot = 0; slot < own->numAttributes(); slot++)
        check(object.getSlot(slot), own->getAttribute(slot), depth + 1);
    } else if (!(value.isNone() || value.isScalar() || value.isBool() || value.isString() || value.isDevice())) {
      refuse("a value of type " + value.type()->repr_str() + " does not occur in models");
    }
  }

 private:
  std::unordered_set<const void *> seen;

  bool is_new(const IValue &value) { return seen.insert(value.internalToPointer()).second; }

  void check_tensor(const Tensor &tensor)
  {
    if (!tensor.defined()) return;
    if (tensor.layout() != torch::kStrided || tensor.is_quantized()) refuse("a tensor is not stored as plain numbers");
    const std::size_t stored = tensor.storage().nbytes();
    std::size_t last = (std::size_t) tensor.storage_offset();
    bool empty = false, fits = tensor.storage_offset() >= 0;
    for (int64_t axis = 0; axis < tensor.dim(); axis++) {
      const int64_t extent = tensor.size(axis), stride = tensor.stride(axis);
      fits = fits && extent >= 0 && stride >= 0;
      if (extent < 1) {
        empty = true;
        continue;
      }
      std::size_t step;
      fits = fits && !__builtin_mul_overflow((std::size_t) (extent - 1), (std::size_t) stride, &step) &&
          !__builtin_add_overflow(last, step, &last);
    }
    std::size_t bytes = 0;
    if (fits && !empty)
      fits = !__builtin_add_overflow(last, 1, &bytes) && !__builtin_mul_overflow(bytes, tensor.itemsize(), &bytes);
    const auto found = sizes.find(tensor.storage().data());
    const std::size_t there = found == sizes.end() ? 0 : found->second;
    if (!fits || bytes > stored || stored > there)
      refuse("a tensor reaches beyond the numbers that are stored");
  }
};

/* ----------------------------------------------------------------------
   the value in one pickle of the archive
------------------------------------------------------------------------- */

IValue unpickle(PyTorchStreamReader &reader, const std::string &name, torch::jit::TypeResolver types,
                torch::jit::ObjLoader objects, Values &values)
{
  const auto record = reader.getRecord(name + ".pkl");
  const char *bytes = (const char *) std::get<0>(record).get();
  std::size_t left = std::get<1>(record);
  const auto take = [&](char *target, std::size_t count) {
    count = std::min(count, left);
    std::memcpy(target, bytes, count);
    bytes += count;
    left -= count;
    return count;
  };
  const auto storage = [&](const std::string &key) {
    auto [data, size] = reader.getRecord(name + "/" + key);
    values.sizes[data.get()] = size;
    return std::move(data);
  };
  torch::jit::Unpickler machine(take, std::move(types), std::move(objects), storage, torch::Device(torch::kCPU),
                                false, nullptr);
  machine.set_version(reader.version());
  return machine.parse_ivalue();
}

/* ----------------------------------------------------------------------
   an object as its attributes; those with a method of their own for that
   would run it here
------------------------------------------------------------------------- */

c10::intrusive_ptr<c10::ivalue::Object> restore(const at::StrongTypePtr &type, const IValue &input)
{
  const auto own = type.type_->expect<at::ClassType>();
  if (own->findMethod("__setstate__") || is_bound(*own))
    refuse("objects of class " + name(*own) + " are restored by a program of their own, which no model of deepmd-kit does");
  const auto attributes = input.toGenericDict();
  const std::size_t n = own->numAttributes();
  auto object = c10::ivalue::Object::create(type, n);
  for (std::size_t slot = 0; slot < n; slot++) object->setSlot(slot, attributes.at(own->getAttributeName(slot)));
  return object;
}

/* ----------------------------------------------------------------------
   text of a module of the program, such as __torch__.deepmd
------------------------------------------------------------------------- */

std::shared_ptr<torch::jit::Source> source(PyTorchStreamReader &reader, const std::string &module)
{
  std::string path = module;
  std::replace(path.begin(), path.end(), '.', '/');
  path = "code/" + path + ".py";
  if (!reader.hasRecord(path)) return nullptr;
  const auto [bytes, size] = reader.getRecord(path);
  return std::make_shared<torch::jit::Source>(std::string((const char *) bytes.get(), size), path, 1);
}

/* ----------------------------------------------------------------------
   everything that the functions of a program may do
------------------------------------------------------------------------- */

void note_class(const c10::Type &type, std::set<std::string> &operators)
{
  const auto *named = type.castRaw<c10::ClassType>();
  if (named && is_bound(*named)) operators.insert("class::" + name(*named));
  for (const auto &inner : type.containedTypes()) note_class(*inner, operators);
}

/* ----------------------------------------------------------------------
   whether values of a type are looked into without a check of what they are
------------------------------------------------------------------------- */

bool is_compound(const c10::Type &type)
{
  if (type.castRaw<c10::ClassType>() || type.castRaw<c10::TupleType>() || type.castRaw<c10::InterfaceType>()) return true;
  const auto inner = type.containedTypes();
  return std::any_of(inner.begin(), inner.end(), [](const c10::TypePtr &one) { return is_compound(*one); });
}

/* ----------------------------------------------------------------------
   a program may say that a value has another type than the compiler knows;
   what was an optional value of that type before is harmless
------------------------------------------------------------------------- */

void note_cast(const torch::jit::Node &node, std::set<std::string> &operators)
{
  const c10::Type &to = *node.output()->type(), &from = *node.input()->type();
  const auto *optional = from.castRaw<c10::OptionalType>();
  const bool refined = from == to || (optional && *optional->getElementType() == to);
  if (!refined && is_compound(to)) operators.insert("prim::unchecked_cast to " + to.annotation_str());
}

void note(const torch::jit::Block &block, deepdms::script::Program &program)
{
  for (const torch::jit::Node *node : block.nodes()) {
    program.operators.insert(node->kind().toQualString());
    if (node->kind() == torch::jit::prim::unchecked_cast) note_cast(*node, program.operators);
    for (const torch::jit::Value *output : node->outputs()) note_class(*output->type(), program.operators);
    if (node->kind() == torch::jit::prim::Constant) {
      const auto value = torch::jit::toIValue(node->output());
      if (value && value->isDevice()) program.devices.insert(value->toDevice().str());
    }
    if (node->hasAttribute(torch::jit::attr::Subgraph))
      note(*node->g(torch::jit::attr::Subgraph)->block(), program);
    for (const torch::jit::Block *inner : node->blocks()) note(*inner, program);
  }
}

}    // namespace

/* ---------------------------------------------------------------------- */

deepdms::script::Program deepdms::script::read_program(DeepdmsSlice<const std::uint8_t> bytes)
{
  std::istringstream stream(std::string((const char *) bytes.data, bytes.size));
  const auto reader =
      std::make_shared<PyTorchStreamReader>(std::make_unique<caffe2::serialize::IStreamAdapter>(&stream));
  check_records(*reader, bytes.size);

  const auto unit = std::make_shared<CompilationUnit>();
  std::vector<IValue> constants;
  const torch::jit::SourceImporter importer(
      unit, &constants,
      [&](const std::string &module) { return source(*reader, module); }, reader->version());
  const auto types = [&](const c10::QualifiedName &name) { return c10::StrongTypePtr(unit, importer.loadType(name)); };

  Values values;
  if (reader->hasRecord("constants.pkl")) {
    const auto no_objects = [](const at::StrongTypePtr &, const IValue &) -> c10::intrusive_ptr<c10::ivalue::Object> {
      refuse("a constant of its program is an object");
    };
    const IValue tuple = unpickle(*reader, "constants", types, no_objects, values);
    for (const IValue &constant : tuple.toTupleRef().elements()) {
      values.check(constant, constant.type());
      constants.push_back(constant);
    }
  }
  const IValue value = unpickle(*reader, "data", types, restore, values);
  if (!value.isObject() || !value.toObjectRef().type()->is_module()) refuse("it holds no module");
  values.check(value, value.type());

  Program program{torch::jit::Module(value.toObject()), {}, {}};
  for (torch::jit::Function *function : unit->get_functions()) {
    const auto *scripted = torch::jit::tryToGraphFunction(*function);
    if (scripted)
      note(*scripted->graph()->block(), program);
    else
      program.operators.insert("builtin::" + function->qualname().qualifiedName());
  }
  return program;
}
