import Kernel
import Testing

@testable import NotificationService

@Suite struct TemplateFaultTests {
    private func fault(_ source: String, _ part: TemplatePart) -> TemplateFault? {
        do throws(TemplateFault) {
            _ = try TemplateParser.parse(source, part)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        ("{{ x", "unclosed_tag", 1, 1), ("a\nb {{ \"}} x", "unclosed_tag", 2, 3),
        ("{{ }}", "invalid_path", 1, 1), ("{{{ x }}}", "invalid_path", 1, 1),
        ("ab{{ x y }}", "invalid_path", 1, 3), ("{{ x. }}", "invalid_path", 1, 1),
        ("{{ .x }}", "invalid_path", 1, 1), ("{{ x() }}", "invalid_path", 1, 1),
        ("{{ x[0] }}", "invalid_path", 1, 1), ("{{ -x }}", "invalid_path", 1, 1),
        ("{{ a.b.c.d.e.f.g.h.i.j.k }}", "invalid_path", 1, 1),
        ("{{ x | shout }}", "unknown_filter", 1, 1), ("{{ x | default }}", "unknown_filter", 1, 1),
        ("{{ x | default:y }}", "unknown_filter", 1, 1), ("{{ x | }}", "unknown_filter", 1, 1),
        ("{{#if x}}a", "unclosed_block", 1, 1), ("\r\n\r\n{{/if}}", "unexpected_tag", 3, 1),
        ("{{else}}", "unexpected_tag", 1, 1), ("{{#if x}}{{/each}}", "unexpected_tag", 1, 10),
        ("{{#each x}}{{else}}{{/each}}", "unexpected_tag", 1, 12),
        ("{{#unless x}}{{/unless}}", "unexpected_tag", 1, 1),
        ("{{#if}}{{/if}}", "invalid_path", 1, 1),
        ("{{#iffy}}{{/if}}", "invalid_path", 1, 1),
        ("{{#if x | upper}}{{/if}}", "invalid_path", 1, 1),
        ("{{> partial }}", "invalid_path", 1, 1), ("a\u{0}", "invalid_character", 1, 1),
    ]) func `a text that is no template is refused with its place`(
        source: String, code: String, line: Int, column: Int
    ) throws {
        let found = try #require(fault(source, .text))
        #expect(found.code == code)
        #expect(found.line == line)
        #expect(found.column == column)
        #expect(found.fieldError.pointer == "/text")
        #expect(found.fieldError.detail.hasPrefix("Line \(line), column \(column): "))
    }

    @Test(arguments: [
        "<p {{ x }}>", "<{{ x }}>", "</{{ x }}>", "<a{{ x }}>", "<p a{{ x }}=\"b\">",
        "<a href={{ x }}>", "<a href=a{{ x }}>", "<a href=https://x.example/{{ x }}>",
        "<p onclick=\"{{ x }}\">", "<p ONCLICK='{{ x }}'>", "<p style=\"color:{{ x }}\">",
        "<p foo=\"{{ x }}\">", "<meta content=\"0;url={{ x }}\">", "<td background=\"{{ x }}\">",
        "<style>{{ x }}</style>", "<STYLE>a{color:{{ x }}}</STYLE>", "<!-- {{ x }} -->",
        "<!-- <p> --{{ x }}>", "<!--[if mso]>{{ x }}<![endif]-->", "<!DOCTYPE {{ x }}>",
        "<? {{ x }} ?>", "<a href=\"javascript:{{ x }}\">", "<a href=\"https://{{ x }}/\">",
        "<a href=\"https://x.example{{ x }}\">", "<a href=\"//{{ x }}\">", "<a href=\"/{{ x }}\">",
        "<a href=\"java&#115;cript:{{ x }}\">", "<link href=\"{{ x }}\">",
        "<img srcset=\"{{ x }}\">",
        "<video src=\"{{ x }}\">", "<a href=\"https://a@{{ x }}/\">", "<style></styl{{ x }}",
        "<p title=\"a\" {{ x }}", "<input formaction=\"{{ x }}\">",
    ]) func `a variable is refused where it could become more than text`(source: String) {
        #expect(fault(source, .html)?.code == "variable_not_allowed_here", "\(source)")
    }

    @Test(arguments: [
        "<script>x</script>", "<SCRIPT src=x>", "<p><svg><style>", "<iframe>", "<math>",
        "<noscript>", "<template>", "<form action=x>", "</script>", "<object>", "<base href=x>",
        "<plaintext>",
    ]) func `an element with rules of its own is refused`(source: String) {
        #expect(fault(source, .html)?.code == "element_not_allowed", "\(source)")
    }

    @Test(arguments: [
        "<p>{{ x }}</p>", "a < b {{ x }}", "<p class=\"a {{ x }}\" id='{{ x }}'>", "<br/>{{ x }}",
        "<p a>{{ x }}", "<p a=b>{{ x }}", "<p a = b c>{{ x }}", "<!-- c -->{{ x }}",
        "<!---->{{ x }}", "<!DOCTYPE html>{{ x }}", "<style>a > b {}</style>{{ x }}",
        "<style></sty</style >{{ x }}", "<title>{{ x }}</title>", "<a href='{{ x }}'>",
        "<a href=\"https://x.example/{{ x }}\">", "<a href=\"HTTPS://x.example?{{ x }}\">",
        "<a href=\"mailto:{{ x }}\">", "<img src=\"{{ x }}\" alt=\"{{ x }}\">",
        "{{#if x}}<b>a</b>{{else}}<i class=\"c\">b</i>{{/if}}",
        "<p class=\"{{#if x}}a{{else}}b{{/if}}\">", "<p {{#if x}}class=\"a\" {{/if}}id=\"b\">",
        "<a href=\"{{#if x}}{{ x }}{{else}}https://x.example/{{/if}}\">",
        "{{#each x}}<li>{{ this }}</li>{{/each}}", "<!--[if mso]><p><![endif]-->{{ x }}",
    ]) func `ordinary HTML is taken`(source: String) {
        #expect(
            fault(source, .html) == nil, "\(source): \(String(describing: fault(source, .html)))")
    }

    @Test(arguments: [
        "{{#if x}}<p {{/if}}>", "{{#if x}}<!--{{/if}} -->", "<p title=\"{{#if x}}\"{{/if}}>",
        "{{#if x}}<p title=\"{{else}}<p>{{/if}}", "{{#each x}}<style>{{/each}}",
        "<a href=\"{{#if x}}https://x.example/{{/if}}{{ x }}\">",
    ]) func `a block must leave the HTML where it found it, whichever way it goes`(
        source: String
    ) {
        #expect(fault(source, .html)?.code == "uneven_block", "\(source)")
    }

    @Test(arguments: ["<p", "<p title=\"a", "<!-- a", "<style>", "<"])
    func `HTML that ends inside of a tag is refused`(source: String) {
        #expect(fault(source, .html)?.code == "unfinished_html", "\(source)")
    }

    @Test func `sizes and depths are bounded`() {
        let deep =
            String(repeating: "{{#if x}}", count: 10) + String(repeating: "{{/if}}", count: 10)
        #expect(fault(deep, .text)?.code == "too_deep")
        #expect(fault(String(repeating: "{{x}}", count: 3000), .text)?.code == "too_many_parts")
        #expect(fault(String(repeating: "x", count: 70_000), .html)?.code == "too_long")
        #expect(fault(String(repeating: "x", count: 1001), .subject)?.code == "too_long")
        let broken = TemplateContent(subject: "{{", text: "{{ x | no }}", html: "<p {{ x }}>")
        #expect(CompiledTemplate.faults(of: broken).map(\.part) == [.subject, .text, .html])
    }
}
