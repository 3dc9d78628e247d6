import Kernel
import Synchronization

/// What the library's callbacks work with; lives as long as the daemon.
final class ServerCore: Sendable {
    let router: Router
    let configuration: HTTPServerConfiguration
    let world: World
    let connections = ConnectionRegistry()
    let limits: Limits
    /// Answers carry `Connection: close`; new work is still done.
    let isDraining = Atomic(false)
    /// Nothing may be suspended any more: the daemon is about to stop.
    let isStopping = Atomic(false)
    let openConnections: Gauge
    /// The open WebSockets, which the library has handed over.
    let webSockets: WebSocketHub
    private let meters: [ObjectIdentifier: RouteMeter]
    private let unmatched: RouteMeter
    private let slowPeers: Counter
    private let random = Mutex(FastRandom())

    /// The configured durations in nanoseconds.
    struct Limits: Sendable {
        let header: Int64
        let body: Int64
        let idle: Int64
        let write: Int64

        init(_ configuration: HTTPServerConfiguration) {
            header = Monotonic.nanoseconds(configuration.headerDeadline)
            body = Monotonic.nanoseconds(configuration.bodyDeadline)
            idle = Monotonic.nanoseconds(configuration.idleDeadline)
            write = Monotonic.nanoseconds(configuration.writeDeadline)
        }
    }

    init(router: Router, configuration: HTTPServerConfiguration, world: World) {
        self.router = router
        self.configuration = configuration
        self.world = world
        limits = Limits(configuration)
        let metrics = world.telemetry.metrics
        meters = Dictionary(
            uniqueKeysWithValues: router.allRoutes.map { route in
                (
                    ObjectIdentifier(route),
                    RouteMeter(metrics, audience: route.audience, template: route.template)
                )
            })
        unmatched = RouteMeter(metrics, audience: "none", template: "unmatched")
        webSockets = WebSocketHub(limit: configuration.webSocketLimit, metrics: metrics)
        openConnections = metrics.gauge(
            "grapevine_http_connections", help: "Open connections of the HTTP server.")
        slowPeers = metrics.counter(
            "grapevine_http_slow_peers_total",
            help: "Connections cut because the peer missed a deadline.")
    }

    func socketCloses(_ code: WebSocketCloseCode) -> Counter {
        world.telemetry.metrics.counter(
            "grapevine_websocket_closes_total", help: "Ended WebSockets by close code.",
            // The codes of the private ranges are the peer's choice.
            [("code", code.value < 3000 ? code.description : "private")])
    }

    func meter(of route: Route?) -> RouteMeter {
        route.flatMap { meters[ObjectIdentifier($0)] } ?? unmatched
    }

    /// Random bits for request and trace ids, which need to be unique but not secret.
    func randomBits() -> UInt64 { random.withLock { $0.next() } }

    /// Does what is due; called a few times a second by the sweeper.
    func sweep() {
        let now = Monotonic.now()
        slowPeers.increment(by: connections.cutOverdue(at: now))
        for exchange in connections.exchanges { exchange.expire(at: now) }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014), seeded by the system: no system call per id.
struct FastRandom: RandomNumberGenerator {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
