import CHiredis

extension RedisValue {
    /// Copies an answer out of hiredis' memory, which the caller frees afterwards. The depth is
    /// bounded by hiredis' reader (7).
    init(_ reply: UnsafePointer<redisReply>) {
        let reply = unsafe reply.pointee
        switch unsafe reply.type {
        case REDIS_REPLY_INTEGER:
            self = unsafe .integer(reply.integer)
        case REDIS_REPLY_STRING:
            self = unsafe .bytes(Array(UnsafeRawBufferPointer(start: reply.str, count: reply.len)))
        case REDIS_REPLY_STATUS:
            self = unsafe .status(Self.text(reply))
        case REDIS_REPLY_ERROR:
            self = unsafe .error(RedisError(reply: Self.text(reply)))
        case REDIS_REPLY_ARRAY:
            var items: [RedisValue] = []
            for index in 0..<(unsafe reply.elements) {
                if let item = unsafe reply.element?[index] { items.append(unsafe RedisValue(item)) }
            }
            self = .array(items)
        default:
            self = .null
        }
    }

    private static func text(_ reply: redisReply) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: reply.str, count: reply.len)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}
