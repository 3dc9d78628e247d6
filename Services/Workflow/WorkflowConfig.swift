import Kernel
package import ServiceKit

/// Settings of workflow-service beside the common ones.
package struct WorkflowConfiguration: ServiceConfiguration {
    /// Most runs of this replica that do something at a time.
    let slots: Int
    /// How long a step is tried again while another service cannot answer.
    let retryLimit: Duration

    package init(_ environment: inout EnvironmentReader) {
        slots = environment.integer(
            "GRAPEVINE_WORKFLOW_SLOTS", default: 256, in: 1...4096,
            "most runs of one replica that do something at a time")
        retryLimit = environment.duration(
            "GRAPEVINE_WORKFLOW_RETRY_LIMIT", default: .seconds(3 * 86_400),
            in: .seconds(60) ... .seconds(90 * 86_400),
            "how long a step is tried again while another service is away; then its run fails")
    }
}
