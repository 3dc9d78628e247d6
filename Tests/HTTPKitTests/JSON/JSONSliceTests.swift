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

    @Test(arguments: [
        ("1", 0), (#""[{""#, 0), ("[]", 1), ("{}", 1), ("[1,2]", 1), ("[[],[[1]],[]]", 3),
        (#"{"a":{"b":[{}]},"c":[]}"#, 4), (#"{"a":"[[[[\"[[","b":1}"#, 1),
    ])
    func `a value knows how many levels it has`(_ document: String, _ levels: Int) throws {
        #expect(try JSONSlice(parsing: Array(document.utf8)).levels == levels)
        let nested = try JSONSlice(parsing: Array(#"{"x":[\#(document)],"y":[[]]}"#.utf8))
        #expect(nested.levels == max(levels + 2, 3))
        #expect(nested["x"]?.elements.first?.levels == levels)
    }

    @Test func `the same is what is written in the same bytes`() throws {
        let texts = [
            "1", "1.0", #""1""#, #""a""#, #""\u0061""#, "true", "false", "null", #""true""#, "{}",
            "[]", #"{"a":1}"#, #"{"a": 1}"#, #"{"a":2}"#, #""""#, #"{"a":1,"b":2}"#,
        ]
        let left = try JSONSlice(parsing: Array("[\(texts.joined(separator: ","))]".utf8)).elements
        let right = try texts.map { try JSONSlice(parsing: Array($0.utf8)) }
        for (place, slice) in left.enumerated() {
            for (other, text) in right.enumerated() {
                #expect(slice.isSame(as: text) == (place == other), "\(texts[place])")
            }
        }
    }

    @Test func `members are found by their names, shadowed ones not`() throws {
        let document = #"{"a":1,"b\u0062":2,"":3,"a":4,"long name of a member":[5]}"#
        let object = try JSONSlice(parsing: Array(document.utf8))
        var found: [String] = []
        object.forEachMember { place in
            let (name, value) = (object.name(at: place), object[place])
            #expect(object.isNamed(name, at: place) && !object.isNamed(name + "x", at: place))
            #expect(value.isSame(as: object, at: place))
            found.append("\(name)=\(String(decoding: value.bytes, as: UTF8.self))")
        }
        #expect(found == ["bb=2", "=3", "a=4", "long name of a member=[5]"])
        try JSONSlice(parsing: Array("[1]".utf8)).forEachMember { _ in
            Issue.record("an array has no members")
        }
    }

    @Test func `names that are looked for are told apart from all others`() throws {
        let names = ["b", "", "long name", "aa", "ab", "é", "lang name"]
        let document =
            #"{"ab":0,"a":0,"":0,"é":0,"\u00e9":1,"b":0,"a\u0061":0,"long namf":0,"long name":0,"#
            + #""a name that is longer than the longest":0,"lang name":0,"AB":0}"#
        let object = try JSONSlice(parsing: Array(document.utf8))
        var found: [String] = []
        object.forEachMember(among: JSONNames(names)) { place, number in
            let name = object.name(at: place)
            #expect(number == names.firstIndex(of: name), "\(name)")
            if number != nil { found.append(name) }
        }
        #expect(found == ["ab", "", "é", "b", "aa", "long name", "lang name"])
        object.forEachMember(among: JSONNames([])) { _, number in #expect(number == nil) }
    }

    @Test(arguments: 0..<24)
    func `keys that differ in one letter are two, the same ones are one`(_ length: Int) throws {
        let key = String(repeating: "k", count: length)
        for place in 0..<length {
            var other = Array(key.utf8)
            other[place] = UInt8(ascii: "j")
            let name = String(decoding: other, as: UTF8.self)
            let two = try JSONSlice(parsing: Array(#"{"\#(key)":1,"\#(name)":2}"#.utf8))
            #expect(two.members.map(\.name) == [key, name])
        }
        let one = #"{"\#(key)":1,"x":{"\#(key)":2},"\#(key)":3}"#
        #expect(try JSONSlice(parsing: Array(one.utf8)).members.map(\.name) == ["x", key])
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

    @Test func `members are found in any order, again, and not where there are none`() throws {
        let text = #"{"a":1,"b":{"a":2},"c":[3],"d":"4","a\u0065":5,"c":6}"#
        let slice = try JSONSlice(parsing: Array(text.utf8))
        let names = ["a", "b", "c", "d", "ae", "x", "", "bb"]
        let written = names.map { slice[$0].map { String(decoding: $0.bytes, as: UTF8.self) } }
        #expect(written == ["1", #"{"a":2}"#, "6", #""4""#, "5", nil, nil, nil])
        for _ in 0..<200 {
            var members = JSONMembers(slice)
            for _ in 0..<20 {
                let index = Int.random(in: names.indices)
                let found = members.take(names[index])
                #expect(found.map { String(decoding: $0.bytes, as: UTF8.self) } == written[index])
            }
        }
        var none = JSONMembers(try JSONSlice(parsing: Array(#"["a"]"#.utf8)))
        #expect(none.take("a") == nil)
    }

    @Test func `of keys that come twice the last counts, among few and among many`() throws {
        for count in [1, 2, 5, 15, 16, 17, 40, 200] {
            for repeated in [0, count / 2, count - 1] {
                let keys = (0..<count).map { "key\($0 * 7919 % 1000)-\($0)" }
                let members = keys.enumerated().map { #""\#($1)":\#($0)"# }
                let twice = members + [#""\#(keys[repeated])":"again""#]
                let alone = Array("{\(members.joined(separator: ","))}".utf8)
                let strict = try JSONSlice(parsing: alone, strictness: .strict)
                #expect(strict.members.count == count)
                let bytes = Array("{\(twice.joined(separator: ","))}".utf8)
                #expect(try JSONSlice(parsing: bytes)[keys[repeated]]?.string == "again")
                #expect(try JSONSlice(parsingOurs: bytes)[keys[repeated]]?.string == "again")
                #expect(throws: Problem.self) {
                    try JSONSlice(parsing: bytes, strictness: .strict)
                }
            }
        }
        let escaped = Array(#"{"ab":1,"a\u0062":2}"#.utf8)
        #expect(try JSONSlice(parsing: escaped)["ab"]?.value.integer == 2)
    }

    @Test func `what a service wrote has to be JSON in UTF-8 all the same`() throws {
        let good = Array(#"{"a":[1e400,"ü\u00e4",{"b": null}]}"#.utf8)
        let whole = try JSONSlice(parsing: good).value
        #expect(try JSONSlice(parsingOurs: good).value == whole)
        var broken = good
        broken[broken.firstIndex(of: 0xC3)! + 1] = UInt8(ascii: "u")
        let bad: [[UInt8]] = [
            broken, Array(good.dropLast()), good + [0], Array("{\"a\":\u{1}1}".utf8),
            Array(#"{"a":01}"#.utf8), Array(#"{"a":"\x"}"#.utf8), [], Array(#"{"a" 1}"#.utf8),
        ]
        for bytes in bad {
            #expect(throws: Problem.self) { try JSONSlice(parsingOurs: bytes) }
        }
    }

    @Test func `packing leaves spaces in texts and takes all others`() throws {
        for text in [#"{"a":[1,"x y",{"b c":" \" "}],"d":{}}"#, #"[]"#, #""a b""#] {
            let spaced = text.replacing(",", with: " ,\n").replacing("{", with: "{\t")
            for bytes in [Array(text.utf8), Array(spaced.utf8)] {
                let packed = try JSONSlice(parsing: bytes).packed
                #expect(String(decoding: packed, as: UTF8.self) == text)
            }
        }
    }
}
