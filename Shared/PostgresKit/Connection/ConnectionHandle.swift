internal import CLibpq
import Glibc

/// libpq's connection. Not thread-safe by itself: only touched under its connection's mutex, and by
/// the thread that opens it before anybody else knows it.
@safe final class ConnectionHandle: @unchecked Sendable {
    private var pointer: OpaquePointer?

    /// Whether packets can be held back.
    private(set) var isTCP = false

    private init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { close() }

    /// Connects and enters pipeline mode. Blocks for up to the connect time-out: own thread only.
    static func open(_ parameters: [(String, String)]) throws(PostgresError) -> ConnectionHandle {
        var keywords = unsafe parameters.map { unsafe UnsafePointer(strdup($0.0)) }
        var values = unsafe parameters.map { unsafe UnsafePointer(strdup($0.1)) }
        unsafe keywords.append(nil)
        unsafe values.append(nil)
        defer {
            unsafe (keywords + values).forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) }
        }
        guard let pointer = unsafe PQconnectdbParams(keywords, values, 0) else {
            throw PostgresError(.unavailable, "no memory for a connection")
        }
        let handle = unsafe ConnectionHandle(pointer)
        unsafe PQsetNoticeProcessor(pointer, ignoreNotice, nil)
        guard unsafe PQstatus(pointer) == CONNECTION_OK, unsafe PQsetnonblocking(pointer, 1) == 0,
            handle.enterPipeline()
        else {
            throw PostgresError(
                .unavailable, "cannot connect",
                details: ServerDetails(sqlState: "08001", message: handle.errorMessage))
        }
        handle.isTCP = handle.setCork(false)
        return handle
    }

    /// Says goodbye and frees everything. Harmless when done before.
    func close() {
        unsafe PQfinish(pointer)
        unsafe pointer = nil
    }

    var socket: Int32 { unsafe PQsocket(pointer) }
    var isBroken: Bool { unsafe PQstatus(pointer) != CONNECTION_OK }
    var isIdle: Bool { unsafe PQtransactionStatus(pointer) == PQTRANS_IDLE }

    var errorMessage: String {
        unsafe PQerrorMessage(pointer).map { unsafe String(cString: $0) } ?? ""
    }

    // MARK: Sending; false when libpq refuses, which means that the connection is lost

    func enterPipeline() -> Bool { unsafe PQenterPipelineMode(pointer) == 1 }

    func exitPipeline() -> Bool { unsafe PQexitPipelineMode(pointer) == 1 }

    func sync() -> Bool { unsafe PQpipelineSync(pointer) == 1 }

    func prepare(_ name: String, _ sql: SQL) -> Bool {
        let types = sql.parameters.types
        return unsafe PQsendPrepare(pointer, name, sql.text, Int32(types.count), types) == 1
    }

    func execute(_ name: String, _ parameters: ParameterBuffer) -> Bool {
        unsafe parameters.withPointers { count, values, lengths, formats in
            unsafe PQsendQueryPrepared(pointer, name, count, values, lengths, formats, 1) == 1
        }
    }

    func execute(unprepared sql: SQL) -> Bool {
        unsafe sql.parameters.withPointers { count, values, lengths, formats in
            unsafe PQsendQueryParams(
                pointer, sql.text, count, sql.parameters.types, values, lengths, formats, 1) == 1
        }
    }

    /// Several statements by the simple protocol; not in pipeline mode.
    func execute(script: String) -> Bool { unsafe PQsendQuery(pointer, script) == 1 }

    func put(copy chunk: [UInt8]) -> Bool {
        unsafe chunk.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe start == nil || PQputCopyData(pointer, start, Int32(bytes.count)) == 1
        }
    }

    /// Ends a COPY; with a message, the server discards it.
    func end(copy failure: String?) -> Bool { unsafe PQputCopyEnd(pointer, failure) == 1 }

    /// What is left of the output after trying to send it.
    enum Flush { case done, pending, failed }

    func flush() -> Flush {
        switch unsafe PQflush(pointer) {
        case 0: .done
        case 1: .pending
        default: .failed
        }
    }

    /// Has the system hold packets back until they are full, or lets them go.
    func hold(_ isOn: Bool) { _ = setCork(isOn) }

    /// False when the socket is not of TCP.
    private func setCork(_ isOn: Bool) -> Bool {
        var value: Int32 = isOn ? 1 : 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe setsockopt(socket, Int32(IPPROTO_TCP), TCP_CORK, &value, size) == 0
    }

    // MARK: Receiving

    func consumeInput() -> Bool { unsafe PQconsumeInput(pointer) == 1 }

    /// Whether asking for a result would wait.
    var isBusy: Bool { unsafe PQisBusy(pointer) == 1 }

    /// The next result, nil between two statements. Only when not busy.
    func nextResult() -> ResultTable? {
        guard let result = unsafe PQgetResult(pointer) else { return nil }
        return unsafe ResultTable(result)
    }

    /// The next notification that was received: channel and payload.
    func nextNotification() -> (channel: String, payload: String)? {
        guard let notify = unsafe PQnotifies(pointer) else { return nil }
        defer { unsafe PQfreemem(notify) }
        let channel = unsafe String(cString: notify.pointee.relname)
        return (channel, unsafe String(cString: notify.pointee.extra))
    }

    /// What another thread needs to cancel what runs here.
    func cancelToken() -> CancelToken? {
        guard let token = unsafe PQgetCancel(pointer) else { return nil }
        return unsafe CancelToken(token)
    }
}

/// Cancels what runs on one connection; independent of the connection's handle.
@safe final class CancelToken: @unchecked Sendable {
    private let token: OpaquePointer

    @unsafe fileprivate init(_ token: OpaquePointer) { unsafe self.token = token }

    deinit { unsafe PQfreeCancel(token) }

    /// Blocks until the server has signalled its backend: own thread only.
    func cancel() -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            unsafe PQcancel(token, buffer.baseAddress, Int32(buffer.count)) == 1
        }
    }
}

/// Notices would go to standard error; nobody reads them there.
private func ignoreNotice(_ argument: UnsafeMutableRawPointer?, _ message: UnsafePointer<CChar>?) {}

extension ParameterBuffer {
    /// Lends the values in the form libpq wants them.
    @unsafe fileprivate func withPointers<Result>(
        _ body: (
            Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?,
            UnsafePointer<Int32>?
        ) -> Result
    ) -> Result {
        let count = entries.count
        if count == 0 { return body(0, nil, nil, nil) }
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(
                of: UnsafePointer<CChar>?.self, capacity: count
            ) { values in
                unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) {
                    numbers in
                    for (index, entry) in entries.enumerated() {
                        unsafe values[index] = unsafe pointer(to: entry, in: bytes)
                        unsafe numbers[index] = Int32(max(entry.length, 0))
                        unsafe numbers[count + index] = entry.type.format.rawValue
                    }
                    let lengths = numbers.baseAddress
                    return unsafe body(
                        Int32(count), values.baseAddress, lengths, lengths.map { unsafe $0 + count }
                    )
                }
            }
        }
    }

    @unsafe private func pointer(
        to entry: Entry, in bytes: UnsafeRawBufferPointer
    ) -> UnsafePointer<CChar>? {
        if entry.length < 0 { return nil }
        // An empty buffer has no address, yet an empty value is not NULL.
        guard let base = bytes.baseAddress else { return unsafe Self.nothing }
        return unsafe (base + entry.offset).assumingMemoryBound(to: CChar.self)
    }

    /// Where an empty value points to.
    private nonisolated(unsafe) static let nothing: UnsafePointer<CChar> = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        unsafe byte.initialize(to: 0)
        return unsafe UnsafePointer(byte)
    }()
}
