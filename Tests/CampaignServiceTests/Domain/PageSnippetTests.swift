import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import CampaignService

@Suite struct PageSnippetTests {
    private let campaign = CampaignID(UUID())

    private func html(_ url: String, key: String = PageSnippet.keyPlaceholder) -> String {
        PageSnippet(publicURL: url, campaignID: campaign, key: key).html
    }

    @Test func `the snippet names the address, the key and the campaign`() {
        let html = html("https://go.example", key: "gv_pk_abc")
        #expect(html.hasPrefix("<script>"))
        #expect(html.hasSuffix("</script>"))
        #expect(html.contains("\"https://go.example/v1/sdk/events\""))
        #expect(html.contains("\"gv_pk_abc\""))
        #expect(html.contains("\"\(campaign)\""))
        #expect(html.utf8.count < 3000)
    }

    @Test func `nothing in an address can end the script or its text`() {
        let html = html(#"https://a.example/</script><img src=x onerror="alert('1')">\"#)
        #expect(html.components(separatedBy: "</script>").count == 2)
        #expect(!html.contains("<img"))
        #expect(!html.contains("=\"alert"))
    }

    @Test(arguments: [
        ("plain", #""plain""#), (#"a"b"#, #""a\"b""#), (#"a\b"#, #""a\\b""#),
        ("</a>", #""\u003c/a\u003e""#), ("&'", #""\u0026\u0027""#),
        ("\u{2028}\u{2029}", #""\u2028\u2029""#), ("\n\0\u{7F}", #""\u000a\u0000\u007f""#),
        ("\u{fc}\u{1F347}", "\"\u{fc}\u{1F347}\""),
    ])
    func `a text becomes a harmless literal`(text: String, literal: String) {
        #expect(PageSnippet.literal(text) == literal)
    }
}
