import Kernel

/// Where a list of events goes on: behind an event, by its time and then by its place in the log.
struct EventCursor: Sendable, Hashable {
    /// Since 1970, when the event happened.
    let milliseconds: Int
    let position: Int

    init(milliseconds: Int, position: Int) {
        self.milliseconds = milliseconds
        self.position = position
    }

    /// Reads the written form; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 40,
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let milliseconds = Int(parts[0]), let position = Int(parts[1]),
            milliseconds < 1 << 52
        else { return nil }
        self.init(milliseconds: milliseconds, position: position)
    }

    var text: String { "\(milliseconds)-\(position)" }
}
