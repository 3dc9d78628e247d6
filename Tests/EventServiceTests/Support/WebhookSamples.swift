/// Bodies as Shopify and Stripe send them, shortened where nothing here looks.
enum ShopifySamples {
    static func order(
        id: String = "820982911946154508", status: String = "paid", total: String = "403.00",
        currency: String = "USD", more: String = ""
    ) -> String {
        """
        {"id":\(id),"admin_graphql_api_id":"gid://shopify/Order/\(id)","app_id":null,
        "browser_ip":null,"cancel_reason":null,"cancelled_at":null,"cart_token":null,
        "checkout_token":"bd5a8aa1ecd019dd3520ff791ee3a24c","confirmed":true,
        "contact_email":"Jon@Example.com","created_at":"2026-11-20T09:59:58-05:00",
        "currency":"\(currency)","current_total_price":"\(total)","discount_codes":[
        {"code":"TENOFF","amount":"10.00","type":"fixed_amount"}],"email":"jon@example.com",
        "financial_status":"\(status)","landing_site":"\\/?utm_source=x&gv_click=\
        clk_01h455vb4pex5vsknk084sn02q&gv_code=BCDF2345","line_items":[
        {"id":866550311766439020,"price":"199.00","product_id":632910392,"quantity":1,
        "sku":"IPOD2008PINK","title":"IPod Nano - 8GB","variant_id":808950810},
        {"id":141249953214522974,"price":"102.00","product_id":null,"quantity":2,"sku":"",
        "title":"Grüße 😀","variant_id":null}],"name":"#9999","note":null,
        "note_attributes":[],"order_number":1234,"presentment_currency":"CAD",
        "processed_at":"2026-11-20T10:00:00-05:00","source_name":"web",
        "subtotal_price":"393.00","test":false,"total_discounts":"10.00",
        "total_price":"\(total)","user_id":null,
        "customer":{"id":115310627314723954,"email":"Jon@example.com ","first_name":"Jon",
        "last_name":"Smith","created_at":null,"verified_email":true,"currency":"USD"}\(more)}
        """
    }

    static let refund = """
        {"id":509562969,"order_id":820982911946154508,"created_at":"2026-11-21T10:00:00-05:00",
        "note":"it broke","user_id":548380009,"processed_at":"2026-11-21T10:00:01-05:00",
        "restock":true,"refund_line_items":[{"id":104689539,"quantity":1,"line_item_id":703073504,
        "subtotal":195.67,"total_tax":3.98}],"transactions":[
        {"id":179259969,"order_id":820982911946154508,"kind":"refund","gateway":"bogus",
        "status":"success","amount":"209.00","currency":"USD"},
        {"id":179259970,"kind":"refund","status":"failure","amount":"1.00","currency":"USD"},
        {"id":179259971,"kind":"refund","status":"success","amount":"0.50","currency":"USD"}],
        "order_adjustments":[]}
        """

    static let customer = """
        {"id":706405506930370084,"email":"bob@biller.com","created_at":"2026-11-21T08:00:00-05:00",
        "updated_at":null,"first_name":"Bob","last_name":"Biller","orders_count":0,
        "state":"disabled","total_spent":"0.00","note":"This customer loves ice cream",
        "verified_email":true,"tags":"","currency":"USD","phone":null,"addresses":[]}
        """

    static let dataRequest = """
        {"shop_id":954889,"shop_domain":"example.myshopify.com","orders_requested":[299938,280263],
        "customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},
        "data_request":{"id":9999}}
        """

    static let customerRedact = """
        {"shop_id":954889,"shop_domain":"example.myshopify.com",
        "customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},
        "orders_to_redact":[299938,280263]}
        """

    static let shopRedact = #"{"shop_id":954889,"shop_domain":"example.myshopify.com"}"#
}

enum StripeSamples {
    static func event(
        _ type: String, _ object: String, id: String = "evt_1NG8Du2eZvKYlo2CUI79vXWy",
        previous: String? = nil, isLive: Bool = true
    ) -> String {
        let before = previous.map { #","previous_attributes":\#($0)"# } ?? ""
        return """
            {"id":"\(id)","object":"event","api_version":"2025-09-30.clover",
            "created":1763715600,"data":{"object":\(object)\(before)},"livemode":\(isLive),
            "pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"\(type)"}
            """
    }

    static func session(
        status: String = "paid", mode: String = "payment", metadata: String = "{}",
        reference: String = "null"
    ) -> String {
        """
        {"id":"cs_live_a11YYufWQzNY63zpQ6QSNRQhkUpVph4WRmzW0zWJO2znZKdVujZ0N0S22u",
        "object":"checkout.session","amount_subtotal":2198,"amount_total":2198,
        "client_reference_id":\(reference),"currency":"usd","customer":"cus_NeZwdNtLEOXuvB",
        "customer_details":{"email":"Jenny@Example.com","name":"Jenny Rosen"},"invoice":null,
        "livemode":true,"metadata":\(metadata),"mode":"\(mode)",
        "payment_intent":"pi_3MtwBwLkdIwHu7ix28a3tqPa","payment_status":"\(status)",
        "status":"complete","subscription":null}
        """
    }

    static func invoice(_ reason: String) -> String {
        """
        {"id":"in_1MtHbELkdIwHu7ixl4OzzPMv","object":"invoice","amount_due":2000,
        "amount_paid":2000,"billing_reason":"\(reason)","currency":"usd",
        "customer":"cus_NeZwdNtLEOXuvB","customer_email":"jenny@example.com","metadata":{},
        "parent":{"type":"subscription_details","subscription_details":{
        "metadata":{"gv_participant":"person-7"},"subscription":"sub_1MowQVLkdIwHu7ixeRlqHVzs"}}}
        """
    }

    static let charge = """
        {"id":"ch_3MmlLrLkdIwHu7ix0snN0B15","object":"charge","amount":1099,
        "amount_refunded":600,"currency":"usd","customer":"cus_NeZwdNtLEOXuvB","metadata":{},
        "billing_details":{"email":null},"payment_intent":"pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "refunded":false,"receipt_email":"jenny@example.com","status":"succeeded"}
        """

    static let dispute = """
        {"id":"du_1MtJUT2eZvKYlo2CNaw2HvEv","object":"dispute","amount":1000,
        "charge":"ch_3MmlLrLkdIwHu7ix0snN0B15","currency":"jpy","evidence":{
        "customer_email_address":null},"metadata":{},"payment_intent":"pi_3MtwBw",
        "reason":"fraudulent","status":"needs_response"}
        """

    static func subscription(
        status: String = "active", price: Int = 2000, quantity: Int = 1
    ) -> String {
        """
        {"id":"sub_1MowQVLkdIwHu7ixeRlqHVzs","object":"subscription","cancel_at_period_end":false,
        "currency":"usd","customer":"cus_Na6dX7aXxi11N4","status":"\(status)",
        "metadata":{"gv_participant":"person-7"},\(items(price, quantity))}
        """
    }

    static func items(_ price: Int, _ quantity: Int = 1) -> String {
        """
        "items":{"object":"list","data":[{"id":"si_Na6dzxczY5fwHx","quantity":\(quantity),
        "price":{"id":"price_1MowQULkdIwHu7ixraBm864M","currency":"usd","product":"prod_Na6d",
        "recurring":{"interval":"month","interval_count":1},"unit_amount":\(price)}}]}
        """
    }
}
