import Contracts
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct CloudEventTranslationTests {
    private static let good =
        #""specversion":"1.0","id":"1","source":"/shop","type":"com.example.paid""#

    @Test func `an event in JSON says with extensions who it was`() throws {
        let event = try Translations.cloudEvent(
            """
            {\(Self.good),"time":"2027-01-15T07:59:00Z","subject":"o-1","participantid":"u1",
             "anonymousid":"a1","dataschema":"https://s","data":{"amount":7}}
            """)
        #expect(event.type == "com.example.paid")
        #expect(event.eventID == "/shop 1")
        #expect(event.subject == "o-1")
        #expect(event.participant?.externalID == "u1")
        #expect(event.participant?.anonymousID == "a1")
        #expect(event.properties == ["amount": 7])
        #expect(
            event.context?["cloudevent"] == ["source": "/shop", "dataschema": "https://s"])
    }

    @Test func `source and id together make the event, and stay short`() throws {
        func id(_ source: String, _ id: String) throws -> String {
            try Translations.cloudEvent(
                #"{"specversion":"1.0","id":"\#(id)","source":"\#(source)","type":"t","#
                    + #""participantid":"u"}"#
            ).eventID
        }
        #expect(try id("/a/b", "c") != id("/a", "b/c"))
        let long = String(repeating: "x", count: 300)
        #expect(try id("/a", long).unicodeScalars.count <= 100)
        #expect(try id("/a", long) == id("/a", long))
        #expect(try id("/a", long) != id("/b", long))
    }

    @Test func `data of any kind is kept`() throws {
        func properties(_ data: String) throws -> JSONValue {
            try Translations.cloudEvent(#"{\#(Self.good),"participantid":"u",\#(data)}"#).properties
        }
        #expect(try properties(#""data":[1]"#) == ["data": [1]])
        #expect(try properties(#""data":"x""#) == ["data": "x"])
        #expect(try properties(#""data_base64":"AAE=""#) == ["data_base64": "AAE="])
        #expect(try properties(#""data":null"#) == [:])
        let named = try Translations.cloudEvent(
            #"{\#(Self.good),"data":{"participant_id":"u7"}}"#)
        #expect(named.participant?.externalID == "u7")
    }

    @Test(arguments: [
        ("7", "not_an_object", ""), ("{}", "invalid_specversion", "/specversion"),
        (#"{"specversion":"1.0","source":"/","type":"t"}"#, "required", "/id"),
        (#"{\#(good)}"#, "participant_required", "/participant_id"),
        (#"{\#(good),"participantid":"u","time":"noon"}"#, "invalid_time", "/time"),
        (#"{\#(good),"participantid":["u"]}"#, "invalid_attribute", "/participantid"),
    ])
    func `a refusal says what to change`(_ text: String, _ code: String, _ pointer: String) {
        #expect { try Translations.cloudEvent(text) } throws: { error in
            let rejection = error as? EventRejection
            return rejection?.code == code && rejection?.pointer == pointer
        }
    }
}
