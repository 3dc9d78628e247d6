#pragma once
// The system's own types stay those of Glibc, whichever module the compiler reads first.
#pragma clang module import SwiftGlibc
#include <hiredis/hiredis.h>
// Swift's Glibc module leaves it out; RedisKit's threads sleep on it beside the socket.
#include <sys/eventfd.h>
