/* ----------------------------------------------------------------------
   The operators of namespace "deepmd" that TorchScript models call
   SPDX-License-Identifier: MIT
------------------------------------------------------------------------- */

#include "operators.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <stdexcept>

namespace deepdms::script {

/* ----------------------------------------------------------------------
   called when the first model is loaded rather than by a static
   initialiser, which a linker may drop and which could only abort
------------------------------------------------------------------------- */

void define_operators(DeepdmsExchange exchange)
{
  static const std::unique_ptr<torch::Library> library = [&] {
    if (c10::Dispatcher::singleton().findSchema({"deepmd::border_op", ""}))
      throw std::runtime_error(
          "another library in this process, such as deepmd-kit's own plugin, has defined the operators of TorchScript "
          "models. Load only one of the two plugins");
    auto fresh = std::make_unique<torch::Library>(torch::Library::FRAGMENT, "deepmd", std::nullopt,
                                                  __FILE__, __LINE__);
    define_tables(*fresh);
    define_border(*fresh, exchange);
    return fresh;
  }();
}

}    // namespace deepdms::script
