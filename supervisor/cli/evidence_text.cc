#include "supervisor/cli/evidence_text.h"

namespace nightjar::cli {
namespace {

std::string List(const std::vector<EvidenceText::File>& files) {
  std::string text;
  for (const EvidenceText::File& file : files) {
    std::string name = file.name;
    if (name.size() < 14) name.resize(14, ' ');
    text += "  " + name + "  " + file.what + "\n";
  }
  return text;
}

std::string ChainText(const proto::IncidentLink& link) {
  if (link.link() == 0)
    return "The incident is older than the chain of incidents, so nothing tells whether its "
           "record\n"
           "was changed before it was read.\n";
  const std::string head = std::to_string(link.link()) + ":" + link.hash();
  return "The record of the incident is link " + std::to_string(link.link()) +
         " of the chain of incidents, which had " + std::to_string(link.links()) +
         " links then.\n"
         "incident.link is what the link's hash is made of, and so\n"
         "    sha256sum incident.link\n"
         "prints\n    " +
         link.hash() + "\nIts last bytes, from byte " + std::to_string(link.record_at() + 1) +
         " on, are the record as it is stored (protobuf, nightjar.proto.Incident):\n"
         "    tail -c +" +
         std::to_string(link.record_at() + 1) +
         " incident.link\n"
         "Where the store is, this walks along the whole chain and tells whether it has that "
         "link:\n"
         "    nightjar incidents --verify --head " +
         head + "\n";
}

}  // namespace

std::string RenderEvidenceReadme(const EvidenceText& text) {
  std::string readme = "Evidence of incident " + text.run_id + " of canvas " + text.canvas +
                       ",\nput together " + text.made +
                       "\n\n"
                       "To verify that nothing was changed since:\n"
                       "    sha256sum -c MANIFEST\n"
                       "The hash of the whole archive is in the reason of the hold on the trace "
                       "(nightjar holds " +
                       text.canvas + ").\n\n" + ChainText(text.link) + "\nWhat is what:\n" +
                       List(text.files);
  if (!text.missing.empty()) readme += "\nWhat is missing, and why:\n" + List(text.missing);
  readme +=
      "\nSecrets of the canvas, and what its policy leaves out of traces, are in none of this.\n"
      "Times are UTC.\n";
  return readme;
}

}  // namespace nightjar::cli
