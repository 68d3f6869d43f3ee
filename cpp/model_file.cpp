/* ----------------------------------------------------------------------
   deepdms: Deep Potentials and dynamic mechanical spectroscopy for LAMMPS
   SPDX-License-Identifier: GPL-2.0-only
------------------------------------------------------------------------- */

#include "model_file.h"

#include "comm.h"
#include "error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/stat.h>
#include <unistd.h>

using namespace LAMMPS_NS;

namespace {

// Sizes of messages between ranks are of this type.
constexpr off_t MOST = std::numeric_limits<int>::max();

/* ----------------------------------------------------------------------
   an open file, closed when it is left
------------------------------------------------------------------------- */

struct Descriptor {
  const int number;
  // a pipe without a writer would make others wait
  explicit Descriptor(const std::string &path) : number(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor()
  {
    if (number >= 0) close(number);
  }
};

/* ----------------------------------------------------------------------
   bytes of a regular file, whose size is known before anything is read;
   returns why they cannot be had, or an empty text
------------------------------------------------------------------------- */

std::string read_regular(const std::string &path, std::vector<std::uint8_t> &bytes)
{
  const Descriptor file(path);
  struct stat status;
  if (file.number < 0 || fstat(file.number, &status) != 0) return strerror(errno);
  if (S_ISDIR(status.st_mode)) return "it is a folder";
  if (!S_ISREG(status.st_mode)) return "it is a pipe or a device and no regular file";
  if (status.st_size > MOST) return "it is larger than 2 GB";

  bytes.resize(status.st_size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = read(file.number, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return strerror(errno);
    if (count == 0) return "it has become shorter while it was read";
    done += count;
  }
  return "";
}

/* ----------------------------------------------------------------------
   the same bytes or characters on all ranks
------------------------------------------------------------------------- */

template <typename Bytes> void broadcast(MPI_Comm world, Bytes &bytes)
{
  int size = (int) bytes.size();
  MPI_Bcast(&size, 1, MPI_INT, 0, world);
  bytes.resize(size);
  MPI_Bcast(&bytes[0], size, MPI_BYTE, 0, world);
}

}    // namespace

/* ---------------------------------------------------------------------- */

std::vector<std::uint8_t> deepdms::read_model_file(LAMMPS *lmp, const std::string &path)
{
  std::vector<std::uint8_t> bytes;
  std::string reason;
  if (lmp->comm->me == 0) reason = read_regular(path, bytes);
  broadcast(lmp->world, reason);
  if (!reason.empty()) lmp->error->all(FLERR, "Cannot read model file {}: {}", path, reason);
  broadcast(lmp->world, bytes);
  return bytes;
}
