import Kernel

/// The three texts of one version of a template, as their author wrote them.
struct TemplateContent: Sendable, Hashable, Codable {
    let subject: String
    let text: String
    /// Nil for a message in plain text only.
    let html: String?
}

/// One of the texts of a template.
enum TemplatePart: String, Sendable, Hashable, CaseIterable {
    case subject, text, html

    /// The longest source, in bytes.
    var sourceLimitBytes: Int { self == .subject ? 1000 : 64 * 1024 }
    /// The longest rendered text, in bytes.
    var outputLimitBytes: Int { self == .subject ? 1000 : 256 * 1024 }
}

/// Why a text is no template, and where.
struct TemplateFault: Error, Sendable, Hashable {
    let part: TemplatePart
    /// A stable slug (`unknown_filter`).
    let code: String
    let line: Int
    let column: Int
    /// What to change, as a sentence.
    let detail: String

    var fieldError: Problem.FieldError {
        Problem.FieldError(
            pointer: "/\(part.rawValue)", code: code,
            detail: "Line \(line), column \(column): \(detail)")
    }
}

/// A template that was read and found sound: rendering it can fail only for its variables.
struct CompiledTemplate: Sendable {
    private let subject: [TemplateNode]
    private let text: [TemplateNode]
    private let html: [TemplateNode]?

    /// Throws the first fault.
    init(_ content: TemplateContent) throws(TemplateFault) {
        subject = try TemplateParser.parse(content.subject, .subject)
        text = try TemplateParser.parse(content.text, .text)
        var html: [TemplateNode]?
        if let source = content.html { html = try TemplateParser.parse(source, .html) }
        self.html = html
    }

    /// Every part's first fault; empty for a sound template.
    static func faults(of content: TemplateContent) -> [TemplateFault] {
        var faults: [TemplateFault] = []
        for (part, source) in [
            (TemplatePart.subject, Optional(content.subject)), (.text, content.text),
            (.html, content.html),
        ] {
            guard let source else { continue }
            do throws(TemplateFault) {
                _ = try TemplateParser.parse(source, part)
            } catch { faults.append(error) }
        }
        return faults
    }

    /// The message for these variables.
    func render(_ variables: JSONValue) throws(RenderFailure) -> RenderedMessage {
        let subject = try TemplateRenderer.render(subject, .subject, variables)
        var html: String?
        if let nodes = self.html { html = try TemplateRenderer.render(nodes, .html, variables) }
        let words = subject.split(separator: " ").joined(separator: " ")
        guard !words.isEmpty else { throw .emptySubject }
        return RenderedMessage(
            subject: words, text: try TemplateRenderer.render(text, .text, variables), html: html)
    }
}

/// What is sent, before it becomes mail.
struct RenderedMessage: Sendable, Hashable, Codable {
    let subject: String
    let text: String
    let html: String?
}
