import HTTPKit
import Kernel
import Testing

/// RFC 8259 to the letter, in the spirit of Seriot's "Parsing JSON is a minefield".
@Suite struct JSONGrammarTests {
    static let valid: [String] = [
        "{}", "[]", " [ ] ", "\t\r\n{}\n", "null", "true", "false", "0", "-0", "\"\"", "1e5",
        "1E+5",
        "1e-5", "-1.25", "0.5", "0e1", "123456789012345678901234567890", "1e400", "-1e-400",
        "1.0000000000000000000000000001", #""\"\\\/\b\f\n\r\t""#, #""\u0041\u00fc\uD834\uDd1e""#,
        #""\u0000""#, #""\uFFFF""#, "\"ü€😀\"", "\"\u{7F}\"", "\"\u{2028}\"", #"{"":1}"#,
        #"{"a":{"a":[{"a":null}]}}"#, "[1,2 , 3]", #"{"a" : 1 , "b":2}"#, "[[[[[[]]]]]]",
        "\"\u{FEFF}\"",
    ]

    @Test(arguments: valid)
    func `a valid document is read and written back`(text: String) throws {
        let value = try JSONCoding.parse(Array(text.utf8))
        let again = try JSONCoding.parse(try JSONCoding.encode(value))
        #expect(again == value)
    }

    static let invalid: [String] = [
        "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1,,2]", "[1 2]", "{,}", #"{"a":1,}"#,
        #"{"a"}"#, #"{"a":}"#, #"{:1}"#, #"{a:1}"#, #"{'a':1}"#, #"{1:1}"#, #"{"a":1 "b":2}"#,
        #"{"a"=1}"#, #"{"a"::1}"#, "[1}", "{]", "[]]", "{}{}", "1 2", "nul", "nulll", "True", "NaN",
        "-NaN", "Infinity", "-Infinity", "nan", "undefined", "01", "-01", "00", "+1", ".5", "1.",
        "1.e5", "1e", "1e+", "1eE2", "-", "--1", "0x10", "1_000", "1a", "-a", "1.2.3", "\"", "\"a",
        #""\"#, #""\x41""#, #""\u""#, #""\u12""#, #""\u12G4""#, #""\uD800""#, #""\uDC00""#,
        #""\uD800\u0041""#, #""\uD800x""#, #""\uDC00\uD800""#, #""\uD800\uD800""#, #""\a""#, "'a'",
        "\"a\nb\"", "\"a\tb\"", "\"a\u{0}b\"", "\"\u{1F}\"", "[\"a\u{8}\"]", "// c\n1", "/* */1",
        "#1", "[1]//", "\u{FEFF}{}", "\u{A0}1", "\u{B}1", "\u{C}1", "[1\u{0}]", "1\u{0}", "\u{0}",
        "{\"a\":\u{2028}1}", "[\u{2003}]", "tru", "fals", "[tru]", #"{"a":tru}"#, "*", "<html>",
    ]

    @Test(arguments: invalid)
    func `an invalid document is refused`(text: String) {
        let problem = #expect(throws: Problem.self) { try JSONCoding.parse(Array(text.utf8)) }
        #expect(problem?.status == 400)
        #expect(problem?.code == "malformed_json")
    }

    static let invalidBytes: [[UInt8]] = [
        [0x22, 0xFF, 0x22], [0x22, 0x80, 0x22], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0xC3, 0x22],
        [0x22, 0xE2, 0x82, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
        [0x22, 0xF0, 0x80, 0x80, 0x80, 0x22], [0xEF, 0xBB, 0xBF, 0x31], [0xFE, 0xFF, 0x00, 0x31],
        [0xFF, 0xFE, 0x31, 0x00], [0x00, 0x5B, 0x00, 0x5D], [0x5B, 0x00, 0x5D, 0x00],
        // A number out of range takes the other path, which must look at UTF-8 too.
        Array("[1e400,\"".utf8) + [0xFF, 0x22, 0x5D],
        Array("{\"a\":123456789012345678901234567890,\"b\":\"".utf8) + [0xC0, 0xAF, 0x22, 0x7D],
    ]

    @Test(arguments: invalidBytes)
    func `broken UTF-8 and other encodings are refused`(bytes: [UInt8]) {
        let problem = #expect(throws: Problem.self) { try JSONCoding.parse(bytes) }
        #expect(problem?.code == "malformed_json")
    }

    @Test func `documents may be 64 levels deep and no deeper`() throws {
        func nested(_ depth: Int, _ open: String, _ close: String, _ core: String) -> [UInt8] {
            Array(
                (String(repeating: open, count: depth) + core
                    + String(repeating: close, count: depth)).utf8)
        }
        _ = try JSONCoding.parse(nested(64, "[", "]", ""))
        _ = try JSONCoding.parse(nested(64, #"{"a":"#, "}", "1"))
        #expect(throws: Problem.self) { try JSONCoding.parse(nested(65, "[", "]", "")) }
        #expect(throws: Problem.self) { try JSONCoding.parse(nested(65, #"{"a":"#, "}", "1")) }
        #expect(throws: Problem.self) { try JSONCoding.parse(nested(500_000, "[", "]", "")) }
        #expect(throws: Problem.self) {
            try JSONCoding.parse([UInt8](repeating: UInt8(ascii: "["), count: 500_000))
        }
    }

    @Test func `numbers keep the form in which they were written`() throws {
        let text = #"{"a":123456789012345678901234567890.10,"b":1e400,"c":-0}"#
        let value = try JSONCoding.parse(Array(text.utf8))
        #expect(value["a"]?.number?.text == "123456789012345678901234567890.10")
        #expect(String(decoding: try JSONCoding.encode(value), as: UTF8.self) == text)
    }

    @Test func `escapes become the characters they stand for`() throws {
        let value = try JSONCoding.parse(Array(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000""#.utf8))
        #expect(value.string == "\"\\/\u{8}\u{C}\n\r\té😀\0")
    }

    @Test func `cutting a document anywhere makes it invalid, not a crash`() throws {
        let text = #"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",true,false,null,{"b":{}}],"c":""}"#
        let bytes = Array(text.utf8)
        _ = try JSONCoding.parse(bytes)
        for count in bytes.indices {
            #expect(throws: Problem.self) { try JSONCoding.parse(Array(bytes[..<count])) }
        }
    }

    @Test func `changed bytes never crash a reader`() {
        let text = #"{"id":"evt_1","n":-12.5e+3,"l":[true,null,"\u00e9\\"],"o":{"a":{}}}"#
        let original = Array(text.utf8)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert("{}[]\",:\\0-e".utf8.randomElement() ?? 0, at: index)
                }
            }
            // Whatever is accepted must be the same after being written.
            if let value = try? JSONCoding.parse(bytes), let again = try? JSONCoding.encode(value) {
                #expect((try? JSONCoding.parse(again)) == value)
            }
        }
    }
}
