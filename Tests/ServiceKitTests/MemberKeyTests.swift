import Contracts
import HTTPKit
import Kernel
import SecurityKit
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

/// The published keys of member tokens as another service keeps them.
@Suite(.timeLimit(.minutes(1))) struct MemberKeyTests {
    private struct Away: Error {}

    private final class Publisher: Sendable {
        struct State {
            var keys: [Ed25519PublicKey] = []
            var isAway = false
            var asked = 0
            var uptime = Duration.seconds(1000)
        }

        let state = Mutex(State())
        var asked: Int { state.withLock { $0.asked } }

        func pass(_ duration: Duration) { state.withLock { $0.uptime += duration } }
        func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
        func publish(_ keys: [Ed25519PublicKey]) { state.withLock { $0.keys = keys } }

        func cache() -> CachedMemberKeys {
            CachedMemberKeys(telemetry: Telemetry(), uptime: { self.state.withLock { $0.uptime } })
            {
                try self.state.withLock { state in
                    state.asked += 1
                    guard !state.isAway else { throw Away() }
                    return JSONWebKeySet(keys: state.keys.map(MemberTokens.published))
                }
            }
        }
    }

    private let first = Ed25519PrivateKey.generate().publicKey
    private let second = Ed25519PrivateKey.generate().publicKey

    @Test func `a known key is remembered and invented ids do not flood the publisher`()
        async throws
    {
        let publisher = Publisher()
        publisher.publish([first])
        let cache = publisher.cache()
        #expect(try await cache.key(first.thumbprint) == first)
        for number in 0..<100 { #expect(try await cache.key("invented-\(number)") == nil) }
        #expect(publisher.asked == 1)
        publisher.pass(CachedMemberKeys.unknownInterval)
        for number in 0..<100 { #expect(try await cache.key("invented-\(number)") == nil) }
        #expect(publisher.asked == 2)
    }

    @Test func `a new key counts as soon as its id is seen, an old one until it is gone`()
        async throws
    {
        let publisher = Publisher()
        publisher.publish([first])
        let cache = publisher.cache()
        #expect(try await cache.key(first.thumbprint) == first)
        publisher.publish([second, first])
        publisher.pass(CachedMemberKeys.unknownInterval)
        #expect(try await cache.key(second.thumbprint) == second)
        #expect(try await cache.key(first.thumbprint) == first)
        publisher.publish([second])
        await cache.refresh()
        #expect(try await cache.key(first.thumbprint) == nil)
    }

    @Test func `with client-service away known keys count for minutes, unknown ones get 503`()
        async throws
    {
        let publisher = Publisher()
        publisher.publish([first])
        let cache = publisher.cache()
        #expect(try await cache.key(first.thumbprint) == first)
        publisher.setAway(true)
        publisher.pass(.seconds(300))
        #expect(try await cache.key(first.thumbprint) == first)
        let problem = await #expect(throws: Problem.self) { try await cache.key("unknown") }
        #expect(problem?.status == 503)
        #expect(problem?.code == "token_keys_unavailable")
        publisher.pass(CachedMemberKeys.staleLifetime)
        let later = await #expect(throws: Problem.self) {
            try await cache.key(first.thumbprint)
        }
        #expect(later?.status == 503)
        publisher.setAway(false)
        publisher.pass(CachedMemberKeys.unknownInterval)
        #expect(try await cache.key(first.thumbprint) == first)
    }

    @Test func `many who ask at once for the first time cost one question`() async throws {
        let publisher = Publisher()
        publisher.publish([first])
        let cache = publisher.cache()
        let kid = first.thumbprint
        try await withThrowingTaskGroup(of: Ed25519PublicKey?.self) { group in
            for _ in 0..<50 { group.addTask { try await cache.key(kid) } }
            for try await key in group { #expect(key == first) }
        }
        #expect(publisher.asked == 1)
    }

    @Test func `only Ed25519 signing keys of a set are taken`() throws {
        let good = MemberTokens.published(first)
        let text = """
            {"keys":[
              {"kty":"oct","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"a","x":"\(good.x)"},
              {"kty":"OKP","crv":"Ed25519","alg":"HS256","use":"sig","kid":"b","x":"\(good.x)"},
              {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"enc","kid":"c","x":"\(good.x)"},
              {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"d","x":"AAAA"},
              {"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"e","x":"\(good.x)"}]}
            """
        let set = try JSONCoding.decode(
            JSONWebKeySet.self, from: Array(text.utf8), strictness: .strict)
        #expect(MemberTokens.keys(of: set) == ["e": first])
    }
}
