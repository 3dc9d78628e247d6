import Kernel

enum ConversionDecisionTag: IDTag { static let prefix = "dec" }
enum AttributionTag: IDTag { static let prefix = "att" }

/// A stored decision about a conversion.
typealias ConversionDecisionID = TypeID<ConversionDecisionTag>
/// Who brought whom.
typealias AttributionID = TypeID<AttributionTag>
