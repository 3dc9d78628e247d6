import CLibcurl
import Kernel

extension CurlTransfer {
    /// Prepares one attempt of an HTTP request; `limit` is what is left of the call's deadline.
    static func http(
        _ request: ClientRequest, to target: RequestTarget, extra: [HTTPHeaders.Field],
        within limit: Duration, _ configuration: HTTPClientConfiguration
    ) throws(HTTPClientError) -> CurlTransfer {
        let transfer = try CurlTransfer(
            headLimitBytes: configuration.responseHeaderLimitBytes,
            bodyLimitBytes: request.responseLimitBytes)
        try transfer.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try transfer.set(CURLOPT_URL, target.url)
        try transfer.set(CURLOPT_FOLLOWLOCATION, 0)
        try transfer.set(CURLOPT_USERAGENT, configuration.userAgent)
        try transfer.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        try transfer.set(CURLOPT_PATH_AS_IS, 1)
        try transfer.set(CURLOPT_TIMEOUT_MS, milliseconds(limit))
        try transfer.set(
            CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(limit, configuration.connectTimeout)))
        if !request.cutsResponse {
            try transfer.setSize(CURLOPT_MAXFILESIZE_LARGE, request.responseLimitBytes)
        }
        try transfer.setTargets(request.targets)
        try transfer.set(CURLOPT_MAXAGE_CONN, configuration.idleConnectionSeconds)
        try transfer.set(CURLOPT_MAXLIFETIME_CONN, 600)
        if !request.retry.allowsRepeat(of: request.method) {
            // On a kept connection that dies early libcurl silently sends again, also what must not
            // be. It is not kept either: a connection that only other requests may use would stay
            // behind from each of these, and a server with a thread for each runs out of them.
            try transfer.set(CURLOPT_FRESH_CONNECT, 1)
            try transfer.set(CURLOPT_FORBID_REUSE, 1)
        }
        try transfer.setMethod(request.method, request.body)
        try transfer.setHeaders(request.headers.fields + extra, hasBody: request.body != nil)
        return transfer
    }

    private func setMethod(_ method: HTTPMethod, _ body: [UInt8]?) throws(HTTPClientError) {
        switch method {
        case .get, .head, .options:
            guard body == nil else {
                throw HTTPClientError(.invalidRequest, detail: "\(method.rawValue) takes no body.")
            }
            try set(method == .head ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
            if method == .options { try set(CURLOPT_CUSTOMREQUEST, method.rawValue) }
        case .post, .put, .patch, .delete:
            if body != nil || method != .delete {
                try set(CURLOPT_POST, 1)
                try setBody(body ?? [])
            }
            if method != .post { try set(CURLOPT_CUSTOMREQUEST, method.rawValue) }
        }
    }

    private func setHeaders(
        _ fields: [HTTPHeaders.Field], hasBody: Bool
    ) throws(HTTPClientError) {
        // Without a value libcurl leaves its own header out.
        var lines = ["Expect:"]
        var hasType = false
        for field in fields {
            try HeaderCheck.check(field)
            if HTTPHeaders.isSameName(field.name, "Content-Type") { hasType = true }
            lines.append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        if !hasType { lines.append("Content-Type:") }
        try setLines(CURLOPT_HTTPHEADER, lines)
    }

    /// What a finished transfer brought.
    func result(
        _ code: CURLcode, of request: ClientRequest
    ) -> Result<ClientResponse, HTTPClientError> {
        let isCut = request.cutsResponse && overflow == .body
        return code == CURLE_OK || isCut ? .success(response()) : .failure(error(code))
    }

    private func response() -> ClientResponse {
        var headers = HTTPHeaders()
        for line in headLines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...]
            headers.add(String(line[..<colon]), Self.trimmed(value))
        }
        return ClientResponse(
            status: number(CURLINFO_RESPONSE_CODE), headers: headers, body: body)
    }

    /// What a failed transfer means, by the library's code and how far it came.
    private func error(_ code: CURLcode) -> HTTPClientError {
        let detail = CurlLibrary.text(of: code)
        if socketGuard?.hasRefusedAll == true {
            return HTTPClientError(.targetRefused, detail: detail)
        }
        if overflow != nil { return HTTPClientError(.responseTooLarge, detail: detail) }
        switch code {
        case CURLE_FILESIZE_EXCEEDED:
            return HTTPClientError(.responseTooLarge, detail: detail)
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION:
            return HTTPClientError(.connectionFailed, detail: detail)
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPClientError(wasSent ? .timeout : .connectionFailed, detail: detail)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING,
            CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return HTTPClientError(.malformedResponse, detail: detail)
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
            return HTTPClientError(.invalidRequest, detail: detail)
        case CURLE_OUT_OF_MEMORY:
            return HTTPClientError(.overloaded, detail: detail)
        default:
            return HTTPClientError(wasSent ? .connectionLost : .connectionFailed, detail: detail)
        }
    }

    private var wasSent: Bool { number(CURLINFO_REQUEST_SIZE) > 0 }

    /// Rounded up; 0 would mean "no limit" to the library.
    static func milliseconds(_ duration: Duration) -> Int {
        Int(clamping: max(1, (duration.wholeMicroseconds + 999) / 1000))
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = text.drop(while: isBlank)
        guard let end = start.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(start[...end])
    }
}
