import HTTPKit
import Kernel

/// The one mapping of failures around webhook sources to what callers see.
extension WebhookFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .sourceUnknown: .notFound("webhook source")
        case .tooManySources:
            .conflict(
                "too_many_webhook_sources",
                "A client has \(WebhookSourceStore.maximumPerClient) webhook sources at most.")
        case .signatureChanged:
            .conflict(
                "signature_scheme_fixed",
                "The secret was made for this way of signing. Create another source.")
        }
    }
}
