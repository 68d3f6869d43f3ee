# Finds the CPU half of libtorch: libtorch_cpu and libc10. The library of the engine links no CUDA.
#
# Input   LIBTORCH (cache or environment)  folder with lib/ and include/ of libtorch, or site-packages/torch
# Output  TorchCPU_FOUND, TorchCPU_ROOT, targets Torch::CPU and Torch::C10

set(LIBTORCH "$ENV{LIBTORCH}" CACHE PATH "Folder with lib/ and include/ of libtorch")
if(NOT LIBTORCH AND EXISTS "${PROJECT_SOURCE_DIR}/../.venv/libtorch/lib")
  get_filename_component(_view "${PROJECT_SOURCE_DIR}/../.venv/libtorch" ABSOLUTE)
  set(LIBTORCH "${_view}" CACHE PATH "Folder with lib/ and include/ of libtorch" FORCE)
endif()

find_library(TorchCPU_LIBRARY NAMES torch_cpu HINTS ${LIBTORCH}/lib NO_DEFAULT_PATH)
find_library(TorchCPU_C10_LIBRARY NAMES c10 HINTS ${LIBTORCH}/lib NO_DEFAULT_PATH)
set(TorchCPU_ROOT "${LIBTORCH}")

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchCPU
  REQUIRED_VARS TorchCPU_LIBRARY TorchCPU_C10_LIBRARY
  REASON_FAILURE_MESSAGE
    "Give -DLIBTORCH=DIR, the folder with lib/ and include/ of libtorch 2.11 (`cargo xtask setup` makes one in .venv/libtorch), or build without it: -DDEEPDMS_TORCH=OFF")

if(TorchCPU_FOUND AND NOT TARGET Torch::CPU)
  add_library(Torch::CPU SHARED IMPORTED)
  set_target_properties(Torch::CPU PROPERTIES IMPORTED_LOCATION "${TorchCPU_LIBRARY}")
  add_library(Torch::C10 SHARED IMPORTED)
  set_target_properties(Torch::C10 PROPERTIES IMPORTED_LOCATION "${TorchCPU_C10_LIBRARY}")
endif()
mark_as_advanced(TorchCPU_LIBRARY TorchCPU_C10_LIBRARY)
