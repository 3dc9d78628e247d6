import HTTPKit
import Kernel

/// What was found out of an event: members of its context, written as they are stored.
///
/// All but the time is often the same for the next event of a batch.
struct Findings: Sendable {
    /// Each member with a comma before it.
    fileprivate private(set) var written: [UInt8] = []
    /// Where in it the time of the event belongs.
    fileprivate private(set) var timePlace: Int?

    mutating func add(_ name: String, _ value: EncodedJSON) {
        append(name)
        written += value.bytes
    }

    /// Adds an object of these members.
    mutating func add(_ name: String, _ members: [EncodedJSON.Member]) {
        append(name)
        EncodedJSON.append(members, to: &written)
    }

    /// Adds an object that begins with the time of the event.
    mutating func add(_ name: String, at timeName: String, _ members: [EncodedJSON.Member]) {
        append(name)
        written.append("{")
        JSONText.append(timeName, to: &written)
        written.append(#":""#)
        timePlace = written.count
        written.append("\"")
        for member in members {
            append(member.name)
            written += member.value.bytes
        }
        written.append("}")
    }

    private mutating func append(_ name: String) {
        if written.isEmpty { written.reserveCapacity(768) }
        written.append(",")
        JSONText.append(name, to: &written)
        written.append(":")
    }
}

/// An event's context as it is stored: what its sender told, and what was found out.
struct StoredContext: Sendable {
    /// The object without the time of the event.
    private let written: [UInt8]
    /// Where in it the time belongs.
    private let timePlace: Int?
    /// How many of its bytes its sender did not send, about.
    let addedByteCount: Int

    init(told: [EncodedJSON.Member], _ findings: Findings = Findings()) {
        var written: [UInt8] = []
        // The sender's members are mostly larger than that, and the array grows once.
        written.reserveCapacity(findings.written.count + 512)
        written.append("{")
        EncodedJSON.appendMembers(told, to: &written)
        let start = findings.written.startIndex + (told.isEmpty ? 1 : 0)
        timePlace = findings.timePlace.map { written.count + $0 - start }
        written += findings.written.dropFirst(start)
        written.append("}")
        self.written = written
        addedByteCount = findings.written.count
    }

    var isEmpty: Bool { written.count == "{}".utf8.count }

    /// Appends the object.
    ///
    /// - Parameter time: when the event happened.
    func append(to bytes: inout [UInt8], time: String) {
        guard let timePlace else {
            bytes += written
            return
        }
        bytes += written[..<timePlace]
        bytes += time.utf8
        bytes += written[timePlace...]
    }
}

extension Enricher {
    /// What was found out of the last event, for those that say the same of all that it was found
    /// by.
    struct Memory {
        /// What findings rest on besides the context and the request.
        struct Clues: Equatable {
            let isServers: Bool
            /// What a server tells of the device.
            let address: String?
            /// Whose day makes a session.
            let visitor: String?
            let day: Int64
        }

        private var told: [EncodedJSON.Member] = []
        private var clues: Clues?
        private var findings = Findings()
        private var stored = StoredContext(told: [])
        var visits = Visit.Memory()

        /// Nil when the last event was another in what counts.
        func context(_ told: [EncodedJSON.Member], _ clues: Clues) -> StoredContext? {
            guard clues == self.clues else { return nil }
            // Taken over from one event to the next.
            if told.span.isIdentical(to: self.told.span) { return stored }
            guard ToldContext.isSame(told, self.told, in: Enricher.sources) else { return nil }
            return StoredContext(told: told, findings)
        }

        /// Gives the context with what was found out.
        mutating func keep(
            _ findings: Findings, of told: [EncodedJSON.Member], _ clues: Clues
        ) -> StoredContext {
            self.told = told
            self.clues = clues
            self.findings = findings
            stored = StoredContext(told: told, findings)
            return stored
        }
    }

    /// The members of a context that findings rest on.
    private static let sources = Visit.sources.union([
        "user_agent", "userAgent", "session_id", "sessionId", "first_touch",
    ])
}
