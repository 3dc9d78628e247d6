#pragma once
// The system's own types stay those of Glibc, whichever module the compiler reads first.
#pragma clang module import SwiftGlibc
#include <dlfcn.h>
#include <microhttpd.h>
#include <string.h>

// Swift cannot call variadic functions; these pass fixed arguments on.

/// What a daemon is started with.
typedef struct {
    MHD_AccessHandlerCallback handle;
    MHD_RequestCompletedCallback completed;
    MHD_NotifyConnectionCallback connection_changed;
    void *(*target_seen)(void *closure, const char *target, struct MHD_Connection *connection);
    /// Given to every callback.
    void *closure;
    int listening_socket;
    unsigned int threads;
    unsigned int connection_limit;
    unsigned int inactivity_seconds;
    size_t connection_memory_bytes;
} microhttpd_shim_options;

/// Leaves percent escapes alone: the library's own decoding would cut the target at `%00`.
static size_t microhttpd_shim_keep(void *closure, struct MHD_Connection *connection, char *text) {
    (void)closure;
    (void)connection;
    return strlen(text);
}

/// Starts a daemon with epoll threads, each with connections of its own; NULL when it cannot be started.
///
/// Turbo mode reads until nothing is left. Without it an end of the connection that arrives
/// together with the last bytes goes unnoticed.
static inline struct MHD_Daemon *microhttpd_shim_start(const microhttpd_shim_options *options) {
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO | MHD_ALLOW_UPGRADE,
        0, NULL, NULL, options->handle, options->closure,
        MHD_OPTION_LISTEN_SOCKET, options->listening_socket,
        MHD_OPTION_NOTIFY_COMPLETED, options->completed, options->closure,
        MHD_OPTION_NOTIFY_CONNECTION, options->connection_changed, options->closure,
        MHD_OPTION_URI_LOG_CALLBACK, options->target_seen, options->closure,
        MHD_OPTION_UNESCAPE_CALLBACK, microhttpd_shim_keep, NULL,
        // Zero is the library's word for one thread.
        MHD_OPTION_THREAD_POOL_SIZE, options->threads > 1 ? options->threads : 0u,
        MHD_OPTION_CONNECTION_LIMIT, options->connection_limit,
        MHD_OPTION_CONNECTION_TIMEOUT, options->inactivity_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->connection_memory_bytes,
        MHD_OPTION_END);
}

/// The library's own `MHD_queue_response`, which the program replaces for the library's own calls.
static inline enum MHD_Result microhttpd_shim_queue(
    struct MHD_Connection *connection, unsigned int status, struct MHD_Response *response) {
    typedef enum MHD_Result (*queue)(struct MHD_Connection *, unsigned int, struct MHD_Response *);
    static _Atomic(queue) found;
    queue next = found;
    if (!next) {
        // RTLD_NEXT: the symbol after the program's own. Swift does not define _GNU_SOURCE for it.
        found = next = (queue)dlsym((void *)-1L, "MHD_queue_response");
    }
    return next ? next(connection, status, response) : MHD_NO;
}

/// The socket of a connection; -1 when the library does not know.
static inline int microhttpd_shim_descriptor(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

/// What `connection_changed` left in the socket's context.
static inline void *microhttpd_shim_context(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/// The peer's address; NULL when the library does not know.
static inline const struct sockaddr *microhttpd_shim_address(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

/// Gives an upgraded socket back to the library, which closes it. From any thread, once.
static inline void microhttpd_shim_close_upgraded(struct MHD_UpgradeResponseHandle *upgraded) {
    (void)MHD_upgrade_action(upgraded, MHD_UPGRADE_ACTION_CLOSE);
}
