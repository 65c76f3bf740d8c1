// What the tests' own servers (PostgreSQL, Ceph's gateway) need to be started as themselves.
#pragma once

#include <cstdint>

namespace nightjar::e2e {

// A port of 127.0.0.1 that nobody has: another with each call. Below those that the kernel gives to
// whoever connects somewhere, so that it stays free until it is used.
uint16_t FreePort();
// In a new process, as root: that user for good, without new privileges. Exits with 126 where it
// cannot be.
void BecomeUser(const char* name);

}  // namespace nightjar::e2e
