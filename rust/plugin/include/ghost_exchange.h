/* -*- c++ -*- ----------------------------------------------------------
   How the Rust library asks a shim to exchange rows of atoms with ghosts
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#ifndef DEEPDMS_GHOST_EXCHANGE_H
#define DEEPDMS_GHOST_EXCHANGE_H

#include "rust/cxx.h"

#include <cstddef>

namespace deepdms {

// Values are [nlocal + nghost, columns], by atom index. All ranks make the same calls in the same order.
class GhostExchange {
 public:
  virtual ~GhostExchange() = default;

  // Give each ghost the row of its owner.
  virtual void to_ghosts(rust::Slice<double> values, std::size_t columns) = 0;
  // Add the rows of ghosts to those of their owners.
  virtual void to_owners(rust::Slice<double> values, std::size_t columns) = 0;
};

}    // namespace deepdms

#endif
