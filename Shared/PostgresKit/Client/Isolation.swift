/// What a transaction sees of others.
package enum Isolation: Sendable, Hashable {
    case readCommitted
    case repeatableRead
    /// One snapshot for several reads; writing is refused.
    case repeatableReadOnly
    case serializable

    var begin: SQL {
        switch self {
        case .readCommitted: "begin"
        case .repeatableRead: "begin isolation level repeatable read"
        case .repeatableReadOnly: "begin isolation level repeatable read, read only"
        case .serializable: "begin isolation level serializable"
        }
    }
}
