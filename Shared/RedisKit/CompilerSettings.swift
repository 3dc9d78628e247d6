/// What this module was really compiled with; a test asks.
package enum RedisKitCompilerSettings {
    /// Whether every unsafe step in this module has to be marked.
    package static var strictMemorySafety: Bool {
        #if hasFeature(StrictMemorySafety)
        true
        #else
        false
        #endif
    }
}
