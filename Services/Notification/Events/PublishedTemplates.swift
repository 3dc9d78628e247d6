import Contracts
import Kernel
import Synchronization

/// The templates in force, read and compiled. A version never changes, so it is compiled once;
/// which one is in force is remembered for a moment.
final class PublishedTemplates: Sendable {
    private static let maximumKept = 1000

    private struct Name: Hashable {
        let client: ClientID
        let key: String
    }

    private struct Version: Hashable {
        /// Nil for the built-in ones.
        let client: ClientID?
        let key: String
        let version: Int
    }

    private struct State {
        var compiled: [Version: CompiledTemplate] = [:]
        /// Nil for a template that the client has not published.
        var inForce: [Name: (version: Int?, readAt: ContinuousClock.Instant)] = [:]
        /// Grows when something is forgotten: what was read before may be old.
        var forgotten = 0
    }

    private let store: TemplateStore
    /// How long another replica's publication may go unnoticed here; this replica's own are seen
    /// at once.
    private let maximumAge: Duration
    private let state = Mutex(State())

    init(store: TemplateStore, maximumAge: Duration = .seconds(5)) {
        self.store = store
        self.maximumAge = maximumAge
    }

    /// The client's published version, else the built-in one (version 0); nil for neither.
    func find(
        _ key: String, of client: ClientID
    ) async throws -> (version: Int, template: CompiledTemplate)? {
        guard TemplateKey.isValid(key) else { return nil }
        guard let version = try await publishedVersion(Name(client: client, key: key)) else {
            guard let content = BuiltInTemplates.content(key) else { return nil }
            return (0, try compiled(Version(client: nil, key: key, version: 0), content))
        }
        let name = Version(client: client, key: key, version: version)
        if let template = state.withLock({ $0.compiled[name] }) { return (version, template) }
        guard let stored = try await store.version(version, key, of: client) else { return nil }
        return (version, try compiled(name, stored.content))
    }

    /// Another version may be in force from now on. Call it after the commit.
    func forget(_ key: String, of client: ClientID) {
        state.withLock { state in
            state.inForce[Name(client: client, key: key)] = nil
            state.forgotten += 1
        }
    }

    private func publishedVersion(_ name: Name) async throws -> Int? {
        let now = ContinuousClock.now
        let (known, forgotten) = state.withLock { ($0.inForce[name], $0.forgotten) }
        if let known, known.readAt.duration(to: now) < maximumAge { return known.version }
        let version = try await store.publishedVersion(name.key, of: name.client)
        state.withLock { state in
            guard state.forgotten == forgotten else { return }
            if state.inForce.count >= Self.maximumKept { state.inForce.removeAll() }
            state.inForce[name] = (version, now)
        }
        return version
    }

    private func compiled(
        _ name: Version, _ content: TemplateContent
    ) throws -> CompiledTemplate {
        if let template = state.withLock({ $0.compiled[name] }) { return template }
        let template = try CompiledTemplate(content)
        state.withLock { state in
            if state.compiled.count >= Self.maximumKept { state.compiled.removeAll() }
            state.compiled[name] = template
        }
        return template
    }
}
