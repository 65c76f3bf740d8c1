#include "supervisor/cli/complaints.h"

namespace nightjar::cli {

void AddComplaints(const std::vector<policy::PolicyError>& found, bool warning,
                   proto::PolicyCheck* check) {
  for (const policy::PolicyError& error : found) {
    proto::PolicyComplaint& complaint = *check->add_complaints();
    complaint.set_file(error.file);
    complaint.set_line(error.line);
    complaint.set_column(error.column);
    complaint.set_message(error.message);
    complaint.set_warning(warning);
  }
}

}  // namespace nightjar::cli
