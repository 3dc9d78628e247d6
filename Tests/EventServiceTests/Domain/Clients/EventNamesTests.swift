import Contracts
import Testing

@testable import EventService

@Suite struct EventNamesTests {
    @Test(arguments: [
        ("Order Completed", "purchase_completed"), ("order_completed", "purchase_completed"),
        ("Signed Up", "user_signed_up"), ("Order Refunded", "purchase_refunded"),
        ("Product Added", "cart_updated"), ("purchase_completed", "purchase_completed"),
        ("Button Clicked", "button_clicked"), ("  Plan  picked! ", "plan_picked"),
        ("ButtonClicked", "ButtonClicked"), ("shop:order.paid", "shop:order.paid"),
        ("reward.fulfilled", "reward_fulfilled"),
    ])
    func `a name becomes the catalogue's type or a valid form of itself`(
        _ name: String, _ type: String
    ) {
        #expect(EventNames.type(for: name) == type)
    }

    @Test func `names that differ in more than case and punctuation stay apart`() {
        let names = [
            "Заказ A", "Заказ B", "A", "🎉", "🎊", "!!", String(repeating: "long ", count: 30),
            String(repeating: "long ", count: 31),
        ]
        let types = names.map { EventNames.type(for: $0) }
        #expect(Set(types).count == names.count)
        for type in types {
            #expect(EventType.isValid(type) && !ReservedEventTypes.contains(type), "\(type)")
        }
        #expect(EventNames.type(for: "注文 Order Completed") != "purchase_completed")
    }

    @Test func `an amount is read exactly and never rounded up`() {
        #expect(PurchaseFacts.units("25.5", scale: 2) == "2550")
        #expect(PurchaseFacts.units("25.999", scale: 2) == "2599")
        #expect(PurchaseFacts.units("0.07", scale: 2) == "7")
        #expect(PurchaseFacts.units("1200", scale: 0) == "1200")
        #expect(PurchaseFacts.units("1", scale: 18) == "1000000000000000000")
        for text in ["", ".", "1.", ".5", "-1", "1e3", "1,5", "0", "0.001", "12.3.4", "NaN"] {
            #expect(PurchaseFacts.units(text, scale: 2) == nil, "\(text)")
        }
    }
}
