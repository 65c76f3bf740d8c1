// Runs the cases of a `.tests` file through the parser, the lowering, the library and the evaluator
// that serve canvases.
//
// Both sides of a case are evaluated by them, the expected one too. One thread, the one that it was
// made on; the file outlives it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conformance/case_result.h"
#include "conformance/expression_file.h"
#include "conformance/needs.h"

namespace nightjar::conformance {

class Evaluation;

class ExpressionRunner {
 public:
  explicit ExpressionRunner(const ExpressionFile& file);
  ~ExpressionRunner();

  CaseResult Run(const ExpressionCase& one);

 private:
  // A function of the file, parsed; or why it cannot be.
  struct Function {
    uint32_t line = 0;
    proto::FunctionDef def;
    std::string error;
  };
  void AddFunction(const Definition& definition, const std::string& name);
  void AddDatastore(const Definition& definition);
  const Function* Find(const std::string& name, uint32_t line) const;
  // Adds what a case calls, and what that calls. "": all of it could be.
  std::string AddFunctions(uint32_t line, Uses* uses, proto::Program* program) const;

  // By name; a file may define one again further down.
  std::map<std::string, std::vector<Function>> functions_;
  proto::Program base_;  // what every case has
  std::unique_ptr<Evaluation> evaluation_;
};

}  // namespace nightjar::conformance
