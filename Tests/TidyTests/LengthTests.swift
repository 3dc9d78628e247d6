import Testing

/// Limits that keep a file and a function readable in one go.
@Suite struct LengthTests {
    @Test func `no Swift file has more than 300 lines`() throws {
        for file in try SourceTree.swift() {
            let count = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
            #expect(count <= 300, "\(file): \(count) lines")
        }
    }

    @Test func `no function has more than 60 lines`() throws {
        for file in try SourceTree.swift() {
            for function in FunctionScanner(file.text).functions() {
                #expect(
                    function.lineCount <= 60,
                    "\(file):\(function.line): \(function.lineCount) lines")
            }
        }
    }

    @Test func `no line has more than 100 columns`() throws {
        let files = try SourceTree.swift() + SourceTree.files(below: ["deploy"], endings: [".sh"])
        for file in files {
            for (index, line) in file.lines.enumerated() where line.count > 100 {
                // A line that is one long word, such as an address in a comment, has no place to
                // break.
                let words = line.split(separator: " ").filter { !$0.allSatisfy { $0 == "/" } }
                guard words.count > 1 else { continue }
                Issue.record("\(file):\(index + 1): \(line.count) columns")
            }
        }
    }

    @Test func `the scanner counts a function from its keyword to its closing brace`() {
        let text = """
            import func Glibc.getpid
            protocol Port {
                func send(_ text: String) async throws
                func close()
            }
            struct A {
                init(_ body: () -> Void = {}) {
                }
                func `in it { x`(
                    a: Int
                ) -> String
                where Int: Sendable
                {
                    "} \\(a.map { "}" }) // }"
                }
            }
            """
        let functions = FunctionScanner(text).functions()
        #expect(functions.map(\.line) == [7, 9])
        #expect(functions.map(\.lineCount) == [2, 7])
    }
}
