import Kernel
import Testing

@testable import NotificationService

@Suite struct TemplateRenderingTests {
    private func text(
        _ source: String, _ variables: JSONValue, _ part: TemplatePart = .text
    ) throws -> String {
        try TemplateRenderer.render(TemplateParser.parse(source, part), part, variables)
    }

    private func html(_ source: String, _ value: String) throws -> String {
        try text(source, ["x": .string(value)], .html)
    }

    @Test(arguments: [
        ("a {{ x }} b", "a 1 b"), ("{{x}}{{ y.z }}", "1deep"),
        ("{{ n }}", "12345678901234567890.5"),
        ("{{ t }}", "true"), ("{{ none | default:\"d\" }}", "d"),
        ("{{ empty | default:'d' }}", "d"),
        ("{{ x | default:\"d\" }}", "1"), ("{{ y.z | upper }}", "DEEP"),
        ("{{ none | default:\"a}}b\" | upper }}", "A}}B"),
        ("{{ q | default:\"say \\\"hi\\\"\" }}", "say \"hi\""),
        ("{{#if x}}yes{{/if}}", "yes"), ("{{#if none}}yes{{else}}no{{/if}}", "no"),
        ("{{#if empty}}yes{{else}}no{{/if}}", "no"), ("{{#if zero}}yes{{else}}no{{/if}}", "no"),
        ("{{#if f}}yes{{else}}no{{/if}}", "no"), ("{{#if y}}yes{{/if}}", "yes"),
        ("{{#if x}}{{#if none}}a{{else}}b{{/if}}c{{/if}}", "bc"),
        ("{{#each list}}[{{ this.name }}]{{/each}}", "[a][b]"),
        ("{{#each words}}{{ this }},{{/each}}", "p,q,"), ("{{#each none}}x{{/each}}", ""),
        ("{ { x } } {x} }}", "{ { x } } {x} }}"), ("😀{{ x }}é", "😀1é"), ("", ""),
    ]) func `a template gives what it says`(source: String, wanted: String) throws {
        let variables: JSONValue = [
            "x": "1", "y": ["z": "deep"], "n": .number(JSONNumber(text: "12345678901234567890.5")),
            "t": true, "f": false, "empty": "", "zero": 0, "none": nil,
            "list": [["name": "a"], ["name": "b"]], "words": ["p", "q"],
        ]
        #expect(try text(source, variables) == wanted)
    }

    @Test func `a missing variable without default refuses the message and is named`() throws {
        for source in ["{{ referral.url }}", "{{ referral.url | upper }}", "{{ this }}"] {
            let name = source.contains("this") ? "this" : "referral.url"
            #expect(throws: RenderFailure.missingVariable(name)) {
                try text(source, ["referral": [:]])
            }
        }
        #expect(throws: RenderFailure.missingVariable("x")) { try text("{{x}}", ["x": nil]) }
        #expect(throws: RenderFailure.notText("x")) { try text("{{x}}", ["x": ["a": 1]]) }
        #expect(throws: RenderFailure.notText("x")) { try text("{{x}}", ["x": [1]]) }
    }

    private static let nasty = "<script>alert(1)</script>\"'`&\u{0}\u{1B}x"

    @Test func `a value in HTML text or a quoted attribute stays a text`() throws {
        let escaped =
            "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&#96;&amp;x"
        #expect(try html("<p>{{ x }}</p>", Self.nasty) == "<p>\(escaped)</p>")
        #expect(
            try html("<img alt=\"{{ x }}\">", Self.nasty) == "<img alt=\"\(escaped)\">")
        #expect(
            try html("<img title = '{{ x }}'>", Self.nasty) == "<img title = '\(escaped)'>")
        #expect(try html("<title>{{ x }}</title>", Self.nasty) == "<title>\(escaped)</title>")
        #expect(
            try html("<p data-x=\"a {{ x }} b\">", "\" onclick=\"x")
                == "<p data-x=\"a &quot; onclick=&quot;x b\">")
    }

    @Test(arguments: [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "\tjavascript:x",
        "java\nscript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example",
        "/relative", "https://", "https:///x", "https://user@evil.example", "http://:80/",
        "https:\\\\evil.example", "\u{1}https://x.example", "file:///etc/passwd", "",
        "https://x.example/a b",
    ]) func `a URL that is not plainly http or https refuses the message`(url: String) throws {
        #expect(throws: RenderFailure.unsafeURL("x")) {
            try html("<a href=\"{{ x }}\">", url)
        }
    }

    @Test func `a URL that is one stands where it belongs`() throws {
        #expect(
            try html("<a href=\"{{ x }}\">", "https://x.example/?a=1&b='2'")
                == "<a href=\"https://x.example/?a=1&amp;b=&#39;2&#39;\">")
        #expect(
            try html("<a href='{{ x }}'>", "mailto:a@x.example") == "<a href='mailto:a@x.example'>")
        #expect(throws: RenderFailure.unsafeURL("x")) {
            try html("<img src=\"{{ x }}\">", "mailto:a@x.example")
        }
        #expect(
            try html("<a href=\"https://x.example/s?q={{ x }}&y=1\">", "a&b=\"c d/é")
                == "<a href=\"https://x.example/s?q=a%26b%3D%22c%20d%2F%C3%A9&y=1\">")
        #expect(
            try html("<a href=\"{{ x }}?code={{ x }}\">", "https://x.example")
                == "<a href=\"https://x.example?code=https%3A%2F%2Fx.example\">")
    }

    @Test(arguments: [
        "a\r\nBcc: eve@x.example", "a\nb", "a\rb", "a\u{0}b", "a\u{85}b", "a\u{2028}b",
        "\r\n\r\nbody", "a\u{B}b", "a\u{7F}b",
    ]) func `nothing in a value can end the subject's line`(value: String) throws {
        let template = try CompiledTemplate(
            TemplateContent(subject: "Hi {{ x }}", text: "", html: nil))
        let subject = try template.render(["x": .string(value)]).subject
        #expect(subject.hasPrefix("Hi"))
        #expect(
            !subject.unicodeScalars.contains { $0.value < 32 || (127...159).contains($0.value) })
        let field = MailHeader.text("Subject", subject)
        #expect(field.components("\r\n").dropLast().dropFirst().allSatisfy { $0.hasPrefix(" ") })
    }

    @Test func `plain text keeps its lines and loses control characters`() throws {
        #expect(try text("{{x}}", ["x": "a\r\nb\tc\u{1B}[31m\u{0}d<&>"]) == "a\r\nb\tc[31md<&>")
    }

    @Test func `size and work are bounded`() throws {
        let long = JSONValue.string(String(repeating: "x", count: 300_000))
        #expect(throws: RenderFailure.tooLong(.text)) { try text("{{x}}", ["x": long]) }
        let many = JSONValue.array(Array(repeating: "x", count: 10_000))
        #expect(
            try text("{{#each x}}{{this}}{{/each}}", ["x": many]).count == 100,
            "a list is cut at a hundred")
        let list = JSONValue.array(Array(repeating: many, count: 100))
        #expect(throws: RenderFailure.tooLong(.text)) {
            try text(
                "{{#each x}}{{#each this}}{{#if y}}{{/if}}{{#if y}}{{/if}}{{/each}}{{/each}}",
                ["x": list])
        }
        #expect(throws: RenderFailure.emptySubject) {
            try CompiledTemplate(TemplateContent(subject: " {{x}}\n", text: "", html: nil))
                .render(["x": ""])
        }
    }

    @Test(arguments: BuiltInTemplates.keys)
    func `a built-in template is sound and renders with and without what is optional`(
        key: String
    ) throws {
        let content = try #require(BuiltInTemplates.content(key))
        #expect(CompiledTemplate.faults(of: content) == [])
        let template = try CompiledTemplate(content)
        let bare = try template.render([
            "participant": ["traits": [:]], "reward": ["formatted": "$5.00"],
        ])
        #expect(bare.text.contains("Hi there,"))
        #expect(!bare.text.contains("\n\n\n"))
        let full = try template.render([
            "participant": ["traits": ["first_name": "Ada"]],
            "campaign": ["name": "Friends"], "order": ["id": "o-1"],
            "reward": ["formatted": "$5.00"], "referral": ["url": "https://x.example/r/A"],
        ])
        #expect(full.text.contains("Hi Ada,"))
        #expect(full.text.contains("https://x.example/r/A"))
        #expect(full.html?.contains("href=\"https://x.example/r/A\"") ?? false)
        #expect(!full.text.contains("\n\n\n"))
        #expect(!(full.html ?? "").contains("{{"))
    }
}

extension String {
    func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
