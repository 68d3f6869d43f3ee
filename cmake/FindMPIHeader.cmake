# Finds mpi.h of the MPI that LAMMPS was built with. Only the header: the plugin links no MPI, it uses the one that
# LAMMPS brought into the process.
#
# Input   MPI_INCLUDE        folder that holds mpi.h; the only place that is searched where given
#         LAMMPSHeaders_INCLUDE_DIR, LAMMPSBuild_WHEEL, LAMMPSBuild_MPI_INCLUDE
# Output  MPIHeader_FOUND, MPIHeader_INCLUDE_DIR, target MPI::Header

set(MPI_INCLUDE "" CACHE PATH "Folder that holds mpi.h of the MPI that LAMMPS was built with")
if(NOT "${MPI_INCLUDE}" STREQUAL "${MPIHeader_SEARCHED}")
  unset(MPIHeader_INCLUDE_DIR CACHE)
endif()
set(MPIHeader_SEARCHED "${MPI_INCLUDE}" CACHE INTERNAL "The folder that was asked for when mpi.h was found")

# In a Python environment mpi.h lies in <environment>/include. The MPI of the system is another one.
set(_environment "${LAMMPSHeaders_INCLUDE_DIR}/../../../../../../include")
if(MPI_INCLUDE)
  find_path(MPIHeader_INCLUDE_DIR NAMES mpi.h PATHS "${MPI_INCLUDE}" NO_DEFAULT_PATH DOC "Folder that holds mpi.h")
  if(NOT MPIHeader_INCLUDE_DIR)
    message(FATAL_ERROR "There is no mpi.h in MPI_INCLUDE=${MPI_INCLUDE}")
  endif()
elseif(LAMMPSBuild_WHEEL)
  find_path(MPIHeader_INCLUDE_DIR NAMES mpi.h PATHS "${_environment}" NO_DEFAULT_PATH DOC "Folder that holds mpi.h")
  if(NOT MPIHeader_INCLUDE_DIR)
    message(FATAL_ERROR
      "The LAMMPS of a Python environment comes without mpi.h. It is built with MPICH: install its header into the same "
      "environment (pip install mpich), or give the folder of any MPICH's mpi.h: -DMPI_INCLUDE=DIR")
  endif()
elseif(LAMMPSBuild_MPI_INCLUDE)
  find_path(MPIHeader_INCLUDE_DIR NAMES mpi.h PATHS "${LAMMPSBuild_MPI_INCLUDE}" NO_DEFAULT_PATH
    DOC "Folder that holds mpi.h")
else()
  # the wrapper compiler knows where its header is
  find_program(MPIHeader_WRAPPER NAMES mpicxx mpic++ mpicc)
  set(_wrapper_dirs "")
  if(MPIHeader_WRAPPER)
    execute_process(COMMAND ${MPIHeader_WRAPPER} -show
      OUTPUT_VARIABLE _command RESULT_VARIABLE _status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(_status EQUAL 0)
      string(REGEX MATCHALL "-I *[^ ]+" _flags "${_command}")
      foreach(_flag IN LISTS _flags)
        string(REGEX REPLACE "^-I *" "" _dir "${_flag}")
        list(APPEND _wrapper_dirs "${_dir}")
      endforeach()
    endif()
  endif()
  find_path(MPIHeader_INCLUDE_DIR NAMES mpi.h
    HINTS ${LAMMPSHeaders_INCLUDE_DIR}/.. ${_wrapper_dirs}
    PATH_SUFFIXES mpich x86_64-linux-gnu/mpich x86_64-linux-gnu/mpi openmpi
    DOC "Folder that holds mpi.h")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MPIHeader
  REQUIRED_VARS MPIHeader_INCLUDE_DIR
  REASON_FAILURE_MESSAGE
    "Give -DMPI_INCLUDE=DIR, the folder that holds mpi.h of the MPI that LAMMPS was built with (src/STUBS for a serial LAMMPS)")

if(MPIHeader_FOUND AND NOT TARGET MPI::Header)
  add_library(MPI::Header INTERFACE IMPORTED)
  set_target_properties(MPI::Header PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${MPIHeader_INCLUDE_DIR}")
endif()
mark_as_advanced(MPIHeader_INCLUDE_DIR MPIHeader_WRAPPER)
