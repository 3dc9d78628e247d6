/// First in, first out, in constant time on average.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1024, head > elements.count / 2 {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    /// Changes the first element in place; does nothing when there is none.
    mutating func updateFirst(_ change: (inout Element) -> Void) {
        updateElement(at: head, change)
    }

    /// Changes every element in place, in order.
    mutating func updateAll(_ change: (inout Element) -> Void) {
        for index in head..<elements.count { updateElement(at: index, change) }
    }

    private mutating func updateElement(at index: Int, _ change: (inout Element) -> Void) {
        guard index < elements.count, var element = elements[index] else { return }
        elements[index] = nil
        change(&element)
        elements[index] = element
    }
}
