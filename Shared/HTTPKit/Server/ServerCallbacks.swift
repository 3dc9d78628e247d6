import CMicrohttpd
import Glibc
import Kernel
import Synchronization

// The library calls these on its own thread. They are free functions because a closure written in
// an actor's context would inherit it and trap there.

private func core(_ closure: UnsafeMutableRawPointer?) -> ServerCore? {
    guard let closure = unsafe closure else { return nil }
    return unsafe Unmanaged<ServerCore>.fromOpaque(closure).takeUnretainedValue()
}

func serverConnection(_ pointer: OpaquePointer) -> ServerConnection? {
    guard let context = unsafe microhttpd_shim_context(pointer) else { return nil }
    return unsafe Unmanaged<ServerConnection>.fromOpaque(context).takeUnretainedValue()
}

/// A connection was accepted or is about to be closed.
func connectionChanged(
    closure: UnsafeMutableRawPointer?, pointer: OpaquePointer?,
    context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    change: MHD_ConnectionNotificationCode
) {
    guard let core = unsafe core(closure), let pointer = unsafe pointer,
        let context = unsafe context
    else { return }
    if change == .CONNECTION_NOTIFY_STARTED {
        let connection = unsafe ServerConnection(
            core: core, descriptor: microhttpd_shim_descriptor(pointer),
            remoteAddress: ServerConnection.text(of: microhttpd_shim_address(pointer)),
            deadline: Monotonic.now() + core.limits.header)
        unsafe context.pointee = Unmanaged.passRetained(connection).toOpaque()
        core.connections.add(connection)
        core.openConnections.add(1)
    } else if let owned = unsafe context.pointee {
        unsafe context.pointee = nil
        let connection = unsafe Unmanaged<ServerConnection>.fromOpaque(owned).takeRetainedValue()
        core.connections.remove(connection)
        core.openConnections.add(-1)
    }
}

/// The request line was read. Keeps the target as it is; the library takes its own copy apart.
func targetSeen(
    closure: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, pointer: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let target = unsafe target, let pointer = unsafe pointer,
        let connection = unsafe serverConnection(pointer)
    else { return nil }
    let text = unsafe String(cString: target)
    connection.state.withLock { $0.target = text }
    return nil
}

/// Called after the headers, for each part of the body, when the request is complete, and again
/// after each resumption.
func handleRequest(
    closure: UnsafeMutableRawPointer?, pointer: OpaquePointer?, url: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?,
    part: UnsafePointer<CChar>?, partSize: UnsafeMutablePointer<Int>?,
    context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let core = unsafe core(closure), let pointer = unsafe pointer,
        let context = unsafe context, let partSize = unsafe partSize
    else { return .NO }
    if let owned = unsafe context.pointee {
        let exchange = unsafe Unmanaged<Exchange>.fromOpaque(owned).takeUnretainedValue()
        let count = unsafe partSize.pointee
        guard count > 0 else { return exchange.advance() }
        unsafe partSize.pointee = 0
        let bytes = unsafe UnsafeRawBufferPointer(start: part, count: count)
        return unsafe exchange.receive(bytes) ? .YES : .NO
    }
    guard let connection = unsafe serverConnection(pointer), let method = unsafe method,
        let version = unsafe version
    else { return .NO }
    let target = connection.state.withLock { $0.target }
    var head = unsafe RequestHead(
        method: String(cString: method), version: String(cString: version), target: target)
    unsafe head.readHeaders(of: pointer)
    return unsafe begin(core, connection, MHDConnection(pointer: pointer), head, context)
}

/// Decides what to do with a request whose head is complete.
private func begin(
    _ core: ServerCore, _ connection: ServerConnection, _ handle: MHDConnection,
    _ head: RequestHead, _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>
) -> MHD_Result {
    let plan: RequestPlan
    do throws(RequestFraming.Violation) {
        let body = try RequestFraming.check(
            target: head.target, head.headers, version: head.version)
        plan = RequestPlan(head, body, router: core.router)
    } catch {
        plan = .refusing(
            .badRequest("malformed_request", error.detail), method: nil, atOnce: true)
    }
    let exchange = Exchange(
        core: core, connection: connection, handle: handle, head: head, plan: plan)
    unsafe context.pointee = Unmanaged.passRetained(exchange).toOpaque()
    connection.state.withLock { $0.exchange = exchange }
    connection.deadline.store(exchange.startedAt + core.limits.body, ordering: .relaxed)
    if case .refuse(let problem, let headers, atOnce: true) = plan.action {
        return exchange.answerAtOnce(problem, headers)
    }
    return .YES
}

/// A request is over, answered or not.
func requestCompleted(
    closure: UnsafeMutableRawPointer?, pointer: OpaquePointer?,
    context: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, reason: MHD_RequestTerminationCode
) {
    guard let context = unsafe context, let owned = unsafe context.pointee else { return }
    unsafe context.pointee = nil
    unsafe Unmanaged<Exchange>.fromOpaque(owned).takeRetainedValue().finish(reason)
}
