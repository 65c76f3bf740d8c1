// Writes a tree as one line, so that a test can say which tree it expects: (f 1 (+ 2 x)).
#pragma once

#include <sstream>
#include <string>

#include "ipc/proto/each_message.h"
#include "ipc/proto/program.pb.h"

namespace nightjar::lang::testing {

class ShapeWriter {
 public:
  std::string Write(const proto::Expr& expr) {
    Expr(expr);
    return out_.str();
  }

 private:
  template <typename... Parts>
  void Form(const std::string& name, const Parts&... parts) {
    out_ << "(" << name;
    (Part(parts), ...);
    out_ << ")";
  }
  void Part(const proto::Expr& expr) {
    out_ << " ";
    Expr(expr);
  }
  void Part(const std::string& text) { out_ << " " << text; }
  template <typename T>
  void Part(const google::protobuf::RepeatedPtrField<T>& parts) {
    for (const T& part : parts) Part(part);
  }
  void Part(const proto::RecordField& field) {
    Part(field.name());
    Part(field.value());
  }
  void Part(const proto::MatchArm& arm) {
    out_ << " ";
    Pattern(arm.pattern());
    Part(arm.body());
  }
  void Part(const proto::Pattern& pattern) {
    out_ << " ";
    Pattern(pattern);
  }

  void Expr(const proto::Expr& e) {
    switch (e.form_case()) {
      case proto::Expr::kInteger:
        out_ << e.integer();
        break;
      case proto::Expr::kBool:
        out_ << (e.bool_() ? "true" : "false");
        break;
      case proto::Expr::kString:
        out_ << '"' << e.string() << '"';
        break;
      case proto::Expr::kCharacter:
        out_ << '\'' << e.character() << '\'';
        break;
      case proto::Expr::kFloat:
        out_ << e.float_();
        break;
      case proto::Expr::kNull:
        out_ << "null";
        break;
      case proto::Expr::kBlank:
        out_ << "blank";
        break;
      case proto::Expr::kLet:
        Form("let", e.let().name(), e.let().value(), e.let().body());
        break;
      case proto::Expr::kIf:
        Form("if", e.if_().condition(), e.if_().then(), e.if_().otherwise());
        break;
      case proto::Expr::kInfix:
        Form(e.infix().op(), e.infix().left(), e.infix().right());
        break;
      case proto::Expr::kLambda:
        Form("fun", e.lambda().params(), e.lambda().body());
        break;
      case proto::Expr::kFieldAccess:
        Form(".", e.field_access().object(), e.field_access().field());
        break;
      case proto::Expr::kVariable:
        out_ << e.variable();
        break;
      case proto::Expr::kFnCall:
        Form(NameOf(e.fn_call()), e.fn_call().args());
        break;
      case proto::Expr::kPartial:
        Form("partial", e.partial().old());
        break;
      case proto::Expr::kRightPartial:
        Form("rightPartial", e.right_partial().old());
        break;
      case proto::Expr::kLeftPartial:
        Form("leftPartial", e.left_partial().old());
        break;
      case proto::Expr::kList:
        Form("list", e.list().items());
        break;
      case proto::Expr::kTuple:
        Form("tuple", e.tuple().items());
        break;
      case proto::Expr::kRecord:
        Form("record", e.record().fields());
        break;
      case proto::Expr::kPipe:
        Form("pipe", e.pipe().items());
        break;
      case proto::Expr::kConstructor:
        Form(e.constructor().name(), e.constructor().args());
        break;
      case proto::Expr::kMatch:
        Form("match", e.match().value(), e.match().arms());
        break;
      case proto::Expr::kPipeTarget:
        out_ << "_";
        break;
      case proto::Expr::kFeatureFlag:
        Form("flag", e.feature_flag().condition(), e.feature_flag().old(), e.feature_flag().new_());
        break;
      case proto::Expr::FORM_NOT_SET:
        out_ << "?";
        break;
    }
  }

  // "Dict::get_v1", with "!" where it is sent to the rail; a canvas's function and an operator have
  // neither module nor version.
  static std::string NameOf(const proto::FnCall& call) {
    std::string name = call.name();
    if (!call.module().empty())
      name = call.module() + "::" + name + "_v" + std::to_string(call.version());
    return call.rail() ? name + "!" : name;
  }

  void Pattern(const proto::Pattern& p) {
    switch (p.form_case()) {
      case proto::Pattern::kVariable:
        out_ << p.variable();
        break;
      case proto::Pattern::kConstructor:
        Form(p.constructor().name(), p.constructor().args());
        break;
      case proto::Pattern::kInteger:
        out_ << p.integer();
        break;
      case proto::Pattern::kBool:
        out_ << (p.bool_() ? "true" : "false");
        break;
      case proto::Pattern::kCharacter:
        out_ << '\'' << p.character() << '\'';
        break;
      case proto::Pattern::kString:
        out_ << '"' << p.string() << '"';
        break;
      case proto::Pattern::kFloat:
        out_ << p.float_();
        break;
      case proto::Pattern::kNull:
        out_ << "null";
        break;
      case proto::Pattern::kBlank:
        out_ << "blank";
        break;
      case proto::Pattern::kTuple:
        Form("tuple", p.tuple().items());
        break;
      case proto::Pattern::FORM_NOT_SET:
        out_ << "?";
        break;
    }
  }

  std::ostringstream out_;
};

inline std::string ShapeOf(const proto::Expr& expr) {
  return ShapeWriter().Write(expr);
}

// Every expression in a message, itself too.
template <typename F>
void EachExpr(const google::protobuf::Message& message, const F& visit) {
  EachMessage(message, [&](const google::protobuf::Message& inner) {
    if (const auto* expr = dynamic_cast<const proto::Expr*>(&inner)) visit(*expr);
  });
}

}  // namespace nightjar::lang::testing
