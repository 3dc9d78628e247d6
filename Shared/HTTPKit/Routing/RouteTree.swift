/// Finds the routes of a path: by the whole path where nothing varies, else by its segments.
struct RouteTree: Sendable {
    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var endpoint = RouteEndpoint()
    }

    private var nodes = [Node()]
    private var wholePaths: [String: RouteEndpoint] = [:]

    mutating func insert(_ route: Route) {
        var index = 0
        for segment in RouteTemplate.segments(of: route.template) {
            index = child(of: index, segment)
        }
        nodes[index].endpoint.insert(route)
        if route.parameterNames.isEmpty {
            wholePaths[route.template] = nodes[index].endpoint
        }
    }

    private mutating func child(of index: Int, _ segment: RouteTemplate.Segment) -> Int {
        let known: Int? =
            switch segment {
            case .literal(let text): nodes[index].literals[text]
            case .parameter: nodes[index].parameter
            }
        if let known { return known }
        nodes.append(Node())
        let added = nodes.count - 1
        switch segment {
        case .literal(let text): nodes[index].literals[text] = added
        case .parameter: nodes[index].parameter = added
        }
        return added
    }

    /// The routes at an encoded path. A literal wins over a parameter; nil when nothing is there.
    func match(path: String) -> RouteMatch? {
        if let endpoint = wholePaths[path] { return RouteMatch(endpoint: endpoint, values: []) }
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        var segments: [String] = []
        for part in path.utf8.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let segment = PercentDecoding.decode(part, plusIsSpace: false)?.text,
                !segment.isEmpty, segment != ".", segment != ".."
            else { return nil }
            segments.append(segment)
        }
        var values: [String] = []
        guard let index = find(segments[...], from: 0, &values) else { return nil }
        return RouteMatch(endpoint: nodes[index].endpoint, values: values)
    }

    private func find(_ rest: ArraySlice<String>, from index: Int, _ values: inout [String]) -> Int?
    {
        guard let segment = rest.first else {
            return nodes[index].endpoint.routes.isEmpty ? nil : index
        }
        if let next = nodes[index].literals[segment],
            let found = find(rest.dropFirst(), from: next, &values)
        {
            return found
        }
        guard let next = nodes[index].parameter else { return nil }
        values.append(segment)
        if let found = find(rest.dropFirst(), from: next, &values) { return found }
        values.removeLast()
        return nil
    }
}
