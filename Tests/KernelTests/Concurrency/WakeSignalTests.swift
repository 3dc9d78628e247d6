import Kernel
import Testing

@Suite(.timeLimit(.minutes(1))) struct WakeSignalTests {
    @Test func `a signal raised before the wait is not lost`() async {
        let signal = WakeSignal()
        let seen = signal.raises
        signal.raise()
        await signal.wait(past: seen, within: .seconds(600))
    }

    @Test func `everyone who waits is woken`() async {
        let signal = WakeSignal()
        let seen = signal.raises
        await withDiscardingTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { await signal.wait(past: seen, within: .seconds(600)) }
            }
            await Task.yield()
            signal.raise()
        }
        #expect(signal.raises == 1)
    }

    @Test func `a wait ends when its time is over`() async {
        let signal = WakeSignal()
        await signal.wait(past: signal.raises, within: .milliseconds(1))
        #expect(signal.raises == 0)
    }

    @Test func `a cancelled wait ends`() async {
        let signal = WakeSignal()
        let waiter = Task { await signal.wait(past: 0, within: .seconds(600)) }
        waiter.cancel()
        await waiter.value
    }

    @Test func `thousands of short waits under constant raising all end`() async {
        let signal = WakeSignal()
        await withDiscardingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    for _ in 0..<100 {
                        await signal.wait(past: signal.raises, within: .milliseconds(1))
                    }
                }
            }
            group.addTask {
                for _ in 0..<2000 {
                    signal.raise()
                    await Task.yield()
                }
            }
        }
    }
}
