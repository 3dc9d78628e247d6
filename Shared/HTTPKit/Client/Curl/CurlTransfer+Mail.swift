import CLibcurl

extension CurlTransfer {
    /// Prepares the sending of one message (RFC 5321).
    static func mail(
        _ message: MailMessage, by server: MailServer, within limit: Duration,
        _ limits: MailClient.Limits, isFresh: Bool
    ) throws(HTTPClientError) -> CurlTransfer {
        try MailCheck.check(message, server)
        let transfer = try CurlTransfer(headLimitBytes: 64 * 1024, bodyLimitBytes: 64 * 1024)
        try transfer.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        let scheme = server.security == .tls ? "smtps" : "smtp"
        try transfer.set(
            CURLOPT_URL, "\(scheme)://\(server.host):\(server.port)/\(server.helloName)")
        if server.security != .none {
            // Without it a server, or somebody in between, could turn TLS off.
            try transfer.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue))
        }
        if let file = server.authoritiesFile { try transfer.set(CURLOPT_CAINFO, file) }
        if let credentials = server.credentials {
            try transfer.set(CURLOPT_USERNAME, credentials.user)
            try transfer.set(CURLOPT_PASSWORD, credentials.password)
        }
        try transfer.set(CURLOPT_TIMEOUT_MS, milliseconds(limit))
        try transfer.set(
            CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(limit, limits.connectTimeout)))
        try transfer.set(CURLOPT_MAXAGE_CONN, limits.idleConnectionSeconds)
        try transfer.set(CURLOPT_MAXLIFETIME_CONN, 600)
        if isFresh { try transfer.set(CURLOPT_FRESH_CONNECT, 1) }
        try transfer.set(CURLOPT_MAIL_FROM, "<\(message.from)>")
        try transfer.setLines(CURLOPT_MAIL_RCPT, ["<\(message.to)>"])
        try transfer.setUpload(message.bytes)
        return transfer
    }

    /// What a finished transfer means for the message, by how far it came.
    func mailOutcome(_ code: CURLcode) -> MailOutcome {
        if code == CURLE_OK { return .accepted }
        // The last answer of the server; 354 while the message is on its way.
        let answer = number(CURLINFO_RESPONSE_CODE)
        if upload.isTaken {
            return (400...599).contains(answer)
                ? .rejected(code: answer, isPermanent: answer >= 500)
                : .unknown(code == CURLE_OPERATION_TIMEDOUT ? .timeout : .connectionLost)
        }
        switch code {
        case CURLE_LOGIN_DENIED: return .notSent(.loginFailed)
        case CURLE_USE_SSL_FAILED, CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE:
            return .notSent(.secureConnectionFailed)
        // How the library tells that MAIL, RCPT or DATA was refused.
        case CURLE_SEND_ERROR where (400...599).contains(answer):
            // The server wants to know who we are: no fault of the message.
            if [530, 534, 535, 538].contains(answer) { return .notSent(.loginFailed) }
            return .rejected(code: answer, isPermanent: answer >= 500)
        case CURLE_OPERATION_TIMEDOUT: return .notSent(.timeout)
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            return .notSent(.connectionLost)
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT: return .notSent(.invalidMessage)
        default: return .notSent(.connectionFailed)
        }
    }

    /// What a transfer that was stopped from this side means for the message.
    func interrupted(_ failure: MailFailure) -> MailOutcome {
        upload.isTaken ? .unknown(failure) : .notSent(failure)
    }

    /// Whether the outcome may only show that a kept connection had ended meanwhile.
    func isStale(_ outcome: MailOutcome) -> Bool {
        guard number(CURLINFO_NUM_CONNECTS) == 0, !upload.isTaken else { return false }
        switch outcome {
        case .notSent(.connectionLost), .notSent(.connectionFailed), .rejected(code: 421, _):
            return true
        default: return false
        }
    }
}

/// Refuses what could end a command early and begin another.
private enum MailCheck {
    static func check(
        _ message: MailMessage, _ server: MailServer
    ) throws(HTTPClientError) {
        guard isAddress(message.from), isAddress(message.to) else {
            throw HTTPClientError(.invalidRequest, detail: "An address cannot be sent.")
        }
        guard !message.bytes.isEmpty else {
            throw HTTPClientError(.invalidRequest, detail: "The message is empty.")
        }
        guard !server.helloName.isEmpty,
            server.helloName.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") })
        else { throw HTTPClientError(.invalidRequest, detail: "The EHLO name cannot be sent.") }
    }

    private static func isAddress(_ text: String) -> Bool {
        (3...254).contains(text.utf8.count) && text.contains("@")
            && text.utf8.allSatisfy { byte in
                (33...126).contains(byte) && byte != UInt8(ascii: "<")
                    && byte != UInt8(ascii: ">")
            }
    }
}
