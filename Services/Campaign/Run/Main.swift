import CampaignService
import ServiceKit

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(CampaignService.self)
    }
}
