/// Decides whether a cached API key may still be believed (DESIGN §6, "Revocation and status").
///
/// Two bounds meet here: a revoked key stops within seconds, and with client-service down the keys
/// that are known keep working for five minutes while unknown ones are refused with 503.
struct KeyCachePolicy: Sendable {
    /// How long an entry counts without word from the log.
    static let uncertainLifetime: Duration = .seconds(5)
    /// How long an entry counts while the log would have told us of a change.
    static let watchedLifetime: Duration = .seconds(300)
    /// How long "there is no such key" counts.
    static let negativeLifetime: Duration = .seconds(5)
    /// The log counts as watched while its last good poll is younger than this.
    static let contactLimit: Duration = .seconds(5)
    /// How long known keys outlive client-service.
    static let outageGrace: Duration = .seconds(300)

    /// What the cache holds for a key.
    enum Entry: Sendable, Hashable {
        case absent
        /// Client-service knew the key, so long ago.
        case known(age: Duration)
        /// Client-service did not know it, so long ago.
        case unknown(age: Duration)
    }

    /// What to do with a request that shows the key.
    enum Decision: Sendable, Hashable {
        /// Answer from the cache.
        case use
        /// Ask client-service.
        case ask
    }

    /// What to do when client-service could not be asked.
    enum OutageDecision: Sendable, Hashable {
        case useStale
        case refuse
    }

    /// - Parameter contactAge: since the last good poll of the log; nil before the first.
    static func decide(_ entry: Entry, contactAge: Duration?) -> Decision {
        switch entry {
        case .absent:
            return .ask
        case .unknown(let age):
            return age < negativeLifetime ? .use : .ask
        case .known(let age):
            let isWatched = contactAge.map { $0 < contactLimit } ?? false
            return age < (isWatched ? watchedLifetime : uncertainLifetime) ? .use : .ask
        }
    }

    /// - Parameter outage: since client-service first failed to answer after it last did.
    static func decideInOutage(_ entry: Entry, outage: Duration) -> OutageDecision {
        guard case .known(let age) = entry, outage < outageGrace,
            // However quiet it was before the outage began: nothing is believed for longer.
            age < watchedLifetime + outageGrace
        else { return .refuse }
        return .useStale
    }
}
