import HTTPKit
import Kernel
import SecurityKit

/// `X-Grapevine-Signature: t=<unix seconds>,v1=<hex>`: the HMAC-SHA-256 of `<t>.<body>` under the
/// key's secret. Several `v1` may be there, while a sender rotates.
enum BodySignature {
    static let header = "X-Grapevine-Signature"
    /// How far the time may be from ours, both ways. What is sent again within it changes nothing:
    /// the events' ids are known.
    static let tolerance: Duration = .seconds(300)
    private static let maximumBytes = 1024
    private static let maximumSignatures = 5

    /// Throws 401 unless the body was signed, and not long ago.
    static func check(
        _ header: String?, _ body: [UInt8], _ keys: EventSecretKeys, at now: Timestamp
    ) throws(Problem) {
        guard let header else {
            throw .unauthorized(
                "signature_required", "Requests with this key are signed: send '\(Self.header)'.")
        }
        guard header.utf8.count <= maximumBytes, let signature = read(header) else {
            throw .unauthorized(
                "signature_invalid", "Write '\(Self.header): t=<unix seconds>,v1=<hex>'.")
        }
        let message = Array("\(signature.time).".utf8) + body
        var isMatch = false
        // Compares each with each, whatever was found already.
        for key in [keys.current, keys.previous(at: now)].compactMap(\.self) {
            let wanted = Digest.hmacSHA256(key: key, message: message)
            for code in signature.codes {
                let isEqual = Digest.constantTimeEquals(code, wanted)
                isMatch = isEqual || isMatch
            }
        }
        guard isMatch else {
            throw .unauthorized("signature_invalid", "The signature is not that of the body.")
        }
        let distance = now - Timestamp(microseconds: signature.time * 1_000_000)
        guard distance <= tolerance, distance >= .zero - tolerance else {
            throw .unauthorized(
                "signature_expired",
                "The signature is from another time than ours. Sign when you send.")
        }
    }

    private static func read(_ header: String) -> (time: Int64, codes: [[UInt8]])? {
        var time: Int64?
        var codes: [[UInt8]] = []
        for part in header.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
            guard pair.count == 2 else { return nil }
            switch pair[0] {
            case "t":
                guard time == nil, (1...12).contains(pair[1].utf8.count),
                    pair[1].utf8.allSatisfy({ (48...57).contains($0) }),
                    pair[1] == "0"
                        || !pair[1].hasPrefix("0")
                else { return nil }
                time = Int64(pair[1])
            case "v1":
                guard codes.count < maximumSignatures, let code = Hex.decode(pair[1]) else {
                    return nil
                }
                codes.append(code)
            default: continue
            }
        }
        guard let time, !codes.isEmpty else { return nil }
        return (time, codes)
    }
}
