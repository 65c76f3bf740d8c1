// Writes one value of any engine as a bounded proto::Value, without the trace code knowing the engine's values.
//
// Used like a SAX parser in reverse: a scalar call, or Begin*() .. items .. End(). When the byte budget is used up the writer goes
// deaf: full() turns true, further calls are ignored, every open container is closed properly, and the value is marked truncated.
// The caller should look at full() in loops over its items and stop. No allocation; single thread; owned by Recorder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nightjar {

class ValueWriter {
 public:
  // Writes into [buffer, buffer + capacity), which the caller owns.
  ValueWriter(char* buffer, size_t capacity);

  void Int(int64_t value);
  void Float(double value);
  void Bool(bool value);  // NOLINT: the value itself
  void Null();
  void String(std::string_view utf8);
  void Character(std::string_view utf8);
  void Function(std::string_view name);
  void Error(std::string_view message, uint64_t expr_id);
  void Incomplete();
  void Datastore(std::string_view name);
  void DateMs(int64_t unix_ms);
  void Password();
  void Uuid(std::string_view sixteen_bytes);
  void Nothing();
  void Bytes(std::string_view bytes);

  void BeginList();
  void BeginTuple();
  void BeginObject();
  void Key(std::string_view key);  // before each value inside an object
  void BeginJust();
  void BeginOk();
  void BeginErrorResult();
  void BeginErrorRail();
  // One value follows: the body. Headers come through Header() before it.
  void BeginResponse(uint32_t status, std::string_view redirect_url);
  void Header(std::string_view name, std::string_view value);
  void End();

  bool full() const;

 private:
  // The recorder's helper fills this in.
};

}  // namespace nightjar
