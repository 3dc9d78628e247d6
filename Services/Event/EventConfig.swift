import Kernel
package import ServiceKit

/// Settings of event-service beside the common ones.
package struct EventConfiguration: ServiceConfiguration {
    /// How long segments are kept after every subscriber has passed them.
    let retention: Duration
    /// When they are deleted whoever still waits.
    let retentionCap: Duration
    /// How much is kept of what was rejected.
    let rejections: RejectionLimits
    /// Events requests per key and second.
    let requestsPerSecondPerKey: Int
    /// Events of one client per second, in each replica.
    let eventsPerSecondPerClient: Int
    /// Events of one person per minute from browsers, in each replica.
    let eventsPerMinutePerParticipant: Int
    /// Webhooks per source and second.
    let webhooksPerSecond: Int
    /// Where the public reaches this installation.
    let publicURL: String
    /// 32 bytes.
    let key: [UInt8]
    /// A list of networks with their countries.
    let geoFile: String?

    package init(_ environment: inout EnvironmentReader) {
        retention = environment.duration(
            "GRAPEVINE_EVENT_RETENTION", default: .seconds(14 * 86_400),
            in: .seconds(3600) ... .seconds(3650 * 86_400),
            "how long the log keeps what every subscriber has passed")
        retentionCap = environment.duration(
            "GRAPEVINE_EVENT_RETENTION_CAP", default: .seconds(30 * 86_400),
            in: .seconds(3600) ... .seconds(3650 * 86_400),
            "when the log forgets even what a subscriber still waits for")
        rejections = RejectionLimits(
            age: environment.duration(
                "GRAPEVINE_EVENT_REJECTED_AGE", default: .seconds(7 * 86_400),
                in: .seconds(60) ... .seconds(90 * 86_400), "how long rejected events are kept"),
            events: environment.integer(
                "GRAPEVINE_EVENT_REJECTED_PER_CLIENT", default: 10_000, in: 1...1_000_000,
                "rejected events that are kept of one client; the oldest go first"),
            bytes: environment.integer(
                "GRAPEVINE_EVENT_REJECTED_BYTES_PER_CLIENT", default: 64 << 20,
                in: 1 << 10...1 << 40, "bytes of them, bodies counted"))
        requestsPerSecondPerKey = environment.integer(
            "GRAPEVINE_EVENT_REQUESTS_PER_SECOND", default: 2000, in: 1...1_000_000,
            "requests with events that one API key may send in a second")
        eventsPerSecondPerClient = environment.integer(
            "GRAPEVINE_EVENT_EVENTS_PER_SECOND", default: 5000, in: 1...10_000_000,
            "events that one client may send in a second, in each replica")
        eventsPerMinutePerParticipant = environment.integer(
            "GRAPEVINE_EVENT_PARTICIPANT_EVENTS_PER_MINUTE", default: 1200, in: 1...1_000_000,
            "events of one person that browsers may send in a minute, in each replica")
        webhooksPerSecond = environment.integer(
            "GRAPEVINE_EVENT_WEBHOOKS_PER_SECOND", default: 200, in: 1...1_000_000,
            "webhooks that one source may send in a second")
        publicURL = environment.httpURL(
            "GRAPEVINE_EVENT_PUBLIC_URL", default: "http://127.0.0.1:8080",
            "where the public reaches /v1/hooks/, for the addresses of webhook sources")
        key = environment.masterKey(
            "GRAPEVINE_EVENT_KEY",
            "encrypts the secrets of webhook sources and hashes addresses; keep it as long as "
                + "the data")
        geoFile = environment.optionalString(
            "GRAPEVINE_EVENT_GEO_FILE", example: "/etc/grapevine/networks.csv",
            "a list of network,country,region by which events get a country; none without it")
    }
}
