package import Contracts
import HTTPKit
import Kernel
package import PostgresKit

extension Outbox {
    /// Runs statements and adds messages, all or nothing, in one round trip over the connections
    /// that everybody shares: for a change that is decided before anything is written. The rows of
    /// each of the caller's statements.
    ///
    /// Throws the first error, after which nothing has happened, and what `append` throws.
    @discardableResult
    package func write(
        _ statements: [SQL], telling messages: [LogMessage]
    ) async throws -> [[Row]] {
        var all = statements
        if !messages.isEmpty { all.append(try Self.insertion(of: messages)) }
        // Also after an error: it may have been written although no answer came.
        defer { if !messages.isEmpty { wake.raise() } }
        return Array(try await store.postgres.pipeline(all).prefix(statements.count))
    }

    /// The statement that adds messages, to be part of a larger one; call `written()` after it was
    /// committed. `wanted` is a query for the ids of the messages to add, all without it.
    ///
    /// Throws `.invalidMessage` as `append`.
    package static func insertion(
        of messages: [LogMessage], wanted: SQL? = nil
    ) throws -> SQL {
        let rows = try messages.map { message in
            guard (1...LogMessage.maximumIDLength).contains(message.id.count),
                EventType.isValid(message.type)
            else { throw OutboxError.invalidMessage(type: message.type) }
            return (message.clientID, message.id, try JSONCoding.encode(message))
        }
        return OutboxStore.insertion(rows, wanted: wanted)
    }

    /// Says that messages were added by a statement of the caller's, and are committed.
    package func written() { wake.raise() }
}
