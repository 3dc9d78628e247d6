import Contracts
import Kernel
import Synchronization

/// The templates in force, read and compiled. A version never changes, so it is compiled once.
final class PublishedTemplates: Sendable {
    private static let maximumKept = 1000

    private struct Name: Hashable {
        let client: ClientID?
        let key: String
        let version: Int
    }

    private let store: TemplateStore
    private let kept = Mutex<[Name: CompiledTemplate]>([:])

    init(store: TemplateStore) { self.store = store }

    /// The client's published version, else the built-in one (version 0); nil for neither.
    func find(
        _ key: String, of client: ClientID
    ) async throws -> (version: Int, template: CompiledTemplate)? {
        guard TemplateKey.isValid(key) else { return nil }
        guard let version = try await store.publishedVersion(key, of: client) else {
            guard let content = BuiltInTemplates.content(key) else { return nil }
            let name = Name(client: nil, key: key, version: 0)
            return (0, try compiled(name, content))
        }
        let name = Name(client: client, key: key, version: version)
        if let template = kept.withLock({ $0[name] }) { return (version, template) }
        guard let stored = try await store.version(version, key, of: client) else { return nil }
        return (version, try compiled(name, stored.content))
    }

    private func compiled(_ name: Name, _ content: TemplateContent) throws -> CompiledTemplate {
        if let template = kept.withLock({ $0[name] }) { return template }
        let template = try CompiledTemplate(content)
        kept.withLock { kept in
            if kept.count >= Self.maximumKept { kept.removeAll() }
            kept[name] = template
        }
        return template
    }
}
