/// First in, first out, in a ring that grows; both ends in constant time.
struct Queue<Element> {
    private var ring: [Element?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var first: Element? {
        get { count == 0 ? nil : ring[head] }
        set {
            guard count > 0, let newValue else { return }
            ring[head] = newValue
        }
    }

    mutating func append(_ element: Element) {
        if count == ring.count { grow() }
        ring[(head + count) & (ring.count - 1)] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = ring[head]
        ring[head] = nil
        head = (head + 1) & (ring.count - 1)
        count -= 1
        return element
    }

    /// Takes everything out, in order.
    mutating func removeAll() -> [Element] {
        var all: [Element] = []
        all.reserveCapacity(count)
        while let element = popFirst() { all.append(element) }
        return all
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        for element in removeAll() where !isUnwanted(element) { append(element) }
    }

    func forEach(_ body: (Element) -> Void) {
        for offset in 0..<count {
            if let element = ring[(head + offset) & (ring.count - 1)] { body(element) }
        }
    }

    /// Capacities are powers of two, so that positions wrap with a mask.
    private mutating func grow() {
        let elements = removeAll()
        ring = [Element?](repeating: nil, count: max(8, 2 * ring.count))
        head = 0
        for (index, element) in elements.enumerated() { ring[index] = element }
        count = elements.count
    }
}
