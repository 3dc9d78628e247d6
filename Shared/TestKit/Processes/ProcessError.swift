/// Why a process could not be started or did not do what a test needs.
package struct ProcessError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// How a process ended.
package enum ProcessExit: Sendable, Hashable {
    /// It left by itself with this code; 0 is good.
    case code(Int)
    /// It was ended by this signal (9 is SIGKILL).
    case signal(Int)

    /// From what `waitpid` tells.
    init(status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .code(Int(status >> 8 & 0xFF)) : .signal(Int(signal))
    }
}
