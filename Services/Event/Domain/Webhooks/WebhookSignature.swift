import Kernel
import SecurityKit

/// Whether a webhook was signed with a secret of its source. Looks at bytes only: nothing of a
/// body is parsed before.
enum WebhookSignature {
    /// How far a signed time may be from ours, both ways.
    static let tolerance: Duration = .seconds(300)
    /// A sender that changes its secret signs with two.
    private static let maximumSignatures = 20

    /// - Parameter keys: what HMACs may be keyed with, at least one.
    static func isValid(
        _ webhook: ReceivedWebhook, _ settings: WebhookSettings, keys: [[UInt8]]
    ) -> Bool {
        switch settings {
        case .shopify: shopify(webhook, keys)
        case .stripe: stripe(webhook, keys)
        case .custom(let settings):
            switch settings.signature.scheme {
            case .standard: standard(webhook, keys)
            case .hmac: plain(webhook, settings.signature, keys)
            }
        }
    }

    private static func shopify(_ webhook: ReceivedWebhook, _ keys: [[UInt8]]) -> Bool {
        guard let text = webhook.header("X-Shopify-Hmac-Sha256"), let code = Base64.decode(text)
        else { return false }
        return matches([code], webhook.body, keys)
    }

    /// `t=1492774577,v1=5257…,v1=…`; other schemes are passed over.
    private static func stripe(_ webhook: ReceivedWebhook, _ keys: [[UInt8]]) -> Bool {
        guard let header = webhook.header("Stripe-Signature"), header.utf8.count <= 4096 else {
            return false
        }
        var times: [String] = []
        var codes: [[UInt8]] = []
        for part in header.split(separator: ",") {
            let pair = part.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
            guard pair.count == 2 else { continue }
            if pair[0] == "t" { times.append(pair[1]) }
            if pair[0] == "v1", let code = Hex.decode(pair[1]) { codes.append(code) }
        }
        guard times.count == 1, isRecent(times[0], webhook.receivedAt) else { return false }
        return matches(codes, Array("\(times[0]).".utf8) + webhook.body, keys)
    }

    /// `v1,base64` with blanks between; other versions are passed over.
    private static func standard(_ webhook: ReceivedWebhook, _ keys: [[UInt8]]) -> Bool {
        guard let id = webhook.header("webhook-id"), id.utf8.count <= 200,
            let time = webhook.header("webhook-timestamp"),
            let header = webhook.header("webhook-signature"), header.utf8.count <= 4096,
            isRecent(time, webhook.receivedAt)
        else { return false }
        let codes = header.split(separator: " ").compactMap { part -> [UInt8]? in
            guard part.hasPrefix("v1,") else { return nil }
            let text = part.dropFirst(3)
            let padding = text.hasSuffix("=") ? 0 : (4 - text.utf8.count % 4) % 4
            return Base64.decode(text + String(repeating: "=", count: padding))
        }
        return matches(codes, Array("\(id).\(time).".utf8) + webhook.body, keys)
    }

    private static func plain(
        _ webhook: ReceivedWebhook, _ signature: CustomSignature, _ keys: [[UInt8]]
    ) -> Bool {
        guard let header = signature.header, let text = webhook.header(header),
            text.hasPrefix(signature.prefix ?? "")
        else { return false }
        let written = String(text.dropFirst((signature.prefix ?? "").count))
        let code =
            signature.encoding == .base64 ? Base64.decode(written) : Hex.decode(written)
        return code.map { matches([$0], webhook.body, keys) } ?? false
    }

    /// Whether any code is that of the message under any key. Compares each with each, whatever
    /// was found already.
    private static func matches(
        _ codes: [[UInt8]], _ message: [UInt8], _ keys: [[UInt8]]
    ) -> Bool {
        var isMatch = false
        for key in keys {
            let wanted = Digest.hmacSHA256(key: key, message: message)
            for code in codes.prefix(maximumSignatures) {
                let isEqual = Digest.constantTimeEquals(code, wanted)
                isMatch = isEqual || isMatch
            }
        }
        return isMatch
    }

    private static func isRecent(_ text: String, _ now: Timestamp) -> Bool {
        guard (1...12).contains(text.utf8.count),
            text.utf8.allSatisfy({ (48...57).contains($0) }), let seconds = Int(text),
            let time = Timestamp(unixSeconds: seconds)
        else { return false }
        let distance = now - time
        return distance <= tolerance && distance >= .zero - tolerance
    }
}

/// The rules for secrets, by kind.
enum WebhookSourceSecret {
    /// Bytes of a secret that somebody else made.
    static let lengths = 16...256

    /// A new secret, where the sender takes one from us.
    static func generate(_ settings: WebhookSettings) -> String? {
        guard case .custom(let settings) = settings else { return nil }
        switch settings.signature.scheme {
        case .standard: return WebhookSecret.generate().text
        case .hmac: return Hex.encode(SecureRandom.bytes(32))
        }
    }

    /// What is wrong with a given secret, as a sentence; nil when it can be used.
    static func problem(_ text: String, _ settings: WebhookSettings) -> String? {
        guard lengths.contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            return "A secret has \(lengths.lowerBound) to \(lengths.upperBound) printable ASCII "
                + "characters without blanks."
        }
        switch settings {
        case .stripe where !text.hasPrefix("whsec_"):
            return "Use the endpoint's signing secret, which begins with whsec_."
        case .custom(let settings)
        where settings.signature.scheme == .standard && WebhookSecret(text: text) == nil:
            return "Use whsec_ and 24 to 64 bytes in base64."
        default: return nil
        }
    }

    /// What HMACs are keyed with: the text itself, except where it encodes bytes.
    static func key(_ text: String, _ settings: WebhookSettings) -> [UInt8] {
        if case .custom(let settings) = settings, settings.signature.scheme == .standard,
            let secret = WebhookSecret(text: text)
        {
            return secret.bytes
        }
        return Array(text.utf8)
    }
}
