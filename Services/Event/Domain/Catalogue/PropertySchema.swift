import HTTPKit
import Kernel

/// What a value must be like: the part of JSON Schema (2020-12) that clients may use for the
/// properties of their events. It is checked in one pass without going back.
struct PropertySchema: Sendable, Hashable {
    enum Kind: String, Sendable, CaseIterable {
        case object, array, string, number, integer, boolean, null
    }

    /// Texts of a form that no other keyword can say.
    enum Format: String, Sendable, CaseIterable {
        /// As RFC 3339 writes it.
        case dateTime = "date-time"
        /// A whole number of an asset's smallest units, in digits.
        case units
    }

    /// Empty for any.
    var kinds: Set<Kind> = []
    var properties: [String: PropertySchema] = [:]
    var required: [String] = []
    var allowsMore = true
    /// The texts that are allowed; nil for all.
    var choices: Set<String>?
    var minimum: Int?
    var maximum: Int?
    var maxLength: Int?
    var format: Format?
    var items: [PropertySchema] = []

    /// The first thing that does not fit.
    struct Misfit: Error, Hashable {
        /// A JSON pointer, within the value.
        var pointer: String
        /// As a sentence.
        let detail: String
    }

    /// Throws the first thing that does not fit; nil is an object without members.
    func check(_ value: JSONSlice?) throws(Misfit) {
        guard let value else {
            if let name = required.first { throw Self.missing(name) }
            return
        }
        try checkKind(value)
        switch value.kind {
        case .object: try checkMembers(value)
        case .array: try checkElements(value)
        case .string: try checkText(value.string ?? "")
        case .number: try checkNumber(String(decoding: value.bytes, as: UTF8.self))
        case .boolean, .null:
            if choices != nil { throw misfit("It is none of the values that are allowed.") }
        }
    }

    private func checkKind(_ value: JSONSlice) throws(Misfit) {
        guard !kinds.isEmpty else { return }
        let fits =
            switch value.kind {
            case .object: kinds.contains(.object)
            case .array: kinds.contains(.array)
            case .string: kinds.contains(.string)
            case .boolean: kinds.contains(.boolean)
            case .null: kinds.contains(.null)
            case .number:
                kinds.contains(.number)
                    || kinds.contains(.integer)
                        && Self.isWhole(String(decoding: value.bytes, as: UTF8.self))
            }
        guard fits else {
            let names = Kind.allCases.filter(kinds.contains).map(\.rawValue)
            throw misfit("It is \(names.joined(separator: " or ")).")
        }
    }

    private func checkMembers(_ value: JSONSlice) throws(Misfit) {
        if !required.isEmpty {
            // Each name is read once: keys with escapes are not cheap to compare.
            let names = value.members.map(\.name)
            for name in required where !names.contains(name) { throw Self.missing(name) }
        }
        guard !properties.isEmpty || !allowsMore else { return }
        try value.forEachMember { (place) throws(Misfit) in
            let name = value.name(at: place)
            guard let schema = properties[name] else {
                if allowsMore { return }
                throw Misfit(
                    pointer: "/" + Self.escaped(name), detail: "No such property is described.")
            }
            do throws(Misfit) {
                try schema.check(value[place])
            } catch {
                throw Misfit(
                    pointer: "/" + Self.escaped(name) + error.pointer, detail: error.detail)
            }
        }
    }

    private func checkElements(_ value: JSONSlice) throws(Misfit) {
        guard let schema = items.first else { return }
        for (index, element) in value.elements.enumerated() {
            do throws(Misfit) {
                try schema.check(element)
            } catch {
                throw Misfit(pointer: "/\(index)" + error.pointer, detail: error.detail)
            }
        }
    }

    private func checkText(_ text: String) throws(Misfit) {
        if let choices, !choices.contains(text) {
            throw misfit("It is none of the values that are allowed.")
        }
        if let maxLength, text.unicodeScalars.count > maxLength {
            throw misfit("It has at most \(maxLength) characters.")
        }
        switch format {
        case .dateTime:
            guard Timestamp(text) != nil else {
                throw misfit("It is a time such as 2026-01-31T09:30:00.000Z.")
            }
        case .units:
            guard (1...38).contains(text.utf8.count),
                text.utf8.allSatisfy({ (48...57).contains($0) })
            else { throw misfit("It is a whole number of units in 1 to 38 digits.") }
        case nil: break
        }
    }

    private func checkNumber(_ text: String) throws(Misfit) {
        if choices != nil { throw misfit("It is none of the values that are allowed.") }
        guard minimum != nil || maximum != nil else { return }
        // Limits are whole and small enough to be exact in this form.
        let number = Double(text) ?? .infinity
        if let minimum, number < Double(minimum) { throw misfit("It is at least \(minimum).") }
        if let maximum, number > Double(maximum) { throw misfit("It is at most \(maximum).") }
    }

    /// `1.0` is a whole number too.
    private static func isWhole(_ text: String) -> Bool {
        guard text.utf8.contains(where: { ".eE".utf8.contains($0) }) else { return true }
        guard let number = Double(text), number.isFinite else { return false }
        return number.rounded() == number
    }

    private func misfit(_ detail: String) -> Misfit { Misfit(pointer: "", detail: detail) }

    private static func missing(_ name: String) -> Misfit {
        Misfit(pointer: "/" + escaped(name), detail: "It is required.")
    }

    /// A name as part of a JSON pointer (RFC 6901 §3).
    static func escaped(_ name: String) -> String {
        name.replacing("~", with: "~0").replacing("/", with: "~1")
    }
}
