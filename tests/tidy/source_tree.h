// The repository's own files, as the tidy tests read them. Only what git would track: build/ is
// left out.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace nightjar::tidy {

struct SourceFile {
  std::string path;  // from the repository's root
  std::vector<std::string> lines;
};

inline std::vector<SourceFile> ReadTree(const std::vector<std::string>& endings) {
  namespace fs = std::filesystem;
  fs::path root = NIGHTJAR_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator();
       ++at) {
    std::string name = at->path().filename().string();
    if (at->is_directory() && (name == "build" || name == ".git" || name == "node_modules")) {
      at.disable_recursion_pending();
      continue;
    }
    bool wanted = false;
    for (const std::string& ending : endings) wanted |= name.ends_with(ending);
    if (!at->is_regular_file() || !wanted) continue;
    SourceFile file{fs::relative(at->path(), root).string(), {}};
    std::ifstream in(at->path());
    for (std::string line; std::getline(in, line);) file.lines.push_back(line);
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace nightjar::tidy
