/// Which Grapevine this is.
package enum Version {
    /// Semantic; one for all services.
    package static let current = "0.1.0"
}
