import ReferralService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(ReferralService.self)
    }
}
