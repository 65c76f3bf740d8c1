#include "conformance/expression_runner.h"

#include <set>

#include "conformance/evaluation.h"
#include "conformance/same_value.h"
#include "conformance/test_functions.h"
#include "worker/lang/package_name.h"
#include "worker/lang/parser.h"
#include "worker/lang/repr.h"

namespace nightjar::conformance {
namespace {

constexpr uint64_t kFirstId = 1'000'000;
constexpr uint64_t kActual = 1;  // the two handlers that a case becomes
constexpr uint64_t kExpected = 2;

std::string Told(const std::vector<proto::Diagnostic>& errors) {
  const proto::Diagnostic& first = errors.front();
  return "syntax error at " + std::to_string(first.line()) + ":" + std::to_string(first.column()) +
         ": " + first.message();
}

void AddHandler(uint64_t tlid, proto::Expr body, proto::Program* program) {
  proto::HandlerDef& handler = *program->add_handlers();
  handler.set_tlid(tlid);
  handler.set_name(tlid == kActual ? "actual" : "expected");
  handler.set_input("event");
  *handler.mutable_body() = std::move(body);
}

// `actual = expected`, `actual <> expected`, or what has to be true.
struct Claim {
  proto::Expr actual;
  proto::Expr expected;
  bool equal = true;
};

Claim ClaimOf(lang::ParsedExpression parsed) {
  Claim claim;
  claim.equal = parsed.root != "<>";
  if (parsed.root != "=" && parsed.root != "<>") {
    claim.actual = std::move(*parsed.expr);
    claim.expected.set_bool_(true);
    return claim;
  }
  claim.actual = std::move(*parsed.expr->mutable_infix()->mutable_left());
  claim.expected = std::move(*parsed.expr->mutable_infix()->mutable_right());
  return claim;
}

std::string Faults(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " exception" : " exceptions");
}

}  // namespace

ExpressionRunner::ExpressionRunner(const ExpressionFile& file)
    : evaluation_(std::make_unique<Evaluation>(TestLibrary())) {
  base_.set_format(lang::kProgramFormat);
  for (const Definition& definition : file.functions) AddFunction(definition, definition.name);
  for (const Definition& definition : file.package_functions)
    AddFunction(definition, lang::PackageName("Test.Test.Test", definition.name + "_v0"));
  for (const Definition& definition : file.datastores) AddDatastore(definition);
}

ExpressionRunner::~ExpressionRunner() = default;

void ExpressionRunner::AddFunction(const Definition& definition, const std::string& name) {
  Function& function = functions_[name].emplace_back();
  function.line = definition.line;
  lang::ParseResult header = lang::ParseCanvas("[fn " + definition.header + "]\n");
  lang::ParsedExpression body = lang::ParseExpression(
      definition.body, kFirstId, definition.line + 1, lang::Notation::kDarkTests);
  if (!header.errors.empty() || !body.errors.empty()) {
    function.error = Told(header.errors.empty() ? body.errors : header.errors);
    return;
  }
  function.def = std::move(*header.program.mutable_functions(0));
  function.def.set_name(name);
  *function.def.mutable_body() = std::move(*body.expr);
}

void ExpressionRunner::AddDatastore(const Definition& definition) {
  lang::ParseResult parsed = lang::ParseCanvas("[db " + definition.header + "]\n");
  for (proto::DatastoreDef& datastore : *parsed.program.mutable_datastores())
    *base_.add_datastores() = std::move(datastore);
}

// The last one before the line, as whoever reads the file from the top knows it.
const ExpressionRunner::Function* ExpressionRunner::Find(const std::string& name,
                                                         uint32_t line) const {
  auto found = functions_.find(name);
  if (found == functions_.end()) return nullptr;
  const Function* best = &found->second.front();
  for (const Function& function : found->second)
    if (function.line <= line) best = &function;
  return best;
}

std::string ExpressionRunner::AddFunctions(uint32_t line, Uses* uses,
                                           proto::Program* program) const {
  std::set<std::string> added;
  for (bool grew = true; grew;) {
    grew = false;
    for (const std::string& name : std::set<std::string>(uses->functions)) {
      const Function* function = Find(name, line);
      if (function == nullptr || !added.insert(name).second) continue;
      if (!function->error.empty()) return "the function " + name + ": " + function->error;
      *program->add_functions() = function->def;
      AddUses(function->def, TestLibrary(), uses);
      grew = true;
    }
  }
  return "";
}

CaseResult ExpressionRunner::Run(const ExpressionCase& one) {
  lang::ParsedExpression parsed =
      lang::ParseExpression(one.code, kFirstId, one.line, lang::Notation::kDarkTests);
  if (!parsed.expr) return CaseResult::Failed("", Told(parsed.errors));
  Uses uses;
  AddUses(*parsed.expr, TestLibrary(), &uses);
  proto::Program program = base_;
  std::string wrong = AddFunctions(one.line, &uses, &program);
  if (!uses.outside.empty()) return CaseResult::Skipped(uses.outside);
  if (!wrong.empty()) return CaseResult::Failed("", wrong);
  Claim claim = ClaimOf(std::move(parsed));
  AddHandler(kActual, std::move(claim.actual), &program);
  AddHandler(kExpected, std::move(claim.expected), &program);
  if (Status loaded = evaluation_->Load(program); !loaded)
    return CaseResult::Failed("", loaded.error().context);
  CurrentTestState() = TestState();
  auto actual = evaluation_->Run(kActual);
  if (!actual) return CaseResult::Failed("", actual.error().context);
  auto expected = evaluation_->Run(kExpected);
  if (!expected) return CaseResult::Failed(expected.error().context, lang::Repr(*actual));
  if (SameValue(*actual, *expected) != claim.equal)
    return CaseResult::Failed((claim.equal ? "" : "not ") + lang::Repr(*expected),
                              lang::Repr(*actual));
  uint64_t faults = CurrentTestState().exceptions_expected.value_or(one.exceptions);
  if (evaluation_->faults() != faults)
    return CaseResult::Failed(Faults(faults), Faults(evaluation_->faults()));
  return {};
}

}  // namespace nightjar::conformance
