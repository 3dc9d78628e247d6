import HTTPKit
import Kernel

/// The cookie that carries the refresh token: scripts cannot read it, other sites cannot send it,
/// and only `/auth` gets it.
struct RefreshCookie: Sendable {
    static let name = "gv_refresh"
    private static let maximumHeaderBytes = 8192

    let isSecure: Bool

    func set(_ token: RefreshToken, lifetime: Duration) -> String {
        cookie(token.text, seconds: Int(lifetime.components.seconds))
    }

    /// Makes the browser forget it.
    var cleared: String { cookie("", seconds: 0) }

    /// Nil when there is none, several, or one that cannot be ours.
    static func token(of request: HTTPRequest) -> RefreshToken? {
        let lines = request.headers.values("Cookie")
        guard lines.reduce(0, { $0 + $1.utf8.count }) <= maximumHeaderBytes else { return nil }
        let values = lines.flatMap { $0.split(separator: ";") }.compactMap { pair -> String? in
            let pair = pair.drop { $0 == " " }
            guard pair.hasPrefix(name + "=") else { return nil }
            return String(pair.dropFirst(name.utf8.count + 1))
        }
        return values.count == 1 ? RefreshToken(parsing: values[0]) : nil
    }

    private func cookie(_ value: String, seconds: Int) -> String {
        let secure = isSecure ? "; Secure" : ""
        return "\(Self.name)=\(value); Path=/auth; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + secure
    }
}

/// Refuses what a page of another site makes a browser send.
enum SameSite {
    /// Browsers say where a request comes from, and no page can change that: `Sec-Fetch-Site`, or
    /// in old ones `Origin`. Other callers say neither. Throws 403 `cross_site`.
    static func require(_ request: HTTPRequest) throws(Problem) {
        let sites = request.headers.values("Sec-Fetch-Site")
        if !sites.isEmpty {
            guard sites.allSatisfy({ $0 == "same-origin" || $0 == "none" }) else { throw refused }
            return
        }
        let origins = request.headers.values("Origin")
        guard let origin = origins.first else { return }
        guard origins.count == 1, let host = request.headers["Host"],
            let originHost = hostOfOrigin(origin), originHost == withoutPort(host)
        else { throw refused }
    }

    private static let refused = Problem.forbidden(
        "cross_site", "Only pages of this site may do this.")

    private static func hostOfOrigin(_ origin: String) -> Substring? {
        for scheme in ["https://", "http://"] where origin.hasPrefix(scheme) {
            return withoutPort(String(origin.dropFirst(scheme.count)))
        }
        return nil
    }

    /// The gateway hands on the host without its port.
    private static func withoutPort(_ authority: String) -> Substring {
        guard !authority.hasPrefix("[") else { return authority.prefix { $0 != "]" } }
        return authority.prefix { $0 != ":" }
    }
}
