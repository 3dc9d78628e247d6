/// What a step is recorded under: its name and, in loops, which occurrence it is.
struct StepName {
    static let maximumBytes = 200

    /// `name`, or `name:occurrence`.
    let text: String

    /// Nil for an empty name, a colon in the name, a control character, or more than 200 bytes.
    init?(_ name: String, occurrence: String?) {
        text = occurrence.map { "\(name):\($0)" } ?? name
        guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: ":")),
            text.utf8.count <= Self.maximumBytes, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
    }
}
