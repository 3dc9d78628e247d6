/// What a step is recorded under: its name and, in loops, which occurrence it is.
struct StepName {
    static let maximumBytes = 200

    /// `name`, or `name:occurrence`.
    let text: String

    /// Nil for an empty name, a colon in the name, anything but visible ASCII (the idempotency key
    /// travels in a header), or more than 200 bytes.
    init?(_ name: String, occurrence: String?) {
        text = occurrence.map { "\(name):\($0)" } ?? name
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: ":")),
            text.utf8.count <= Self.maximumBytes,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
    }
}
