import Foundation
import Kernel
import Testing

@Suite struct PageTests {
    @Test func `the extra row only tells that there is more`() {
        let page = Page(rows: [1, 2, 3], limit: 2) { "after \($0)" }
        #expect(page.data == [1, 2])
        #expect(page.nextCursor == "after 2")
        let last = Page(rows: [1, 2], limit: 2) { "after \($0)" }
        #expect(last.data == [1, 2])
        #expect(last.nextCursor == nil)
        #expect(Page(rows: [Int](), limit: 2) { "\($0)" }.nextCursor == nil)
    }

    @Test func `a page of rows becomes a page of what they are shown as`() throws {
        let page = Page(rows: [1, 2, 3], limit: 2) { "after \($0)" }.map { "row \($0)" }
        #expect(page.data == ["row 1", "row 2"])
        #expect(page.nextCursor == "after 2")
        struct Refused: Error {}
        #expect(throws: Refused.self) { try page.map { _ -> Int in throw Refused() } }
    }

    @Test func `the last page says null`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let last = try encoder.encode(Page(data: [1], nextCursor: nil))
        #expect(String(decoding: last, as: UTF8.self) == #"{"data":[1],"next_cursor":null}"#)
        let first = try encoder.encode(Page(data: [1], nextCursor: "c"))
        #expect(String(decoding: first, as: UTF8.self) == #"{"data":[1],"next_cursor":"c"}"#)
        let read = try JSONDecoder().decode(Page<Int>.self, from: first)
        #expect(read.data == [1] && read.nextCursor == "c")
    }

    @Test func `a limit lies between 1 and 200 and is 50 when absent`() throws {
        #expect(try PageRequest().limit == 50)
        #expect(try PageRequest(limit: 1).limit == 1)
        #expect(try PageRequest(limit: 200, cursor: "c").cursor == "c")
        for limit in [0, -1, 201, .max, .min] {
            let problem = #expect(throws: Problem.self) { try PageRequest(limit: limit) }
            #expect(problem?.status == 400)
            #expect(problem?.code == "invalid_limit")
            #expect(problem?.errors.first?.pointer == "?limit")
        }
    }
}
