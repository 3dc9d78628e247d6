/// The templates that every client has until it publishes its own of the same key.
enum BuiltInTemplates {
    static let keys = ["reward_participant", "reward_referrer", "welcome"]

    static func content(_ key: String) -> TemplateContent? {
        switch key {
        case "welcome": welcome
        case "reward_referrer": rewardReferrer
        case "reward_participant": rewardParticipant
        default: nil
        }
    }

    private static let greeting =
        #"Hi {{ participant.traits.first_name | default:"there" }},"#

    private static let welcome = TemplateContent(
        subject: #"Welcome to {{ campaign.name | default:"our referral program" }}"#,
        text: """
            \(greeting)

            welcome! It is good to have you with us.{{#if reward.formatted}}

            {{ reward.formatted }} is yours for signing up.{{/if}}{{#if referral.url}}

            Know somebody who would like this too? Share your personal link:

            {{ referral.url }}

            When they join through it, you both benefit.{{/if}}
            """,
        html: layout(
            title: #"Welcome to {{ campaign.name | default:"our referral program" }}"#,
            preview: "Good to have you with us.",
            body: """
                <p style="margin:0 0 16px">\(greeting)</p>
                <p style="margin:0 0 16px">welcome! It is good to have you with us.</p>
                {{#if reward.formatted}}
                \(badge("{{ reward.formatted }}", "is yours for signing up"))
                {{/if}}
                {{#if referral.url}}
                <p style="margin:0 0 24px">Know somebody who would like this too? Share your
                personal link. When they join through it, you both benefit.</p>
                \(button("{{ referral.url }}", "Share your link"))
                <p class="muted" style="margin:24px 0 0;font-size:13px;color:#6b7280;\
                word-break:break-all">Or copy it:<br>{{ referral.url }}</p>
                {{/if}}
                """))

    private static let rewardReferrer = TemplateContent(
        subject: "Thank you: {{ reward.formatted }} for your recommendation",
        text: """
            \(greeting)

            somebody followed your recommendation, and {{ reward.formatted }} is now yours.
            Thank you for spreading the word!{{#if referral.url}}

            Your link works as often as you like:

            {{ referral.url }}{{/if}}
            """,
        html: layout(
            title: "Thank you for your recommendation",
            preview: "{{ reward.formatted }} is now yours.",
            body: """
                <p style="margin:0 0 16px">\(greeting)</p>
                <p style="margin:0 0 24px">somebody followed your recommendation. Thank you for
                spreading the word!</p>
                \(badge("{{ reward.formatted }}", "is now yours"))
                {{#if referral.url}}
                <p style="margin:0 0 24px">Your link works as often as you like.</p>
                \(button("{{ referral.url }}", "Share it again"))
                {{/if}}
                """))

    private static let rewardParticipant = TemplateContent(
        subject: "{{ reward.formatted }} for you",
        text: """
            \(greeting)

            thank you{{#if order.id}} for your order {{ order.id }}{{/if}}! \
            {{ reward.formatted }} is now yours.{{#if referral.url}}

            Friends of yours can have that too. This is your personal link:

            {{ referral.url }}{{/if}}
            """,
        html: layout(
            title: "{{ reward.formatted }} for you",
            preview: "Thank you, {{ reward.formatted }} is now yours.",
            body: """
                <p style="margin:0 0 16px">\(greeting)</p>
                <p style="margin:0 0 24px">thank you{{#if order.id}} for your order
                {{ order.id }}{{/if}}!</p>
                \(badge("{{ reward.formatted }}", "is now yours"))
                {{#if referral.url}}
                <p style="margin:0 0 24px">Friends of yours can have that too. This is your
                personal link.</p>
                \(button("{{ referral.url }}", "Share your link"))
                {{/if}}
                """))

    // MARK: - How they look

    private static func badge(_ amount: String, _ words: String) -> String {
        """
        <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
          style="margin:0 0 24px"><tr><td class="badge" align="center"
          style="padding:20px;background:#f3effa;border-radius:12px">
          <div style="font-size:30px;line-height:36px;font-weight:700;color:#5b2a86">\(amount)</div>
          <div class="muted" style="font-size:14px;color:#6b7280">\(words)</div>
        </td></tr></table>
        """
    }

    private static func button(_ url: String, _ words: String) -> String {
        """
        <table role="presentation" cellpadding="0" cellspacing="0" border="0" align="center">
          <tr><td align="center" bgcolor="#5b2a86" style="border-radius:8px">
          <a href="\(url)" style="display:inline-block;padding:14px 28px;font-size:16px;\
        font-weight:600;color:#ffffff;text-decoration:none;border-radius:8px">\(words)</a>
        </td></tr></table>
        """
    }

    private static func layout(title: String, preview: String, body: String) -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title)</title>
        <style>
          @media (max-width: 620px) { .card { border-radius: 0 !important; } }
          @media (prefers-color-scheme: dark) {
            .page { background: #16121b !important; }
            .card { background: #221c2b !important; color: #f3effa !important; }
            .badge { background: #32283f !important; }
            .badge div:first-child { color: #d8c2f0 !important; }
            .muted { color: #b3a8c0 !important; }
          }
        </style>
        </head>
        <body style="margin:0;padding:0">
        <div style="display:none;max-height:0;overflow:hidden">\(preview)</div>
        <table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0"
          border="0" style="background:#f6f5f8"><tr><td align="center" style="padding:32px 0">
        <table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0"
          border="0" style="max-width:560px;background:#ffffff;border-radius:16px;color:#1f1a24;\
        font-family:-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;\
        font-size:16px;line-height:24px"><tr><td style="padding:40px 32px">
        <h1 style="margin:0 0 24px;font-size:24px;line-height:32px;font-weight:700">\(title)</h1>
        \(body)
        </td></tr></table>
        </td></tr></table>
        </body>
        </html>
        """
    }
}
