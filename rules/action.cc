#include "rules/action.h"

#include <array>
#include <sstream>
#include <vector>

#include "policies/policy_errors.h"
#include "policies/tighten.h"
#include "policies/tightness.h"

namespace nightjar::rules {
namespace {

using policy::Quoted;
using Wrong = tl::unexpected<std::string>;
using Read = tl::expected<std::optional<Action>, std::string>;

constexpr std::array<std::string_view, 6> kActionWords = {"flag",     "keep evidence", "tighten",
                                                          "throttle", "pause",         "suspend"};

std::vector<std::string> WordsOf(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::string WrongTightening(const std::string& limit, const std::string& value) {
  const policy::LimitKey* key = policy::FindLimitKey(limit);
  if (key == nullptr)
    return "there is no limit " + Quoted(limit) + policy::Suggestion(limit, policy::LimitNames());
  auto read = policy::ReadTightened(*key, value);
  if (!read) return read.error();
  return policy::BoundsNothing(*key, *read) ? Quoted(limit) + " = " + value + " bounds nothing"
                                            : "";
}

std::string Unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return std::string(text);
}

Read Tightening(const std::vector<std::string>& words, Action action) {
  if (words.size() != 3)
    return Wrong("`tighten` takes a limit and its value, as in \"tighten cpu 500ms\"");
  action.kind = ActionKind::kTighten;
  action.limit = words[1];
  action.value = Unquoted(words[2]);
  if (std::string wrong = WrongTightening(action.limit, action.value); !wrong.empty())
    return Wrong(wrong);
  return action;
}

Read Throttling(const std::vector<std::string>& words, Action action) {
  if (words.size() != 2) return Wrong("`throttle` takes a rate, as in \"throttle 1/s\"");
  action.kind = ActionKind::kThrottle;
  action.limit = "rate";
  action.value = Unquoted(words[1]);
  if (std::string wrong = WrongTightening(action.limit, action.value); !wrong.empty())
    return Wrong(wrong);
  return action;
}

}  // namespace

Read ParseAction(std::string_view text) {
  const std::vector<std::string> words = WordsOf(text);
  Action action;
  for (const std::string& word : words) action.text += (action.text.empty() ? "" : " ") + word;
  if (action.text == "flag") return std::nullopt;
  if (action.text == "keep evidence") {
    action.kind = ActionKind::kKeepEvidence;
    return action;
  }
  if (action.text == "pause") {
    action.kind = ActionKind::kPause;
    return action;
  }
  if (action.text == "suspend") {
    action.kind = ActionKind::kSuspend;
    return action;
  }
  if (!words.empty() && words[0] == "tighten") return Tightening(words, std::move(action));
  if (!words.empty() && words[0] == "throttle") return Throttling(words, std::move(action));
  std::string hint = policy::Suggestion(action.text, kActionWords);
  if (hint.empty() && !words.empty()) hint = policy::Suggestion(words[0], kActionWords);
  if (hint.empty())
    hint =
        "; there are \"flag\", \"keep evidence\", \"tighten LIMIT VALUE\", \"throttle RATE\", "
        "\"pause\" and \"suspend\"";
  return Wrong("unknown action " + Quoted(action.text) + hint);
}

bool MakesControl(ActionKind kind) {
  return kind != ActionKind::kKeepEvidence;
}

}  // namespace nightjar::rules
