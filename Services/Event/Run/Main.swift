import EventService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(EventService.self)
    }
}
