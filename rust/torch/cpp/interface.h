/* -*- c++ -*- ----------------------------------------------------------
   What the Rust half of this package calls, and what it is called with;
   src/script/interface.rs says the same
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_INTERFACE_H
#define DEEPDMS_TORCH_INTERFACE_H

#include <cstddef>
#include <cstdint>

// Numbers of the caller's.
template <typename Number> struct DeepdmsSlice {
  Number *data;
  std::size_t size;
};

extern "C" {

// Where an answer goes, piece by piece; a failure is a text.
struct DeepdmsSink {
  void *context;
  void (*text)(void *context, const char *bytes, std::size_t size);
  void (*number)(void *context, double value);
};

enum DeepdmsStatus : int { DEEPDMS_ANSWERED = 0, DEEPDMS_FAILED = 1, DEEPDMS_UNKNOWN = 2 };

// Rows of a model go to ghosts, or gradients come back: values [n, columns], by row of the model, under the number that
// the evaluation has.
using DeepdmsExchange = DeepdmsStatus (*)(std::int64_t number, bool to_ghosts, DeepdmsSlice<double> values,
                                          std::size_t columns, const DeepdmsSink *sink);

// What a model is asked; rows are those of the model, local atoms first. What is empty is not given, or not wanted.
struct DeepdmsRequest {
  DeepdmsSlice<const double> coordinates;         // [n, 3]
  DeepdmsSlice<const std::int64_t> types;         // [n]
  DeepdmsSlice<const std::int64_t> neighbours;    // [n_local, width], -1 for none
  std::size_t n_local, width;
  DeepdmsSlice<const double> frame_parameters;    // [dimension]
  DeepdmsSlice<const double> atom_parameters;     // [n_local, dimension]
  DeepdmsSlice<const double> charge_spin;         // [dimension]
  std::int64_t exchange;                          // number of the exchange, 0 for none
  DeepdmsSlice<double> energy;                    // [1], and from here on what the model answers
  DeepdmsSlice<double> atom_energies;             // [n_local]
  DeepdmsSlice<double> forces;                    // [n, 3]
  DeepdmsSlice<double> virial;                    // [9]
  DeepdmsSlice<double> atom_virials;              // [n, 9]
};

struct DeepdmsScript;

// A model from the bytes of a file, for the GPU of this number or, with -1, for the CPU; null on failure. Nothing of its
// program runs.
DeepdmsScript *deepdms_script_load(DeepdmsSlice<const std::uint8_t> bytes, int device, DeepdmsExchange exchange,
                                   const DeepdmsSink *sink);
void deepdms_script_free(DeepdmsScript *script);

// What the model says of itself: "class", "operators" (all that its program may call), "devices" (that its program names),
// "required" (arguments of forward_lower that must be given), or, with ".a.b", the numbers of an attribute that is a
// tensor; nothing of the program runs for these. Anything else is a method without arguments, whose answer is told.
DeepdmsStatus deepdms_script_ask(const DeepdmsScript *script, DeepdmsSlice<const char> question,
                                 const DeepdmsSink *sink);

DeepdmsStatus deepdms_script_evaluate(const DeepdmsScript *script, const DeepdmsRequest *request,
                                      const DeepdmsSink *sink);

// For tests only.

// The bytes of a file with a module of this class, whose methods are given as source.
DeepdmsStatus deepdms_check_scripted(DeepdmsSlice<const char> class_name, DeepdmsSlice<const char> methods,
                                     DeepdmsExchange exchange, const DeepdmsSink *sink);

// What border_op gives for rows [n, columns]; weights become the gradient of the sum of weights times that.
DeepdmsStatus deepdms_check_border(std::int64_t number, std::size_t columns, DeepdmsExchange exchange,
                                   DeepdmsSlice<const double> rows, DeepdmsSlice<double> weights,
                                   const DeepdmsSink *sink);

// Arguments of an operator on a table: its name, or "curves" for the curves alone, or "tensors" for the same as
// operations on tensors.
struct DeepdmsTabulation {
  DeepdmsSlice<const char> name;
  DeepdmsSlice<const double> table, info;
  std::int64_t outputs;
  DeepdmsSlice<const std::int64_t> shape;    // of the rows
  DeepdmsSlice<double> inputs, rows, factors;
  DeepdmsSlice<const double> weights;
};

// What it gives; where there are weights, inputs, rows and factors become the gradients of the sum of weights times that.
DeepdmsStatus deepdms_check_tabulate(const DeepdmsTabulation *question, DeepdmsExchange exchange,
                                     const DeepdmsSink *sink);

}    // extern "C"

#endif
