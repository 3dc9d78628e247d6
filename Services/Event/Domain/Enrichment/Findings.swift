import HTTPKit
import Kernel

/// What was found out of an event: members of its context, written as they are stored.
///
/// All but the time is often the same for the next event of a batch.
struct Findings: Sendable {
    /// Each member with a comma before it.
    private var written: [UInt8] = []
    /// Where in it the time of the event belongs.
    private var timePlace: Int?

    var isEmpty: Bool { written.isEmpty }
    /// About as many bytes as are appended.
    var byteCount: Int { written.count + 24 }

    mutating func add(_ name: String, _ value: EncodedJSON) {
        append(name)
        written += value.bytes
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
        written.append(",")
        JSONText.append(name, to: &written)
        written.append(":")
    }

    /// Appends the members, the first of an object or behind others of it.
    func append(to bytes: inout [UInt8], isFirst: Bool, time: String) {
        let members = isFirst ? written.dropFirst() : written[...]
        guard let timePlace else {
            bytes += members
            return
        }
        bytes += members[..<timePlace]
        bytes += time.utf8
        bytes += members[timePlace...]
    }
}

/// An event's context as it is stored: what its sender told, and what was found out.
struct StoredContext: Sendable {
    let told: [EncodedJSON.Member]
    var findings = Findings()

    var isEmpty: Bool { told.isEmpty && findings.isEmpty }

    /// Appends the object.
    ///
    /// - Parameter time: when the event happened.
    func append(to bytes: inout [UInt8], time: String) {
        bytes.append("{")
        EncodedJSON.appendMembers(told, to: &bytes)
        if !findings.isEmpty { findings.append(to: &bytes, isFirst: told.isEmpty, time: time) }
        bytes.append("}")
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
        var visits = Visit.Memory()

        /// Nil when the last event was another in what counts.
        func findings(_ told: [EncodedJSON.Member], _ clues: Clues) -> Findings? {
            guard clues == self.clues, ToldContext.isSame(told, self.told, in: Enricher.sources)
            else { return nil }
            return findings
        }

        mutating func keep(
            _ findings: Findings, of told: [EncodedJSON.Member], _ clues: Clues
        ) {
            self.told = told
            self.clues = clues
            self.findings = findings
        }
    }

    /// The members of a context that findings rest on.
    private static let sources = Visit.sources.union([
        "user_agent", "userAgent", "session_id", "sessionId", "first_touch",
    ])
}
