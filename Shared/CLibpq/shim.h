#pragma once
// The system's own types stay those of Glibc, whichever module the compiler reads first.
#pragma clang module import SwiftGlibc
#include <libpq-fe.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
