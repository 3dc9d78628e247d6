/// What one service reads from the environment beside `CommonConfiguration`.
package protocol ServiceConfiguration: Sendable {
    /// Reads every value. Never throws: the reader notes what is wrong and the runner reports all
    /// of it at once. Also called with a describing reader, to list the variables.
    init(_ environment: inout EnvironmentReader)
}

/// For services without settings of their own.
package struct NoConfiguration: ServiceConfiguration {
    package init() {}
    package init(_ environment: inout EnvironmentReader) {}
}
