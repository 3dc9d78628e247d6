import Contracts
import Kernel
import SecurityKit

/// The keys and passwords of one deployment, made when it starts.
struct DeploymentSecrets: Sendable {
    let staffSecret = Hex.encode(SecureRandom.bytes(32))
    /// The Ed25519 seed that signs members' tokens.
    let memberSeed = Base64URL.encode(SecureRandom.bytes(Ed25519PrivateKey.seedByteCount))
    let hashSecret = Base64URL.encode(SecureRandom.bytes(32))
    let eventKey = Base64URL.encode(SecureRandom.bytes(32))
    let notificationKey = Base64URL.encode(SecureRandom.bytes(32))
    /// `GRAPEVINE_SERVICE_KEYS`: who may call `/internal`.
    let publicKeys: String
    private let seeds: [ServiceName: String]
    private let passwords: [ServiceName: String]

    init(_ services: [ServiceName]) throws {
        var seeds: [ServiceName: String] = [:]
        var passwords: [ServiceName: String] = [:]
        var keys: [String] = []
        for service in services {
            let seed = SecureRandom.bytes(Ed25519PrivateKey.seedByteCount)
            let key = Base64URL.encode(try Ed25519PrivateKey(seed: seed).publicKey.bytes)
            keys.append(#""\#(service.executableName)":"\#(key)""#)
            seeds[service] = Base64URL.encode(seed)
            passwords[service] = Hex.encode(SecureRandom.bytes(16))
        }
        publicKeys = "{\(keys.joined(separator: ","))}"
        self.seeds = seeds
        self.passwords = passwords
    }

    /// The Ed25519 seed that signs a service's calls.
    func seed(of service: ServiceName) -> String { seeds[service] ?? "" }

    /// The password of a service's database role.
    func password(of service: ServiceName) -> String { passwords[service] ?? "" }
}
