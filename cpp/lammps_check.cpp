/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Nothing here may touch a member of a LAMMPS class: until the check is over
   their layout is not known. Only functions looked up by name are called.
------------------------------------------------------------------------- */

#include "lammps_check.h"

#include "lmptype.h"

#include <mpi.h>

#include <cstdio>
#include <dlfcn.h>
#include <string>

using LAMMPS_NS::tagint;

namespace {

// Name as the linker knows it of LAMMPS_NS::utils::logmesg(LAMMPS *, const std::string &).
constexpr char LOGMESG[] = "_ZN9LAMMPS_NS5utils7logmesgEPNS_6LAMMPSERKNSt7__cxx1112basic_string"
                           "IcSt11char_traitsIcESaIcEEE";

/* ----------------------------------------------------------------------
   a function of the running program, or a null pointer
------------------------------------------------------------------------- */

template <typename Function> Function *find(const char *name)
{
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

/* ----------------------------------------------------------------------
   MPI families whose handles and constants differ; empty if not known
------------------------------------------------------------------------- */

std::string mpi_built()
{
#if defined(OPEN_MPI)
  return "Open MPI";
#elif defined(MPI_STUBS)
  return "the MPI stubs of a serial LAMMPS";
#elif defined(MPICH_VERSION) || defined(I_MPI_VERSION) || defined(MVAPICH2_VERSION)
  return "MPICH";
#else
  return "";
#endif
}

std::string mpi_running()
{
  if (auto *has_mpi = find<int()>("lammps_config_has_mpi_support"))
    if (!has_mpi()) return "the MPI stubs of a serial LAMMPS";

  auto *library_version = find<int(char *, int *)>("MPI_Get_library_version");
  if (!library_version) return "";
  std::string text(8192, '\0');    // MPI_MAX_LIBRARY_VERSION_STRING is 8192 in MPICH, 256 in Open MPI
  int length = 0;
  library_version(&text[0], &length);
  text.resize(length > 0 ? length : 0);

  if (text.find("Open MPI") != std::string::npos) return "Open MPI";
  for (const char *relative : {"MPICH", "Intel(R) MPI", "MVAPICH"})
    if (text.find(relative) != std::string::npos) return "MPICH";    // one ABI
  return "";
}

/* ----------------------------------------------------------------------
   20250722 -> 22 Jul 2025
------------------------------------------------------------------------- */

std::string version_text(int number)
{
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const int month = number / 100 % 100;
  if (month < 1 || month > 12) return std::to_string(number);
  return std::to_string(number % 100) + " " + months[month - 1] + " " +
      std::to_string(number / 10000);
}

/* ----------------------------------------------------------------------
   what does not fit, or an empty text
------------------------------------------------------------------------- */

std::string mismatch(void *lmp)
{
  if (auto *version = find<int(void *)>("lammps_version")) {
    const int running = version(lmp);
    if (running != DEEPDMS_LAMMPS_NUMBER)
      return "it was built for LAMMPS " + version_text(DEEPDMS_LAMMPS_NUMBER) +
          ", and this is LAMMPS " + version_text(running) +
          ". Build it again with -DLAMMPS_ROOT=<this LAMMPS>";
  }

  const std::string built = mpi_built();
  const std::string running = mpi_running();
  if (!built.empty() && !running.empty() && built != running)
    return "it was built with the mpi.h of " + built + ", and this LAMMPS runs with " + running +
        ". Build it again with -DMPI_INCLUDE=<folder of that mpi.h>";

  if (auto *setting = find<int(void *, const char *)>("lammps_extract_setting")) {
    const int bytes = setting(lmp, "tagint");
    if (bytes > 0 && bytes != (int) sizeof(tagint)) {
      auto name = [](int size) { return size == 8 ? "bigbig" : "smallbig"; };
      return std::string("it was built for LAMMPS with ") + name(sizeof(tagint)) +
          " integers, and this LAMMPS has " + name(bytes) +
          " integers. Build it again with -DLAMMPS_SIZES=" + name(bytes);
    }
  }
  return "";
}

}    // namespace

/* ---------------------------------------------------------------------- */

bool deepdms::fits_this_lammps(void *lmp)
{
  const std::string reason = mismatch(lmp);
  if (reason.empty()) return true;

  auto *setting = find<int(void *, const char *)>("lammps_extract_setting");
  if (setting && setting(lmp, "world_rank") != 0) return false;
  const std::string line = "deepdms plugin not usable here: " + reason + "\n";
  if (auto *logmesg = find<void(void *, const std::string &)>(LOGMESG))
    logmesg(lmp, line);
  else
    fputs(line.c_str(), stderr);
  return false;
}
