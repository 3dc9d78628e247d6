import CLibcurl

/// The thread behind a `CurlDriver`. Confined to it.
final class CurlWorker {
    private let driver: CurlDriver
    private let multi: CurlMulti
    private var active: [CurlDriver.RunID: CurlDriver.Submission] = [:]
    /// The library names finished transfers by address.
    private var idByAddress: [Int: CurlDriver.RunID] = [:]
    private var finished: [(CheckedContinuation<CurlOutcome, Never>, CurlOutcome)] = []

    init(driver: CurlDriver, multi: CurlMulti) {
        self.driver = driver
        self.multi = multi
    }

    /// Returns after the driver was stopped, with every caller answered.
    func run() {
        while true {
            let turn = driver.takeTurn()
            for submission in turn.arrivals { begin(submission) }
            for id in turn.cancels { finish(id, .cancelled) }
            if turn.isStopped { break }
            multi.perform()
            collect()
            settle()
            multi.wait(limitMilliseconds: driver.mayFallAsleep() ? 60_000 : 0)
        }
        for id in Array(active.keys) { finish(id, .shutDown) }
        settle()
    }

    private func begin(_ submission: CurlDriver.Submission) {
        guard multi.add(submission.transfer) else {
            finished.append((submission.caller, .overloaded))
            return
        }
        active[submission.id] = submission
        idByAddress[submission.transfer.address] = submission.id
    }

    private func collect() {
        while let (address, result) = multi.nextFinished() {
            guard let id = idByAddress[address] else { continue }
            finish(id, .finished(result))
        }
    }

    /// Does nothing for a run that is over: its cancel came late.
    private func finish(_ id: CurlDriver.RunID, _ outcome: CurlOutcome) {
        guard let submission = active.removeValue(forKey: id) else { return }
        idByAddress[submission.transfer.address] = nil
        multi.remove(submission.transfer)
        finished.append((submission.caller, outcome))
    }

    private func settle() {
        guard !finished.isEmpty else { return }
        driver.release(finished.count)
        for (caller, outcome) in finished { caller.resume(returning: outcome) }
        finished.removeAll(keepingCapacity: true)
    }
}
