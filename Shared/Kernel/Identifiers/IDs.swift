/// The nouns that have ids, and their prefixes (DESIGN §6).
package enum ClientTag: IDTag { package static let prefix = "cli" }
package enum MemberTag: IDTag { package static let prefix = "mem" }
package enum APIKeyTag: IDTag { package static let prefix = "key" }
package enum ProductTag: IDTag { package static let prefix = "prd" }
package enum ParticipantTag: IDTag { package static let prefix = "ptc" }
package enum CampaignTag: IDTag { package static let prefix = "cmp" }
package enum SegmentTag: IDTag { package static let prefix = "seg" }
package enum EventTag: IDTag { package static let prefix = "evt" }
package enum LinkTag: IDTag { package static let prefix = "lnk" }
package enum ClickTag: IDTag { package static let prefix = "clk" }
package enum ConversionTag: IDTag { package static let prefix = "cnv" }
package enum RewardTag: IDTag { package static let prefix = "rwd" }
package enum ClaimTag: IDTag { package static let prefix = "clm" }
package enum GrantTag: IDTag { package static let prefix = "grt" }
package enum AccountTag: IDTag { package static let prefix = "acc" }
package enum TransferTag: IDTag { package static let prefix = "txn" }
package enum PayoutTag: IDTag { package static let prefix = "pay" }
package enum TemplateTag: IDTag { package static let prefix = "tpl" }
package enum NotificationTag: IDTag { package static let prefix = "ntf" }
package enum WebhookTag: IDTag { package static let prefix = "whk" }
package enum RunTag: IDTag { package static let prefix = "run" }
package enum SessionTag: IDTag { package static let prefix = "ses" }

/// A tenant: the company that runs campaigns.
package typealias ClientID = TypeID<ClientTag>
package typealias MemberID = TypeID<MemberTag>
package typealias APIKeyID = TypeID<APIKeyTag>
package typealias ProductID = TypeID<ProductTag>
/// An end user of a client; derived from (client, external id), see `ParticipantID.derived`.
package typealias ParticipantID = TypeID<ParticipantTag>
package typealias CampaignID = TypeID<CampaignTag>
package typealias SegmentID = TypeID<SegmentTag>
package typealias EventID = TypeID<EventTag>
package typealias LinkID = TypeID<LinkTag>
package typealias ClickID = TypeID<ClickTag>
package typealias ConversionID = TypeID<ConversionTag>
package typealias RewardID = TypeID<RewardTag>
package typealias ClaimID = TypeID<ClaimTag>
package typealias GrantID = TypeID<GrantTag>
package typealias AccountID = TypeID<AccountTag>
package typealias TransferID = TypeID<TransferTag>
package typealias PayoutID = TypeID<PayoutTag>
package typealias TemplateID = TypeID<TemplateTag>
package typealias NotificationID = TypeID<NotificationTag>
package typealias WebhookID = TypeID<WebhookTag>
package typealias RunID = TypeID<RunTag>
package typealias SessionID = TypeID<SessionTag>
