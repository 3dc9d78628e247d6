/// Why a call could not do what it was asked to.
enum ReferralFailure: Error, Sendable, Hashable {
    case campaignUnknown
    /// The campaign gives out no links.
    case linksNotOffered
    /// No new links of a campaign that is not running.
    case campaignNotActive
    /// Nobody has this code, or its campaign leads nowhere any more.
    case linkUnknown
    /// The destination asked for is not one that the campaign allows.
    case destinationNotAllowed
    case conversionUnknown
    case decisionUnknown
    /// The idempotency key names a decision about something else.
    case keyReused
    /// Every code that was tried is taken: a fault of the random numbers.
    case codesExhausted
}
