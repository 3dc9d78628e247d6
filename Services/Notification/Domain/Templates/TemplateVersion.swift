import Kernel

/// A template as a list shows it.
struct TemplateSummary: Sendable, Codable {
    let key: String
    /// Nil for a built-in template of which the client has no own.
    let latestVersion: Int?
    /// The version in force; nil while the built-in one, or none, is.
    let publishedVersion: Int?
    let updatedAt: Timestamp?
    /// Whether there is a built-in template of this key, in force while no own one is published.
    let isBuiltIn: Bool

    init(key: String, latestVersion: Int?, publishedVersion: Int?, updatedAt: Timestamp?) {
        self.key = key
        self.latestVersion = latestVersion
        self.publishedVersion = publishedVersion
        self.updatedAt = updatedAt
        isBuiltIn = BuiltInTemplates.keys.contains(key)
    }

    private enum CodingKeys: String, CodingKey {
        case key
        case latestVersion = "latest_version"
        case publishedVersion = "published_version"
        case updatedAt = "updated_at"
        case isBuiltIn = "built_in"
    }
}

/// One version, never changed.
struct TemplateVersion: Sendable, Codable {
    let key: String
    let version: Int
    let content: TemplateContent
    let author: String
    let createdAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case key, version, content, author
        case createdAt = "created_at"
    }
}

/// The names that templates may have.
enum TemplateKey {
    static func isValid(_ text: String) -> Bool {
        (1...50).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
