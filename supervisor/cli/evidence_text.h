// What an archive of evidence says of itself: README.txt. Pure.
#pragma once

#include <string>
#include <vector>

#include "ipc/proto/control.pb.h"

namespace nightjar::cli {

struct EvidenceText {
  std::string folder;  // of all files in it
  std::string run_id;
  std::string canvas;
  std::string made;  // when and by which version
  struct File {
    std::string name, what;
  };
  std::vector<File> files;
  std::vector<File> missing;  // what there is not, and why
  proto::IncidentLink link;
};

std::string RenderEvidenceReadme(const EvidenceText& text);

}  // namespace nightjar::cli
