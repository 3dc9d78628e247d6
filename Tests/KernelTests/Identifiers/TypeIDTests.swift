import Foundation
import Kernel
import Testing

@Suite struct TypeIDTests {
    private enum PrefixTag: IDTag { static let prefix = "prefix" }
    private typealias PrefixID = TypeID<PrefixTag>

    // Source: TypeID specification 0.3, spec/valid.yml.
    @Test(arguments: [
        ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
        ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
        ("0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
        ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
        ("00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
        ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
        ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
    ])
    func `the valid ids of the specification are read and written`(suffix: String, uuid: String)
        throws
    {
        let uuid = try #require(UUID(uuidString: uuid))
        let id = try #require(PrefixID("prefix_\(suffix)"))
        #expect(id.uuid == uuid)
        #expect(PrefixID(uuid).description == "prefix_\(suffix)")
        #expect(Base32.encode(uuid) == suffix)
        var bytes = Array("id=".utf8)
        id.append(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "id=prefix_\(suffix)")
        #expect(Base32.decode(suffix.utf8) == uuid)
    }

    // Source: TypeID specification 0.3, spec/invalid.yml.
    @Test(arguments: [
        "PREFIX_00000000000000000000000000", "12345_00000000000000000000000000",
        "pre.fix_00000000000000000000000000", "préfix_00000000000000000000000000",
        "  prefix_00000000000000000000000000", "_00000000000000000000000000", "_", "",
        "prefix_1234567890123456789012345", "prefix_123456789012345678901234567",
        "prefix_1234567890123456789012345 ", "prefix_0123456789ABCDEFGHJKMNPQRS",
        "prefix_123456789-123456789-123456", "prefix_ooooooiiiiiiuuuuuuulllllll",
        "prefix_i23456789ol23456789oi23456", "prefix_123456789-0123456789-0123456",
        "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz", "prefix00000000000000000000000000",
        "prefix-00000000000000000000000000", "other_00000000000000000000000000",
        "prefix__0000000000000000000000000", "00000000000000000000000000",
    ])
    func `the invalid ids of the specification are refused`(text: String) {
        #expect(PrefixID(text) == nil)
    }

    @Test func `an id of one kind is not read as another`() throws {
        let text = CampaignID(UUID()).description
        #expect(CampaignID(text) != nil)
        #expect(RewardID(text) == nil)
        #expect(CampaignID(text[...]) != nil)
    }

    @Test func `ids travel through JSON as strings and as keys`() throws {
        let id = try #require(CampaignID("cmp_01h455vb4pex5vsknk084sn02q"))
        let bytes = try JSONEncoder().encode([id: [id]])
        #expect(String(decoding: bytes, as: UTF8.self) == "{\"\(id)\":[\"\(id)\"]}")
        #expect(
            try JSONDecoder().decode([CampaignID: [CampaignID]].self, from: bytes) == [id: [id]])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(RewardID.self, from: Data("\"\(id)\"".utf8))
        }
    }

    @Test func `the order of ids is the order of their texts and of PostgreSQL's uuid`() {
        let ids = (0..<200).map { _ in EventID(UUID()) }
        #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
    }

    @Test func `every noun has its own prefix`() {
        let prefixes = [
            ClientTag.prefix, MemberTag.prefix, APIKeyTag.prefix, ProductTag.prefix,
            ParticipantTag.prefix, CampaignTag.prefix, SegmentTag.prefix, EventTag.prefix,
            LinkTag.prefix, ClickTag.prefix, ConversionTag.prefix, RewardTag.prefix,
            ClaimTag.prefix, GrantTag.prefix, AccountTag.prefix, TransferTag.prefix,
            PayoutTag.prefix, TemplateTag.prefix, NotificationTag.prefix, WebhookTag.prefix,
            RunTag.prefix,
        ]
        #expect(Set(prefixes).count == prefixes.count)
        #expect(prefixes.allSatisfy { $0.utf8.count == 3 && $0 == $0.lowercased() })
    }
}

@Suite struct Base32Tests {
    @Test func `every UUID survives`() {
        for _ in 0..<500 {
            let uuid = UUID()
            #expect(Base32.decode(Base32.encode(uuid).utf8) == uuid)
        }
    }
}
