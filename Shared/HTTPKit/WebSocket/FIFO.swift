/// A queue that takes from its front without moving the rest each time.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { head == elements.count }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head]
        head += 1
        // Amortised: at most one move per element taken.
        if head > 32, head * 2 > elements.count {
            elements.removeSubrange(..<head)
            head = 0
        }
        return element
    }

    /// Takes the first that matches.
    mutating func remove(where matches: (Element) -> Bool) -> Element? {
        guard let index = elements[head...].firstIndex(where: matches) else { return nil }
        return elements.remove(at: index)
    }

    /// Empties it and returns what was there.
    mutating func removeAll() -> FIFO {
        defer { self = FIFO() }
        return self
    }

    func forEach(_ body: (Element) -> Void) { elements[head...].forEach(body) }
}
