extension ConnectionState {
    /// Frees a prepared statement; the name is one of ours.
    private static func deallocate(_ name: String) -> SQL { SQL(unsafeRaw: "deallocate \(name)") }

    /// The same in as few packets as possible: libpq sends each statement by itself.
    mutating func sendGathered(_ effects: inout Effects) {
        let isWorthIt = handle.isTCP && waiting.count > 1
        if isWorthIt { handle.hold(true) }
        sendWaiting(&effects)
        if isWorthIt { handle.hold(false) }
    }

    /// Sends what waits, as far as the output takes it.
    mutating func sendWaiting(_ effects: inout Effects) {
        while !isOutputFull, !effects.isLost, let next = waiting.first {
            if !canSend(next.work) { return }
            _ = waiting.popFirst()
            // Abandoned before it was sent: it never happens.
            if next.isFinished { continue }
            if inFlight.isEmpty { headSince = Monotonic.now() }
            let isSent =
                switch next.work {
                case .statements(let statements): send(statements, for: next)
                case .script(let text): begin(.script, text, for: next)
                case .copyBegin(let text): begin(.copy, text, for: next)
                case .copyChunk(let chunk): put(chunk, for: next)
                case .copyEnd(let failure): endCopy(failure, for: next)
                }
            guard isSent else {
                // Nothing of it can have run: libpq refused before the server saw its sync.
                waiting.append(next)
                effects.isLost = true
                return
            }
            flush(&effects)
        }
    }

    /// Statements are pipelined; everything else waits until the line is empty.
    private func canSend(_ work: Submission.Work) -> Bool {
        switch work {
        case .statements: mode == .pipeline
        case .script, .copyBegin: mode == .pipeline && inFlight.isEmpty
        case .copyChunk, .copyEnd: inFlight.isEmpty
        }
    }

    mutating func flush(_ effects: inout Effects) {
        switch handle.flush() {
        case .done:
            if isOutputFull {
                isOutputFull = false
                effects.watchWriting = false
            }
            if case .copyChunk = inFlight.first?.submission?.work { finishHead(&effects) }
        case .pending:
            if !isOutputFull {
                isOutputFull = true
                effects.watchWriting = true
            }
        case .failed: effects.isLost = true
        }
    }

    private mutating func send(_ statements: [SQL], for submission: Submission) -> Bool {
        var steps: [Step] = []
        steps.reserveCapacity(statements.count + 1)
        var keys: [StatementCache.Key] = []
        keys.reserveCapacity(statements.count)
        for sql in statements {
            let key = StatementCache.Key(text: sql.text, types: sql.parameters.types)
            keys.append(key)
            switch cache.plan(key) {
            case .execute(let name):
                guard handle.execute(name, sql.parameters) else { return false }
            case .prepare(let name, let evicted):
                if let evicted {
                    guard handle.execute(unprepared: Self.deallocate(evicted)) else { return false }
                    steps.append(.discard)
                }
                guard handle.prepare(name, sql), handle.execute(name, sql.parameters) else {
                    return false
                }
                steps.append(.prepare(key))
            case .unprepared:
                guard handle.execute(unprepared: sql) else { return false }
            }
            steps.append(.execute)
        }
        guard handle.sync() else { return false }
        inFlight.append(InFlight(submission: submission, steps: steps, keys: keys))
        return true
    }

    private mutating func begin(_ mode: Mode, _ text: String, for submission: Submission) -> Bool {
        guard handle.exitPipeline(), handle.execute(script: text) else { return false }
        self.mode = mode
        inFlight.append(InFlight(submission: submission, steps: []))
        return true
    }

    private mutating func put(_ chunk: [UInt8], for submission: Submission) -> Bool {
        guard mode == .copy, handle.put(copy: chunk) else { return false }
        inFlight.append(InFlight(submission: submission, steps: []))
        return true
    }

    private mutating func endCopy(_ failure: String?, for submission: Submission) -> Bool {
        guard mode == .copy, handle.end(copy: failure) else { return false }
        inFlight.append(InFlight(submission: submission, steps: []))
        return true
    }
}
