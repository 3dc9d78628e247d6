import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit

/// What makes an event count once although it is sent as several: the same person doing the same
/// thing (a share, a quiz, a visit of the day) within a while.
struct Interaction: Sendable, Hashable {
    /// The longest window; ids of interactions are not kept for longer.
    static let maximumWindow = Duration.seconds(7 * 86_400)
    /// The window of an event that names none.
    static let usualWindow = Duration.seconds(86_400)
    /// The longest product id, in characters.
    static let maximumProductIDLength = 100

    /// The client's own key of what was done.
    let dedupKey: String
    /// The client's own id of the site or app.
    let productID: String?
    /// For how long a repeat does not count.
    let window: Duration

    /// Nil for an event without `dedup_key`. The members stay where they are, so that readers of
    /// the event see them.
    static func read(_ fields: EventFields) throws(EventRejection) -> Interaction? {
        guard let dedupKey = try fields.saidText("dedup_key", maximum: 200) else { return nil }
        let productID = try fields.saidText("product_id", maximum: maximumProductIDLength)
        guard let told = fields.said("dedup_window_seconds") else {
            return Interaction(dedupKey: dedupKey, productID: productID, window: usualWindow)
        }
        let longest = maximumWindow.components.seconds
        guard let seconds = Int64(String(decoding: told.bytes, as: UTF8.self)),
            (1...longest).contains(seconds)
        else {
            throw .field(
                "dedup_window_seconds", "invalid_dedup_window_seconds",
                "'dedup_window_seconds' is a whole number from 1 to \(longest).")
        }
        return Interaction(
            dedupKey: dedupKey, productID: productID, window: .seconds(seconds))
    }

    /// A hash of (client, product, person, type, key), each told apart from the next.
    func identity(of event: IncomingEvent, _ client: ClientID) -> UUID {
        let parts = [
            productID, event.externalID, event.externalID == nil ? event.anonymousID : nil,
            event.type, dedupKey,
        ]
        var input = client.uuid.bytes
        for part in parts {
            input.append(part == nil ? 0 : 1)
            withUnsafeBytes(of: UInt32(part?.utf8.count ?? 0).bigEndian) { input += $0 }
            input += (part ?? "").utf8
        }
        return Digest.identity(of: input)
    }
}
