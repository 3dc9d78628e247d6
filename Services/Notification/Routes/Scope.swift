/// What a portal credential that has scopes at all must have here.
enum Scope {
    static let templates = "templates"
    /// Messages to people and the suppression list.
    static let notifications = "notifications"
    static let webhooks = "webhooks"
}
