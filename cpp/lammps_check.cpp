/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only

   Nothing here may touch a member of a LAMMPS class: until the check is over
   their layout is not known. Only functions looked up by name are called; the
   last step of the check is to look at one such class itself.
------------------------------------------------------------------------- */

#include "lammps_check.h"

#include "lmptype.h"
#include "pair.h"

#include <mpi.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <new>
#include <string>

using LAMMPS_NS::LAMMPS;
using LAMMPS_NS::Pair;
using LAMMPS_NS::tagint;

namespace {

// Names as the linker knows them of LAMMPS_NS::utils::logmesg(LAMMPS *, const std::string &), whose strings are those of
// C++11, or older ones where LAMMPS was built so (the packages of 2023 and 2024 on PyPI).
constexpr char LOGMESG_NEW[] = "_ZN9LAMMPS_NS5utils7logmesgEPNS_6LAMMPSERKNSt7__cxx1112basic_string"
                               "IcSt11char_traitsIcESaIcEEE";
constexpr char LOGMESG_OLD[] = "_ZN9LAMMPS_NS5utils7logmesgEPNS_6LAMMPSERKSs";

// The same of LAMMPS_NS::LAMMPS::git_descriptor(), a static function.
constexpr char GIT_DESCRIPTOR[] = "_ZN9LAMMPS_NS6LAMMPS14git_descriptorEv";

/* ----------------------------------------------------------------------
   a function of the running program, or a null pointer
------------------------------------------------------------------------- */

template <typename Function> Function *find(const char *name)
{
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

/* ----------------------------------------------------------------------
   write a line to screen and log of LAMMPS, or to the screen alone where it
   has no such function; its strings may not be ours, so they are laid out
   here as both libraries document them
------------------------------------------------------------------------- */

void log_line(void *lmp, const std::string &line)
{
  using Logmesg = void(void *, const void *);
  if (auto *logmesg = find<Logmesg>(LOGMESG_NEW)) {
    struct {
      const char *text;
      std::size_t size;
      char room[16];
    } const text = {line.c_str(), line.size(), {}};
    logmesg(lmp, &text);
  } else if (auto *logmesg = find<Logmesg>(LOGMESG_OLD)) {
    // size, capacity and a count of users, which is never 0 here, stand before the characters
    struct Head {
      std::size_t size, capacity;
      long users;
    };
    static std::string room;
    room.assign(sizeof(Head), '\0');
    room += line;
    const Head head = {line.size(), line.size(), 1};
    std::memcpy(&room[0], &head, sizeof(Head));
    const char *const text = room.data() + sizeof(Head);
    logmesg(lmp, &text);
  } else {
    fputs(line.c_str(), stderr);
  }
}

/* ----------------------------------------------------------------------
   which strings LAMMPS has, and which are ours
------------------------------------------------------------------------- */

std::string strings_running()
{
  if (find<void()>(LOGMESG_NEW)) return "the strings of C++11";
  if (find<void()>(LOGMESG_OLD)) return "the strings of older C++";
  return "";
}

std::string strings_built()
{
#if _GLIBCXX_USE_CXX11_ABI
  return "the strings of C++11";
#else
  return "the strings of older C++";
#endif
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
   stable_22Jul2025_update4 -> 4, stable_22Jul2025 -> 0; -1 for anything else
   within one version, updates may move members of classes
------------------------------------------------------------------------- */

int update_running()
{
  auto *descriptor = find<const char *()>(GIT_DESCRIPTOR);
  if (!descriptor) return -1;
  const std::string text = descriptor();
  if (text.compare(0, 7, "stable_") != 0) return -1;
  int update = 0;
  const auto at = text.find("_update");
  if (at != std::string::npos && sscanf(text.c_str() + at, "_update%d", &update) != 1) return -1;
  return update;
}

std::string update_text(int update)
{
  return update == 0 ? "without update" : "update " + std::to_string(update);
}

/* ----------------------------------------------------------------------
   whether what LAMMPS' constructor of Pair writes is found where the headers
   say that it is
------------------------------------------------------------------------- */

class Probe : public Pair {
 public:
  explicit Probe(LAMMPS *lmp) : Pair(lmp) {}
  void compute(int, int) override {}
  void settings(int, char **) override {}
  void coeff(int, char **) override {}

  bool as_declared() const
  {
    return single_enable == 1 && restartinfo == 1 && manybody_flag == 0 && reinitflag == 1 &&
        pppmflag == 0 && ncoultablebits == 12 && ndisptablebits == 12 && allocated == 0 &&
        compute_flag == 1 && mixed_flag == 1 && tabinner == std::sqrt(2.0) &&
        tabinner_disp == std::sqrt(2.0) && num_tally_compute == 0 && copymode == 0;
  }
};

bool pair_as_declared(void *lmp)
{
  // room for a class that is larger than the headers say

  alignas(std::max_align_t) static unsigned char room[sizeof(Probe) + 4096];
  auto *probe = new (room) Probe(static_cast<LAMMPS *>(lmp));
  const bool same = probe->as_declared();
  if (same) probe->~Probe();    // if not, what it would free is not known
  return same;
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
  const int update = update_running();
  if (DEEPDMS_LAMMPS_UPDATE >= 0 && update >= 0 && update != DEEPDMS_LAMMPS_UPDATE)
    return "it was built for LAMMPS " + version_text(DEEPDMS_LAMMPS_NUMBER) + " " +
        update_text(DEEPDMS_LAMMPS_UPDATE) + ", and this is " + update_text(update) +
        ". Build it again with -DLAMMPS_ROOT=<this LAMMPS>";

  const std::string strings = strings_running();
  if (!strings.empty() && strings != strings_built())
    return "it was built with " + strings_built() + ", and this LAMMPS has " + strings +
        ". Build it again with -DLAMMPS_ROOT=<this LAMMPS>";

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

  if (!pair_as_declared(lmp))
    return "it was built with the headers of another LAMMPS than this, whose class Pair differs. "
           "Build it again with -DLAMMPS_ROOT=<this LAMMPS>";
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
  log_line(lmp, "deepdms plugin not usable here: " + reason + "\n");
  return false;
}
