// swift-tools-version: 6.2
import PackageDescription

// MARK: - Shapes

/// A C library of the system. Only the kit above it may import it.
func library(_ name: String, pkgConfig: String? = nil, package: String) -> Target {
    .systemLibrary(
        name: name, path: "Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// A shared kit; `migrations` embeds its SQL files.
func kit(_ name: String, _ dependencies: [Target.Dependency], migrations: Bool = false) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Shared/\(name)",
        resources: migrations ? [.embedInCode("Store/Migrations")] : [])
}

/// A service's two targets: the library `<Name>Service` and the executable `<name>-service`.
func service(_ name: String) -> [Target] {
    let library = "\(name)Service"
    return [
        .target(
            name: library,
            dependencies: [
                "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit",
                "MessagingKit", "DurableKit", "ServiceKit",
            ] + (name == "Analytics" ? ["ClickHouseKit"] : []),
            path: "Services/\(name)",
            exclude: ["Run", "README.md"],
            resources: [.embedInCode("Store/Migrations"), .embedInCode("openapi.json")]
                + (name == "Event" ? [.embedInCode("Domain/Resources")] : [])),
        .executableTarget(
            name: "\(name.lowercased())-service",
            dependencies: [.byName(name: library), "ServiceKit"],
            path: "Services/\(name)/Run"),
    ]
}

/// Tests of one target, in `Tests/<Target>Tests`.
func tests(_ target: String, _ more: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(target)Tests",
        dependencies: [.byName(name: target), "TestKit"] + (target == "Kernel" ? [] : ["Kernel"])
            + more,
        path: "Tests/\(target)Tests")
}

// MARK: - Targets, from the bottom up

let systemLibraries: [Target] = [
    library("CLibpq", pkgConfig: "libpq", package: "libpq-dev"),
    // Without pkgConfig: SwiftPM warns about its only flag, -D_FILE_OFFSET_BITS=64.
    library("CHiredis", package: "libhiredis-dev"),
    library("CLibcurl", pkgConfig: "libcurl", package: "libcurl4-openssl-dev"),
    library("CMicrohttpd", pkgConfig: "libmicrohttpd", package: "libmicrohttpd-dev"),
    library("COpenSSL", pkgConfig: "libcrypto", package: "libssl-dev"),
    // Debian's package has no pkg-config file.
    library("CWslay", package: "libwslay-dev"),
    library("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
    .target(
        name: "CSimdjson", path: "Shared/CSimdjson",
        linkerSettings: [.linkedLibrary("simdjson")]),
]

let kits: [Target] = [
    kit("Kernel", []),
    kit("SecurityKit", ["Kernel", "COpenSSL"]),
    kit(
        "HTTPKit",
        ["Kernel", "SecurityKit", "CMicrohttpd", "CLibcurl", "CSimdjson", "CWslay", "CZlib"]),
    kit("PostgresKit", ["Kernel", "CLibpq"]),
    kit("RedisKit", ["Kernel", "CHiredis"]),
    kit("ClickHouseKit", ["Kernel", "HTTPKit"]),
    kit("Contracts", ["Kernel", "HTTPKit"]),
    kit(
        "MessagingKit",
        ["Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit"], migrations: true),
    kit("DurableKit", ["Kernel", "PostgresKit"], migrations: true),
    kit(
        "ServiceKit",
        [
            "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit",
            "MessagingKit",
        ],
        migrations: true),
    kit(
        "TestKit",
        [
            "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "ClickHouseKit",
            "SecurityKit",
        ]),
]

let serviceNames = [
    "Analytics",
    "Client",
    "Campaign",
    "Event",
    "Notification",
    "Referral",
    "Reward",
    "Workflow",
]

let testTargets: [Target] =
    [
        tests("Kernel"),
        tests("SecurityKit"),
        tests("HTTPKit"),
        tests("PostgresKit"),
        tests("RedisKit"),
        tests("ClickHouseKit", ["HTTPKit"]),
        tests("MessagingKit", ["PostgresKit", "RedisKit", "HTTPKit", "Contracts"]),
        tests("DurableKit", ["PostgresKit"]),
        tests(
            "ServiceKit",
            ["PostgresKit", "RedisKit", "HTTPKit", "SecurityKit", "Contracts", "MessagingKit"]),
        .testTarget(
            name: "TestKitTests", dependencies: ["TestKit", "Kernel", "PostgresKit", "RedisKit"],
            path: "Tests/TestKitTests"),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "Contracts", "Kernel", "TestKit", "HTTPKit", "SecurityKit", "ServiceKit",
            ] + serviceNames.map { .byName(name: "\($0)Service") },
            path: "Tests/ContractTests"),
        .testTarget(
            name: "TidyTests",
            dependencies: ["Kernel", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit"],
            path: "Tests/TidyTests"),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Kernel", "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit",
                "ServiceKit", "TestKit",
            ],
            path: "Tests/IntegrationTests"),
    ]
    + serviceNames.map { name in
        tests(
            "\(name)Service",
            [
                "Contracts", "HTTPKit", "PostgresKit", "RedisKit", "SecurityKit", "MessagingKit",
                "DurableKit", "ServiceKit",
            ] + (name == "Analytics" ? ["ClickHouseKit"] : []))
    }

/// What `deploy/bench` measures with; no service, and not part of what `deploy/up` builds.
let benchmarks: [Target] = [
    .executableTarget(
        name: "grapevine-bench",
        dependencies: [
            "Kernel", "Contracts", "HTTPKit", "PostgresKit", "SecurityKit", "ServiceKit",
        ],
        path: "Tests/Benchmarks/Program")
]

/// What `deploy/fuzz` builds, and nobody else: libFuzzer brings its own main.
let fuzzing: [Target] =
    Context.environment["GRAPEVINE_FUZZ"] == nil
    ? []
    : [
        .executableTarget(
            name: "event-fuzz",
            dependencies: ["EventService", "Contracts", "HTTPKit", "Kernel"],
            path: "Tests/Fuzzing/Program")
    ]

let package = Package(
    name: "grapevine",
    targets: systemLibraries + kits + serviceNames.flatMap(service) + benchmarks + fuzzing
        + testTargets,
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

// MARK: - Settings, the strictest there are, once for all

/// Kits that hold pointers of a C library: every unsafe step is marked there.
let kitsOverC: Set<String> = ["SecurityKit", "HTTPKit", "PostgresKit", "RedisKit"]

for target in package.targets where target.type != .system && target.name != "CSimdjson" {
    var settings: [SwiftSetting] = [
        .treatAllWarnings(as: .error),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
        .enableUpcomingFeature("ExistentialAny"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
        .enableUpcomingFeature("MemberImportVisibility"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
        .enableUpcomingFeature("InternalImportsByDefault"),
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0461-async-function-isolation.md
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    if kitsOverC.contains(target.name) {
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
        settings.append(.strictMemorySafety())
    }
    target.swiftSettings = settings
}
