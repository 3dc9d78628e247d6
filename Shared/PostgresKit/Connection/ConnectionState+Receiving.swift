extension ConnectionState {
    /// Reads what has arrived and takes it in.
    mutating func receive(_ effects: inout Effects) {
        let isAlive = handle.consumeInput()
        // Whole answers may have arrived in front of the end.
        drain(&effects)
        while let notification = handle.nextNotification() {
            effects.notifications.append(notification)
        }
        if !isAlive || handle.isBroken { effects.isLost = true }
    }

    /// Takes in every result that is complete.
    mutating func drain(_ effects: inout Effects) {
        var gaps = 0
        while let head = inFlight.first, !handle.isBusy {
            // Rows on their way into a COPY are not answered.
            if case .copyChunk = head.submission?.work { return }
            guard let result = handle.nextResult() else {
                // Nothing between two statements is usual; twice in a row means nothing is there.
                gaps += 1
                if mode != .pipeline { endSimple(&effects) }
                if gaps > 1 { return }
                continue
            }
            gaps = 0
            switch mode {
            case .pipeline: takePipelined(result, &effects)
            case .script, .copy: takeSimple(result, &effects)
            }
        }
    }

    private mutating func takePipelined(_ result: ResultTable, _ effects: inout Effects) {
        guard var head = inFlight.first else { return }
        let status = result.status
        if status == .synced { return finishHead(&effects) }
        let step = head.received < head.steps.count ? head.steps[head.received] : .discard
        head.received += 1
        switch (status, step) {
        case (.rows, .execute), (.command, .execute): head.results.append(result)
        case (.rows, .prepare(let key)), (.command, .prepare(let key)): cache.confirm(key)
        case (.rows, .discard), (.command, .discard): break
        case (let status, let step):
            if case .prepare(let key) = step { cache.forget(key) }
            // What was skipped is only a consequence of the failure before it.
            if status != .skipped, head.failure == nil { head.failure = failure(result, head) }
        }
        inFlight.first = head
    }

    /// The server's error, with the text of the statement it answers.
    private func failure(_ result: ResultTable, _ head: InFlight) -> PostgresError {
        var details = result.failure
        if head.results.count < head.keys.count {
            details.statement = head.keys[head.results.count].text
        }
        return PostgresError(server: details)
    }

    private mutating func takeSimple(_ result: ResultTable, _ effects: inout Effects) {
        guard var head = inFlight.first else { return }
        switch result.status {
        case .copyIn:
            // The server waits for rows now; libpq would repeat this answer for ever.
            return finishHead(&effects)
        case .failed:
            if head.failure == nil { head.failure = PostgresError(server: result.failure) }
        default: head.results.append(result)
        }
        inFlight.first = head
    }

    /// A script, a refused COPY or the end of one is fully answered: pipelining goes on.
    private mutating func endSimple(_ effects: inout Effects) {
        mode = .pipeline
        guard handle.enterPipeline() else {
            effects.isLost = true
            return
        }
        finishHead(&effects)
    }
}
