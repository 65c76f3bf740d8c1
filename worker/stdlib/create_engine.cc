// The language with its library, as worker/engine.h promises it.
#include "worker/engine.h"
#include "worker/lang/dark_engine.h"
#include "worker/stdlib/library.h"

namespace nightjar {

std::unique_ptr<Engine> CreateDarkEngine() {
  return std::make_unique<lang::DarkEngine>(&lang::DarkLibrary());
}

}  // namespace nightjar
