// The load driver: closed-loop HTTP load over keep-alive connections, bounded in requests and time,
// for the demo and for tests/bench.
//
//   bench-load --port P --host demo.localhost --path /fib/20 [--method POST --body FILE]
//   [--connections 8] [--requests 1000] [--seconds 30] [--pace-ms 5]
//
// Prints one line of JSON: how many answers of which status, requests a second, latency quantiles
// in us as the client saw them. Exits 1 when not one answer came. One thread with epoll, so that it
// takes little from the server it measures.
#include <sys/epoll.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <thread>

#include "supervisor/metrics/histogram.h"
#include "tests/bench/load/exchange.h"

namespace nightjar::bench {
namespace {

struct Plan {
  uint16_t port = 0;
  std::string host = "demo.localhost";
  std::string path = "/";
  std::string method = "GET";
  std::string body_file;
  std::string content_type = "text/plain";
  unsigned connections = 1;
  uint64_t requests = 1000;
  double seconds = 60;
  double pace_ms = 0;  // between an answer and the next request of a connection
};

struct Tally {
  Histogram latency;
  std::map<unsigned, uint64_t> statuses;
  uint64_t broken = 0;
  uint64_t begun = 0;
  uint64_t ended = 0;
  Nanos took{0};
};

std::string RequestText(const Plan& plan) {
  std::string body;
  if (!plan.body_file.empty()) {
    std::ifstream file(plan.body_file, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    body = content.str();
  }
  std::string text = plan.method + " " + plan.path + " HTTP/1.1\r\nHost: " + plan.host + "\r\n";
  if (!plan.body_file.empty() || plan.method == "POST")
    text += "Content-Type: " + plan.content_type +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

class Driver {
 public:
  explicit Driver(const Plan& plan)
      : plan_(plan), request_(RequestText(plan)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  Status Drive(Tally& tally) {
    MonoTime started = clock_.Mono();
    MonoTime stop =
        started + std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(plan_.seconds));
    for (unsigned i = 0; i < plan_.connections && tally.begun < plan_.requests; ++i) {
      NJ_ASSIGN(Exchange exchange, Exchange::Connect(plan_.port, request_));
      lines_.push_back(std::make_unique<Exchange>(std::move(exchange)));
      Next(*lines_.back(), tally);
    }
    while (open_ > 0 && clock_.Mono() < stop) {
      epoll_event events[64];
      int ready = epoll_wait(epoll_.get(), events, 64, 1000);
      for (int i = 0; i < ready; ++i) OnReady(*static_cast<Exchange*>(events[i].data.ptr), tally);
    }
    tally.took = clock_.Mono() - started;
    return {};
  }

 private:
  void Watch(Exchange& exchange, int operation) {
    epoll_event event{};
    event.events = EPOLLIN | (exchange.wants_to_write() ? EPOLLOUT : 0u);
    event.data.ptr = &exchange;
    epoll_ctl(epoll_.get(), operation, exchange.fd(), &event);
  }

  void Next(Exchange& exchange, Tally& tally) {
    ++tally.begun;
    if (!exchange.Begin(clock_.Mono())) return Lose(exchange, tally);
    ++open_;
    Watch(exchange, EPOLL_CTL_ADD);
  }

  void Lose(Exchange& exchange, Tally& tally) {
    ++tally.broken;
    // A connection that the server closed is replaced while there is something to do, as any client
    // would.
    auto fresh = Exchange::Connect(plan_.port, request_);
    if (!fresh || tally.begun >= plan_.requests) return;
    exchange = std::move(*fresh);
    Next(exchange, tally);
  }

  void OnReady(Exchange& exchange, Tally& tally) {
    auto complete = exchange.Continue();
    if (!complete) {
      --open_;
      return Lose(exchange, tally);
    }
    if (!*complete) return Watch(exchange, EPOLL_CTL_MOD);
    MonoTime now = clock_.Mono();
    ++tally.ended;
    ++tally.statuses[exchange.status()];
    tally.latency.Add(static_cast<uint64_t>((now - exchange.began()).count() / 1000));
    if (tally.begun >= plan_.requests) {
      --open_;
      epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, exchange.fd(), nullptr);
      return;
    }
    ++tally.begun;
    if (plan_.pace_ms > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(plan_.pace_ms));
      now = clock_.Mono();
    }
    if (!exchange.Begin(now)) {
      --open_;
      return Lose(exchange, tally);
    }
    if (exchange.wants_to_write()) Watch(exchange, EPOLL_CTL_MOD);
  }

  const Plan& plan_;
  SystemClock clock_;
  std::string request_;
  Fd epoll_;
  std::vector<std::unique_ptr<Exchange>> lines_;
  size_t open_ = 0;
};

void Print(const Tally& tally) {
  double seconds = std::chrono::duration<double>(tally.took).count();
  std::cout << "{\"requests\": " << tally.ended << ", \"broken\": " << tally.broken
            << ", \"rps\": " << (seconds > 0 ? static_cast<double>(tally.ended) / seconds : 0)
            << ", \"seconds\": " << seconds;
  for (auto [name, share] : {std::pair("p50_us", 0.5), std::pair("p90_us", 0.9),
                             std::pair("p99_us", 0.99), std::pair("max_us", 1.0)})
    std::cout << ", \"" << name << "\": " << tally.latency.Quantile(share);
  std::cout << ", \"statuses\": {";
  const char* separator = "";
  for (auto [status, count] : tally.statuses) {
    std::cout << separator << "\"" << status << "\": " << count;
    separator = ", ";
  }
  std::cout << "}}" << std::endl;
}

}  // namespace
}  // namespace nightjar::bench

int main(int argc, char** argv) {
  using namespace nightjar::bench;
  Plan plan;
  CLI::App app("Closed-loop HTTP load over keep-alive connections.", "bench-load");
  app.add_option("--port", plan.port)->required();
  app.add_option("--host", plan.host);
  app.add_option("--path", plan.path);
  app.add_option("--method", plan.method);
  app.add_option("--body", plan.body_file)->check(CLI::ExistingFile);
  app.add_option("--content-type", plan.content_type);
  app.add_option("--connections", plan.connections)->check(CLI::Range(1, 512));
  app.add_option("--requests", plan.requests)->check(CLI::Range(1, 10'000'000));
  app.add_option("--pace-ms", plan.pace_ms, "Pause before each request; for one connection")
      ->check(CLI::Range(0.0, 1000.0));
  app.add_option("--seconds", plan.seconds)->check(CLI::Range(0.1, 600.0));
  CLI11_PARSE(app, argc, argv);
  Tally tally;
  if (auto driven = Driver(plan).Drive(tally); !driven) {
    std::cerr << "bench-load: " << driven.error().ToString() << "\n";
    return 1;
  }
  Print(tally);
  return tally.ended > 0 ? 0 : 1;
}
