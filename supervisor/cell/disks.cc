#include "supervisor/cell/disks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <charconv>

#include "ipc/core/fd.h"

namespace nightjar {

std::string NameOf(const Disk& disk) {
  return std::to_string(disk.major_number) + ":" + std::to_string(disk.minor_number);
}

std::optional<Disk> ParseDisk(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const char* end = text.data() + text.size();
  Disk disk;
  auto major_end = std::from_chars(text.data(), end, disk.major_number);
  if (major_end.ec != std::errc() || major_end.ptr == end || *major_end.ptr != ':') return {};
  auto minor_end = std::from_chars(major_end.ptr + 1, end, disk.minor_number);
  if (minor_end.ec != std::errc() || minor_end.ptr != end) return {};
  return disk;
}

std::optional<Disk> WholeDisk(const Disk& device, const std::string& devices) {
  // A link to the device's directory; a partition's is below its disk's.
  std::string entry = devices + "/" + NameOf(device);
  if (access((entry + "/partition").c_str(), F_OK) == 0) entry += "/..";
  auto text = ReadFileAt(AT_FDCWD, (entry + "/dev").c_str());
  return text ? ParseDisk(*text) : std::nullopt;
}

// What is on no device has a number all the same, with major 0: it has no entry in /sys.
std::optional<Disk> DiskOf(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return {};
  return WholeDisk({major(found.st_dev), minor(found.st_dev)});
}

}  // namespace nightjar
