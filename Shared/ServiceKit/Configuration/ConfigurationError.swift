/// Why a process cannot start with this environment. Holds every problem found, not only the first.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One variable that is missing or wrong.
    package struct Problem: Sendable, Hashable {
        /// The variable's name, such as `GRAPEVINE_LISTEN`.
        package let variable: String
        /// What is wrong, as a sentence; never contains a secret's value.
        package let reason: String
        /// A value that would be accepted.
        package let example: String

        package init(variable: String, reason: String, example: String) {
            self.variable = variable
            self.reason = reason
            self.example = example
        }
    }

    /// In the order in which the variables are declared; never empty.
    package let problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }

    /// One line for each problem.
    package var description: String {
        problems.map { "\($0.variable): \($0.reason) Example: \($0.example)" }
            .joined(separator: "\n")
    }
}

/// Thrown by a parser of one value; the reader adds the variable's name and an example.
package struct InvalidValue: Error, Sendable, Hashable {
    /// What is wrong, as a sentence; must not repeat a secret.
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}
