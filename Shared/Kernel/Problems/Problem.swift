/// An error as a caller sees it: RFC 9457 problem details plus a stable `code`.
///
/// Nothing internal goes in here: no SQL, no host name, no stack.
package struct Problem: Error, Sendable, Hashable {
    /// One wrong place in the request.
    package struct FieldError: Sendable, Hashable, Codable {
        /// A JSON pointer into the body (`/budget/units`), or `?name` for a query parameter, or a
        /// header's name.
        package let pointer: String
        /// A stable slug (`required`, `too_long`).
        package let code: String
        /// What to change, as a sentence.
        package let detail: String

        package init(pointer: String, code: String, detail: String) {
            self.pointer = pointer
            self.code = code
            self.detail = detail
        }
    }

    /// The HTTP status, 400 to 599.
    package let status: Int
    /// A stable slug that programs branch on (`budget_exceeded`).
    package let code: String
    /// What happened and what to change, as a sentence.
    package let detail: String
    package let errors: [FieldError]
    /// When trying again may help; becomes `Retry-After`, rounded up to whole seconds.
    package let retryAfter: Duration?

    package init(
        status: Int, code: String, detail: String, errors: [FieldError] = [],
        retryAfter: Duration? = nil
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.retryAfter = retryAfter
    }
}

extension Problem {
    /// 400, with the one place that is wrong when it is known.
    package static func badRequest(
        _ code: String, _ detail: String, pointer: String? = nil
    ) -> Problem {
        let errors = pointer.map { [FieldError(pointer: $0, code: code, detail: detail)] } ?? []
        return Problem(status: 400, code: code, detail: detail, errors: errors)
    }

    /// 400 `validation_failed` for one or more wrong fields.
    package static func invalid(_ errors: [FieldError]) -> Problem {
        let detail =
            errors.count == 1
            ? errors[0].detail : "\(errors.count) fields are not valid; see 'errors'."
        return Problem(status: 400, code: "validation_failed", detail: detail, errors: errors)
    }

    /// 401; the code says which part of the credential failed only as far as that helps no
    /// attacker.
    package static func unauthorized(_ code: String = "unauthorized", _ detail: String) -> Problem {
        Problem(status: 401, code: code, detail: detail)
    }

    /// 403: known caller, not allowed.
    package static func forbidden(_ code: String = "forbidden", _ detail: String) -> Problem {
        Problem(status: 403, code: code, detail: detail)
    }

    /// 404; the same for "does not exist" and "belongs to another tenant".
    package static func notFound(_ what: String) -> Problem {
        Problem(status: 404, code: "not_found", detail: "There is no such \(what).")
    }

    /// 409: the request is fine, the present state is not.
    package static func conflict(
        _ code: String, _ detail: String, retryAfter: Duration? = nil
    ) -> Problem {
        Problem(status: 409, code: code, detail: detail, retryAfter: retryAfter)
    }

    /// 422: well formed, but cannot be done as asked.
    package static func unprocessable(_ code: String, _ detail: String) -> Problem {
        Problem(status: 422, code: code, detail: detail)
    }

    /// 503 with `Retry-After`: the caller may try the same again.
    package static func unavailable(
        _ code: String = "unavailable",
        _ detail: String = "The service cannot do this right now. Try again shortly.",
        retryAfter: Duration = .seconds(1)
    ) -> Problem {
        Problem(status: 503, code: code, detail: detail, retryAfter: retryAfter)
    }

    /// 500: our fault. Says nothing but that.
    package static let internalError = Problem(
        status: 500, code: "internal_error",
        detail: "Something went wrong on our side. Quote the request id when you ask about it.")
}
