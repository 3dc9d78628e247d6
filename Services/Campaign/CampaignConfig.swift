package import ServiceKit

/// Settings of campaign-service beside the common ones.
package struct CampaignConfiguration: ServiceConfiguration {
    /// Where browsers reach the gateway; no trailing slash.
    let publicURL: String

    package init(_ environment: inout EnvironmentReader) {
        publicURL = environment.httpURL(
            "GRAPEVINE_CAMPAIGN_PUBLIC_URL", default: "http://127.0.0.1:8080",
            "the gateway's address as browsers see it, for the code that goes into pages")
    }
}
