/// Password hashes with scrypt, written as `$scrypt$ln=15,r=8,p=3$salt$hash`.
///
/// The parameters travel with the hash, so they can be raised without locking anybody out.
package enum PasswordHash {
    /// The longest password that is looked at, in UTF-8 bytes; longer ones are refused unhashed.
    package static let maximumPasswordByteCount = 1024

    private static let saltByteCount = 16
    private static let hashByteCount = 32

    /// Hashes with a fresh salt, on a thread of its own, about a tenth of a second.
    ///
    /// Throws `.busy` when too many wait and `.invalidKey` for an empty or overlong password.
    package static func hash(_ password: String) async throws(SecurityError) -> String {
        let cost = ScryptCost.standard
        guard let bytes = usable(password) else { throw .invalidKey }
        let salt = SecureRandom.bytes(saltByteCount)
        let derived = try await PasswordWorkers.shared.run {
            cost.derive(password: bytes, salt: salt, byteCount: hashByteCount)
        }
        guard let derived else { throw .libraryFailure }
        return StoredHash(cost: cost, salt: salt, hash: derived).description
    }

    /// Whether the password made this hash. False for a malformed hash; throws only `.busy`.
    package static func verify(
        _ password: String, against stored: String
    ) async throws(SecurityError) -> Bool {
        guard let bytes = usable(password), let stored = StoredHash(stored) else { return false }
        let derived = try await PasswordWorkers.shared.run {
            stored.cost.derive(
                password: bytes, salt: stored.salt, byteCount: stored.hash.count)
        }
        return derived.map { Digest.constantTimeEquals($0, stored.hash) } ?? false
    }

    /// Whether a hash was made with other parameters than today's and should be made anew at the
    /// next sign-in.
    package static func needsRehash(_ stored: String) -> Bool {
        StoredHash(stored)?.cost != .standard
    }

    private static func usable(_ password: String) -> [UInt8]? {
        let bytes = Array(password.utf8)
        return (1...maximumPasswordByteCount).contains(bytes.count) ? bytes : nil
    }
}

/// The written form of a hash, as the PHC string format has it for scrypt.
struct StoredHash: Sendable, CustomStringConvertible {
    let cost: ScryptCost
    let salt: [UInt8]
    let hash: [UInt8]

    init(cost: ScryptCost, salt: [UInt8], hash: [UInt8]) {
        self.cost = cost
        self.salt = salt
        self.hash = hash
    }

    init?(_ text: String) {
        let fields = text.split(separator: "$", omittingEmptySubsequences: false)
        guard text.utf8.count <= 512, fields.count == 5, fields[0].isEmpty, fields[1] == "scrypt",
            let cost = Self.cost(fields[2]), cost.isAcceptable,
            let salt = Base64Text.standard.decode(Array(fields[3].utf8)),
            let hash = Base64Text.standard.decode(Array(fields[4].utf8)),
            (8...64).contains(salt.count), (16...64).contains(hash.count)
        else { return nil }
        self.init(cost: cost, salt: salt, hash: hash)
    }

    var description: String {
        let parameters = "ln=\(cost.logarithm),r=\(cost.blockSize),p=\(cost.parallelism)"
        let base64 = Base64Text.standard
        return "$scrypt$\(parameters)$\(base64.encode(salt))$\(base64.encode(hash))"
    }

    private static func cost(_ text: Substring) -> ScryptCost? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 3, let logarithm = value(parts[0], "ln="),
            let blockSize = value(parts[1], "r="), let parallelism = value(parts[2], "p=")
        else { return nil }
        return ScryptCost(logarithm: logarithm, blockSize: blockSize, parallelism: parallelism)
    }

    private static func value(_ text: Substring, _ prefix: String) -> Int? {
        guard text.hasPrefix(prefix), text.utf8.count <= prefix.utf8.count + 2 else { return nil }
        return Int(text.dropFirst(prefix.count))
    }
}
