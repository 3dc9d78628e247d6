import Contracts
import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import CampaignService

@Suite struct PageSnippetTests {
    private let campaign = CampaignID(UUID())

    private func html(_ url: String, key: String = PageSnippet.keyPlaceholder) -> String {
        PageSnippet(publicURL: url, campaignID: campaign, key: key).html
    }

    @Test func `the snippet loads the SDK with the key and the campaign`() {
        let html = html("https://go.example", key: "gv_pk_abc")
        #expect(html.hasPrefix("<script "))
        #expect(html.hasSuffix("></script>"))
        #expect(html.contains("src=\"https://go.example/sdk/1.0.0/loader.js\""))
        #expect(html.contains("data-key=\"gv_pk_abc\""))
        #expect(html.contains("data-campaign=\"\(campaign)\""))
        #expect(html.utf8.count < 500)
    }

    @Test func `the hash is that of the released loader`() throws {
        let release = "\(Repository.root)/Services/Web/sdk/releases/\(BrowserSDK.version)"
        let told = try Data(contentsOf: URL(filePath: "\(release)/integrity.json"))
        let hashes = try JSONCoding.parse(Array(told))
        #expect(hashes["loader.js"]?.string == BrowserSDK.loaderIntegrity)
    }

    @Test func `nothing in an address can end the attribute or the element`() {
        let html = html(#"https://a.example/"></script><img src=x onerror="alert('1')">"#)
        #expect(html.components(separatedBy: "</script>").count == 2)
        #expect(!html.contains("<img"))
        #expect(!html.contains("=\"alert"))
    }

    @Test(arguments: [
        ("plain", "plain"), (#"a"b"#, "a&#34;b"), ("<a>", "&#60;a&#62;"), ("&'", "&#38;&#39;"),
        ("\n\0\u{7F}", "&#10;&#0;&#127;"), ("\u{fc}\u{1F347}", "\u{fc}\u{1F347}"),
    ])
    func `a text becomes a harmless attribute`(text: String, attribute: String) {
        #expect(PageSnippet.attribute(text) == attribute)
    }
}
