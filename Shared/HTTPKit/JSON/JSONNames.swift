/// Names of members that are told apart from others and from each other at little cost.
package struct JSONNames: Sendable {
    private let names: [String]
    /// By length in bytes the number of the first name that has it; -1 where none has.
    private var first: [Int]
    /// By number of a name the next one that is as long; -1 behind the last.
    private var next: [Int]

    /// Names have the numbers of their places in the list.
    package init(_ names: [String]) {
        self.names = names
        first = Array(repeating: -1, count: (names.map(\.utf8.count).max() ?? 0) + 1)
        next = Array(repeating: -1, count: names.count)
        for number in names.indices.reversed() {
            let length = names[number].utf8.count
            next[number] = first[length]
            first[length] = number
        }
    }

    /// The number of the name that a key is.
    func number(of key: JSONNode, in document: JSONDocument) -> Int? {
        if key.isEscaped { return names.firstIndex(of: document.text(key)) }
        let length = Int(key.end - key.start)
        guard length < first.count else { return nil }
        var number = first[length]
        while number >= 0 {
            if document.isText(key, names[number]) { return number }
            number = next[number]
        }
        return nil
    }
}
