import Testing

/// Dependencies point down only, and the compiler cannot see all of that.
@Suite struct ImportTests {
    /// The one kit that may import each C library.
    static let ownerOfLibrary = [
        "CLibpq": "PostgresKit", "CHiredis": "RedisKit", "COpenSSL": "SecurityKit",
        "CLibcurl": "HTTPKit", "CMicrohttpd": "HTTPKit", "CSimdjson": "HTTPKit",
        "CWslay": "HTTPKit", "CZlib": "HTTPKit",
    ]

    /// The system and the toolchain.
    static let platform: Set<String> = [
        "FoundationEssentials", "Synchronization", "Dispatch", "Glibc", "Darwin",
    ]

    static let kits: [String: Set<String>] = [
        "Kernel": [],
        "SecurityKit": ["Kernel"],
        "HTTPKit": ["Kernel", "SecurityKit"],
        "PostgresKit": ["Kernel"],
        "RedisKit": ["Kernel"],
        "ClickHouseKit": ["Kernel", "HTTPKit"],
        "Contracts": ["Kernel", "HTTPKit"],
        "MessagingKit": ["Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit"],
        "DurableKit": ["Kernel", "PostgresKit"],
        "ServiceKit": [
            "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit",
            "MessagingKit",
        ],
        "TestKit": [
            "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "ClickHouseKit",
            "SecurityKit", "Testing", "Foundation",
        ],
    ]

    static let services: Set<String> = [
        "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "ClickHouseKit",
        "SecurityKit", "MessagingKit", "DurableKit", "ServiceKit",
    ]

    @Test func `a kit imports only what lies below it`() throws {
        for file in try SourceTree.swift(below: ["Shared"]) {
            guard let kit = file.folders.dropFirst().first, let below = Self.kits[kit] else {
                continue
            }
            for module in file.imports {
                let isAllowed =
                    below.contains(module) || Self.platform.contains(module)
                    || Self.ownerOfLibrary[module] == kit
                #expect(isAllowed, "\(file) imports \(module)")
            }
        }
    }

    @Test func `a service imports kits and contracts, never a C library or another service`() throws
    {
        for file in try SourceTree.swift(below: ["Services"]) {
            guard let name = file.folders.dropFirst().first else { continue }
            let isMain = file.folders.last == "Run"
            for module in file.imports {
                let isAllowed =
                    Self.services.contains(module) || Self.platform.contains(module)
                    || (isMain && module == "\(name)Service")
                #expect(isAllowed, "\(file) imports \(module)")
            }
        }
    }

    /// SecurityKit only computes.
    @Test func `rules do no input or output`() throws {
        let allowed: Set<String> = ["Kernel", "Contracts", "SecurityKit", "FoundationEssentials"]
        for file in try SourceTree.swift(below: ["Services"]) where file.folders.contains("Domain")
        {
            // Ingestion is measured in megabytes per second: it reads JSON as slices of its bytes.
            let readsSlices = file.path.hasPrefix("Services/Event/Domain/")
            for module in file.imports {
                let isAllowed = allowed.contains(module) || (readsSlices && module == "HTTPKit")
                #expect(isAllowed, "\(file) imports \(module)")
            }
        }
    }

    @Test func `only tests import Foundation as a whole`() throws {
        for file in try SourceTree.swift(below: ["Services", "Shared"])
        where !file.path.hasPrefix("Shared/TestKit/") {
            let large = file.imports.filter {
                $0.hasPrefix("Foundation") && $0 != "FoundationEssentials"
            }
            #expect(large.isEmpty, "\(file) imports \(large.joined(separator: ", "))")
        }
    }

    @Test func `imports are read whatever stands before them`() {
        let file = SourceFile(
            path: "x.swift",
            text: """
                // import Nothing
                import Kernel
                package import HTTPKit
                @testable import struct PostgresKit.Row
                let text = "import Foundation"
                """)
        #expect(file.imports == ["Kernel", "HTTPKit", "PostgresKit"])
    }
}
