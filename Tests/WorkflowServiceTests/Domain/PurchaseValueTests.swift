import Kernel
import Testing

@testable import WorkflowService

@Suite struct PurchaseValueTests {
    @Test func `an amount in the event's properties is the purchase's value`() throws {
        let facts = #"{"properties":{"amount":{"units":"4999","asset":"USD"}}}"#
        #expect(try PurchaseValue.told(in: facts) == .dollars(4999))
    }

    @Test(arguments: [
        "{}", #"{"properties":{}}"#, #"{"properties":{"amount":49.99}}"#,
        #"{"properties":{"amount":"4999"}}"#, #"{"properties":{"amount":{"units":4999}}}"#,
        #"{"properties":{"amount":{"units":"0","asset":"USD"}}}"#,
        #"{"properties":{"amount":{"units":"-1","asset":"USD"}}}"#,
        #"{"properties":{"amount":{"units":"1","asset":"usd"}}}"#,
        #"{"properties":{"amount":{"units":"1e3","asset":"USD"}}}"#,
    ])
    func `anything else has no value`(facts: String) throws {
        #expect(try PurchaseValue.told(in: facts) == nil)
    }
}
