import RewardService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(RewardService.self)
    }
}
