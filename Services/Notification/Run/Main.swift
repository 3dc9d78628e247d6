import NotificationService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(NotificationService.self)
    }
}
