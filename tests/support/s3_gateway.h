// A real S3 store of a test's own: Ceph's object gateway, with a monitor and one store in memory,
// on ports of loopback that nobody else has.
//
// Takes some fifteen seconds to start. Its processes are this test's children and end with it,
// whatever becomes of it. Keys: kAccessKey, kSecretKey; buckets are the test's to make.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace nightjar::e2e {

class S3Gateway {
 public:
  static constexpr const char* kAccessKey = "NIGHTJARACCESS";
  static constexpr const char* kSecretKey = "nightjar+secret/key=";

  // Whether this host has it: packages radosgw, ceph-mon, ceph-osd, ceph-common.
  static bool Installed();

  // Null, and why on standard error: it did not start.
  static std::unique_ptr<S3Gateway> Start();
  ~S3Gateway();

  uint16_t port() const { return port_; }
  // The gateway alone; what is stored stays.
  void Signal(int signal);
  void Kill();
  // Starts it again after Kill(). False: it did not come up.
  bool Restart();
  // Has the store go through its lifecycle rules now, as if each second since an object was stored
  // had been a day.
  bool ExpireBySeconds();
  bool running() const { return gateway_ >= 0; }

 private:
  S3Gateway() = default;
  bool StartAll();
  bool StartMonitor();
  bool StartDisk();
  bool StartGateway();
  bool MakeUser();
  void WriteConfig(const std::string& path, const std::string& more);
  pid_t Run(const std::vector<std::string>& words);

  std::string folder_;
  std::string config_;
  uint16_t port_ = 0;
  uint16_t monitor_port_ = 0;
  pid_t monitor_ = -1;
  pid_t disk_ = -1;
  pid_t gateway_ = -1;
};

}  // namespace nightjar::e2e
