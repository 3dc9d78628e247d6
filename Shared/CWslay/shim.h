#pragma once
// The system's own types stay those of Glibc, whichever module the compiler reads first.
#pragma clang module import SwiftGlibc
#include <wslay/wslay.h>
// Swift's Glibc module leaves these out; the thread of the sockets waits with them.
#include <sys/epoll.h>
#include <sys/eventfd.h>
