import Contracts
package import HTTPKit
import Kernel
import MessagingKit
import ServiceKit

extension ClientService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        let clients = ManageClients(changes: changes, store: clients, context: context)
        let keys = ManageKeys(
            changes: changes, clients: self.clients, store: keys, context: context)
        let participants = ReadParticipants(store: participants)
        let members = ManageMembers(
            creation: memberCreation, changes: changes, store: self.members, sessions: sessions,
            context: context)
        let clocks = TestClockRoutes(changes: changes, store: self.clients, context: context)
        let audit = ReadAudit(store: audit)
        router.group(context.audiences.admin) { group in
            group.get("/clients", handler: clients.list)
            group.post("/clients", handler: clients.create)
            group.get("/clients/{client_id}", handler: clients.one)
            group.post("/clients/{client_id}/status", handler: clients.changeStatus)
            group.post("/clients/{client_id}/clock", handler: clients.moveClock)
            group.post("/clients/{client_id}/keys", handler: keys.createAsStaff)
            group.get("/clients/{client_id}/members", handler: members.list)
            group.post("/clients/{client_id}/members", handler: members.create)
            group.post(
                "/clients/{client_id}/members/{member_id}/remove", limits: .noBody,
                handler: members.remove)
            group.get("/audit", handler: audit.respond)
        }
        router.group(context.audiences.portal) { group in
            group.get("/client", handler: clients.own)
            group.get("/keys", handler: keys.list)
            group.post("/keys", handler: keys.create)
            group.post("/keys/{key_id}/revoke", limits: .noBody, handler: keys.revoke)
            group.get("/test-clock", handler: clocks.read)
            group.post("/test-clock/advance", handler: clocks.advance)
            group.get("/participants", handler: participants.list)
            group.get("/participants/{participant_id}", handler: participants.one)
        }
        mountInternal(&router)
        mountPublic(&router)
    }

    private func mountInternal(_ router: inout Router) {
        let lookUps = LookUps(
            keys: keys, participants: participants, sessions: sessions, clock: context.world.clock)
        let barrier = BarrierMiddleware([subscriber.barrier])
        router.group(context.audiences.internal(middleware: [barrier])) { group in
            group.on(ClientContracts.resolveKey) { input, _, _ in try await lookUps.key(input) }
            group.on(ClientContracts.findKey) { input, _, _ in try await lookUps.isInUse(input) }
            group.on(MemberContracts.resolveSession) { input, _, _ in
                try await lookUps.session(input)
            }
            group.on(ClientContracts.lookUpParticipant) { input, _, _ in
                try await lookUps.participant(input)
            }
            group.on(ClientContracts.lookUpParticipants) { input, _, _ in
                try await lookUps.profiles(input)
            }
        }
    }

    private func mountPublic(_ router: inout Router) {
        let keySet = MemberKeySet(keys: configuration.memberPublicKeys)
        let auth = Sessions(
            signIn: SignIn(members: members, sessions: sessions, audit: audit, context: context),
            refreshing: SessionRefresh(
                sessions: sessions, audit: audit, changes: changes, context: context),
            cookies: RefreshCookie(isSecure: configuration.cookiesAreSecure),
            clock: context.world.clock, memberKey: configuration.memberKey)
        router.group(context.audiences.auth) { group in
            group.post("/sessions", handler: auth.create)
            group.delete("/sessions", handler: auth.delete)
            group.post("/sessions/refresh", limits: .noBody, handler: auth.refresh)
        }
        router.group(context.audiences.public) { group in
            group.get(MemberContracts.keySetPath, handler: keySet.respond)
        }
    }
}

extension StaffPrincipal {
    /// Who acts, for the audit.
    var actor: String { "staff:\(subject.prefix(200))" }
}
