// A parsed policy: who gets which limits.
//
// Its text is one file or several, which are read as one. Parse() is all or nothing: with an error
// there is no policy, and every error has file, line and column. Immutable once made; shared by
// value of a shared_ptr. Pure: the text comes in, the clock and the file system stay outside.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policies/limits.h"

namespace nightjar::policy {

struct PolicyError {
  uint32_t line = 0;
  uint32_t column = 0;
  std::string message;    // "unknown key `wal`; did you mean `wall`?"
  std::string file = {};  // its path, where there can be several
};

struct PolicyFile {
  std::string name;  // what origins call it: "policy.toml"
  std::string path;  // what errors call it
  std::string text;
};

struct PolicyLayers;

class Policy {
 public:
  // What stands when no file is given.
  static std::shared_ptr<const Policy> BuiltIn();
  // No file says the same as an empty one. Files are in the order in which errors are told; no
  // setting may stand in two of them.
  static std::shared_ptr<const Policy> Parse(std::span<const PolicyFile> files,
                                             std::vector<PolicyError>* errors);
  // Of one file, whose errors do not name it.
  static std::shared_ptr<const Policy> Parse(std::string_view text, std::string_view file_name,
                                             std::vector<PolicyError>* errors);

  virtual ~Policy() = default;
  // `handler` is its name ("GET /users/:id"); empty asks for the canvas itself.
  virtual Limits For(std::string_view canvas, std::string_view handler) const = 0;
  // Whether limit `exec` is true for anybody.
  virtual bool LetsProgramsRun() const = 0;
  // Whether limit `canvas_disk_read` is set for anybody.
  virtual bool LimitsDiskReads() const = 0;
  // The canvas that a domain of its own was given to; "": none was. `domain` is in lower case.
  virtual std::string CanvasOfDomain(std::string_view domain) const = 0;
  // All that it says, for whoever explains or compares policies.
  virtual const PolicyLayers& layers() const = 0;
};

}  // namespace nightjar::policy
