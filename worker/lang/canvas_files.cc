#include "worker/lang/canvas_files.h"

#include <set>

#include "ipc/core/bounds.h"

namespace nightjar::lang {
namespace {

bool IsPath(std::string_view path) {
  if (path.empty() || path.size() > bounds::kCanvasPathBytes) return false;
  for (size_t from = 0; from <= path.size();) {
    size_t end = std::min(path.find('/', from), path.size());
    std::string_view name = path.substr(from, end - from);
    if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string_view::npos)
      return false;
    from = end + 1;
  }
  return true;
}

}  // namespace

std::string WrongFile(const google::protobuf::RepeatedPtrField<proto::CanvasFile>& files) {
  if (files.size() > static_cast<int>(bounds::kCanvasFiles))
    return "a canvas has at most " + std::to_string(bounds::kCanvasFiles) + " files beside it";
  std::set<std::string> paths;
  std::set<std::string> folders;
  for (const proto::CanvasFile& file : files) {
    const std::string& path = file.path();
    if (!IsPath(path))
      return "`" + path +
             "` is no path of a file beside a canvas: relative, without `..`, at most " +
             std::to_string(bounds::kCanvasPathBytes) + " bytes";
    if (!paths.insert(path).second) return "the file `" + path + "` is there twice";
    for (size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1))
      folders.insert(path.substr(0, at));
  }
  for (const std::string& path : paths)
    if (folders.count(path) > 0) return "`" + path + "` is a file and a folder";
  return "";
}

}  // namespace nightjar::lang
