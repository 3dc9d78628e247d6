import Kernel
import SecurityKit
import ServiceKit

/// `client-service staff-token --subject NAME [--minutes N]`: prints a token for `/v1/admin`.
enum StaffTokenCommand {
    static let audience = "grapevine-admin"
    static let defaultMinutes = 60
    static let maximumMinutes = 24 * 60

    static let command = ServiceCommand<ClientService>(
        "staff-token", "print a token for /v1/admin (--subject NAME, --minutes N, 60 by default)"
    ) { _, context, arguments in
        print(
            try token(
                arguments, secret: context.configuration.staffSecret, clock: context.world.clock))
    }

    /// Throws a problem that says what is wrong with the arguments or the configuration.
    static func token(
        _ arguments: [String], secret: [UInt8]?, clock: any TimeSource
    ) throws -> String {
        guard let secret else {
            throw Problem.badRequest(
                "staff_secret_missing", "GRAPEVINE_STAFF_SECRET is not set: there are no staff.")
        }
        let (subject, minutes) = try parse(arguments)
        let now = clock.now()
        return try JWTSigner.hs256(secret: secret).sign(
            JWTClaims(
                sub: subject, aud: [audience], exp: now + .seconds(60 * minutes), iat: now))
    }

    private static func parse(
        _ arguments: [String]
    ) throws(Problem) -> (subject: String, minutes: Int) {
        var subject: String?
        var minutes = defaultMinutes
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw usage("\(name) needs a value.") }
            switch name {
            case "--subject": subject = value
            case "--minutes":
                guard let number = Int(value), (1...maximumMinutes).contains(number) else {
                    throw usage("--minutes is a whole number from 1 to \(maximumMinutes).")
                }
                minutes = number
            default: throw usage("There is no option '\(name)'.")
            }
        }
        guard let subject, TextRule.isLine(subject, maximum: 200) else {
            throw usage("Say who the token is for.")
        }
        return (subject, minutes)
    }

    private static func usage(_ detail: String) -> Problem {
        .badRequest(
            "usage", "\(detail) Usage: client-service staff-token --subject NAME [--minutes N]")
    }
}
