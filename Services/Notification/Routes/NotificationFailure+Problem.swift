import HTTPKit
import Kernel

/// The one mapping of this service's failures to what callers see.
extension NotificationFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .notificationUnknown: .notFound("notification")
        case .templateUnknown: .notFound("template")
        case .templateExists:
            .conflict(
                "template_exists", "There is a template of this key. Add a version to it.")
        case .versionUnknown: .notFound("version of the template")
        case .tooManyVersions:
            .conflict(
                "too_many_versions",
                "A template has \(TemplateStore.maximumVersions) versions at most.")
        case .keyReused:
            .unprocessable(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new key for a new one.")
        case .webhookUnknown: .notFound("webhook")
        case .tooManyWebhooks:
            .conflict(
                "too_many_webhooks",
                "A client has \(WebhookRules.maximumPerClient) webhooks at most.")
        case .deliveryUnknown: .notFound("delivery")
        case .deliveryUnderWay:
            .conflict(
                "delivery_under_way", "This delivery is being sent right now.",
                retryAfter: .seconds(1))
        case .webhookDisabled:
            .conflict("webhook_disabled", "Switch the webhook on before replaying.")
        case .suppressionUnknown: .notFound("suppressed address")
        case .cannotRender(let failure): .unprocessable(failure.code, failure.detail)
        }
    }
}
