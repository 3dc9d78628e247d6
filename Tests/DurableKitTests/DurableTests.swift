import Testing

/// All tests that need a server, with one limit; one after the other keeps two cores honest.
@Suite(.serialized, .timeLimit(.minutes(3)))
enum DurableTests {}
