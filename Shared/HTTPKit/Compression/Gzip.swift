import CZlib

/// gzip and zlib streams, whole bodies at a time.
package enum Gzip {
    /// Why a body could not be unpacked.
    enum Failure: Error, Equatable {
        /// Not what the encoding promises, cut short, or followed by something else.
        case malformed
        /// Longer than the limit when unpacked.
        case tooLarge
        /// zlib had no memory.
        case outOfMemory
    }

    /// The wrapping of a deflate stream, with zlib's number for it.
    enum Format: Int32 {
        case zlib = 15
        case gzip = 31
    }

    /// Unpacks a body; never makes more than `limitBytes`.
    static func unpack(
        _ bytes: [UInt8], format: Format, limitBytes: Int
    ) throws(Failure) -> [UInt8] {
        var stream = unsafe z_stream()
        guard
            unsafe inflateInit2_(
                &stream, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .outOfMemory }
        defer { unsafe inflateEnd(&stream) }
        var output: [UInt8] = []
        output.reserveCapacity(min(limitBytes, bytes.count * 4))
        var input = bytes
        let inputCount = UInt32(clamping: input.count)
        let result: Result<Void, Failure> = unsafe input.withUnsafeMutableBufferPointer { buffer in
            unsafe stream.next_in = buffer.baseAddress
            unsafe stream.avail_in = inputCount
            return unsafe inflateAll(&stream, format, into: &output, limitBytes: limitBytes)
        }
        try result.get()
        return output
    }

    private static func inflateAll(
        _ stream: inout z_stream, _ format: Format, into output: inout [UInt8], limitBytes: Int
    ) -> Result<Void, Failure> {
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let (status, made) = unsafe chunk.withUnsafeMutableBufferPointer { buffer in
                unsafe stream.next_out = buffer.baseAddress
                unsafe stream.avail_out = UInt32(buffer.count)
                let status = unsafe inflate(&stream, Z_NO_FLUSH)
                return (status, unsafe buffer.count - Int(stream.avail_out))
            }
            guard output.count + made <= limitBytes else { return .failure(.tooLarge) }
            output.append(contentsOf: chunk[..<made])
            switch status {
            case Z_OK: continue
            case Z_STREAM_END:
                guard unsafe stream.avail_in > 0 else { return .success(()) }
                // gzip allows several members one after the other.
                guard format == .gzip, unsafe inflateReset(&stream) == Z_OK else {
                    return .failure(.malformed)
                }
            case Z_MEM_ERROR: return .failure(.outOfMemory)
            default: return .failure(.malformed)
            }
        }
    }

    /// Packs a body at the fastest level; nil when zlib cannot.
    package static func pack(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        guard
            unsafe deflateInit2_(
                &stream, Z_BEST_SPEED, Z_DEFLATED, Format.gzip.rawValue, 8, Z_DEFAULT_STRATEGY,
                ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let bound = Int(unsafe deflateBound(&stream, UInt(bytes.count)))
        var input = bytes
        var isComplete = false
        let output = unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            unsafe input.withUnsafeMutableBufferPointer { source in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(clamping: source.count)
                unsafe stream.next_out = buffer.baseAddress
                unsafe stream.avail_out = UInt32(clamping: bound)
                isComplete = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = unsafe bound - Int(stream.avail_out)
            }
        }
        return isComplete ? output : nil
    }
}
