import Foundation
import HTTPKit
import PostgresKit
import RedisKit
import SecurityKit
import Testing

/// A misspelt feature is ignored in silence, so each is asked for from inside the compiler. One
/// loop in Package.swift gives every target the same settings, so this target speaks for all.
@Suite struct SettingsTests {
    @Test func `the compiler speaks Swift 6`() {
        #if swift(>=6)
        #else
        Issue.record("not in Swift 6 mode")
        #endif
    }

    @Test func `an existential is spelt with any`() {
        #if !hasFeature(ExistentialAny)
        Issue.record("ExistentialAny is off")
        #endif
    }

    @Test func `a member is seen only where its module is imported`() {
        #if !hasFeature(MemberImportVisibility)
        Issue.record("MemberImportVisibility is off")
        #endif
    }

    @Test func `an import is internal unless it says otherwise`() {
        #if !hasFeature(InternalImportsByDefault)
        Issue.record("InternalImportsByDefault is off")
        #endif
    }

    @Test func `an async function stays where its caller is`() {
        #if !hasFeature(NonisolatedNonsendingByDefault)
        Issue.record("NonisolatedNonsendingByDefault is off")
        #endif
    }

    @Test func `the kits over C mark every unsafe step`() {
        #expect(SecurityKitCompilerSettings.strictMemorySafety)
        #expect(HTTPKitCompilerSettings.strictMemorySafety)
        #expect(PostgresKitCompilerSettings.strictMemorySafety)
        #expect(RedisKitCompilerSettings.strictMemorySafety)
    }

    @Test func `a warning is an error`() throws {
        let url = SourceTree.root.appending(path: "Package.swift")
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(text.contains(".treatAllWarnings(as: .error)"))
        #expect(text.contains("for target in package.targets"))
    }
}
