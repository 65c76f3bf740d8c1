#include "supervisor/control/run_answer.h"

#include <utility>

namespace nightjar {

proto::RunAnswer AnswerOf(RunResult result) {
  proto::RunAnswer answer;
  answer.set_run_id(result.id.ToString());
  answer.set_verdict(result.verdict);
  answer.set_detail(result.detail);
  answer.set_status(result.status);
  for (proto::Header& header : result.headers) *answer.add_headers() = std::move(header);
  answer.set_body(std::move(result.body));
  *answer.mutable_usage() = std::move(result.usage);
  return answer;
}

}  // namespace nightjar
