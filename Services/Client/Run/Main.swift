import ClientService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(ClientService.self)
    }
}
