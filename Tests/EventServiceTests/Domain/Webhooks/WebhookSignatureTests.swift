import HTTPKit
import Kernel
import SecurityKit
import Testing

@testable import EventService

@Suite struct WebhookSignatureTests {
    private static let now = Timestamp(microseconds: 1_614_265_330_000_000)

    private func isValid(
        _ headers: HTTPHeaders, _ body: String, _ settings: WebhookSettings, _ secrets: [String],
        after: Duration = .zero
    ) -> Bool {
        WebhookSignature.isValid(
            ReceivedWebhook(
                headers: headers, body: Array(body.utf8), receivedAt: Self.now + after),
            settings, keys: secrets.map { WebhookSourceSecret.key($0, settings) })
    }

    private static func custom(_ signature: CustomSignature) -> WebhookSettings {
        .custom(
            CustomSettings(
                signature: signature,
                mapping: CustomMapping(
                    event: .init(value: "x"), participantID: .init(pointer: "/a"))))
    }

    private static let shopify = WebhookSettings.shopify(ShopifySettings())
    private static let stripe = WebhookSettings.stripe(StripeSettings())
    private static let standard = custom(CustomSignature(scheme: .standard))

    /// The code is what `openssl dgst -sha256 -hmac hush` says of the body.
    @Test func `Shopify's code is over the body alone`() {
        let headers: HTTPHeaders = [
            "X-Shopify-Hmac-Sha256": "DOy6zfuYqS2PhiszjGKpcm6Zq3tDaHZtZqBGo9mbQIg="
        ]
        let code = Base64.encode(
            Digest.hmacSHA256(key: Array("hush".utf8), message: Array("{\"a\":1}".utf8)))
        var right = headers
        right["X-Shopify-Hmac-Sha256"] = code
        #expect(isValid(right, #"{"a":1}"#, Self.shopify, ["hush"]))
        #expect(isValid(right, #"{"a":1}"#, Self.shopify, ["new", "hush"]))
        #expect(!isValid(right, #"{"a":1} "#, Self.shopify, ["hush"]))
        #expect(!isValid(right, #"{"a":1}"#, Self.shopify, ["Hush"]))
        #expect(!isValid(headers, #"{"a":1}"#, Self.shopify, ["hush"]))
        #expect(!isValid([:], #"{"a":1}"#, Self.shopify, ["hush"]))
        right.add("X-Shopify-Hmac-Sha256", code)
        #expect(!isValid(right, #"{"a":1}"#, Self.shopify, ["hush"]), "two of them")
    }

    private func stripeCode(_ time: String, _ body: String, _ secret: String) -> String {
        Hex.encode(
            Digest.hmacSHA256(key: Array(secret.utf8), message: Array("\(time).\(body)".utf8)))
    }

    @Test func `Stripe's signature covers its time, and one of several is enough`() {
        let code = stripeCode("1614265330", "{}", "whsec_a")
        let other = stripeCode("1614265330", "{}", "whsec_b")
        func check(
            _ header: String, _ secrets: [String] = ["whsec_a"], after: Duration = .zero
        ) -> Bool {
            isValid(["Stripe-Signature": header], "{}", Self.stripe, secrets, after: after)
        }
        #expect(check("t=1614265330,v1=\(code)"))
        #expect(check("t=1614265330,v1=\(other),v1=\(code),v0=\(other)"))
        #expect(check("t=1614265330, v1=\(code)"))
        #expect(check("t=1614265330,v1=\(other)", ["whsec_a", "whsec_b"]))
        #expect(check("t=1614265330,v1=\(code)", after: .seconds(300)))
        #expect(!check("t=1614265330,v1=\(code)", after: .seconds(301)))
        #expect(!check("t=1614265330,v1=\(code)", after: .seconds(-301)))
        for header in [
            "t=1614265331,v1=\(code)", "t=1614265330,v0=\(code)", "v1=\(code)", "t=1614265330",
            "t=1614265330,v1=", "t=1614265330,v1=\(code.dropLast())", "", "t=,v1=\(code)",
            "t=1614265330,t=1614265330,v1=\(code)", "t=-1,v1=\(code)",
            "t=99999999999999999999,v1=\(code)",
        ] { #expect(!check(header), "\(header)") }
    }

    /// From the reference implementations' own tests (standard-webhooks, `test_webhooks.py`).
    @Test func `the published example of Standard Webhooks is taken`() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let body = #"{"test": 2432232314}"#
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        func check(
            _ signature: String, id: String = "msg_p5jXN8AQM9LWM0D4loKWxJek",
            time: String = "1614265330", _ body: String = body, after: Duration = .zero
        ) -> Bool {
            isValid(
                [
                    "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature,
                ], body, Self.standard, [secret], after: after)
        }
        #expect(check(right))
        #expect(check("v1a,x v1,AAAA v2,x \(right)"))
        #expect(check(String(right.dropLast())), "without padding")
        #expect(!check(right, id: "msg_other"))
        #expect(!check(right, time: "1614265331"))
        #expect(!check(right, body + "\n"))
        #expect(!check(right, after: .seconds(301)))
        #expect(!check("v2" + right.dropFirst(2)))
        #expect(!check(""))
    }

    @Test func `a plain code is written as the source says`() {
        let code = Digest.hmacSHA256(key: Array("a secret of ours".utf8), message: Array("{}".utf8))
        func check(_ signature: CustomSignature, _ value: String) -> Bool {
            isValid(["X-Sig": value], "{}", Self.custom(signature), ["a secret of ours"])
        }
        let hex = CustomSignature(scheme: .hmac, header: "x-sig")
        #expect(check(hex, Hex.encode(code)))
        #expect(check(hex, Hex.encode(code).uppercased()))
        #expect(!check(hex, Base64.encode(code)))
        let base64 = CustomSignature(scheme: .hmac, header: "X-Sig", encoding: .base64)
        #expect(check(base64, Base64.encode(code)))
        #expect(!check(base64, Hex.encode(code)))
        let hub = CustomSignature(scheme: .hmac, header: "X-Sig", prefix: "sha256=")
        #expect(check(hub, "sha256=\(Hex.encode(code))"))
        #expect(!check(hub, Hex.encode(code)))
        #expect(!check(hub, "sha256="))
    }

    @Test func `a secret must be of the form that its sender uses`() {
        #expect(WebhookSourceSecret.problem("shpss_0123456789abcdef", Self.shopify) == nil)
        #expect(WebhookSourceSecret.problem("short", Self.shopify) != nil)
        #expect(WebhookSourceSecret.problem("with blanks in it, long", Self.shopify) != nil)
        #expect(WebhookSourceSecret.problem("shpss_0123456789abcdef", Self.stripe) != nil)
        #expect(WebhookSourceSecret.problem("whsec_0123456789abcdef", Self.stripe) == nil)
        #expect(WebhookSourceSecret.problem("whsec_0123456789abcdef", Self.standard) != nil)
        #expect(WebhookSourceSecret.generate(Self.shopify) == nil)
        let made = WebhookSourceSecret.generate(Self.standard) ?? ""
        #expect(WebhookSourceSecret.problem(made, Self.standard) == nil)
    }
}
