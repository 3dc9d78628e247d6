import Kernel

enum DecisionTag: IDTag { static let prefix = "dec" }

/// A stored eligibility decision.
typealias DecisionID = TypeID<DecisionTag>
