import HTTPKit
import Kernel
import Testing

@Suite struct JSONSliceTests {
    private func text(_ slice: JSONSlice?) -> String? {
        slice.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    @Test func `a slice is the value as it was written`() throws {
        let document = #"{ "events": [ {"a": 1.50, "b":"x\u0041"} , {"b":[1, 2]}] }"#
        let root = try JSONSlice(parsing: Array(document.utf8))
        let events = try #require(root["events"]).elements
        #expect(events.count == 2)
        #expect(text(events[0]) == #"{"a": 1.50, "b":"x\u0041"}"#)
        #expect(text(events[0]["a"]) == "1.50")
        #expect(text(events[0]["b"]) == #""x\u0041""#)
        #expect(events[0]["b"]?.string == "xA")
        #expect(events[1]["b"]?.value == [1, 2])
        #expect(events[1]["a"] == nil || events[1]["a"]?.kind == .null)
        #expect(events[0].members.map(\.name) == ["a", "b"])
    }

    @Test func `packed is without white space between its parts and nothing else`() throws {
        let document = "{ \"a b\" :\t[ 1 ,\r\n\"x \\\" \\\\\" , { } ] }"
        let slice = try JSONSlice(parsing: Array(document.utf8))
        let packed = String(decoding: slice.packed, as: UTF8.self)
        #expect(packed == #"{"a b":[1,"x \" \\",{}]}"#)
        #expect(try JSONSlice(parsing: slice.packed).value == slice.value)
    }

    @Test func `the text's bytes are those of the text`() throws {
        let slice = try JSONSlice(parsing: Array(#"["plain","\u00e9\n",1,""]"#.utf8))
        let texts = slice.elements.map { $0.utf8.map { String(decoding: $0, as: UTF8.self) } }
        #expect(texts == ["plain", "é\n", nil, ""])
    }

    @Test(arguments: 0..<40)
    func `a string ends at its quote, wherever that falls`(_ length: Int) throws {
        for mark in ["", #"\n"#, #"\""#, #"\\"#] {
            let document = #"{"k":""# + String(repeating: "x", count: length) + mark + #"","z":1}"#
            let slice = try JSONSlice(parsing: Array(document.utf8))
            #expect(slice["k"]?.string?.utf8.count == length + (mark.isEmpty ? 0 : 1))
            #expect(slice["z"]?.value == 1)
        }
        let control = "[\"" + String(repeating: "x", count: length) + "\u{1f}\"]"
        #expect(throws: Problem.self) { try JSONSlice(parsing: Array(control.utf8)) }
    }

    @Test func `of duplicate keys the last counts`() throws {
        let root = try JSONSlice(parsing: Array(#"{"a":1,"a":2}"#.utf8))
        #expect(text(root["a"]) == "2")
        #expect(root.members.count == 1)
    }

    @Test func `a member that nobody looks at is checked all the same`() {
        #expect(throws: Problem.self) { try JSONSlice(parsing: Array(#"{"a":tru}"#.utf8)) }
    }

    @Test func `asking a value of another kind finds nothing`() throws {
        let root = try JSONSlice(parsing: Array("[1]".utf8))
        #expect(root["a"] == nil)
        #expect(root.string == nil)
        #expect(root.elements.first?.elements.isEmpty == true)
    }
}
