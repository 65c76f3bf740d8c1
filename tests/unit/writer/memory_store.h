// An ObjectStore in memory, which can be full, or fail.
#pragma once

#include <map>
#include <string>

#include "supervisor/writer/object_store.h"

namespace nightjar::testing {

class MemoryStore final : public ObjectStore {
 public:
  Status Put(std::string_view key, std::string_view object) override {
    if (full) return FailErrno("writing a trace", ENOSPC);
    objects[std::string(key)] = object;
    return {};
  }
  Result<std::string> Get(std::string_view key, size_t) override {
    auto found = objects.find(std::string(key));
    if (found == objects.end()) return Fail(ErrorCode::kNotFound, "no object");
    return found->second;
  }
  Status Delete(std::string_view key) override {
    if (away) return Fail(ErrorCode::kUnavailable, "the store is away");
    objects.erase(std::string(key));
    return {};
  }
  Status Replace(std::string_view key, std::string_view object) override {
    if (away) return Fail(ErrorCode::kUnavailable, "the store is away");
    return Put(key, object);
  }
  Status Copy(std::string_view from, std::string_view to) override {
    if (away) return Fail(ErrorCode::kUnavailable, "the store is away");
    auto object = Get(from, 0);
    if (!object) return tl::unexpected<Error>(object.error());
    objects[std::string(to)] = *object;
    ++copies;
    return {};
  }
  Result<bool> ExpireBefore(std::string_view day) override {
    std::erase_if(objects, [&](const auto& object) {
      return object.first.starts_with("week/") && object.first.substr(5, 10) < day;
    });
    return false;
  }

  std::map<std::string, std::string> objects;
  bool full = false;
  bool away = false;  // for what the keeper does
  int copies = 0;
};

}  // namespace nightjar::testing
