/// One step of a schema: forward only, run once per database, never changed after it was released.
package struct Migration: Sendable, Hashable {
    /// Who owns it (`client`, `messaging`, `durable`); versions count per component.
    package let component: String
    /// 1, 2, 3, … without gaps.
    package let version: Int
    /// `create_clients`.
    package let name: String
    /// One or more statements. No `begin`, no `commit`, nothing that refuses a transaction.
    package let sql: String

    package init(component: String, version: Int, name: String, sql: String) {
        self.component = component
        self.version = version
        self.name = name
        self.sql = sql
    }

    /// From an embedded file: `Migration("client", "V0001_create_clients", PackageResources.…)`.
    /// A name of another form is a programming error.
    package init(_ component: String, _ fileName: String, _ bytes: [UInt8]) {
        let parts = fileName.split(separator: "_", maxSplits: 1)
        guard parts.count == 2, parts[0].first == "V", let version = Int(parts[0].dropFirst())
        else { preconditionFailure("A migration's name looks like V0001_create_clients.") }
        self.init(
            component: component, version: version, name: String(parts[1]),
            sql: String(decoding: bytes, as: UTF8.self))
    }

    /// For messages: `client V0001_create_clients`.
    package var title: String {
        let digits = String(version)
        let padding = String(repeating: "0", count: max(0, 4 - digits.count))
        return "\(component) V\(padding)\(digits)_\(name)"
    }
}
