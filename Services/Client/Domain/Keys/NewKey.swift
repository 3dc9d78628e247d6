import Contracts
import Kernel

/// What the creator of a key says.
struct NewKey: Sendable, Decodable {
    static let maximumOrigins = 20
    static let maximumScopes = 50

    let kind: APIKeyKind
    let name: String
    let origins: [String]
    let scopes: [String]

    private enum CodingKeys: String, CodingKey { case kind, name, origins, scopes }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        kind = try container.decode(APIKeyKind.self, forKey: .kind)
        name = try container.decode(String.self, forKey: .name)
        origins =
            try container.decodeIfPresent([String].self, forKey: .origins)?
            .map { $0.lowercased() } ?? []
        scopes = try container.decodeIfPresent([String].self, forKey: .scopes) ?? []
    }

    /// Everything that is wrong with it.
    var problems: [Problem.FieldError] { nameProblems + originProblems + scopeProblems }

    /// A credential with scopes gives at most those; one without has all.
    func isWithin(_ scopes: Set<String>) -> Bool {
        scopes.isEmpty || !self.scopes.isEmpty && scopes.isSuperset(of: self.scopes)
    }

    private var nameProblems: [Problem.FieldError] {
        TextRule.isLine(name, maximum: 100)
            ? []
            : [
                .init(
                    pointer: "/name", code: "invalid_name",
                    detail: "Use a name of 1 to 100 characters on one line.")
            ]
    }

    private var originProblems: [Problem.FieldError] {
        guard origins.isEmpty || kind == .publishable else {
            return [
                .init(
                    pointer: "/origins", code: "not_for_secret_keys",
                    detail: "Only publishable keys are bound to web origins.")
            ]
        }
        guard origins.count <= Self.maximumOrigins else {
            return [
                .init(
                    pointer: "/origins", code: "too_many",
                    detail: "Name at most \(Self.maximumOrigins) origins.")
            ]
        }
        return origins.enumerated().filter { !Self.isOrigin($0.element) }.map {
            .init(
                pointer: "/origins/\($0.offset)", code: "invalid_origin",
                detail: "Write scheme and host, such as https://shop.example, without a path.")
        }
    }

    private var scopeProblems: [Problem.FieldError] {
        guard scopes.count <= Self.maximumScopes else {
            return [
                .init(
                    pointer: "/scopes", code: "too_many",
                    detail: "Name at most \(Self.maximumScopes) scopes.")
            ]
        }
        return scopes.enumerated().filter { !Self.isScope($0.element) }.map {
            .init(
                pointer: "/scopes/\($0.offset)", code: "invalid_scope",
                detail: "Use 1 to 100 of a–z, 0–9 and _ . : - for a scope.")
        }
    }

    /// `http` or `https`, a host, perhaps a port: what a browser sends as `Origin` (RFC 6454 §7).
    static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix),
            text.utf8.count <= 300
        else { return false }
        var host = text.dropFirst(scheme.count)[...]
        if let colon = host.lastIndex(of: ":") {
            let port = host[host.index(after: colon)...]
            guard (1...5).contains(port.utf8.count),
                port.utf8.allSatisfy({ (48...57).contains($0) }),
                let number = Int(port), (1...65_535).contains(number)
            else { return false }
            host = host[..<colon]
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.utf8.allSatisfy {
                    (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-")
                }
        }
    }

    private static func isScope(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || "_.:-".utf8.contains($0)
            }
    }
}
