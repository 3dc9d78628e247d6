import FoundationEssentials

/// Reads typed values from the environment, and learns by that which variables exist.
///
/// A configuration reads every value in its initialiser and never throws: a wrong value is noted
/// here and a stand-in is returned. `finish()` then throws all problems at once. The same pass over
/// an empty environment (`describing()`) is the list that `--help` prints, so the two cannot
/// differ. An empty value counts as unset.
package struct EnvironmentReader {
    /// One documented variable.
    package struct Variable: Sendable, Hashable {
        package let name: String
        /// As the operator would write it; nil when the variable must be given.
        package let defaultText: String?
        /// A secret may come from the file that `<name>_FILE` names.
        package let isSecret: Bool
        /// What it decides, as a phrase.
        package let what: String
    }

    /// The longest file that `_FILE` may name.
    static let maximumFileBytes = 64 * 1024

    private let values: [String: String]
    private let isDescribing: Bool
    /// Everything that was asked for so far, in that order.
    package private(set) var variables: [Variable] = []
    private var problems: [ConfigurationError.Problem] = []

    /// Reads from these values; by default the process's own.
    package init(_ values: [String: String] = ProcessInfo.processInfo.environment) {
        self.values = values
        isDescribing = false
    }

    private init() {
        values = [:]
        isDescribing = true
    }

    /// A reader that only collects the variables and never finds a problem.
    package static func describing() -> EnvironmentReader { EnvironmentReader() }

    /// Throws when any value so far was missing or wrong.
    package func finish() throws(ConfigurationError) {
        guard problems.isEmpty || isDescribing else {
            throw ConfigurationError(problems: problems)
        }
    }

    /// Set variables that begin with `GRAPEVINE_` and that nobody asked for, sorted: often
    /// misspelt.
    package var unknownVariables: [String] {
        var known = Set(variables.map(\.name))
        known.formUnion(variables.filter(\.isSecret).map { $0.name + "_FILE" })
        return values.keys.filter { $0.hasPrefix("GRAPEVINE_") && !known.contains($0) }.sorted()
    }

    /// The value read by `parse`, or `defaultValue` when the variable is not set.
    ///
    /// - Parameter written: the default as the operator would write it.
    package mutating func value<Value>(
        _ name: String, default defaultValue: Value, written: String, example: String? = nil,
        isSecret: Bool = false, _ what: String, parse: (String) throws(InvalidValue) -> Value
    ) -> Value {
        variables.append(
            Variable(name: name, defaultText: written, isSecret: isSecret, what: what))
        let example = example ?? written
        guard let text = text(of: name, isSecret: isSecret, example: example) else {
            return defaultValue
        }
        return parsed(text, name, example, parse) ?? defaultValue
    }

    /// The value read by `parse`; a problem when the variable is not set.
    ///
    /// - Parameter standIn: what is returned after a problem, until `finish()` throws.
    package mutating func required<Value>(
        _ name: String, example: String, isSecret: Bool = false, standIn: @autoclosure () -> Value,
        _ what: String, parse: (String) throws(InvalidValue) -> Value
    ) -> Value {
        variables.append(Variable(name: name, defaultText: nil, isSecret: isSecret, what: what))
        let before = problems.count
        guard let text = text(of: name, isSecret: isSecret, example: example) else {
            if problems.count == before {
                let file = isSecret ? ", nor is \(name)_FILE" : ""
                note(name, "It is not set\(file).", example)
            }
            return standIn()
        }
        return parsed(text, name, example, parse) ?? standIn()
    }

    /// Notes a problem that shows only when several values are compared.
    package mutating func note(_ name: String, _ reason: String, _ example: String) {
        problems.append(.init(variable: name, reason: reason, example: example))
    }

    private mutating func parsed<Value>(
        _ text: String, _ name: String, _ example: String,
        _ parse: (String) throws(InvalidValue) -> Value
    ) -> Value? {
        do throws(InvalidValue) {
            return try parse(text)
        } catch {
            note(name, error.reason, example)
            return nil
        }
    }

    /// The text from the variable or from its file; nil when unset or after a problem was noted.
    private mutating func text(of name: String, isSecret: Bool, example: String) -> String? {
        let direct = values[name].flatMap { $0.isEmpty ? nil : $0 }
        let fileName = name + "_FILE"
        guard isSecret, let path = values[fileName], !path.isEmpty else { return direct }
        guard direct == nil else {
            note(name, "It is set and \(fileName) too: set only one of them.", example)
            return nil
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            note(
                fileName, "The file '\(path)' cannot be read.", "/run/secrets/\(name.lowercased())")
            return nil
        }
        guard data.count <= Self.maximumFileBytes, let text = String(bytes: data, encoding: .utf8)
        else {
            note(fileName, "The file '\(path)' is not a short text.", example)
            return nil
        }
        let trimmed = Self.withoutTrailingNewline(text)
        guard !trimmed.isEmpty else {
            note(fileName, "The file '\(path)' is empty.", example)
            return nil
        }
        return trimmed
    }

    private static func withoutTrailingNewline(_ text: String) -> String {
        // By scalars: to Swift "\r\n" is one character.
        var scalars = Substring(text).unicodeScalars
        if scalars.last == "\n" { scalars.removeLast() }
        if scalars.last == "\r" { scalars.removeLast() }
        return String(scalars)
    }
}
