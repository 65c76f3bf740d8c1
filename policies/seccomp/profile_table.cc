// A tool of the build: reads profiles and writes them as a C++ source with their rules, so that the
// zygote, which starts as root, reads no text.
//
//     seccomp_profile_table OUTPUT NAME=FILE...
//
// A mistake in a profile is told with its file, line and column, and ends the build.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "policies/seccomp_profile.h"

namespace nightjar::policy {
namespace {

std::string Line(const SeccompRule& rule) {
  std::ostringstream line;
  line << "      {\"" << rule.call << "\", " << rule.error << ", {";
  for (const SeccompCondition& condition : rule.conditions)
    line << "{" << condition.argument << "u, " << condition.mask << "u, " << condition.value
         << "u}, ";
  line << "}},\n";
  return line.str();
}

bool WriteProfile(const std::string& name, const std::string& path, std::ostream& out) {
  std::ifstream file(path);
  std::stringstream text;
  if (!(text << file.rdbuf())) {
    std::cerr << path << ": it cannot be read\n";
    return false;
  }
  std::vector<PolicyError> errors;
  SeccompRules rules = ReadSeccompProfile(text.str(), &errors);
  for (const PolicyError& error : errors)
    std::cerr << path << ":" << error.line << ":" << error.column << ": " << error.message << "\n";
  out << "  if (name == \"" << name << "\") return SeccompRules{\n";
  for (const SeccompRule& rule : rules) out << Line(rule);
  out << "  };\n";
  return errors.empty();
}

int Main(int argc, char** argv) {
  std::ostringstream out;
  out << "// Made from policies/seccomp/*.toml by the build.\n"
         "#include \"worker/sandbox/builtin_profiles.h\"\n\nnamespace nightjar {\n\n"
         "std::optional<SeccompRules> BuiltinProfile(std::string_view name) {\n";
  bool good = argc > 2;
  for (int i = 2; i < argc; ++i) {
    std::string word = argv[i];
    size_t equals = word.find('=');
    if (equals == std::string::npos) return 2;
    good = WriteProfile(word.substr(0, equals), word.substr(equals + 1), out) && good;
  }
  out << "  return std::nullopt;\n}\n\n}  // namespace nightjar\n";
  if (!good) return 1;
  std::ofstream file(argv[1]);
  file << out.str();
  file.close();
  return file ? 0 : 1;
}

}  // namespace
}  // namespace nightjar::policy

int main(int argc, char** argv) {
  return nightjar::policy::Main(argc, argv);
}
