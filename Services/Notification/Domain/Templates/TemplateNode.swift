/// A piece of a template.
indirect enum TemplateNode: Sendable, Hashable {
    /// Stands as it is written.
    case literal(String)
    case value(TemplateValue)
    /// `{{#if path}}…{{else}}…{{/if}}`
    case condition(path: TemplatePath, then: [TemplateNode], otherwise: [TemplateNode])
    /// `{{#each path}}…{{this}}…{{/each}}`
    case each(path: TemplatePath, body: [TemplateNode])
}

/// `{{ path | filter }}`
struct TemplateValue: Sendable, Hashable {
    let path: TemplatePath
    let filters: [TemplateFilter]
    /// How it must be written where it stands.
    let encoding: ValueEncoding
}

/// Where a value comes from: `referral.url`, or `this.name` inside `each`.
struct TemplatePath: Sendable, Hashable {
    let names: [String]

    var text: String { names.joined(separator: ".") }
}

enum TemplateFilter: Sendable, Hashable {
    /// Stands in for a value that is missing or empty.
    case defaultText(String)
    case upper
    case lower
}

/// What a value's characters must become so that they mean nothing but themselves.
enum ValueEncoding: Sendable, Hashable {
    /// A line of a mail's header: no line break, no control character.
    case header
    case plain
    case htmlText
    case htmlAttribute
    /// The beginning of a URL in an attribute: the value brings the scheme, which is checked.
    case url(allowsMail: Bool)
    /// A part of a URL after its host.
    case urlPart
}
