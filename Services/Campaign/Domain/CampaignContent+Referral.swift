import Contracts
import Kernel

extension CampaignContent {
    static let maximumAllowedHosts = 20
    static let maximumNotifications = 10
    /// A minute to a year.
    static let attributionWindowsInSeconds = 60...365 * 86_400

    /// How links and attribution work, with its defaults. A conversion campaign always attributes.
    var filledReferral: ReferralPolicy? {
        guard let referral else {
            return pulse == .conversion ? ReferralPolicy(destinationURL: nil) : nil
        }
        return ReferralPolicy(
            destinationURL: referral.destinationURL, allowedHosts: referral.allowedHosts ?? [],
            attributionWindowSeconds: referral.attributionWindowSeconds
                ?? ReferralPolicy.defaultAttributionWindowSeconds)
    }

    // MARK: - What is wrong

    var referralProblems: [Problem.FieldError] {
        destinationProblems + allowedHostProblems + attributionWindowProblems + referrerProblems
    }

    private var destinationProblems: [Problem.FieldError] {
        guard let referral else { return [] }
        guard let destination = referral.destinationURL else {
            return pulse == .signup
                ? [
                    .init(
                        "/referral/destination_url", "required",
                        "Who signs up gets a link: say where it leads.")
                ] : []
        }
        return DestinationURL(destination) == nil
            ? [
                .init(
                    "/referral/destination_url", "invalid_url",
                    "Use an absolute https address of at most \(DestinationURL.maximumLength)"
                        + " characters with a lower-case host and no user name or fragment.")
            ] : []
    }

    private var allowedHostProblems: [Problem.FieldError] {
        guard let hosts = referral?.allowedHosts else { return [] }
        guard hosts.count <= Self.maximumAllowedHosts else {
            return [
                .init(
                    "/referral/allowed_hosts", "invalid_count",
                    "Name at most \(Self.maximumAllowedHosts) hosts.")
            ]
        }
        return hosts.enumerated().flatMap { index, host -> [Problem.FieldError] in
            let place = "/referral/allowed_hosts/\(index)"
            guard HostName.isValid(host) else {
                return [
                    .init(
                        place, "invalid_host",
                        "Use the host's exact name in lower case, such as shop.example, without"
                            + " scheme, port or path.")
                ]
            }
            return hosts[..<index].contains(host)
                ? [.init(place, "duplicate", "This host is named before.")] : []
        }
    }

    private var attributionWindowProblems: [Problem.FieldError] {
        let allowed = Self.attributionWindowsInSeconds
        guard let window = referral?.attributionWindowSeconds, !allowed.contains(window) else {
            return []
        }
        return [
            .init(
                "/referral/attribution_window_seconds", "out_of_range",
                "Use \(allowed.lowerBound) to \(allowed.upperBound) seconds, or leave it out.")
        ]
    }

    /// Without attribution there is nobody who could be rewarded or written to.
    private var referrerProblems: [Problem.FieldError] {
        guard filledReferral == nil else { return [] }
        let rules = rewardRules.indices.filter { rewardRules[$0].recipient == .referrer }
        let messages = (notifications ?? []).enumerated().filter { $1.recipient == .referrer }
        return
            (rules.map { "/reward_rules/\($0)/recipient" }
            + messages.map { "/notifications/\($0.offset)/recipient" }).map {
                .init(
                    $0, "referral_required",
                    "Only a campaign with a referral policy (\"referral\") knows a referrer.")
            }
    }

    var notificationProblems: [Problem.FieldError] {
        guard let notifications else { return [] }
        guard notifications.count <= Self.maximumNotifications else {
            return [
                .init(
                    "/notifications", "invalid_count",
                    "Name at most \(Self.maximumNotifications) notifications.")
            ]
        }
        return notifications.enumerated().flatMap { index, notification -> [Problem.FieldError] in
            let place = "/notifications/\(index)"
            guard Self.isSlug(notification.template) else {
                return [
                    .init(
                        "\(place)/template", "invalid_template",
                        "Use 1 to 50 of a–z, 0–9 and _ as the template's key.")
                ]
            }
            return notifications[..<index].contains(notification)
                ? [.init(place, "duplicate", "The same message is named before.")] : []
        }
    }
}
