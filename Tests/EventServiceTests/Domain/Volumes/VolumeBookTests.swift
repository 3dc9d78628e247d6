import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import EventService

@Suite struct VolumeBookTests {
    private let client = ClientID(UUID())
    private let time = Timestamp(microseconds: 1_000_000_000_000_000)

    private func count(_ book: inout VolumeBook, _ type: String, at time: Timestamp? = nil) {
        book.count(
            VolumeCounts(accepted: 1), type, of: client, EventDoor(), at: time ?? self.time)
    }

    @Test func `what is of one type in one stretch is one count`() {
        var book = VolumeBook()
        for _ in 0..<3 { count(&book, "a") }
        count(&book, "b")
        count(&book, "a", at: time + .seconds(300))
        #expect(book.counts.count == 3)
        #expect(book.counts.values.map(\.accepted).sorted() == [1, 1, 3])
    }

    @Test func `types that somebody makes up are counted as one beyond a number`() {
        var book = VolumeBook()
        for number in 0..<1000 { count(&book, "t\(number)") }
        #expect(book.counts.count == VolumeBook.maximumTypes + 1)
        #expect(book.counts.first { $0.key.type.isEmpty }?.value.accepted == 800)
        // Written down meanwhile, they are still known.
        _ = book.take()
        count(&book, "new")
        count(&book, "t1")
        #expect(Set(book.counts.keys.map(\.type)) == ["", "t1"])
        count(&book, "new", at: time + .seconds(300))
        #expect(book.counts.keys.contains { $0.type == "new" })
    }

    @Test func `what could not be written is counted with what came since`() {
        var book = VolumeBook()
        count(&book, "a")
        let taken = book.take()
        #expect(book.counts.isEmpty)
        count(&book, "a")
        book.putBack(taken)
        #expect(book.counts.values.map(\.accepted) == [2])
    }
}
