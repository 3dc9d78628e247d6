import Kernel

/// What became of one event of a batch, as the sender is told.
enum IngestResult: Sendable {
    case logged(eventID: String, AppendOutcome)
    /// `eventID` when it could be read.
    case rejected(eventID: String?, EventRejection)

    /// Why it is not in the log; nil when it is.
    var refusal: (eventID: String?, reason: EventRejection)? {
        switch self {
        case .logged(_, .accepted), .logged(_, .duplicate), .logged(_, .repeated): nil
        case .logged(let eventID, .conflict): (eventID, .conflict)
        case .rejected(let eventID, let rejection): (eventID, rejection)
        }
    }

    private var status: StaticString {
        switch self {
        case .logged(_, .accepted): "accepted"
        case .logged(_, .duplicate), .logged(_, .repeated): "duplicate"
        case .logged(_, .conflict): "conflict"
        case .rejected: "rejected"
        }
    }

    /// Appends the members of its object.
    fileprivate func appendMembers(to bytes: inout [UInt8]) {
        bytes.append(#""event_id":"#)
        switch self {
        case .logged(let eventID, _), .rejected(let eventID?, _):
            JSONText.append(eventID, to: &bytes)
        case .rejected(nil, _): bytes.append("null")
        }
        bytes.append(#","status":""#)
        bytes.append(status)
        bytes.append("\"")
        switch self {
        case .logged(_, .accepted), .logged(_, .duplicate): break
        case .logged(_, .repeated):
            bytes.append(#","code":"interaction_repeated""#)
            bytes.append(#","detail":"The same was done within the window, and counted then.""#)
        case .logged(_, .conflict):
            bytes.append(#","code":"event_id_conflict""#)
            bytes.append(#","detail":"Another event with this id was sent before, and stands.""#)
        case .rejected(_, let rejection):
            bytes += #","code":"\#(rejection.code)","detail":"#.utf8
            JSONText.append(rejection.detail, to: &bytes)
            bytes.append(#","pointer":"#)
            JSONText.append(rejection.pointer, to: &bytes)
        }
    }
}

/// The body of the answer to a batch: counts, and one result per event in the order sent.
enum IngestReply {
    /// What was not taken of a batch, each with its place in it.
    static func refused(_ results: [IngestResult]) -> [String] {
        results.enumerated().compactMap { index, result in
            guard case .rejected = result else { return nil }
            var bytes = Array(#"{"index":\#(index),"#.utf8)
            result.appendMembers(to: &bytes)
            return String(decoding: bytes, as: UTF8.self) + "}"
        }
    }

    static func bytes(_ results: [IngestResult]) -> [UInt8] {
        var counts = (accepted: 0, duplicate: 0, rejected: 0)
        for result in results {
            switch result {
            case .logged(_, .accepted): counts.accepted += 1
            case .logged(_, .duplicate), .logged(_, .repeated): counts.duplicate += 1
            case .logged(_, .conflict), .rejected: counts.rejected += 1
            }
        }
        var bytes: [UInt8] = []
        // An id is mostly a UUID.
        bytes.reserveCapacity(80 + 90 * results.count)
        bytes += #"{"accepted":\#(counts.accepted),"duplicate":\#(counts.duplicate),"#.utf8
        bytes += #""rejected":\#(counts.rejected),"results":["#.utf8
        for (index, result) in results.enumerated() {
            bytes.append(index == 0 ? "{" : ",{")
            result.appendMembers(to: &bytes)
            bytes.append("}")
        }
        bytes.append("]}")
        return bytes
    }
}
