/// Which events a reader of the log wants: those of certain types, and those with a facet of
/// certain ones, whatever their type.
package struct Wanted: Sendable, Hashable {
    /// Nil for every event.
    package let types: Set<String>?
    package let facets: EventFacets

    /// Every event.
    package static let everything = Wanted(types: nil, facets: [])

    private init(types: Set<String>?, facets: EventFacets) {
        self.types = types
        self.facets = facets
    }

    /// Events of one of these types, or with one of these facets.
    package init(types: Set<String>, facets: EventFacets = []) {
        self.init(types: Optional(types), facets: facets)
    }

    /// Whether all events are wanted.
    package var isEverything: Bool { types == nil }

    /// Whether an event of this type and with these facets is wanted.
    package func includes(type: String, facets: EventFacets) -> Bool {
        guard let types else { return true }
        return !self.facets.isDisjoint(with: facets) || types.contains(type)
    }

    /// What is wanted here or there.
    package func union(_ other: Wanted) -> Wanted {
        guard let types, let others = other.types else { return .everything }
        return Wanted(types: types.union(others), facets: facets.union(other.facets))
    }

    /// Whether everything that `other` wants is wanted here too.
    package func covers(_ other: Wanted) -> Bool {
        guard let types else { return true }
        guard let others = other.types else { return false }
        return facets.isSuperset(of: other.facets) && types.isSuperset(of: others)
    }
}

extension Wanted {
    /// The most types in one question, together, in bytes: they travel in a query.
    private static let maximumBytes = 4 << 10

    /// The same where the log can be asked for it, else everything: a reader that is given more
    /// than it wants passes over the rest by itself.
    package var asked: Wanted {
        let bytes = types?.reduce(0) { $0 + $1.utf8.count + 1 } ?? 0
        return bytes > Self.maximumBytes ? .everything : self
    }

    /// The query's names and values.
    ///
    /// With facets the types have another name: a log that knows no facets yet understands neither
    /// and gives every event, which is too much and never too little.
    var queryItems: [(name: String, value: String)] {
        guard let types else { return [] }
        let text = types.sorted().joined(separator: ",")
        if facets.isEmpty { return [(name: "types", value: text)] }
        var items = [(name: "facets", value: facets.names.joined(separator: ","))]
        if !types.isEmpty { items.append((name: "or_types", value: text)) }
        return items
    }

    /// Reads what `queryItems` wrote. Nil for a facet that is not known here: to pass over its
    /// events would lose them.
    package init?(query value: (String) -> String?) {
        func types(_ name: String) -> Set<String>? {
            value(name).map { Set($0.split(separator: ",").map(String.init)) }
        }
        guard let names = value("facets") else {
            self.init(types: types("types"), facets: [])
            return
        }
        guard let facets = EventFacets(names: names.split(separator: ",")), value("types") == nil
        else { return nil }
        self.init(types: types("or_types") ?? [], facets: facets)
    }
}
