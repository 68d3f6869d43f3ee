/* -*- c++ -*- ----------------------------------------------------------
   A TorchScript model of deepmd-kit, and one call of it
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_SCRIPT_H
#define DEEPDMS_TORCH_SCRIPT_H

#include "rust/cxx.h"

#include <cstdint>
#include <memory>

namespace deepdms::script {

struct Request;
struct Response;

class Script {
 public:
  // From the bytes of a file; device is the number of a GPU, or -1 for the CPU.
  Script(rust::Slice<const std::uint8_t> bytes, int device);
  ~Script();

  rust::String class_name() const;
  // Names of the arguments of forward_lower that must be given.
  rust::Vec<rust::String> required_arguments() const;

  // What a method without arguments answers.
  bool has(rust::Str method) const;
  bool flag(rust::Str method) const;
  std::int64_t integer(rust::Str method) const;
  double real(rust::Str method) const;
  rust::Vec<rust::String> texts(rust::Str method) const;

  // The tensor that a.b.c names, flat; empty if there is none.
  rust::Vec<double> numbers_at(rust::Str path) const;

  // Energy, gradients and virials by forward_lower; returns the energy.
  double evaluate(const Request &request, Response &response) const;

 private:
  struct Module;
  std::unique_ptr<Module> module;
};

std::unique_ptr<Script> load_script(rust::Slice<const std::uint8_t> bytes, int device);

}    // namespace deepdms::script

#endif
