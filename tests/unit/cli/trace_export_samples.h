// Traces that both exports are tested with, and what they are to become.
#pragma once

#include <fstream>
#include <sstream>
#include <string>

namespace nightjar::cli {

// A file of tests/unit/cli/golden.
inline std::string Golden(const std::string& name) {
  std::ifstream file(std::string(NIGHTJAR_SOURCE_DIR) + "/tests/unit/cli/golden/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Waited 20 us, ran for 1 ms: a call with a branch and a pure built-in in it.
inline constexpr char kFinishedTrace[] = R"(
  row {
    run_id: "fe6c1a2b-0000-4000-8000-000000000001" canvas: "demo" handler: "GET /sum" tlid: 7
    revision: 3 received_unix_us: 1732448403123456 verdict: VERDICT_FINISHED http_status: 200
    request_line: "GET /sum?n=2" caller: "127.0.0.1:4711"
    usage { wall_us: 1000 cpu_us: 900 queue_us: 20 }
  }
  events { seq: 1 at_ns: 100 run_start { input { int: 2 } } }
  events { seq: 2 at_ns: 1000 call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "sum" expr_id: 4
    args { int: 2 } } }
  events { seq: 3 at_ns: 1500 branch { expr_id: 9 arm: 1 } }
  events { seq: 4 at_ns: 2001 call { call_id: 2 parent: 1 kind: CALL_KIND_BUILTIN
    fn: "Int::add_v0" expr_id: 5 args { int: 1 } args { int: 1 } result { int: 2 } } }
  events { seq: 5 at_ns: 3000 return { call_id: 1 result { int: 2 } elapsed_ns: 2000 } }
  events { seq: 6 at_ns: 4000 run_end { result { int: 2 } } })";

// Two calls deep when it was killed, 2 s after its start, with 98 events missing before its end.
inline constexpr char kKilledTrace[] = R"(
  row {
    run_id: "fe6c1a2b-0000-4000-8000-000000000002" canvas: "demo" handler: "Spin" revision: 1
    received_unix_us: 1732448403123456 verdict: VERDICT_WALL_TIME detail: "used 2.000 s"
    usage { wall_us: 2000000 trace_dropped: 98 }
  }
  events { seq: 1 at_ns: 10 call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "outer" } }
  events { seq: 2 at_ns: 20 call { call_id: 2 parent: 1 kind: CALL_KIND_LAMBDA } }
  events { seq: 100 at_ns: 30 gap { dropped: 98 } }
  tail { seq: 200 at_ns: 1999999000 branch { arm: 2 } }
  open_calls { call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "outer" } open_ns: 1999999990
    calls: 3 }
  open_calls { call { call_id: 70 parent: 1 fn: "deep" kind: CALL_KIND_FUNCTION }
    open_ns: 1000000000 })";

// A base that calls f twice, with four patches: two of its second call, of which the last is in
// force; one with other arguments; and one of a call whose events the base does not have.
inline constexpr char kPatchedTrace[] = R"(
  row { run_id: "fe6c1a2b-0000-4000-8000-000000000009" canvas: "demo" handler: "GET /sum"
    revision: 3 received_unix_us: 1732448403123456 verdict: VERDICT_FINISHED
    usage { wall_us: 10 } }
  events { at_ns: 1000 call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "f" } }
  events { at_ns: 2000 return { call_id: 1 result { int: 5 } } }
  events { at_ns: 3000 call { call_id: 2 kind: CALL_KIND_FUNCTION fn: "f" } }
  events { at_ns: 4000 return { call_id: 2 result { int: 6 } } }
  patches {
    row { run_id: "fe6c1a2a-0000-4000-8000-000000000008" canvas: "demo" handler: "GET /sum"
      revision: 3 received_unix_us: 1732448500000000 verdict: VERDICT_FINISHED
      patch { run_id: "fe6c1a2b-0000-4000-8000-000000000009" function: "f" call: 2 call_id: 2 }
      usage { wall_us: 4 } }
    events { at_ns: 1000 run_end { result { int: 7 } } } }
  patches {
    row { run_id: "fe6c1a2a-0000-4000-8000-000000000007" canvas: "demo" handler: "GET /sum"
      revision: 3 received_unix_us: 1732448600000000 verdict: VERDICT_FINISHED
      patch { run_id: "fe6c1a2b-0000-4000-8000-000000000009" function: "f" }
      usage { wall_us: 4 } } }
  patches {
    row { run_id: "fe6c1a2a-0000-4000-8000-000000000006" canvas: "demo" handler: "GET /sum"
      revision: 4 received_unix_us: 1732448700000000 verdict: VERDICT_FINISHED
      patch { run_id: "fe6c1a2b-0000-4000-8000-000000000009" function: "f" call: 2 call_id: 2 }
      usage { wall_us: 4 } }
    events { at_ns: 1000 call { call_id: 2 kind: CALL_KIND_FUNCTION fn: "g" } }
    events { at_ns: 2000 return { call_id: 2 result { int: 8 } } }
    events { at_ns: 3000 run_end { result { int: 8 } } } }
  patches {
    row { run_id: "fe6c1a2a-0000-4000-8000-000000000005" canvas: "demo" handler: "GET /sum"
      revision: 4 received_unix_us: 1732448800000000 verdict: VERDICT_WALL_TIME
      patch { run_id: "fe6c1a2b-0000-4000-8000-000000000009" function: "f" call: 9 call_id: 90 }
      usage { wall_us: 4 } } })";

// Whatever a worker wrote.
inline constexpr const char* kSenseless[] = {
    "events { call { call_id: 1 parent: 1 fn: 'own parent' } }",
    "events { call { call_id: 1 parent: 2 fn: 'a' } } events { call { call_id: 2 parent: 1 } }",
    "events { call { call_id: 0 fn: 'zero' } }",
    "events { at_ns: 9 return { call_id: 0 } } events { return { call_id: 7 elapsed_ns: 99 } }",
    "events { at_ns: 5 call { call_id: 1 fn: 'a' } } events { call { call_id: 1 fn: 'a' } }",
    "events { at_ns: 7 call { call_id: 1 } } events { at_ns: 3 return { call_id: 1 } }",
    "events { return { call_id: 3 } } events { return { call_id: 3 } } events { branch {} }",
    "events {} tail {} open_calls {} open_calls {}",
    "open_calls { call { call_id: 2 parent: 1 } } open_calls { call { call_id: 1 parent: 2 } }",
    "open_calls { call { call_id: 5 } open_ns: 18446744073709551615 }",
    ("events { at_ns: 18446744073709551615 call { call_id: 18446744073709551615 "
     "expr_id: 18446744073709551615 fn: '\\033[2J' args { string: '\\033[2J' } } }"),
    "events { at_ns: 18446744073709551615 gap { dropped: 18446744073709551615 } }",
};

}  // namespace nightjar::cli
