import Kernel
import Testing

@Suite struct MetricsTests {
    private let metrics = Metrics()

    @Test func `families are sorted and series have their labels`() {
        metrics.gauge("grapevine_z", help: "Last.").set(-3)
        metrics.counter("grapevine_a_total", help: "First.", [("b", "x"), ("c", "y")])
            .increment(by: 2)
        metrics.counter("grapevine_a_total", help: "First.", [("b", "x"), ("c", "y")]).increment()
        metrics.counter("grapevine_a_total", help: "First.").increment()
        #expect(
            metrics.render() == """
                # HELP grapevine_a_total First.
                # TYPE grapevine_a_total counter
                grapevine_a_total 1
                grapevine_a_total{b="x",c="y"} 3
                # HELP grapevine_z Last.
                # TYPE grapevine_z gauge
                grapevine_z -3

                """)
    }

    @Test func `a span of time is shown in seconds`() {
        let gauge = metrics.durationGauge("grapevine_age_seconds", help: "Age.")
        gauge.set(.milliseconds(1250))
        #expect(gauge.value == .milliseconds(1250))
        #expect(
            metrics.render() == """
                # HELP grapevine_age_seconds Age.
                # TYPE grapevine_age_seconds gauge
                grapevine_age_seconds 1.25

                """)
    }

    @Test func `a histogram's buckets are cumulative and end in infinity`() {
        let histogram = metrics.histogram("grapevine_t_seconds", help: "T.", [("r", "/x")])
        for duration in [Duration.microseconds(500), .microseconds(501), .seconds(3), .seconds(60)]
        {
            histogram.observe(duration)
        }
        let lines = Set(metrics.render().split(separator: "\n").map(String.init))
        for line in [
            #"grapevine_t_seconds_bucket{r="/x",le="0.0005"} 1"#,
            #"grapevine_t_seconds_bucket{r="/x",le="0.001"} 2"#,
            #"grapevine_t_seconds_bucket{r="/x",le="2.5"} 2"#,
            #"grapevine_t_seconds_bucket{r="/x",le="10"} 3"#,
            #"grapevine_t_seconds_bucket{r="/x",le="+Inf"} 4"#,
            #"grapevine_t_seconds_sum{r="/x"} 63.001001"#,
            #"grapevine_t_seconds_count{r="/x"} 4"#,
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(histogram.count == 4)
    }

    @Test func `no label value can break a line`() {
        let value = "a\"b\\c\nd\r\ne"
        metrics.counter("grapevine_l_total", help: "L.", [("v", value)]).increment()
        let lines = metrics.render().utf8.split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == 3)
        let series = #"grapevine_l_total{v="a\"b\\c\nd"# + "\r" + #"\ne"} 1"#
        #expect(lines.last.map { String($0) } == series)
    }

    @Test func `series beyond the limit fold into one`() {
        for number in 0..<2100 {
            metrics.counter("grapevine_f_total", help: "F.", [("id", "\(number)")]).increment()
        }
        let lines = metrics.render().split(separator: "\n").filter { $0.hasPrefix("grapevine_f") }
        #expect(lines.count == 2001)
        #expect(lines.contains(#"grapevine_f_total{id="other"} 100"#))
    }

    @Test func `counts from many tasks are not lost`() async {
        let counter = metrics.counter("grapevine_c_total", help: "C.")
        let histogram = metrics.histogram("grapevine_h_seconds", help: "H.")
        await withTaskGroup { group in
            for _ in 0..<16 {
                group.addTask {
                    for _ in 0..<500 {
                        counter.increment()
                        histogram.observe(.milliseconds(1))
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(histogram.count == 8000)
    }
}
