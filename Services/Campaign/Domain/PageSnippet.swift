import Contracts
import Kernel

/// What a client puts into its pages: sends page views and events with the publishable key, and
/// remembers in the page's own storage which referral link brought the visitor.
struct PageSnippet: Sendable {
    /// What stands for the key until the client puts its own there.
    static let keyPlaceholder = "YOUR_PUBLISHABLE_KEY"

    /// The gateway's address as browsers see it.
    let publicURL: String
    let campaignID: CampaignID
    let key: String

    /// The script element. Nothing in it can end the element or the text that it stands in.
    var html: String {
        """
        <script>
        (function (endpoint, key, campaign) {
          var store = null;
          try { store = window.localStorage; } catch (e) {}
          function read(name) { try { return store.getItem(name); } catch (e) { return null; } }
          function keep(name, value) { try { store.setItem(name, value); } catch (e) {} }
          function random() {
            var bytes = crypto.getRandomValues(new Uint8Array(16));
            return Array.from(bytes, function (b) {
              return (b + 256).toString(16).slice(1);
            }).join("");
          }
          var visitor = read("gv_visitor") || random();
          var query = new URLSearchParams(location.search);
          keep("gv_visitor", visitor);
          function touch(name) {
            var value = query.get(name);
            return value && /^[A-Za-z0-9_-]{1,64}$/.test(value) ? value : null;
          }
          var click = touch("gv_click"), code = touch("gv_code"), isVisit = Boolean(click || code);
          if (isVisit) { keep("gv_click", click || ""); keep("gv_code", code || ""); }
          function track(event, properties, more) {
            var referral = {}, click = read("gv_click"), code = read("gv_code");
            if (click) { referral.click_id = click; }
            if (code) { referral.code = code; }
            var body = Object.assign({
              event: event, event_id: random(), occurred_at: new Date().toISOString(),
              anonymous_id: visitor, properties: properties || {}
            }, more);
            if (click || code) { body.referral = referral; }
            return fetch(endpoint, {
              method: "POST", keepalive: true, body: JSON.stringify({ events: [body] }),
              headers: { "Content-Type": "application/json", "Authorization": "Bearer " + key }
            }).catch(function () {});
          }
          function page() {
            var url = location.origin + location.pathname;
            return track("page_viewed", { url: url, title: document.title });
          }
          window.grapevine = { track: track, page: page, campaign_id: campaign };
          if (isVisit) { track("referral_visit", {}, { campaign_id: campaign }); }
          page();
        })(\(Self.literal("\(publicURL)/v1/sdk/events")), \(Self.literal(key)), \
        \(Self.literal(campaignID.description)));
        </script>
        """
    }

    /// A JavaScript string that is harmless inside a script element.
    static func literal(_ text: String) -> String {
        var literal = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": literal += "\\\(scalar)"
            case "<", ">", "&", "'", "\u{2028}", "\u{2029}", "\0"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "\""
    }
}
