/// Something that wraps every handler of an audience: before, after, instead or around.
package protocol Middleware: Sendable {
    /// Answers, usually by calling `next`, at most once.
    func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse
}
