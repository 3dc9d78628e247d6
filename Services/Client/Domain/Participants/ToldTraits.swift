import Contracts
import Kernel

/// What events told of somebody by name. Traits are those of the newest position. Pure.
struct ToldTraits: Sendable, Hashable {
    private(set) var all: TraitSet
    private(set) var trusted: TraitSet
    /// The position in the client's shard of the last event that changed them. An event up to it
    /// was applied before and changes nothing; one behind it that was applied changed nothing then
    /// and would not now.
    private(set) var position: Int

    init(all: TraitSet, trusted: TraitSet, position: Int) {
        self.all = all
        self.trusted = trusted
        self.position = position
    }

    /// Nothing is known before the event at `position`.
    init(before position: Int) {
        self.init(all: TraitSet(), trusted: TraitSet(), position: position - 1)
    }

    /// Lets an event take effect. Returns how many traits were left out.
    mutating func merge(_ event: LogEvent) -> Int {
        guard event.position.position > position, let told = event.participant?.traits else {
            return 0
        }
        let (allBefore, trustedBefore) = (all, trusted)
        var leftOut = all.merge(told)
        if event.trust >= .signedUser { leftOut += trusted.merge(told) }
        if all != allBefore || trusted != trustedBefore { position = event.position.position }
        return leftOut
    }
}
