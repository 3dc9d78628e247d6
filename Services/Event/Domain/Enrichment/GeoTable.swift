/// Which country and region an address is in, by a list of networks; of networks within each other
/// the narrowest counts.
struct GeoTable: Sendable {
    struct Place: Sendable, Hashable {
        /// Two letters (ISO 3166-1).
        let country: String
        /// As the list names it; nil when it names none.
        let region: String?
    }

    struct BadLine: Error, Hashable {
        let number: Int
        let reason: String
    }

    /// The most networks that are taken.
    static let maximumNetworks = 10_000_000

    /// Where a stretch of addresses begins, and the place of all until the next; -1 for none.
    private struct Stretches: Sendable {
        var starts: [UInt128] = []
        var places: [Int32] = []

        func place(of number: UInt128) -> Int? {
            var (low, high) = (0, starts.count)
            while low < high {
                let middle = (low + high) / 2
                if starts[middle] <= number { low = middle + 1 } else { high = middle }
            }
            guard low > 0, places[low - 1] >= 0 else { return nil }
            return Int(places[low - 1])
        }
    }

    private struct Entry {
        let first: UInt128
        let last: UInt128
        let place: Int32
    }

    private var places: [Place] = []
    private var version4 = Stretches()
    private var version6 = Stretches()

    /// Reads lines of `network,country,region`; empty lines, lines that begin with `#` and a
    /// first line `network,country,region` are passed over. The region may be left out or quoted.
    init(csv bytes: [UInt8]) throws(BadLine) {
        var (entries4, entries6): ([Entry], [Entry]) = ([], [])
        var known: [Place: Int32] = [:]
        var number = 0
        for raw in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let line = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw BadLine(number: number, reason: "It is not UTF-8.")
            }
            if entries4.isEmpty, entries6.isEmpty, text.hasPrefix("network,") { continue }
            let (block, place) = try Self.parse(text, number)
            let index = known[place] ?? Int32(places.count)
            if known[place] == nil {
                known[place] = index
                places.append(place)
            }
            let entry = Entry(first: block.first.number, last: block.last, place: index)
            if block.first.isIPv4 { entries4.append(entry) } else { entries6.append(entry) }
            guard entries4.count + entries6.count <= Self.maximumNetworks else {
                throw BadLine(
                    number: number, reason: "There are more than \(Self.maximumNetworks) networks.")
            }
        }
        version4 = Self.flattened(entries4)
        version6 = Self.flattened(entries6)
    }

    /// How many networks' stretches there are.
    var count: Int { version4.starts.count + version6.starts.count }

    func place(of address: NetworkAddress) -> Place? {
        (address.isIPv4 ? version4 : version6).place(of: address.number).map { places[$0] }
    }

    private static func parse(
        _ line: String, _ number: Int
    ) throws(BadLine) -> (NetworkBlock, Place) {
        let parts = line.split(
            separator: ",", maxSplits: 2, omittingEmptySubsequences: false
        ).map(unquoted)
        guard let block = NetworkBlock(parts[0]) else {
            throw BadLine(
                number: number,
                reason: "'\(parts[0].prefix(60))' is not a network such as 1.2.3.0/24.")
        }
        guard parts.count >= 2, parts[1].utf8.count == 2,
            parts[1].utf8.allSatisfy({ (65...90).contains($0) })
        else {
            throw BadLine(number: number, reason: "A country is two capital letters.")
        }
        let region = parts.count == 3 && !parts[2].isEmpty ? parts[2] : nil
        guard (region?.unicodeScalars.count ?? 0) <= 100 else {
            throw BadLine(number: number, reason: "A region has at most 100 characters.")
        }
        return (block, Place(country: parts[1], region: region))
    }

    private static func unquoted(_ field: Substring) -> String {
        guard field.count >= 2, field.first == "\"", field.last == "\"" else {
            return String(field)
        }
        return String(field.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    }

    /// Networks within each other as stretches beside each other. Of two equal ones the later
    /// counts.
    private static func flattened(_ entries: [Entry]) -> Stretches {
        let ordered = entries.enumerated().sorted {
            ($0.element.first, $1.element.last, $0.offset)
                < ($1.element.first, $0.element.last, $1.offset)
        }.map(\.element)
        var stretches = Stretches()
        func begin(_ start: UInt128, _ place: Int32) {
            if stretches.starts.last == start {
                stretches.places[stretches.places.count - 1] = place
            } else if stretches.places.last != place {
                stretches.starts.append(start)
                stretches.places.append(place)
            }
        }
        var open: [Entry] = []
        func close(before start: UInt128?) {
            while let top = open.last, start.map({ top.last < $0 }) ?? true {
                open.removeLast()
                guard top.last < UInt128.max else { continue }
                begin(top.last + 1, open.last?.place ?? -1)
            }
        }
        for entry in ordered {
            close(before: entry.first)
            begin(entry.first, entry.place)
            open.append(entry)
        }
        close(before: nil)
        return stretches
    }
}
