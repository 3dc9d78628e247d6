/// Why this service cannot do what was asked.
enum NotificationFailure: Error, Sendable, Hashable {
    case notificationUnknown
    case templateUnknown
    case templateExists
    case versionUnknown
    case tooManyVersions
    case keyReused
    case webhookUnknown
    case tooManyWebhooks
    case deliveryUnknown
    case deliveryUnderWay
    case webhookDisabled
    case suppressionUnknown
    case cannotRender(RenderFailure)
}
