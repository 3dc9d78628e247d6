/// How long rows wait for company before they are sent. Pure.
///
/// What an insert costs ClickHouse, and the merges after it, is mostly the same however many rows
/// it has. So with few events each is sent soon, and under load they gather: inserts of thousands
/// of rows a second apart cost a third of what inserts of a thousand do.
struct InsertPace: Sendable {
    /// An insert of so many rows means load.
    static let loadRows = 500
    /// How many times as long rows gather under load.
    static let loadFactor = 5

    /// The least time between two inserts.
    let linger: Duration
    /// So many rows that wait need no more company.
    let enoughRows: Int

    /// The longest time from one insert to the next while something waits.
    func longestPause(afterRows rows: Int) -> Duration {
        isLoad(rows) ? linger * Self.loadFactor : linger
    }

    /// How long the shards let the log grow after an insert before they read it, so that what they
    /// hand over is young when it is sent.
    func readingPause(afterRows rows: Int) -> Duration {
        isLoad(rows) ? linger * (Self.loadFactor - 1) : .zero
    }

    func isEnough(_ waiting: Int) -> Bool { waiting >= enoughRows }

    private func isLoad(_ rows: Int) -> Bool { rows >= Self.loadRows }
}
