#include "supervisor/cell/subgroups.h"

#include <dirent.h>
#include <fcntl.h>

#include <memory>

namespace nightjar {

std::vector<std::string> Subgroups(int group_dir, std::string_view prefix) {
  std::vector<std::string> names;
  int copy = openat(group_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return names;
  std::unique_ptr<DIR, int (*)(DIR*)> dir(fdopendir(copy), closedir);
  while (dirent* entry = readdir(dir.get())) {
    std::string_view name(entry->d_name);
    if (entry->d_type == DT_DIR && name != "." && name != ".." && name.starts_with(prefix))
      names.emplace_back(name);
  }
  return names;
}

Fd OpenGroup(int parent, const char* name) {
  return Fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace nightjar
