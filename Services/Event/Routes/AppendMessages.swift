import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /internal/log`: other services' messages, answered after the commit.
struct AppendMessages: Sendable {
    let log: LocalLog
    let webhookSources: WebhookSourceStore

    func respond(_ input: LogAppendRequest) async throws -> LogAppendResponse {
        guard (1...LogAppendRequest.maximumMessages).contains(input.messages.count) else {
            throw Problem.badRequest(
                "invalid_message_count",
                "Send 1 to \(LogAppendRequest.maximumMessages) messages at a time.",
                pointer: "/messages")
        }
        for (index, message) in input.messages.enumerated() {
            guard (1...LogMessage.maximumIDLength).contains(message.id.count),
                EventType.isValid(message.type)
            else {
                throw Problem.badRequest(
                    "invalid_message", "The message's id or type is not valid.",
                    pointer: "/messages/\(index)")
            }
        }
        do {
            try await noteStandings(input.messages)
            return LogAppendResponse(results: try await log.append(input.messages))
        } catch {
            throw Problem.unavailable(
                "log_unavailable", "The log could not be written. Try again shortly.")
        }
    }

    /// Webhooks carry no key, so what a client may do is kept here. Noted before the log has the
    /// message: whoever sends it goes on until both are done.
    private func noteStandings(_ messages: [LogMessage]) async throws {
        for message in messages where Self.standings.contains(message.type) {
            guard let text = message.data["status"]?.string,
                let status = ClientStatus(rawValue: text)
            else { continue }
            try await webhookSources.setStanding(
                status, of: message.clientID, at: message.occurredAt)
        }
    }

    private static let standings: Set<String> = [
        ClientMessage.statusChanged, ClientMessage.settingsChanged,
    ]
}
