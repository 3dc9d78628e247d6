import Contracts
import Kernel

/// A person who acts for a client, without the password's hash.
struct Member: Sendable, Hashable, Codable {
    /// The most members that one client may have at a time.
    static let maximumPerClient = 100

    let memberID: MemberID
    let clientID: ClientID
    let email: String
    let name: String
    let role: MemberRole
    let createdBy: String
    let createdAt: Timestamp
    let removedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case email, name, role
        case memberID = "member_id"
        case clientID = "client_id"
        case createdBy = "created_by"
        case createdAt = "created_at"
        case removedAt = "removed_at"
    }

    /// Null while the person is a member, so that a reader sees the field.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(memberID, forKey: .memberID)
        try container.encode(clientID, forKey: .clientID)
        try container.encode(email, forKey: .email)
        try container.encode(name, forKey: .name)
        try container.encode(role, forKey: .role)
        try container.encode(createdBy, forKey: .createdBy)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(removedAt, forKey: .removedAt)
    }

    /// The id of the message that tells of the removal.
    var removalMessageID: String { "\(memberID)/removed" }
}

/// What staff say of a new member.
struct NewMember: Sendable, Decodable {
    /// Short passwords are found by trying, whatever characters they have.
    static let minimumPasswordLength = 12
    static let maximumPasswordBytes = 1024

    /// As it was sent.
    let email: String
    let name: String
    let password: String
    let role: MemberRole

    private enum CodingKeys: String, CodingKey { case email, name, password, role }

    init(email: String, name: String, password: String, role: MemberRole = .owner) {
        self.email = email
        self.name = name
        self.password = password
        self.role = role
    }

    /// Everything that is wrong with it.
    var problems: [Problem.FieldError] {
        var problems: [Problem.FieldError] = []
        if EmailAddress(email) == nil {
            problems.append(
                .init(
                    pointer: "/email", code: "invalid_email",
                    detail: "Use an e-mail address such as ada@shop.example."))
        }
        if !TextRule.isLine(name, maximum: 200) {
            problems.append(
                .init(
                    pointer: "/name", code: "invalid_name",
                    detail: "Use a name of 1 to 200 characters on one line."))
        }
        if password.count < Self.minimumPasswordLength
            || password.utf8.count > Self.maximumPasswordBytes
        {
            problems.append(
                .init(
                    pointer: "/password", code: "invalid_password",
                    detail: "Use a password of at least \(Self.minimumPasswordLength) characters "
                        + "and at most \(Self.maximumPasswordBytes) bytes."))
        }
        return problems
    }
}

/// An e-mail address in the one way of writing it that is stored and compared.
struct EmailAddress: Sendable, Hashable {
    /// Lower case, without white space around it.
    let text: String

    /// Nil for what is no address: printable ASCII, one `@` with something on both sides, at most
    /// 254 bytes. Whether mail arrives there is not looked at.
    init?(_ written: String) {
        var words = written.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 1, let word = words.popLast() else { return nil }
        let text = word.lowercased()
        guard text.utf8.count <= 254, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count),
            parts[1].split(separator: ".", omittingEmptySubsequences: false)
                .allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.text = text
    }
}
