import Contracts
import Kernel

/// What a client puts into its pages: the loader of the browser SDK with the publishable key and
/// the campaign.
struct PageSnippet: Sendable {
    /// What stands for the key until the client puts its own there.
    static let keyPlaceholder = "YOUR_PUBLISHABLE_KEY"

    /// The gateway's address as browsers see it.
    let publicURL: String
    let campaignID: CampaignID
    let key: String

    /// The script element. Nothing in it can end an attribute or the element.
    var html: String {
        """
        <script src="\(Self.attribute("\(publicURL)\(BrowserSDK.loaderPath)"))"
            crossorigin="anonymous" integrity="\(BrowserSDK.loaderIntegrity)"
            data-key="\(Self.attribute(key))" data-campaign="\(campaignID)"></script>
        """
    }

    /// A text that is harmless between double quotes of an attribute.
    static func attribute(_ text: String) -> String {
        var attribute = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "&", "<", ">", "'", "\0"..."\u{1F}", "\u{7F}":
                attribute += "&#\(scalar.value);"
            default: attribute.unicodeScalars.append(scalar)
            }
        }
        return attribute
    }
}

/// The release of the browser SDK that new snippets name (`Services/Web/sdk/releases`). A page
/// goes on with the one that it names: a released file never changes.
enum BrowserSDK {
    static let version = "1.0.0"
    static let loaderPath = "/sdk/\(version)/loader.js"
    static let loaderIntegrity =
        "sha384-X56bW35yCzqGjePGhsq/tfiai16yzGJvchwfBncWTKl7nv1yZK6cUDx8GZeHG8to"
}
