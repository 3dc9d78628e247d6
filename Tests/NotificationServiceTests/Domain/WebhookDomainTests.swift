import Foundation
import Kernel
import SecurityKit
import Testing

@testable import NotificationService

@Suite struct WebhookDomainTests {
    /// From the reference implementations' own tests (standard-webhooks, `test_webhooks.py`).
    @Test func `the published example is signed as published`() throws {
        let secret = try #require(WebhookSecret(text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let signature = secret.signature(
            of: Array("{\"test\": 2432232314}".utf8), id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            seconds: 1_614_265_330)
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func `a secret opens only as the one of its webhook, with the key that sealed it`()
        throws
    {
        let key = SealingKey(master: [UInt8](repeating: 1, count: 32), use: "tests")
        let webhook = WebhookID(UUID())
        let secret = WebhookSecret.generate()
        let sealed = try secret.sealed(for: webhook, key: key)
        #expect(try WebhookSecret(sealed: sealed, of: webhook, key: key) == secret)
        #expect(WebhookSecret(text: secret.text) == secret)
        #expect(throws: (any Error).self) {
            try WebhookSecret(sealed: sealed, of: WebhookID(UUID()), key: key)
        }
        #expect(throws: (any Error).self) {
            try WebhookSecret(
                sealed: sealed, of: webhook,
                key: SealingKey(master: [UInt8](repeating: 2, count: 32), use: "tests"))
        }
    }

    @Test(arguments: [
        "https://shop.example/hook", "https://shop.example", "https://shop.example:8443/a?b=c",
        "https://[2606:4700::1]/x", "HTTPS://SHOP.EXAMPLE/",
    ]) func `a URL may be called`(url: String) {
        #expect(WebhookRules.problem(url: url, allowsHTTP: false) == nil)
    }

    @Test(arguments: [
        "", "http://shop.example/", "ftp://shop.example/", "https://", "https:///x",
        "https://user@shop.example/", "https://user:pw@shop.example/", "https://shop.example/#a",
        "https://shop.example\\@evil.example/", "https://shop.example/a b", "https://shöp.example/",
        "https://shop.example:0/", "https://shop.example:99999/", "https://shop.example:x/",
        "https://shop.example:25/", "https://shop.example:6379/", "javascript:alert(1)",
        "https://:443/", "https://[::1/", "https://shop.example/\r\nHost: x", "//shop.example/",
    ]) func `a URL may not be called`(url: String) {
        #expect(WebhookRules.problem(url: url, allowsHTTP: false) != nil)
    }

    @Test func `types match exactly, by family, or all`() {
        #expect(WebhookRules.matches(["reward.fulfilled"], "reward.fulfilled"))
        #expect(!WebhookRules.matches(["reward.fulfilled"], "reward.failed"))
        #expect(WebhookRules.matches(["reward.*"], "reward.failed"))
        #expect(!WebhookRules.matches(["reward.*"], "workflow.failed"))
        #expect(WebhookRules.matches(["*"], "workflow.failed"))
        #expect(!WebhookRules.matches([], "workflow.failed"))
        for type in ["reward.fulfilled", "reward.*", "*", "notification.sent", "referral.*"] {
            #expect(WebhookRules.isType(type))
        }
        for type in ["", "reward", "rew*", "client.created", "key.*", "purchase_completed", "**"] {
            #expect(!WebhookRules.isType(type))
        }
    }
}
