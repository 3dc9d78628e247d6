import CMicrohttpd

/// The library's connection. Its owner knows how long it lives and from where it may be used.
@safe struct MHDConnection: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Stops the library from working on it. Only from within one of its callbacks.
    func suspend() { unsafe MHD_suspend_connection(pointer) }

    /// Lets the library go on. From any thread, once per suspension.
    func resume() { unsafe MHD_resume_connection(pointer) }
}
