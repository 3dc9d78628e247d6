import Foundation
import Kernel
import Testing

@Suite struct ProblemTests {
    private func json(_ document: ProblemDocument) throws -> [String: JSONValue] {
        let bytes = try JSONEncoder().encode(document)
        return try #require(try JSONDecoder().decode(JSONValue.self, from: bytes).object)
    }

    @Test func `a problem document has every member of the convention`() throws {
        let problem = Problem.badRequest("too_long", "Shorten it.", pointer: "/name")
        let members = try json(ProblemDocument(problem, requestID: "req-1"))
        #expect(
            members == [
                "type": "about:blank", "title": "Bad Request", "status": 400,
                "detail": "Shorten it.", "code": "too_long", "message": "Shorten it.",
                "request_id": "req-1",
                "errors": [
                    ["pointer": "/name", "code": "too_long", "detail": "Shorten it."]
                ],
            ])
    }

    @Test func `a document without a request id leaves it out and keeps an empty list of errors`()
        throws
    {
        let members = try json(ProblemDocument(.internalError, requestID: nil))
        #expect(members["request_id"] == nil)
        #expect(members["errors"] == .array([]))
    }

    @Test func `a document is read again, even one that others wrote sparsely`() throws {
        let document = ProblemDocument(.notFound("campaign"), requestID: "r")
        let bytes = try JSONEncoder().encode(document)
        #expect(try JSONDecoder().decode(ProblemDocument.self, from: bytes) == document)
        let sparse = try JSONDecoder().decode(
            ProblemDocument.self, from: Data(#"{"status":503}"#.utf8))
        #expect(sparse.status == 503 && sparse.code == "unknown" && sparse.errors.isEmpty)
    }

    @Test func `each constructor has its status`() {
        #expect(Problem.badRequest("a", "b").status == 400)
        #expect(Problem.badRequest("a", "b").errors.isEmpty)
        #expect(Problem.unauthorized("a", "b").status == 401)
        #expect(Problem.forbidden("a", "b").status == 403)
        #expect(Problem.notFound("x").status == 404)
        #expect(Problem.conflict("a", "b", retryAfter: .seconds(2)).retryAfter == .seconds(2))
        #expect(Problem.conflict("a", "b").status == 409)
        #expect(Problem.unprocessable("a", "b").status == 422)
        #expect(Problem.unavailable().status == 503)
        #expect(Problem.unavailable().retryAfter == .seconds(1))
        #expect(Problem.internalError.status == 500)
    }

    @Test func `several wrong fields are counted and one speaks for itself`() {
        let one = Problem.FieldError(pointer: "/a", code: "required", detail: "Give a.")
        let two = Problem.FieldError(pointer: "/b", code: "required", detail: "Give b.")
        #expect(Problem.invalid([one]).detail == "Give a.")
        #expect(Problem.invalid([one, two]).detail.hasPrefix("2 fields"))
        #expect(Problem.invalid([one, two]).code == "validation_failed")
    }

    @Test func `every status from 400 to 599 has a title`() {
        for status in 400...599 { #expect(!ProblemDocument.title(of: status).isEmpty) }
        #expect(ProblemDocument.title(of: 418) == "Client Error")
        #expect(ProblemDocument.title(of: 599) == "Server Error")
    }
}
