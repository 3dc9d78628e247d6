import CMicrohttpd
import Kernel
import Synchronization

/// An answer, ready for the library.
struct PreparedResponse: Sendable {
    let status: Int
    let headers: HTTPHeaders
    let body: HTTPBody

    var isStream: Bool { if case .stream = body { true } else { false } }
    var upgrade: WebSocketUpgrade? {
        if case .webSocket(let upgrade) = body { upgrade } else { nil }
    }
    var byteCount: Int { if case .bytes(let bytes) = body { bytes.count } else { 0 } }

    /// Hands the answer to the library. Only within one of its callbacks.
    @unsafe func queue(on connection: MHDConnection) -> (MHD_Result, StreamChannel?) {
        let (made, stream) = unsafe make(connection)
        guard let made = unsafe made else { return (.NO, nil) }
        for field in headers.fields {
            // The library refuses line breaks, so a header cannot be split.
            unsafe MHD_add_response_header(made, field.name, field.value)
        }
        let result = unsafe microhttpd_shim_queue(connection.pointer, UInt32(status), made)
        unsafe MHD_destroy_response(made)
        return (result, stream)
    }

    private func make(_ connection: MHDConnection) -> (OpaquePointer?, StreamChannel?) {
        switch body {
        case .empty:
            return unsafe (
                MHD_create_response_from_buffer(0, nil, .RESPMEM_PERSISTENT), nil
            )
        case .bytes(let bytes):
            let made = unsafe bytes.withUnsafeBytes { buffer in
                unsafe MHD_create_response_from_buffer(
                    buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress),
                    .RESPMEM_MUST_COPY)
            }
            return unsafe (made, nil)
        case .stream(let stream):
            let type = headers["Content-Type"] ?? ""
            let channel = StreamChannel(
                stream, connection: connection, isEndless: type.hasPrefix(MediaType.eventStream))
            let owned = unsafe Unmanaged.passRetained(channel).toOpaque()
            let made = unsafe MHD_create_response_from_callback(
                UInt64.max, 32 << 10, readStream, owned, freeStream)
            return unsafe (made, channel)
        case .webSocket:
            return unsafe (MHD_create_response_for_upgrade(connectionUpgraded, nil), nil)
        }
    }
}

extension Exchange {
    /// Adds what every answer has.
    func prepare(_ response: HTTPResponse) -> PreparedResponse {
        var headers = response.headers
        headers.add("X-Request-Id", identity.requestID)
        if core.isDraining.load(ordering: .relaxed), !headers.contains("Connection") {
            headers.add("Connection", "close")
        }
        return PreparedResponse(status: response.status, headers: headers, body: response.body)
    }
}
