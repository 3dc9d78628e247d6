import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// `client-service create-member --client cli_… --email …`: makes a member who may sign in, and
/// prints it as JSON, with the password when it was made here.
enum CreateMemberCommand {
    static let command = ServiceCommand<ClientService>(
        "create-member",
        "make a member of a client and print it (--client cli_…, --email ADDRESS, --name NAME, "
            + "--password-file FILE; without a file it makes a password)"
    ) { service, _, arguments in
        print(try await run(arguments, service))
    }

    /// Throws a problem that says what is wrong with the arguments, or why there is no member.
    static func run(_ arguments: [String], _ service: ClientService) async throws -> String {
        let wanted = try Arguments(arguments)
        let password = try wanted.passwordFile.map(read) ?? randomPassword()
        let new = NewMember(email: wanted.email, name: wanted.name, password: password)
        if let problem = new.problems.first {
            throw Problem.badRequest(problem.code, problem.detail)
        }
        let answer: IdempotentAnswer
        do {
            answer = try await service.memberCreation.create(
                new, of: wanted.client, by: "staff:create-member", nil)
        } catch let failure as ClientFailure {
            throw failure.problem
        }
        let member = try answer.stored.decode(Member.self)
        let printed = Printed(
            member: member, password: wanted.passwordFile == nil ? password : nil)
        return String(decoding: try JSONCoding.encode(printed), as: UTF8.self)
    }

    private struct Printed: Encodable {
        let member: Member
        let password: String?
    }

    /// 24 characters with 144 random bits.
    private static func randomPassword() -> String { Base64URL.encode(SecureRandom.bytes(18)) }

    private static func read(_ path: String) throws(Problem) -> String {
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(bytes: data, encoding: .utf8)
        else { throw usage("The file '\(path)' cannot be read.") }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private struct Arguments {
        let client: ClientID
        let email: String
        let name: String
        let passwordFile: String?

        init(_ arguments: [String]) throws(Problem) {
            var values: [String: String] = [:]
            var rest = arguments[...]
            while let name = rest.popFirst() {
                guard ["--client", "--email", "--name", "--password-file"].contains(name) else {
                    throw usage("There is no option '\(name)'.")
                }
                guard let value = rest.popFirst() else { throw usage("\(name) needs a value.") }
                values[name] = value
            }
            guard let client = values["--client"].flatMap({ ClientID($0) }) else {
                throw usage("Say which client: --client cli_….")
            }
            guard let email = values["--email"] else { throw usage("Say who: --email ADDRESS.") }
            self.client = client
            self.email = email
            name = values["--name"] ?? email
            passwordFile = values["--password-file"]
        }
    }

    private static func usage(_ detail: String) -> Problem {
        .badRequest(
            "usage",
            "\(detail) Usage: client-service create-member --client cli_… --email ADDRESS "
                + "[--name NAME] [--password-file FILE]")
    }
}
