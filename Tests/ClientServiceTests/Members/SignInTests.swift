import Testing

/// All that signs people in, one after the other: a password costs a tenth of a second of a
/// processor, and a process computes two at a time.
@Suite(.serialized) enum SignInTests {}
