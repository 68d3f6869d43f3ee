/* -*- c++ -*- ----------------------------------------------------------
   Answers and failures on their way to the Rust half
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_TORCH_ANSWER_H
#define DEEPDMS_TORCH_ANSWER_H

#include "interface.h"

#include <c10/util/Exception.h>

#include <exception>
#include <string>

namespace deepdms::script {

inline void tell(const DeepdmsSink &sink, const std::string &text)
{
  sink.text(sink.context, text.data(), text.size());
}

inline std::string text(DeepdmsSlice<const char> slice)
{
  return std::string(slice.data, slice.size);
}

/* ----------------------------------------------------------------------
   run body; no exception leaves, and an error of libtorch loses its list
   of C++ frames
------------------------------------------------------------------------- */

template <typename Body> DeepdmsStatus answer(const DeepdmsSink *sink, Body &&body)
{
  try {
    return body();
  } catch (const c10::Error &error) {
    tell(*sink, error.what_without_backtrace());
  } catch (const std::exception &error) {
    tell(*sink, error.what());
  } catch (...) {
    tell(*sink, "unknown cause");
  }
  return DEEPDMS_FAILED;
}

}    // namespace deepdms::script

#endif
