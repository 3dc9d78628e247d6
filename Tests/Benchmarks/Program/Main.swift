import Glibc
import SecurityKit
import ServiceKit

/// What the scripts of `Tests/Benchmarks` measure with. Run by them, not by hand.
@main
enum Main {
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        switch words.first {
        case "key":
            print(APIKeySecret.generate(kind: .secret, mode: .test).text)
        case "read":
            do {
                print(try await ReadLoop(arguments: words.dropFirst()).run())
            } catch {
                print("the reads failed: \(String(reflecting: error))")
                exit(1)
            }
        case "journey":
            do {
                print(try await JourneyLoad(arguments: words.dropFirst()).run())
            } catch {
                print("the journeys failed: \(String(reflecting: error))")
                exit(1)
            }
        case "ingest":
            do {
                print(try await IngestLoad(arguments: words.dropFirst()).run())
            } catch {
                print("the events failed: \(String(reflecting: error))")
                exit(1)
            }
        default:
            // As every service: the same wiring, log writer, audiences and end.
            await ServiceRunner.main(BenchmarkService.self)
        }
    }
}
