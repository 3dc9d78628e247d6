package import Kernel

/// What a token says (RFC 7519 §4.1). Times are whole seconds on the wire.
package struct JWTClaims: Sendable, Hashable {
    /// Who issued it.
    package var iss: String?
    /// Whom it speaks for; never empty.
    package var sub: String
    /// For whom it is meant; never empty.
    package var aud: [String]
    /// From this instant on it does not count.
    package var exp: Timestamp
    /// Before this instant it does not count.
    package var nbf: Timestamp?
    package var iat: Timestamp?
    package var jti: String?
    /// All other claims.
    package var extra: [String: JSONValue]

    package init(
        iss: String? = nil, sub: String, aud: [String], exp: Timestamp, nbf: Timestamp? = nil,
        iat: Timestamp? = nil, jti: String? = nil, extra: [String: JSONValue] = [:]
    ) {
        self.iss = iss
        self.sub = sub
        self.aud = aud
        self.exp = exp
        self.nbf = nbf
        self.iat = iat
        self.jti = jti
        self.extra = extra
    }

    private static let registered: Set<String> = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti",
    ]

    /// The claims of a payload; nil when a required one is missing or one has the wrong type.
    init?(_ members: [String: JSONValue]) {
        guard let sub = members["sub"]?.string, !sub.isEmpty,
            let aud = Self.audiences(members["aud"]), let exp = Self.time(members["exp"])
        else { return nil }
        self.init(
            sub: sub, aud: aud, exp: exp,
            extra: members.filter { !Self.registered.contains($0.key) })
        if let value = members["iss"] {
            guard let text = value.string else { return nil }
            iss = text
        }
        if let value = members["jti"] {
            guard let text = value.string else { return nil }
            jti = text
        }
        if let value = members["nbf"] {
            guard let time = Self.time(value) else { return nil }
            nbf = time
        }
        if let value = members["iat"] {
            guard let time = Self.time(value) else { return nil }
            iat = time
        }
    }

    /// The payload, registered claims before an equally named one in `extra`.
    var members: [String: JSONValue] {
        var members = extra
        members["iss"] = iss.map { .string($0) }
        members["sub"] = .string(sub)
        members["aud"] = aud.count == 1 ? .string(aud[0]) : .array(aud.map { .string($0) })
        members["exp"] = Self.seconds(exp)
        members["nbf"] = nbf.map(Self.seconds)
        members["iat"] = iat.map(Self.seconds)
        members["jti"] = jti.map { .string($0) }
        return members
    }

    private static func audiences(_ value: JSONValue?) -> [String]? {
        if let one = value?.string { return one.isEmpty ? nil : [one] }
        guard let elements = value?.array, !elements.isEmpty else { return nil }
        let names = elements.compactMap(\.string)
        return names.count == elements.count ? names : nil
    }

    /// Whole seconds only, up to the year 9999: a fraction or exponent is a second way to write a
    /// time that some readers round up.
    private static func time(_ value: JSONValue?) -> Timestamp? {
        guard let seconds = value?.integer, (0...253_402_300_799).contains(seconds) else {
            return nil
        }
        return Timestamp(microseconds: Int64(seconds) * 1_000_000)
    }

    private static func seconds(_ time: Timestamp) -> JSONValue {
        .number(JSONNumber(Int(time.unixSeconds)))
    }
}
