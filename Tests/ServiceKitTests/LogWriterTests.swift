import Foundation
import Glibc
import Kernel
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct LogWriterTests {
    /// A pipe whose reader starts when it is told to.
    private struct Pipe {
        let reader: Int32
        let writer: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            _ = pipe(&ends)
            (reader, writer) = (ends[0], ends[1])
        }

        /// Reads everything, on a thread of its own, until the writing end is closed.
        func readAll() -> Task<String, Never> {
            let handle = FileHandle(fileDescriptor: reader, closeOnDealloc: true)
            return Task {
                await withCheckedContinuation { continuation in
                    Foundation.Thread {
                        let data = handle.readDataToEndOfFile()
                        continuation.resume(returning: String(decoding: data, as: UTF8.self))
                    }.start()
                }
            }
        }

        func closeWriter() { Glibc.close(writer) }
    }

    private func line(_ level: String, _ text: String) -> String {
        "{\"time\":\"2026-01-01T00:00:00.000Z\",\"level\":\"\(level)\",\"message\":\"\(text)\"}"
    }

    @Test func `lines arrive whole and in order`() async {
        let pipe = Pipe()
        let text = pipe.readAll()
        let writer = LogWriter(descriptor: pipe.writer)
        let logger = Logger(write: { writer.write($0) })
        for number in 0..<100 { logger.info("line \(number)") }
        writer.close(within: .seconds(30))
        pipe.closeWriter()
        let lines = await text.value.split(separator: "\n")
        #expect(lines.count == 100)
        for (number, line) in lines.enumerated() {
            #expect(line.hasSuffix("\"message\":\"line \(number)\"}"))
        }
    }

    @Test func `when nobody reads, access lines go first, and what went is told`() async {
        let pipe = Pipe()
        let metrics = Metrics()
        let writer = LogWriter(descriptor: pipe.writer, capacityBytes: 20_000, metrics: metrics)
        // Far more than a pipe holds, so that the thread hangs in its write.
        let filler = String(repeating: "x", count: 900)
        for _ in 0..<1000 { writer.write(line("info", filler)) }
        for number in 0..<5 { writer.write(line("error", "kept \(number)")) }
        let text = pipe.readAll()
        writer.flush(within: .seconds(30))
        writer.write(line("info", "after"))
        writer.close(within: .seconds(30))
        pipe.closeWriter()
        let written = await text.value
        for number in 0..<5 { #expect(written.contains("\"kept \(number)\"")) }
        #expect(written.contains("\"message\":\"after\""))
        #expect(written.contains("\"message\":\"log lines dropped\",\"lines\":"))
        let counter = metrics.counter("grapevine_log_lines_dropped_total", help: "")
        let lines = written.split(separator: "\n").count { $0.contains("xxx") }
        #expect(counter.value == 1000 - lines && lines > 0)
    }
}
