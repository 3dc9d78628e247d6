import Kernel

/// What is counted together.
struct VolumeKey: Sendable, Hashable {
    let clientID: ClientID
    /// When its five minutes began.
    let beganAt: Timestamp
    /// Empty for what could not be read.
    let type: String
    let door: EventDoor
}

struct VolumeCounts: Sendable, Hashable {
    var accepted = 0
    var duplicate = 0
    var rejected = 0

    mutating func add(_ other: VolumeCounts) {
        accepted += other.accepted
        duplicate += other.duplicate
        rejected += other.rejected
    }
}

/// Counts that are not written down yet. Pure; bounded however many types somebody makes up.
struct VolumeBook: Sendable {
    static let stretchSeconds: Int64 = 300
    /// Types told apart of one client in one stretch; those beyond count as one without a name.
    static let maximumTypes = 200
    /// Counts in all; those beyond are not kept.
    static let maximumKeys = 50_000

    private struct Known {
        var beganAt: Timestamp
        var types: Set<String> = []
    }

    private(set) var counts: [VolumeKey: VolumeCounts] = [:]
    private var known: [ClientID: Known] = [:]
    /// Events that found no place.
    private(set) var lost = 0

    /// The beginning of the stretch that a time is in.
    static func stretch(of time: Timestamp) -> Timestamp {
        let seconds = time.unixSeconds - time.unixSeconds % stretchSeconds
        return Timestamp(microseconds: seconds * 1_000_000)
    }

    /// Counts events of one type that came by one door.
    mutating func count(
        _ counted: VolumeCounts, _ type: String, of client: ClientID, _ door: EventDoor,
        at time: Timestamp
    ) {
        let beganAt = Self.stretch(of: time)
        let key = VolumeKey(
            clientID: client, beganAt: beganAt,
            type: place(type, of: client, beganAt), door: door)
        add(counted, at: key)
    }

    /// Takes everything out, to be written down.
    mutating func take() -> [VolumeKey: VolumeCounts] {
        defer {
            counts = [:]
            lost = 0
        }
        return counts
    }

    /// Puts back what could not be written.
    mutating func putBack(_ taken: [VolumeKey: VolumeCounts]) {
        for (key, counted) in taken { add(counted, at: key) }
    }

    private mutating func add(_ counted: VolumeCounts, at key: VolumeKey) {
        guard counts[key] != nil || counts.count < Self.maximumKeys else {
            lost += counted.accepted + counted.duplicate + counted.rejected
            return
        }
        counts[key, default: VolumeCounts()].add(counted)
    }

    private mutating func place(
        _ type: String, of client: ClientID, _ beganAt: Timestamp
    ) -> String {
        if known.count >= 10_000, known[client] == nil { known = [:] }
        var types = known[client] ?? Known(beganAt: beganAt)
        if types.beganAt != beganAt { types = Known(beganAt: beganAt) }
        guard types.types.contains(type) || types.types.count < Self.maximumTypes else { return "" }
        types.types.insert(type)
        known[client] = types
        return type
    }
}
