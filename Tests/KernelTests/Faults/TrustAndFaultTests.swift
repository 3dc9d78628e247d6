import Foundation
import Kernel
import Testing

@Suite struct TrustAndFaultTests {
    @Test func `trust rises from the browser to ourselves`() {
        #expect(
            Trust.allCases.sorted() == [.browser, .signedUser, .server, .webhook, .internal])
        #expect(Trust.signedUser.rawValue == "signed_user")
        #expect(Trust.browser < .signedUser)
        #expect(!(Trust.internal < .internal))
    }

    @Test func `a crash point is written as operation and moment`() {
        let point = CrashPoint("event.ingest", .afterOutsideCallBeforeRecord)
        #expect("\(point)" == "event.ingest.after_outside_call_before_record")
        #expect(CrashPoint.Moment.allCases.count == 3)
    }
}
