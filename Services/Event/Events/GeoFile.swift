import FoundationEssentials

/// Reads the list of networks that the operator names.
enum GeoFile {
    /// The largest list, in bytes.
    static let maximumBytes = 1 << 30

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Nil without a file. Throws when it is not as the README says: wrong countries would be worse
    /// than no start.
    static func read(_ path: String?) throws -> GeoTable? {
        guard let path, !path.isEmpty else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                description: "GRAPEVINE_EVENT_GEO_FILE: the file '\(path)' cannot be read.")
        }
        guard data.count <= maximumBytes else {
            throw Failure(
                description: "GRAPEVINE_EVENT_GEO_FILE: the file '\(path)' is larger than 1 GB.")
        }
        do {
            return try GeoTable(csv: Array(data))
        } catch {
            throw Failure(
                description:
                    "GRAPEVINE_EVENT_GEO_FILE: line \(error.number) of '\(path)': \(error.reason)")
        }
    }
}
