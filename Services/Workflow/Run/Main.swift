import ServiceKit
import WorkflowService

@main
enum Main {
    static func main() async {
        await ServiceRunner.main(WorkflowService.self)
    }
}
