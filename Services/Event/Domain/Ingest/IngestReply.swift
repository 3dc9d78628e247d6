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

    private var status: String {
        switch self {
        case .logged(_, .accepted): "accepted"
        case .logged(_, .duplicate), .logged(_, .repeated): "duplicate"
        case .logged(_, .conflict): "conflict"
        case .rejected: "rejected"
        }
    }

    fileprivate var json: String {
        var members = [#""status":"\#(status)""#]
        switch self {
        case .logged(let eventID, let outcome):
            members.insert(#""event_id":\#(JSONText.quoted(eventID))"#, at: 0)
            if case .repeated = outcome {
                members.append(#""code":"interaction_repeated""#)
                members.append(
                    #""detail":"The same was done within the window, and counted then.""#)
            }
            if case .conflict = outcome {
                members.append(#""code":"event_id_conflict""#)
                members.append(
                    #""detail":"Another event with this id was sent before, and stands.""#)
            }
        case .rejected(let eventID, let rejection):
            members.insert(
                #""event_id":\#(eventID.map(JSONText.quoted) ?? "null")"#, at: 0)
            members.append(#""code":"\#(rejection.code)""#)
            members.append(#""detail":\#(JSONText.quoted(rejection.detail))"#)
            members.append(#""pointer":\#(JSONText.quoted(rejection.pointer))"#)
        }
        return "{\(members.joined(separator: ","))}"
    }
}

/// The body of the answer to a batch: counts, and one result per event in the order sent.
enum IngestReply {
    /// What was not taken of a batch, each with its place in it.
    static func refused(_ results: [IngestResult]) -> [String] {
        results.enumerated().compactMap { index, result in
            guard case .rejected = result else { return nil }
            return #"{"index":\#(index),"# + result.json.dropFirst()
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
        var text = #"{"accepted":\#(counts.accepted),"duplicate":\#(counts.duplicate),"#
        text += #""rejected":\#(counts.rejected),"results":["#
        text += results.map(\.json).joined(separator: ",")
        return Array((text + "]}").utf8)
    }
}
