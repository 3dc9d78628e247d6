import Kernel

/// What a dashboard is about: one client, perhaps one of its campaigns, whole hours between two
/// times. Every question to ClickHouse takes one, so none can forget the tenant or be unbounded.
struct DashboardScope: Sendable, Hashable {
    /// The longest range, in days.
    static let maximumDays = 366
    /// The range of a question that names none.
    static let defaultDays = 30

    private static let hour: Int64 = 3_600_000_000
    private static let day: Int64 = 24 * hour

    let clientID: ClientID
    /// Nil for all campaigns of the client.
    let campaignID: CampaignID?
    /// The beginning of the first hour.
    let from: Timestamp
    /// The end of the last hour.
    let to: Timestamp

    /// Widens the range to whole hours. `now` is the client's business time.
    ///
    /// Throws `invalid_range` when it is empty or longer than `maximumDays`.
    init(
        clientID: ClientID, campaignID: CampaignID?, from: Timestamp?, to: Timestamp?,
        now: Timestamp
    ) throws(Problem) {
        let end = (to ?? now).hourBelow + (to?.isWholeHour == true ? .zero : .seconds(3600))
        let start =
            from?.hourBelow ?? end - .microseconds(Int64(Self.defaultDays) * Self.day)
        guard start < end, end.microseconds > 0,
            end.microseconds - start.microseconds <= Int64(Self.maximumDays) * Self.day
        else {
            throw .badRequest(
                "invalid_range",
                "Let 'from' be before 'to', and at most \(Self.maximumDays) days before.",
                pointer: "?from")
        }
        self.clientID = clientID
        self.campaignID = campaignID
        self.from = start
        self.to = end
    }
}

extension Timestamp {
    private static let hour: Int64 = 3_600_000_000

    fileprivate var isWholeHour: Bool { microseconds % Self.hour == 0 }

    /// The beginning of its hour.
    var hourBelow: Timestamp {
        let rest = microseconds % Self.hour
        return Timestamp(microseconds: microseconds - (rest < 0 ? rest + Self.hour : rest))
    }
}
