import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

@Suite(.timeLimit(.minutes(2))) struct LookUpTests {
    private func person(
        _ name: String, of client: ClientID, _ traits: [String: JSONValue]? = nil
    ) -> LogParticipant {
        LogParticipant(
            participantID: .derived(client: client, externalID: name), externalID: name,
            traits: traits)
    }

    @Test func `a profile is as the event left it that the call is about`() async throws {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient()
            let input = LookUpParticipantRequest(
                clientID: id, participantID: .derived(client: id, externalID: "u"))
            for round in 1...20 {
                let position = harness.log.add(
                    round == 1 ? "user_signed_up" : "seen", of: id,
                    participant: person("u", of: id, ["round": .number(JSONNumber(round))]))
                let found = try await harness.peer.call(
                    ClientContracts.lookUpParticipant, input,
                    CallOptions(position: position.description))
                #expect(found.participant?.traits["round"] == .number(JSONNumber(round)))
                #expect(found.participant?.externalID == "u")
                #expect(found.participant?.signedUpAt != nil)
            }
            let several = try await harness.peer.call(
                ClientContracts.lookUpParticipants,
                LookUpParticipantsRequest(
                    clientID: id, participantIDs: [input.participantID, ParticipantID(UUID())]))
            #expect(several.participants.map(\.participantID) == [input.participantID])
            let (stranger, _) = try await harness.makeClient()
            let others = try await harness.peer.call(
                ClientContracts.lookUpParticipants,
                LookUpParticipantsRequest(
                    clientID: stranger, participantIDs: [input.participantID]))
            #expect(others.participants.isEmpty)
            await #expect(throws: PeerError.self) {
                _ = try await harness.peer.call(
                    ClientContracts.lookUpParticipants,
                    LookUpParticipantsRequest(clientID: id, participantIDs: []))
            }
            let own = try await harness.portal(
                .get, "/participants/\(input.participantID)", as: secret)
            #expect(own.body["external_id"] == "u")
            let named = try await harness.portal(.get, "/participants?external_id=u", as: secret)
            #expect(named.body["data"]?.array?.count == 1)
            let nobody = try await harness.peer.call(
                ClientContracts.lookUpParticipant,
                LookUpParticipantRequest(clientID: id, participantID: ParticipantID(UUID())))
            #expect(nobody.participant == nil)
        }
    }

    @Test func `a call about an event that is not there yet is told to come again`() async throws {
        try await ClientHarness.run { harness in
            let (id, _) = try await harness.makeClient()
            let input = LookUpParticipantRequest(
                clientID: id, participantID: .derived(client: id, externalID: "u"))
            let error = await #expect(throws: PeerError.self) {
                _ = try await harness.peer.call(
                    ClientContracts.lookUpParticipant, input,
                    CallOptions(position: "0:1000000", attempts: 1))
            }
            #expect(error?.code == "position_not_reached")
            #expect(error?.isRetryable == true)
        }
    }

    @Test func `keys are resolved by hash, and only well formed hashes`() async throws {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient(mode: "test")
            let hash = Hex.encode(try #require(APIKeySecret(parsing: secret)).hash)
            let found = try await harness.peer.call(
                ClientContracts.resolveKey, ResolveKeyRequest(keyHash: hash))
            #expect(found.key?.clientID == id)
            #expect(found.key?.mode == .test)
            let none = try await harness.peer.call(
                ClientContracts.resolveKey,
                ResolveKeyRequest(keyHash: String(repeating: "0", count: 64)))
            #expect(none.key == nil)
            for text in ["", "00", String(repeating: "x", count: 64)] {
                let error = await #expect(throws: PeerError.self) {
                    _ = try await harness.peer.call(
                        ClientContracts.resolveKey, ResolveKeyRequest(keyHash: text))
                }
                #expect(error?.code == "invalid_key_hash")
            }
            let stranger = try await harness.send(
                .post, "/internal/keys/resolve", body: Array(#"{"key_hash":"\#(hash)"}"#.utf8),
                credential: secret)
            #expect(stranger.status == 401)
        }
    }

    @Test func `participants are paged, each once`() async throws {
        try await ClientHarness.run { harness in
            let (id, secret) = try await harness.makeClient()
            var last = LogPosition(shard: 0, position: 0)
            for number in 0..<25 {
                last = harness.log.add("seen", of: id, participant: person("u\(number)", of: id))
            }
            harness.log.add(
                "seen", of: id, participant: LogParticipant(participantID: nil, anonymousID: "a"))
            try await harness.passed(last)
            var names: [String] = []
            var path = "/participants?limit=10"
            while true {
                let page = try await harness.portal(.get, path, as: secret)
                names += page.body["data"]?.array?.compactMap { $0["external_id"]?.string } ?? []
                guard let cursor = page.body["next_cursor"]?.string else { break }
                path = "/participants?limit=10&cursor=\(cursor)"
            }
            #expect(names.sorted() == (0..<25).map { "u\($0)" }.sorted())
            let bad = try await harness.portal(.get, "/participants?cursor=x", as: secret)
            #expect(bad.body["code"] == "invalid_cursor")
        }
    }

    @Test func `every declared crash point is passed in ordinary traffic`() async throws {
        try await ClientHarness.run { harness in
            let (id, own) = try await harness.makeClient()
            let key = try await harness.makeKey(of: id)
            _ = try await harness.portal(.post, "/keys/\(key.id)/revoke", as: own)
            let position = harness.log.add("seen", of: id, participant: person("u", of: id))
            try await harness.passed(position)
            #expect(harness.faults.reached.isSuperset(of: ClientService.crashPoints))
        }
    }
}
