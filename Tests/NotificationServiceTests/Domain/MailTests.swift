import Foundation
import Kernel
import TestKit
import Testing

@testable import NotificationService

@Suite struct MailTests {
    @Test(arguments: [
        "a@b.co", "ada.lovelace+tag@people.example", "o'brien@x-y.example", "A@EXAMPLE.COM",
        "!#$%&'*+-/=?^_`{|}~@x.example", "1@2.example",
    ]) func `an address is read`(text: String) throws {
        let address = try #require(EmailAddress(text))
        #expect(address.description.hasSuffix("@\(address.domain)"))
        #expect(address.domain == address.domain.lowercased())
    }

    @Test(arguments: [
        "", "a", "a@", "@b.co", "a@b", "a@@b.co", "a@b@c.co", "a b@c.co", "a@b .co", " a@b.co",
        "a@b.co ", "a@b.co\n", "a@b.co\r\nBcc: e@x.co", "a@b.co,c@d.co", "a@b.co;c@d.co",
        "<a@b.co>", "A <a@b.co>", "\"a b\"@c.co", "a..b@c.co", ".a@c.co", "a.@c.co", "a@.co",
        "a@b..co", "a@-b.co", "a@b-.co", "a@[127.0.0.1]", "a@127.0.0.1", "ä@b.co", "a@ä.co",
        "a\u{0}@b.co", "a@b.co.", "a(c)@b.co", "a@b_c.co",
    ]) func `what is not exactly one plain address is none`(text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test func `lengths of an address are bounded`() {
        let local = String(repeating: "a", count: 64)
        #expect(EmailAddress("\(local)@b.co") != nil)
        #expect(EmailAddress("\(local)a@b.co") == nil)
        let label = String(repeating: "b", count: 63)
        #expect(EmailAddress("a@\(label).co") != nil)
        #expect(EmailAddress("a@\(label)b.co") == nil)
        #expect(EmailAddress("a@\(label).\(label).\(label).\(label).co") == nil)
    }

    @Test func `quoted-printable lines are short and give the text back`() async throws {
        let texts = [
            "plain", "", "trailing space \nand tab\t\nend", "a=b", "é€😀", ".\n.dot\n..",
            String(repeating: "x", count: 500), String(repeating: "é", count: 200),
            String(repeating: "=", count: 100), "From me\r\nmixed\rbreaks\n\nend\n",
            String(repeating: ".", count: 300), String(repeating: "x", count: 75) + ".y",
            String(repeating: "x", count: 76), String(repeating: "x", count: 77),
        ]
        for text in texts {
            let encoded = String(decoding: QuotedPrintable.encode(text), as: UTF8.self)
            let lines = encoded.components("\r\n")
            #expect(lines.allSatisfy { $0.utf8.count <= 76 }, "\(text.prefix(20))")
            #expect(encoded.utf8.allSatisfy { $0 < 127 })
            #expect(lines.allSatisfy { !$0.hasSuffix(" ") && !$0.hasSuffix("\t") })
            #expect(lines.allSatisfy { !$0.hasPrefix(".") })
            let wanted = text.components("\n").joined(separator: "\n")
                .replacingOccurrences(of: "\r\n", with: "\n")
                .replacingOccurrences(of: "\r", with: "\n")
            let ends = wanted.isEmpty || wanted.hasSuffix("\n") ? wanted : wanted + "\n"
            #expect(Self.decoded(encoded) == ends)
        }
    }

    /// An own reader of quoted-printable, as RFC 2045 §6.7 says.
    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for line in text.components("\r\n").dropLast() {
            var rest = Array(line.utf8)[...]
            let goesOn = rest.last == UInt8(ascii: "=")
            if goesOn { rest = rest.dropLast() }
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "=") else {
                    bytes.append(byte)
                    continue
                }
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                rest = rest.dropFirst(2)
                bytes.append(UInt8(digits, radix: 16) ?? 0)
            }
            if !goesOn { bytes.append(10) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        "short", "Grüße", String(repeating: "word ", count: 60), String(repeating: "é", count: 300),
        String(repeating: "x", count: 200), "=?UTF-8?B?Zm9v?=", "two  spaces", " edge ",
        "😀 mixed ünd",
    ]) func `a header's lines are short ASCII and begin with white space when folded`(
        value: String
    ) {
        let field = MailHeader.text("Subject", value)
        #expect(field.hasSuffix("\r\n"))
        let lines = field.components("\r\n").dropLast()
        #expect(lines.allSatisfy { $0.utf8.count <= 78 }, "\(field)")
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix(" ") })
        #expect(field.utf8.allSatisfy { $0 < 127 })
    }

    @Test func `a date is written as mail wants it`() {
        #expect(MailHeader.date(Timestamp(microseconds: 0)) == "Thu, 1 Jan 1970 00:00:00 +0000")
        #expect(
            MailHeader.date(Timestamp(microseconds: 951_827_696_000_000))
                == "Tue, 29 Feb 2000 12:34:56 +0000")
        #expect(
            MailHeader.date(Timestamp(microseconds: 1_795_305_599_999_999))
                == "Sat, 21 Nov 2026 23:59:59 +0000")
    }

    private func mail(_ content: RenderedMessage, from sender: String) throws -> OutgoingMail {
        OutgoingMail(
            notificationID: NotificationID(
                try #require(UUID(uuidString: "01890000-0000-7000-8000-000000000001"))),
            sender: try #require(MailSender(sender)),
            recipient: try #require(EmailAddress("ada@people.example")), content: content,
            createdAt: Timestamp(microseconds: 1_795_305_599_000_000),
            unsubscribeURL: "https://mail.shop.example/u/token")
    }

    @Test func `a whole message is what it was yesterday`() throws {
        let mail = try mail(
            RenderedMessage(subject: "Grüße", text: "Hällo\n.\n", html: "<p>Hällo</p>"),
            from: "Käse & Brot <hello@shop.example>")
        let wanted = """
            Date: Sat, 21 Nov 2026 23:59:59 +0000
            From: =?UTF-8?B?S8Okc2UgJiBCcm90?= <hello@shop.example>
            To: <ada@people.example>
            Subject: =?UTF-8?B?R3LDvMOfZQ==?=
            Message-ID: <ntf_01h4000000e008000000000001@shop.example>
            List-Unsubscribe: <https://mail.shop.example/u/token>
            List-Unsubscribe-Post: List-Unsubscribe=One-Click
            Auto-Submitted: auto-generated
            MIME-Version: 1.0
            Content-Type: multipart/alternative;
             boundary="=_ntf_01h4000000e008000000000001"

            --=_ntf_01h4000000e008000000000001
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            H=C3=A4llo
            =2E
            --=_ntf_01h4000000e008000000000001
            Content-Type: text/html; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            <p>H=C3=A4llo</p>
            --=_ntf_01h4000000e008000000000001--

            """.replacingOccurrences(of: "\n", with: "\r\n")
        let id = mail.notificationID.description
        #expect(
            String(decoding: mail.bytes(), as: UTF8.self)
                == wanted.replacingOccurrences(of: "ntf_01h4000000e008000000000001", with: id))
    }

    @Test func `messages of every kind are read back by another implementation`() async throws {
        let long = String(repeating: "Ünïcödé – ", count: 60)
        let directory = try Repository.scratchDirectory("mime")
        let contents = [
            RenderedMessage(subject: "Plain", text: "Only text", html: nil),
            RenderedMessage(subject: long, text: long, html: "<p>\(long)</p>"),
            RenderedMessage(
                subject: "=?UTF-8?Q?x?= literal", text: "--=_ntf_x\n.\nFrom y", html: "<b>&amp;</b>"
            ),
            RenderedMessage(subject: "a  b", text: "", html: ""),
        ]
        for (index, content) in contents.enumerated() {
            let bytes = try mail(content, from: "\"Ada, of \\ <shop>\" <hello@shop.example>")
                .bytes()
            try Data(bytes).write(to: URL(filePath: "\(directory)/\(index).eml"))
        }
        let parsed = try await ParsedMail.read(directory)
        for (mail, content) in zip(parsed, contents) {
            #expect(mail.defects == [])
            #expect(mail.isASCII)
            #expect(mail.longestLine <= 998)
            #expect(mail["subject"] == content.subject)
            #expect(mail["to"]?.contains("ada@people.example") ?? false)
            #expect(mail["from"]?.contains("hello@shop.example") ?? false)
            let text = mail.parts["text/plain"]?.replacingOccurrences(of: "\r\n", with: "\n")
            #expect(text?.trimmingCharacters(in: .newlines) == content.text)
            if let html = content.html {
                #expect(
                    mail.parts["text/html"]?.trimmingCharacters(in: .newlines) == html)
            }
        }
    }

    @Test func `a sender is read with and without a name, never with two lines`() throws {
        #expect(MailSender("a@b.co")?.name == "")
        #expect(MailSender("Shop <a@b.co>")?.name == "Shop")
        #expect(MailSender("\"Shop, Inc.\" <a@b.co>")?.name == "Shop, Inc.")
        for text in ["", "Shop", "Shop <a@b>", "Shop <a@b.co> x", "A\r\nB <a@b.co>"] {
            #expect(MailSender(text) == nil)
        }
    }

    @Test func `an unsubscribe token is only taken as it was made`() throws {
        let secrets = NotificationSecrets(key: [UInt8](repeating: 7, count: 32))
        let client = ClientID(UUID())
        let address = try #require(EmailAddress("Ada@People.example"))
        let same = try #require(EmailAddress("ada@people.EXAMPLE"))
        #expect(secrets.hash(address, of: client) == secrets.hash(same, of: client))
        #expect(secrets.hash(address, of: client) != secrets.hash(address, of: ClientID(UUID())))
        let token = secrets.unsubscribeToken(secrets.hash(address, of: client), of: client)
        let read = try #require(secrets.readUnsubscribeToken(token))
        #expect(read.client == client)
        #expect(read.addressHash == secrets.hash(address, of: client))
        let other = NotificationSecrets(key: [UInt8](repeating: 8, count: 32))
        #expect(other.readUnsubscribeToken(token) == nil)
        var forged = Array(token)
        forged[3] = forged[3] == "A" ? "B" : "A"
        #expect(secrets.readUnsubscribeToken(String(forged)) == nil)
        #expect(secrets.readUnsubscribeToken("") == nil)
        #expect(secrets.readUnsubscribeToken(token + "A") == nil)
    }

    @Test func `pauses follow the schedule and what the other side asks`() {
        let schedule = RetrySchedule(pauses: [.seconds(10), .seconds(100)])
        #expect(schedule.pause(afterAttempt: 1, share: 0) == .seconds(8))
        #expect(schedule.pause(afterAttempt: 2, share: 1) == .seconds(120))
        #expect(schedule.pause(afterAttempt: 3) == nil)
        #expect(schedule.pause(afterAttempt: 1, atLeast: .seconds(500), share: 0) == .seconds(500))
        #expect(
            schedule.pause(afterAttempt: 1, atLeast: .seconds(1_000_000), share: 0)
                == .seconds(86_400))
    }
}
