package import Contracts
import HTTPKit
package import Kernel
package import SecurityKit

/// What every service reads from the environment.
package struct CommonConfiguration: Sendable {
    /// The service that reads it.
    package var service: ServiceName
    package var listen: ListenAddress
    package var databaseURL: String
    /// Nil runs without Redis: no limits, and polling instead of wake-ups.
    package var redisURL: String?
    /// Where the other services are; `http://127.0.0.1:<port>` for those not named.
    package var peers: [ServiceName: String]
    /// Signs this service's calls to the others.
    package var serviceKey: Ed25519PrivateKey
    /// Who may call `/internal`.
    package var serviceKeys: [ServiceName: Ed25519PublicKey]
    /// Checks staff tokens; nil refuses every one.
    package var staffSecret: [UInt8]?
    package var staffSecretPrevious: [UInt8]?
    package var logLevel: Logger.Level = .info
    package var logsAccess = true
    package var trustsForwardedFor = false
    /// Most connections for transactions.
    package var databaseConnections = 8
    /// The collector that gets spans; nil makes none.
    package var otlpEndpoint: String?
    /// `<point>` or `<point>:<nth>`; see `ProcessFaults`.
    package var crashAt: String?
    package var crashMark: String?

    /// For tests and tools: a free loopback port, a new service key, nobody allowed.
    package init(
        service: ServiceName, databaseURL: String, redisURL: String? = nil,
        peers: [ServiceName: String] = [:], serviceKey: Ed25519PrivateKey = .generate(),
        serviceKeys: [ServiceName: Ed25519PublicKey] = [:], staffSecret: [UInt8]? = nil
    ) {
        self.service = service
        listen = ListenAddress(host: "127.0.0.1", port: 0)
        self.databaseURL = databaseURL
        self.redisURL = redisURL
        self.peers = peers
        self.serviceKey = serviceKey
        self.serviceKeys = serviceKeys
        self.staffSecret = staffSecret
    }

    /// Where a service is.
    package func url(of peer: ServiceName) -> String {
        peers[peer] ?? "http://127.0.0.1:\(peer.defaultPort)"
    }
}

extension CommonConfiguration {
    /// Reads every value; problems stay in the reader.
    package init(_ service: ServiceName, _ environment: inout EnvironmentReader) {
        let listen = environment.listenAddress(
            "GRAPEVINE_LISTEN",
            default: ListenAddress(host: "127.0.0.1", port: service.defaultPort),
            "address and port to listen on; loopback or the cluster's network only")
        let database = "grapevine_\(service.rawValue)"
        let databaseURL = environment.value(
            "GRAPEVINE_DATABASE_URL",
            default: "postgresql://\(database)@127.0.0.1:5432/\(database)",
            written: "postgresql://\(database)@127.0.0.1:5432/\(database)", isSecret: true,
            "this service's own PostgreSQL database, with its role and password",
            parse: Self.databaseURL)
        let redisURL = environment.optionalString(
            "GRAPEVINE_REDIS_URL", example: "redis://:password@127.0.0.1:6379/0", isSecret: true,
            "Redis for limits and wake-ups; empty runs without")
        var peers: [ServiceName: String] = [:]
        for peer in ServiceName.allCases where peer != service {
            peers[peer] = environment.httpURL(
                "GRAPEVINE_\(peer.rawValue.uppercased())_URL",
                default: "http://127.0.0.1:\(peer.defaultPort)",
                "where \(peer.executableName) is")
        }
        let serviceKey = environment.serviceKey()
        let serviceKeys = environment.required(
            "GRAPEVINE_SERVICE_KEYS", example: #"{"event-service":"<base64url public key>"}"#,
            isSecret: true, standIn: [:],
            "public keys of the services that may call this one, a JSON object by service",
            parse: Self.publicKeys)
        self.init(
            service: service, databaseURL: databaseURL, redisURL: redisURL, peers: peers,
            serviceKey: serviceKey, serviceKeys: serviceKeys)
        self.listen = listen
        readRest(&environment)
    }

    private mutating func readRest(_ environment: inout EnvironmentReader) {
        staffSecret = environment.optionalSecret(
            "GRAPEVINE_STAFF_SECRET", example: "<32 random bytes or more>", minimumBytes: 32,
            "signs staff tokens (HS256); without it /v1/admin refuses everybody"
        ).map { Array($0.utf8) }
        staffSecretPrevious = environment.optionalSecret(
            "GRAPEVINE_STAFF_SECRET_PREVIOUS", example: "<the secret before>", minimumBytes: 32,
            "the staff secret before the current one, while a rotation lasts"
        ).map { Array($0.utf8) }
        databaseConnections = environment.integer(
            "GRAPEVINE_DATABASE_CONNECTIONS", default: 8, in: 2...200,
            "most database connections for transactions")
        let level = environment.choice(
            "GRAPEVINE_LOG_LEVEL", default: LevelName.info, "least level that is logged")
        logLevel = level.level
        logsAccess = environment.boolean(
            "GRAPEVINE_ACCESS_LOG", default: true, "whether each request leaves a log line")
        trustsForwardedFor = environment.boolean(
            "GRAPEVINE_TRUST_FORWARDED_FOR", default: false,
            "whether X-Forwarded-For names the caller; only behind the gateway")
        otlpEndpoint = environment.optionalHTTPURL(
            "GRAPEVINE_OTLP_ENDPOINT", example: "http://127.0.0.1:4318",
            "OpenTelemetry collector that gets spans (OTLP over HTTP); empty makes none")
        crashAt = environment.optionalString(
            "GRAPEVINE_CRASH_AT", example: "event.ingest.before_commit:2",
            "for tests: die by SIGKILL at this crash point, the nth time it is reached")
        crashMark = environment.optionalString(
            "GRAPEVINE_CRASH_MARK", example: "/tmp/crash-mark",
            "for tests: the file that gets the crash point's name first")
    }

    private enum LevelName: String, CaseIterable {
        case debug, info, notice, warning, error

        var level: Logger.Level {
            switch self {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        }
    }

    private static func databaseURL(_ text: String) throws(InvalidValue) -> String {
        guard text.hasPrefix("postgresql://") || text.hasPrefix("postgres://") else {
            throw InvalidValue("It does not begin with postgresql://.")
        }
        return text
    }

    private static func publicKeys(
        _ text: String
    ) throws(InvalidValue) -> [ServiceName: Ed25519PublicKey] {
        guard
            let texts = try? JSONCoding.decode(
                [String: String].self, from: Array(text.utf8), strictness: .strict)
        else { throw InvalidValue("It is not a JSON object of texts.") }
        var keys: [ServiceName: Ed25519PublicKey] = [:]
        for (name, text) in texts {
            guard let service = ServiceName(executableName: name) else {
                throw InvalidValue("'\(name)' is not a service.")
            }
            guard let bytes = Base64URL.decode(text), let key = try? Ed25519PublicKey(bytes: bytes)
            else {
                throw InvalidValue("The key of '\(name)' is not a 32-byte key in base64url.")
            }
            keys[service] = key
        }
        return keys
    }
}

extension EnvironmentReader {
    /// The seed of the service's own key.
    mutating func serviceKey() -> Ed25519PrivateKey {
        required(
            "GRAPEVINE_SERVICE_KEY", example: "the output of the command generate-key",
            isSecret: true, standIn: .generate(),
            "Ed25519 seed (32 bytes in base64url) that signs calls to other services"
        ) { text throws(InvalidValue) in
            guard let seed = Base64URL.decode(text), let key = try? Ed25519PrivateKey(seed: seed)
            else { throw InvalidValue("It is not 32 bytes in base64url without padding.") }
            return key
        }
    }
}
