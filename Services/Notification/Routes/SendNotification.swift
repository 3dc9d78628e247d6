import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import ServiceKit

/// `POST /internal/notifications/send`: renders a message and queues it, once per idempotency key.
struct SendNotification: Sendable {
    private static let lookUpDeadline = Duration.seconds(4)

    let store: NotificationStore
    /// Queues messages of calls at the same time together.
    let queue: Gathering<NewNotification, NotificationStore.Storing>
    let templates: PublishedTemplates
    let secrets: NotificationSecrets
    let clientService: PeerClient
    let outbox: Outbox
    let postgres: PostgresClient
    let wake: WakeSignal
    let world: World

    func respond(
        _ input: SendNotificationRequest, _ request: HTTPRequest
    ) async throws -> SendNotificationResponse {
        try Self.check(input)
        let key = try IdempotencyRequest(required: request, clientID: input.clientID)
        let new: NewNotification
        do {
            new = try await compose(input, key, request)
        } catch {
            // What was answered before is answered again, whoever is away.
            if let known = try await known(key) { return known }
            throw error
        }
        world.faults.reach(NotificationCrashPoint.sendBeforeCommit)
        let stored = try await store(new)
        guard let stored else {
            // The key was used before; that message counts.
            guard let known = try await known(key) else { throw Problem.unavailable() }
            return known
        }
        world.faults.reach(NotificationCrashPoint.sendAfterCommit)
        if stored.mail != nil { wake.raise() }
        return stored.response
    }

    /// The message as it was stored; nil when its key is another's.
    private func store(_ new: NewNotification) async throws -> NewNotification? {
        var refused = new
        if new.mail != nil {
            switch try await queue(new) {
            case .stored: return new
            case .taken: return nil
            case .suppressed: refused = new.refused("suppressed")
            }
        }
        let message = NotificationMessages().ended(
            NotificationChange(
                notificationID: new.id, participantID: new.request.participantID,
                channel: new.request.channel, template: new.request.template,
                reason: refused.reason),
            of: new.clientID, campaign: new.request.campaignID, traceparent: new.traceparent,
            at: new.at)
        return try await postgres.withTransaction { [refused] transaction in
            guard try await store.insert(refused: refused, in: transaction) else { return nil }
            try await outbox.append([message], in: transaction)
            return refused
        }
    }

    private static func check(_ input: SendNotificationRequest) throws(Problem) {
        guard case .object = input.variables else {
            throw .invalid([
                .init(pointer: "/variables", code: "wrong_type", detail: "Send an object.")
            ])
        }
        guard (1...100).contains(input.template.utf8.count),
            input.template.utf8.allSatisfy({ (33...126).contains($0) })
        else {
            throw .invalid([
                .init(
                    pointer: "/template", code: "invalid_value",
                    detail: "Send a template's key of 1 to 100 characters.")
            ])
        }
    }

    private func known(_ key: IdempotencyRequest) async throws -> SendNotificationResponse? {
        guard let known = try await store.find(requestKey: key.key, of: key.clientID) else {
            return nil
        }
        guard known.fingerprint == key.fingerprint else { throw NotificationFailure.keyReused }
        return known.response
    }

    /// Everything that is decided before the message is stored.
    private func compose(
        _ input: SendNotificationRequest, _ key: IdempotencyRequest, _ request: HTTPRequest
    ) async throws -> NewNotification {
        let profile = try await clientService.call(
            ClientContracts.lookUpParticipant,
            LookUpParticipantRequest(clientID: input.clientID, participantID: input.participantID),
            CallOptions(
                position: request.headers[LogPosition.headerName], deadline: Self.lookUpDeadline)
        ).participant
        world.faults.reach(NotificationCrashPoint.sendAfterLookUp)
        let found = try await templates.find(input.template, of: input.clientID)
        func new(
            _ mail: (EmailAddress, [UInt8], RenderedMessage)?, _ reason: String?
        ) -> NewNotification {
            NewNotification(
                id: world.ids.next(), clientID: input.clientID, requestKey: key.key,
                fingerprint: key.fingerprint, request: input, templateVersion: found?.version,
                mail: mail, reason: reason, traceparent: TraceContext.current?.traceparent,
                at: world.clock.now())
        }
        // Anyone can make a browser tell of an address: only a trusted one gets mail.
        guard let profile, let text = profile.trustedTraits["email"]?.string,
            let address = EmailAddress(text)
        else { return new(nil, "no_address") }
        guard let found else { return new(nil, "unknown_template") }
        do throws(RenderFailure) {
            let content = try found.template.render(Self.variables(input, profile))
            return new((address, secrets.hash(address, of: input.clientID), content), nil)
        } catch {
            world.telemetry.logger.warning(
                "a message cannot be rendered",
                [
                    ("template", .text(input.template)), ("reason", .text(error.code)),
                    ("detail", .text(error.detail)),
                ])
            return new(nil, error.code)
        }
    }

    /// What the run gave, and the participant as far as it can be believed.
    private static func variables(
        _ input: SendNotificationRequest, _ profile: ParticipantProfile
    ) -> JSONValue {
        var variables = input.variables.object ?? [:]
        variables["participant"] = [
            "participant_id": .string(profile.participantID.description),
            "external_id": .string(profile.externalID),
            "traits": profile.trustedTraits,
        ]
        return .object(variables)
    }
}
