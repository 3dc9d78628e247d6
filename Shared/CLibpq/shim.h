#pragma once
#include <libpq-fe.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

// Swift does not see variadic functions.
static inline void grapevine_name_this_thread(const char *name) {
    prctl(PR_SET_NAME, name);
}
